/* launch.h: exit codes, finding a command, signals around a command. */
#include "launch.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/stat.h>

#include "scope.h"
#include "tap.h"

/* For what comes at once. */
enum { DEADLINE_MS = 60000 };

static void test_exit_codes(void)
{
	static const struct {
		const char *name;
		struct launch_end end;
		int code;
	} CASES[] = {
		{"success", {0, W_EXITCODE(0, 0)}, 0},
		{"its own status", {0, W_EXITCODE(42, 0)}, 42},
		{"255", {0, W_EXITCODE(255, 0)}, 255},
		{"SIGTERM", {0, W_EXITCODE(0, SIGTERM)}, 143},
		{"SIGSYS with a core", {0, W_EXITCODE(0, SIGSYS) | WCOREFLAG}, 159},
		{"not found", {ENOENT, 0}, 127},
		{"not executable", {EACCES, 0}, 126},
		{"no program", {ENOEXEC, 0}, 126},
		{"a path through a file", {ENOTDIR, 0}, 126},
		{"not executed, whatever the status", {ENOENT, W_EXITCODE(3, 0)}, 127},
		{"no end at all", {0, W_STOPCODE(SIGTSTP)}, 125},
	};

	for (size_t i = 0; i < ARRAY_LEN(CASES); i++)
		ok(launch_exit_code(&CASES[i].end) == CASES[i].code, "exit code: %s",
			CASES[i].name);
}

static void make_file(const char *path, mode_t mode)
{
	scoped_fd int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	if (fd < 0 || fchmod(fd, mode))
		ok(false, "%s can be made: %m", path);
}

/* In the current directory, a scratch one: */
static void make_tree(void)
{
	mkdir("first", 0755);
	mkdir("second", 0755);
	mkdir("second/folder", 0755);
	make_file("first/both", 0644);
	make_file("second/both", 0755);
	make_file("second/plain", 0644);
	make_file("second/tool", 0755);
	make_file("here", 0755);
	make_file("first/folder", 0755);
}

static void remove_tree(void)
{
	static const char *const MADE[] = {"first/both", "second/both", "second/plain",
		"second/tool", "here", "first/folder", "second/folder", "second", "first"};

	for (size_t i = 0; i < ARRAY_LEN(MADE); i++)
		remove(MADE[i]);
}

static void set_path(const char *search)
{
	if (search)
		setenv("PATH", search, 1);
	else
		unsetenv("PATH");
}

static void test_found(void)
{
	static const struct {
		const char *name, *path, *command, *found;
	} CASES[] = {
		{"along PATH", "first:second", "tool", "second/tool"},
		{"past one that may not be executed", "first:second", "both", "second/both"},
		{"past a directory of the name", "second:first", "folder", "first/folder"},
		{"the first that may be executed", "second:first", "both", "second/both"},
		{"an empty element is here", "first::second", "here", "here"},
		{"a colon at the end is here", "first:", "here", "here"},
		{"a colon at the start is here", ":first", "here", "here"},
		{"an empty PATH is here", "", "here", "here"},
		{"past a directory that is not there", "nowhere:second", "tool", "second/tool"},
		{"past a file in PATH", "here:second", "tool", "second/tool"},
		{"with a slash, without PATH", "nowhere", "second/tool", "second/tool"},
		{"without PATH the system's", NULL, "sh", "/bin/sh"},
	};

	for (size_t i = 0; i < ARRAY_LEN(CASES); i++) {
		scoped_free char *path = NULL;
		struct err e = {0};

		set_path(CASES[i].path);
		ok(launch_find(CASES[i].command, &path, &e) == 0, "found: %s", CASES[i].name);
		is_text(path, CASES[i].found, "found: %s: the path", CASES[i].name);
	}
}

static void test_not_found(void)
{
	static const struct {
		const char *name, *path, *command;
		int error;
		const char *text;
	} CASES[] = {
		{"here, which PATH does not name", "first:second", "here", ENOENT,
			"here: command not found"},
		{"nowhere", "first:second", "nothing", ENOENT, "nothing: command not found"},
		{"only one that may not be executed", "first:second", "plain", EACCES,
			"plain: permission denied: no file that you may execute; look at ls -ld"},
		{"with a slash PATH does not count", "second", "first/both", EACCES,
			"first/both: permission denied: no file that you may execute; look at ls "
			"-ld"},
		{"with a slash, missing", "second", "./tool", ENOENT, "./tool: command not found"},
		{"a directory", "second", "./second", EACCES,
			"./second: permission denied: no file that you may execute; look at ls "
			"-ld"},
		{"through a file", "second", "here/tool", ENOTDIR, "here/tool: Not a directory"},
		{"no name", "second", "", ENOENT, ": command not found"},
	};

	for (size_t i = 0; i < ARRAY_LEN(CASES); i++) {
		char *path = NULL;
		struct err e = {0};
		int status;

		set_path(CASES[i].path);
		status = launch_find(CASES[i].command, &path, &e);
		ok(status == -CASES[i].error && !path, "not found: %s", CASES[i].name);
		is_text(e.text, CASES[i].text, "not found: %s: the error", CASES[i].name);
	}
}

