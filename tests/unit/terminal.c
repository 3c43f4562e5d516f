/*
 * terminal.c, terminal_relay.c: a command on a terminal of its own, with the launcher in between.
 * Each test has a launcher as a child of its own, which has the command as one.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pty.h>
#include <sched.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <termios.h>

#include "scope.h"
#include "tap.h"
#include "terminal.h"

enum { WAIT_MS = 60 * 1000, TEXT_MAX = 1 << 16, OWN_FAILURE = 99 };

/* What a launcher is asked to run. */
struct setting {
	const char *script; /* of sh */
	struct cage cage;
	bool no_devpts, linked_console;
};

static void die(const char *what)
{
	perror(what);
	_exit(OWN_FAILURE);
}

/* A private /dev with a devpts. */
static void make_dev(const struct setting *setting)
{
	if (unshare(CLONE_NEWNS) || mount("", "/", NULL, MS_REC | MS_PRIVATE, NULL))
		die("mount namespace");
	if (mount("tmpfs", "/dev", "tmpfs", MS_NOSUID, "mode=755"))
		die("/dev");
	if (mknod("/dev/tty", S_IFCHR | 0666, makedev(5, 0)) ||
		mknod("/dev/null", S_IFCHR | 0666, makedev(1, 3)) || chmod("/dev/tty", 0666) ||
		chmod("/dev/null", 0666) || mkdir("/dev/pts", 0755))
		die("/dev/...");
	if (!setting->no_devpts && mount("devpts", "/dev/pts", "devpts", MS_NOSUID | MS_NOEXEC,
					   "newinstance,ptmxmode=0666,mode=0620"))
		die("devpts");
	if (setting->linked_console && symlink("/dev/null", "/dev/console"))
		die("console");
}

static void be_command(struct terminal *terminal, const struct setting *setting)
{
	struct err e;
	sigset_t none;

	make_dev(setting);
	if (terminal_inside(terminal, &setting->cage, &e)) {
		dprintf(STDERR_FILENO, "inside: %s\n", e.text);
		_exit(OWN_FAILURE);
	}
	for (int sig = 1; sig < NSIG; sig++)
		(void)signal(sig, SIG_DFL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	if (setting->cage.user.set && setuid(setting->cage.user.uid))
		die("setuid");
	execl("/bin/sh", "sh", "-c", setting->script, NULL);
	die("sh");
}

/* A launcher, whose status is that of the command: 128 + n for a signal. */
static void be_launcher(const struct setting *setting)
{
	struct terminal terminal;
	struct err e;
	int status;
	pid_t pid;

	if (terminal_open(&terminal, &e))
		die(e.text);
	pid = fork();
	if (pid == 0)
		be_command(&terminal, setting);
	if (terminal_wait(&terminal, pid, &status, &e))
		die(e.text);
	terminal_close(&terminal);
	_exit(WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status));
}

/* Without a terminal outside. */

struct piped {
	pid_t launcher;
	int in, out; /* of ours */
};

static struct piped start_piped(const struct setting *setting)
{
	int in[2], out[2];
	pid_t pid;

	if (pipe2(in, O_CLOEXEC) || pipe2(out, O_CLOEXEC))
		die("pipe");
	fflush(stdout);
	pid = fork();
	if (pid == 0) {
		dup2(in[0], STDIN_FILENO);
		dup2(out[1], STDOUT_FILENO);
		dup2(out[1], STDERR_FILENO);
		close(in[1]);
		close(out[0]);
		be_launcher(setting);
	}
	close(in[0]);
	close(out[1]);
	return (struct piped){.launcher = pid, .in = in[1], .out = out[0]};
}

/* Everything up to the end, without the carriage returns; @text has room for TEXT_MAX. */
static size_t read_all(int fd, char *text)
{
	size_t used = 0, kept = 0;
	ssize_t n;

	while (used < TEXT_MAX - 1 && (n = read(fd, text + used, TEXT_MAX - 1 - used)) > 0)
		used += (size_t)n;
	for (size_t i = 0; i < used; i++) {
		if (text[i] != '\r')
			text[kept++] = text[i];
	}
	text[kept] = '\0';
	return kept;
}