static void test_find_in_tree(void)
{
	char dir[] = "/tmp/sysclamp-launch.XXXXXX";
	const char *search = getenv("PATH");
	scoped_free char *kept = search ? strdup(search) : NULL;

	if (!mkdtemp(dir) || chdir(dir)) {
		ok(false, "a scratch directory can be made: %m");
		return;
	}
	make_tree();
	test_found();
	test_not_found();
	remove_tree();
	if (chdir("/") || rmdir(dir))
		ok(false, "the scratch directory can be removed: %m");
	if (kept)
		setenv("PATH", kept, 1);
}

static bool is_blocked(int sig)
{
	sigset_t now;

	sigprocmask(SIG_BLOCK, NULL, &now);
	return sigismember(&now, sig) == 1;
}

static void *handler_of(int sig)
{
	struct sigaction act;

	sigaction(sig, NULL, &act);
	return (void *)act.sa_handler;
}

static void test_hold_and_restore(void)
{
	struct err e = {0};

	signal(SIGCHLD, SIG_IGN);
	ok(launch_hold_signals(&e) == 0, "signals can be held");
	ok(is_blocked(SIGTERM) && is_blocked(SIGCHLD), "held signals are blocked");
	ok(handler_of(SIGCHLD) == (void *)SIG_DFL, "ended children wait while signals are held");
	ok(launch_hold_signals(&e) == -EBUSY, "signals cannot be held twice");
	is_text(e.text, "another command is being waited for", "and that is said");
	launch_restore_signals();
	ok(!is_blocked(SIGTERM) && !is_blocked(SIGCHLD), "restored signals are not blocked");
	ok(handler_of(SIGCHLD) == (void *)SIG_IGN, "SIGCHLD is ignored again as before");
	launch_restore_signals();
	ok(launch_hold_signals(&e) == 0, "restoring twice does no harm");
	launch_restore_signals();
	signal(SIGCHLD, SIG_DFL);
}

/*
 * A command that tells which signals it gets: a byte each into a pipe, the signal's number.  The
 * byte 0 says that it is ready.
 */
struct command {
	pid_t pid;
	int read_fd;
};

/* As the first thing of a command: all signals wait, and it does not outlive a test that fails. */
static void begin_command(void)
{
	sigset_t all;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, NULL);
}

static void tell_signals(int fd)
{
	unsigned char byte = 0;
	sigset_t all;
	int sig;

	begin_command();
	sigfillset(&all);
	while (write(fd, &byte, 1) == 1 && !sigwait(&all, &sig))
		byte = (unsigned char)sig;
	_exit(1);
}

/* The next byte, or -1 if none comes. */
static int next_signal(int fd)
{
	struct pollfd readable = {.fd = fd, .events = POLLIN};
	unsigned char byte;
	int ready;

	do
		ready = poll(&readable, 1, DEADLINE_MS);
	while (ready < 0 && errno == EINTR);
	return ready == 1 && read(fd, &byte, 1) == 1 ? byte : -1;
}

static struct command start_command(void)
{
	struct command command = {.pid = -1, .read_fd = -1};
	struct err e = {0};
	int fds[2];

	if (pipe2(fds, O_CLOEXEC) || launch_hold_signals(&e))
		return command;
	command.pid = fork();
	if (command.pid == 0)
		tell_signals(fds[1]);
	close(fds[1]);
	command.read_fd = fds[0];
	ok(next_signal(command.read_fd) == 0, "a command is ready");
	ok(launch_forward_signals(command.pid, &e) == 0, "forwarding to it begins");
	return command;
}

static void end_command(const struct command *command)
{
	int status = 0;

	kill(command->pid, SIGKILL);
	ok(waitpid(command->pid, &status, 0) == command->pid && WTERMSIG(status) == SIGKILL,
		"the command's end can be waited for");
	launch_restore_signals();
	close(command->read_fd);
}