static int status_of(pid_t pid)
{
	int status;

	waitpid(pid, &status, 0);
	return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

/* The output of a command that gets @input. */
static const char *output(const struct setting *setting, const char *input, int *out_status)
{
	static char text[TEXT_MAX];
	struct piped piped = start_piped(setting);

	signal(SIGPIPE, SIG_IGN);
	(void)!write(piped.in, input, strlen(input));
	close(piped.in);
	read_all(piped.out, text);
	close(piped.out);
	*out_status = status_of(piped.launcher);
	return text;
}

static void check_piped(void)
{
	int status;

	is_text(output(&(struct setting){.script = "tty; stty size; test -t 0 -a -t 1 -a -t 2; "
						   "exit $(($? + 7))"},
			"", &status),
		"/dev/pts/0\n24 80\n", "a terminal of 24 lines and 80 columns");
	ok(status == 7, "the command's own status: %d", status);
	is_text(output(&(struct setting){.script = "stty size", .cage = {.rows = 5, .columns = 7}},
			"", &status),
		"5 7\n", "of the size that is asked for");
	is_text(output(&(struct setting){.script = "wc -l"}, "one\ntwo\n", &status),
		"one\ntwo\n2\n", "input is typed, and its end ends the command's");
	is_text(output(&(struct setting){.script = "wc -c"}, "no newline", &status),
		"no newline10\n", "also behind a line that has not ended");
	output(&(struct setting){.script = "kill -TERM $$"}, "", &status);
	ok(status == 128 + SIGTERM, "killed by a signal: %d", status);
	is_text(output(&(struct setting){.script = "[ $(ps -o sid= -p $$) = $$ ] && "
						   "[ $(ps -o tpgid= -p $$) = $$ ] && echo leads"},
			"", &status),
		"leads\n", "it leads a session and is in the terminal's foreground");
}

/* All that was printed arrives, however soon the command ends. */
static void check_all_arrives(void)
{
	enum { TIMES = 30, LINES = 5000 };
	unsigned complete = 0;
	char want[32];
	int status;

	snprintf(want, sizeof(want), "\n%d\n", LINES);
	for (int i = 0; i < TIMES; i++) {
		const char *text = output(
			&(struct setting){.script = "exec seq 1 5000"}, "", &status);
		size_t len = strlen(text);

		complete += len == 23893 && !strcmp(text + len - strlen(want), want);
	}
	ok(complete == TIMES, "%u of %d times all of the output", complete, TIMES);
}

/* The terminal is closed by all that had it open, and opened again. */
static void check_reopened(void)
{
	int status;

	is_text(output(
			&(struct setting){
				.script =
					"echo a; exec </dev/null >/dev/null 2>&1; sh -c "
					"'(echo b; exec sleep 0.05) >/dev/null'; echo c >/dev/tty"},
			"", &status),
		"a\nc\n", "what is printed after all of it was closed");
}

static void check_inside(void)
{
	const struct cage root = {.root = {.path = "/"}};
	struct cage user = {.user = {.set = true, .uid = 1234}};
	struct setting setting = {.script = "stat -c %t:%T /dev/console $(tty) | uniq | wc -l; "
					    "echo console >/dev/console",
		.cage = root};
	int status;

	is_text(output(&setting, "", &status), "1\nconsole\n", "it is /dev/console as well");
	setting.linked_console = true;
	is_text(output(&setting, "", &status),
		"inside: a terminal: /dev/console: Too many levels of symbolic links\n",
		"a link there is not followed");
	ok(status == OWN_FAILURE, "and nothing is run");
	is_text(output(&(struct setting){.script = "id", .no_devpts = true}, "", &status),
		"inside: a terminal: no devpts is mounted on /dev/pts; mount one, or ask for no "
		"terminal\n",
		"without a devpts");
	is_text(output(&(struct setting){.script = "stat -c %u $(tty)", .cage = user}, "", &status),
		"1234\n", "it belongs to the user");
}

/* Nobody reads any more: the command's terminal is hung up. */
static void check_broken_output(void)
{
	struct piped piped = start_piped(&(struct setting){.script = "while echo y; do :; done"});
	char byte;

	ok(read(piped.out, &byte, 1) == 1, "it prints");
	close(piped.out);
	ok(status_of(piped.launcher) == 128 + SIGHUP, "it gets SIGHUP when nobody reads");
	close(piped.in);
}

/* With a terminal outside. */

struct screen {
	pid_t launcher;
	int master;
	char text[TEXT_MAX];
	size_t used, seen;
};

static void start_on_terminal(struct screen *screen, const struct setting *setting)
{
	struct winsize size = {.ws_row = 33, .ws_col = 99};

	*screen = (struct screen){0};
	fflush(stdout);
	screen->launcher = forkpty(&screen->master, NULL, NULL, &size);
	if (screen->launcher < 0)
		die("forkpty");
	if (screen->launcher == 0)
		be_launcher(setting);
}

/* Wait until it is printed. */
static bool expect(struct screen *screen, const char *text)
{
	char *found;

	for (;;) {
		struct pollfd master = {.fd = screen->master, .events = POLLIN};
		ssize_t n;

		found = strstr(screen->text + screen->seen, text);
		if (found) {
			screen->seen = (size_t)(found - screen->text) + strlen(text);
			return true;
		}
		if (poll(&master, 1, WAIT_MS) != 1)
			return false;
		n = read(screen->master, screen->text + screen->used, TEXT_MAX - 1 - screen->used);
		if (n <= 0)
			return false;
		screen->used += (size_t)n;
	}
}

static bool is_raw(const struct screen *screen)
{
	struct termios settings;

	tcgetattr(screen->master, &settings);
	return !(settings.c_lflag & (ICANON | ECHO | ISIG)) && !(settings.c_oflag & OPOST);
}

static void type(const struct screen *screen, const char *text)
{
	(void)!write(screen->master, text, strlen(text));
}

static void check_terminal(void)
{
	static struct screen screen;
	struct winsize larger = {.ws_row = 40, .ws_col = 120};

	start_on_terminal(&screen,
		/* A trap ends dash's read. */
		&(struct setting){
			.script = "stty size; trap 'echo interrupted' INT; trap 'stty size; echo "
				  "resized' WINCH; echo ready; while [ \"$x\" != quit ]; do read x "
				  "&& "
				  "echo got $x; done; echo end"});
	ok(expect(&screen, "33 99\r\n"), "the caller's size");
	ok(expect(&screen, "ready\r\n"), "it runs");
	ok(is_raw(&screen), "the caller's terminal is raw");
	type(&screen, "hello\r");
	ok(expect(&screen, "hello\r\ngot hello\r\n"), "typed once, echoed once");
	ioctl(screen.master, TIOCSWINSZ, &larger);
	ok(expect(&screen, "40 120\r\nresized"), "a change of size is passed on");
	type(&screen, "\3");
	ok(expect(&screen, "interrupted"), "^C interrupts inside");
	type(&screen, "more\r");
	ok(expect(&screen, "got more\r\n"), "and it goes on");
	type(&screen, "quit\r");
	ok(expect(&screen, "end\r\n"), "to its end");
	ok(status_of(screen.launcher) == 0 && !is_raw(&screen), "the terminal is as it was");
	close(screen.master);
}

/* Signals that end the launcher: of its user, and of itself. */
static void check_ended_launcher(void)
{
	static const int signals[] = {SIGTERM, SIGHUP, SIGALRM, SIGXCPU, SIGABRT,
#ifndef __SANITIZE_ADDRESS__ /* which has a handler of its own */
		SIGSEGV
#endif
	};
	static struct screen screen;

	for (size_t i = 0; i < ARRAY_LEN(signals); i++) {
		start_on_terminal(&screen, &(struct setting){.script = "echo ready; read x"});
		ok(expect(&screen, "ready") && is_raw(&screen), "it runs");
		kill(screen.launcher, signals[i]);
		ok(status_of(screen.launcher) >= 1 && !is_raw(&screen),
			"the terminal is as it was after SIG%s", sigabbrev_np(signals[i]));
		close(screen.master);
	}
}

int main(void)
{
	if (geteuid() != 0) {
		tap_skip("root", "terminals", "a /dev of one's own needs root here");
		return tap_done();
	}
	check_piped();
	check_all_arrives();
	check_reopened();
	check_inside();
	check_broken_output();
	check_terminal();
	check_ended_launcher();
	return tap_done();
}