static void test_forward(void)
{
	static const int SIGNALS[] = {SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGUSR1, SIGUSR2, SIGWINCH,
		SIGTSTP, SIGTTIN, SIGTTOU};
	struct command command;
	struct err e = {0};
	sigset_t term;

	/* A caller that was started with a signal blocked forwards it all the same. */
	sigemptyset(&term);
	sigaddset(&term, SIGTERM);
	sigprocmask(SIG_BLOCK, &term, NULL);
	command = start_command();
	for (size_t i = 0; i < ARRAY_LEN(SIGNALS); i++) {
		kill(getpid(), SIGNALS[i]);
		ok(next_signal(command.read_fd) == SIGNALS[i],
			"%s sent to the caller reaches the command", strsignal(SIGNALS[i]));
	}
	ok(launch_forward_signals(command.pid, &e) == -EBUSY, "one command at a time");
	end_command(&command);
	ok(is_blocked(SIGTERM), "a signal that the caller had blocked is blocked again");
	ok(handler_of(SIGTERM) == (void *)SIG_DFL && handler_of(SIGTTOU) == (void *)SIG_DFL,
		"the signals do again what they did");
	sigprocmask(SIG_UNBLOCK, &term, NULL);
}

/* A command that signals its parent, and then looks what it has got itself. */
static void signal_parent(int fd)
{
	unsigned char byte = 0;
	sigset_t asked, pending;
	int sig;

	begin_command();
	kill(getppid(), SIGTERM);
	if (write(fd, &byte, 1) != 1)
		_exit(2);
	sigemptyset(&asked);
	sigaddset(&asked, SIGUSR1);
	sigwait(&asked, &sig);
	sigpending(&pending);
	_exit(sigismember(&pending, SIGTERM));
}

static void test_no_echo(void)
{
	struct err e = {0};
	int status = -1;
	int fds[2];
	pid_t pid;

	if (pipe2(fds, O_CLOEXEC) || launch_hold_signals(&e))
		return;
	pid = fork();
	if (pid == 0)
		signal_parent(fds[1]);
	launch_forward_signals(pid, &e);
	/* The byte comes after the signal: when it is here, the handler has run. */
	ok(next_signal(fds[0]) == 0, "a command signals its parent, which is not ended by it");
	kill(pid, SIGUSR1);
	waitpid(pid, &status, 0);
	launch_restore_signals();
	ok(status == 0, "nor is the signal sent back to the command (%x)", status);
	close(fds[0]);
	close(fds[1]);
}

/* What a caller may have a handler for; SIGHUP is ignored. */
static const int HANDLED[] = {SIGINT, SIGQUIT, SIGTERM, SIGUSR1, SIGUSR2, SIGWINCH, SIGTSTP,
	SIGTTIN, SIGTTOU, SIGALRM, SIGCONT, SIGABRT, SIGBUS, SIGFPE, SIGILL, SIGSEGV, SIGTRAP};

/* Whether a child made with the calls of launch.h has what its caller had. */
static void check_child(void)
{
	bool same = is_blocked(SIGUSR1) && !is_blocked(SIGTERM) &&
		    handler_of(SIGCHLD) == (void *)SIG_IGN && handler_of(SIGHUP) == (void *)SIG_IGN;

	for (size_t i = 0; i < ARRAY_LEN(HANDLED); i++)
		same &= handler_of(HANDLED[i]) == (void *)SIG_DFL;
	_exit(same ? 0 : 1);
}

static void handle_nothing(int sig)
{
	(void)sig;
}

static void child_of_caller(void *arg)
{
	struct err e = {0};
	sigset_t usr1;
	int status = 0;
	pid_t pid;

	(void)arg;
	sigemptyset(&usr1);
	sigaddset(&usr1, SIGUSR1);
	sigprocmask(SIG_SETMASK, &usr1, NULL);
	signal(SIGCHLD, SIG_IGN);
	signal(SIGHUP, SIG_IGN);
	for (size_t i = 0; i < ARRAY_LEN(HANDLED); i++)
		signal(HANDLED[i], handle_nothing);
	launch_hold_signals(&e);
	pid = fork();
	if (pid == 0) {
		launch_child_signals();
		check_child();
	}
	launch_forward_signals(pid, &e);
	/* With SIGCHLD ignored this would fail with ECHILD. */
	if (waitpid(pid, &status, 0) != pid)
		_exit(2);
	_exit(WEXITSTATUS(status));
}

static void test_child_signals(void)
{
	int status = tap_child(child_of_caller, NULL);

	ok(status == 0,
		"a child has the caller's mask and ignored signals, no handlers, and its status "
		"arrives (%x)",
		status);
}

int main(void)
{
	test_exit_codes();
	test_find_in_tree();
	test_hold_and_restore();
	test_forward();
	test_no_echo();
	test_child_signals();
	return tap_done();
}
