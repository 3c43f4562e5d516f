/*
 * terminal_relay.c: the launcher's side of a terminal: between the caller's standard input and
 * output and the master, until the command has ended.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include "scope.h"
#include "terminal.h"
#include "terminal_master.h"
#include "terminal_mode.h"

/* What was read and not written yet. */
struct stretch {
	/* What a pipe takes without blocking once it is writable (PIPE_BUF: pipe(7)). */
	char bytes[4096];
	size_t used;
};

enum {
	EOF_CHARS = 2,
	/* More than a terminal holds (TTYB_DEFAULT_MEM_LIMIT of drivers/tty/tty_buffer.c). */
	DRAIN_MAX = 1024 * 1024,
};

struct relay {
	struct terminal *terminal;
	int command; /* a descriptor of the process */
	int master; /* -1: not there yet, or hung up */
	/*
	 * The other end, held open: a command that closes all of it, and opens /dev/tty later,
	 * does not make the master report an end in between.
	 */
	int peer;
	bool reads_input; /* standard input has not ended */
	bool foreground; /* it may be read */
	char last_typed;
	struct stretch typed, printed;
	struct mode_signals signals;
};

/* Who is polled, in this order. */
enum { POLL_SOCKET, POLL_COMMAND, POLL_INPUT, POLL_OUTPUT, POLL_MASTER, POLL_COUNT };

static void close_fd(int *fd)
{
	if (*fd >= 0)
		(void)close(*fd);
	*fd = -1;
}

/* As when a terminal window is closed: SIGHUP to the command. */
static void hang_up(struct relay *relay)
{
	close_fd(&relay->peer);
	close_fd(&relay->master);
	relay->typed.used = 0;
}

/* Nobody is there to read. */
static void drop_output(struct relay *relay)
{
	relay->printed.used = 0;
	hang_up(relay);
}

/* The caller's size, if it has changed. */
static void pass_size(struct relay *relay)
{
	struct winsize size;

	if (relay->master < 0 || ioctl(STDIN_FILENO, TIOCGWINSZ, &size))
		return;
	if (size.ws_row == relay->terminal->rows && size.ws_col == relay->terminal->columns)
		return;
	(void)ioctl(relay->master, TIOCSWINSZ, &size);
	relay->terminal->rows = size.ws_row;
	relay->terminal->columns = size.ws_col;
}

static void take_master(struct relay *relay)
{
	relay->master = master_receive(relay->terminal->outer);
	close_fd(&relay->terminal->outer);
	if (relay->master < 0)
		return;
	relay->peer = master_peer(relay->master);
	(void)fcntl(relay->master, F_SETFL, O_RDWR | O_NONBLOCK);
	pass_size(relay);
}

/* A signal: the size may be another one, and so may who the terminal belongs to. */
static void look_around(struct relay *relay)
{
	relay->foreground = mode_enter();
	pass_size(relay);
}

static bool is_transient(int error)
{
	return error == EAGAIN || error == EINTR;
}

/* Read once, as much as there is room for.  Returns bytes, 0 at the end, -1: nothing now. */
static ssize_t stretch_fill(struct stretch *stretch, int fd)
{
	ssize_t n = read(
		fd, stretch->bytes + stretch->used, sizeof(stretch->bytes) - stretch->used);

	if (n > 0)
		stretch->used += (size_t)n;
	if (n < 0)
		return is_transient(errno) ? -1 : 0;
	return n;
}

/* Write once.  Returns false if that is not possible any more. */
static bool stretch_empty(struct stretch *stretch, int fd)
{
	ssize_t n = write(fd, stretch->bytes, stretch->used);

	if (n < 0)
		return is_transient(errno);
	stretch->used -= (size_t)n;
	memmove(stretch->bytes, stretch->bytes + n, stretch->used);
	return true;
}

static bool has_room(const struct stretch *stretch)
{
	return stretch->used + EOF_CHARS < sizeof(stretch->bytes);
}

/* The input has ended: who reads lines is told so. */
static void type_end(struct relay *relay)
{
	struct termios settings;

	relay->reads_input = false;
	if (relay->master < 0 || tcgetattr(relay->master, &settings) ||
		!(settings.c_lflag & ICANON))
		return;
	for (int i = relay->last_typed == '\n' ? 1 : 0; i < EOF_CHARS; i++)
		relay->typed.bytes[relay->typed.used++] = (char)settings.c_cc[VEOF];
}

/* The terminal may have become another job's meanwhile: to read from it would stop the caller. */
static void read_input(struct relay *relay)
{
	ssize_t n;

	relay->foreground = mode_enter();
	if (!relay->foreground)
		return;
	n = stretch_fill(&relay->typed, STDIN_FILENO);
	if (n > 0)
		relay->last_typed = relay->typed.bytes[relay->typed.used - 1];
	if (n == 0)
		type_end(relay);
}

static void serve_master(struct relay *relay, short events)
{
	if ((events & POLLOUT) && relay->typed.used && !stretch_empty(&relay->typed, relay->master))
		relay->typed.used = 0;
	if ((events & (POLLIN | POLLHUP | POLLERR)) && has_room(&relay->printed) &&
		stretch_fill(&relay->printed, relay->master) == 0)
		hang_up(relay);
}

static short wanted_of_master(const struct relay *relay)
{
	return (short)((has_room(&relay->printed) ? POLLIN : 0) |
		       (relay->typed.used ? POLLOUT : 0));
}

static struct pollfd polled(bool wanted, int fd, short events)
{
	return (struct pollfd){.fd = wanted ? fd : -1, .events = events};
}

static void fill_polled(const struct relay *relay, struct pollfd fds[POLL_COUNT])
{
	bool reads = relay->reads_input && relay->foreground && relay->master >= 0 &&
		     has_room(&relay->typed);

	fds[POLL_SOCKET] = polled(true, relay->terminal->outer, POLLIN);
	fds[POLL_COMMAND] = polled(true, relay->command, POLLIN);
	fds[POLL_INPUT] = polled(reads, STDIN_FILENO, POLLIN);
	fds[POLL_OUTPUT] = polled(relay->printed.used > 0, STDOUT_FILENO, POLLOUT);
	fds[POLL_MASTER] = polled(
		wanted_of_master(relay) != 0, relay->master, wanted_of_master(relay));
}

static void serve(struct relay *relay, const struct pollfd fds[POLL_COUNT])
{
	if (fds[POLL_OUTPUT].revents && !stretch_empty(&relay->printed, STDOUT_FILENO))
		drop_output(relay);
	if (fds[POLL_MASTER].revents && relay->master >= 0)
		serve_master(relay, fds[POLL_MASTER].revents);
	if (fds[POLL_INPUT].revents && relay->master >= 0)
		read_input(relay);
	if (fds[POLL_SOCKET].revents)
		take_master(relay);
}

/* Until the command has ended. */
static int relay_run(struct relay *relay, struct err *e)
{
	struct pollfd fds[POLL_COUNT] = {0};

	look_around(relay);
	while (!fds[POLL_COMMAND].revents) {
		fill_polled(relay, fds);
		if (ppoll(fds, POLL_COUNT, NULL, &relay->signals.waiting) >= 0)
			serve(relay, fds);
		else if (errno != EINTR)
			return err_sys(e, errno, "waiting for the terminal");
		else
			look_around(relay);
	}
	return 0;
}

static bool is_ready(int fd, short events, int timeout_ms)
{
	struct pollfd one = {.fd = fd, .events = events};

	while (poll(&one, 1, timeout_ms) < 0) {
		if (errno != EINTR)
			return false;
	}
	return one.revents & events;
}

/*
 * Print what the command left.  What it wrote is there once it has ended: to poll a terminal brings
 * in what is on its way (n_tty_poll() of drivers/tty/n_tty.c).  Others may have it open still and
 * go on writing: they are not waited for.
 */
static void drain(struct relay *relay)
{
	size_t taken = 0;

	if (relay->terminal->outer >= 0)
		take_master(relay);
	for (;;) {
		while (relay->printed.used) {
			(void)is_ready(STDOUT_FILENO, POLLOUT, -1);
			if (!stretch_empty(&relay->printed, STDOUT_FILENO))
				return;
		}
		if (taken > DRAIN_MAX || relay->master < 0 || !is_ready(relay->master, POLLIN, 0) ||
			stretch_fill(&relay->printed, relay->master) == 0)
			return;
		taken += relay->printed.used;
	}
}

static int wait_for(pid_t pid, int *out_status, struct err *e)
{
	int status;

	while (waitpid(pid, &status, 0) < 0) {
		if (errno != EINTR)
			return err_sys(e, errno, "waiting for the command");
	}
	*out_status = status;
	return 0;
}

int terminal_wait(struct terminal *terminal, pid_t pid, int *out_status, struct err *e)
{
	scoped_fd int command = (int)syscall(SYS_pidfd_open, pid, 0);
	struct relay relay = {
		.terminal = terminal,
		.command = command,
		.master = -1,
		.peer = -1,
		.reads_input = true,
		.last_typed = '\n',
	};
	int failed;

	if (command < 0)
		return err_sys(e, errno, "waiting for the command");
	close_fd(&terminal->inner); /* so that its end shows at the other one */
	mode_signals_set(&relay.signals);
	failed = relay_run(&relay, e);
	if (!failed)
		drain(&relay);
	hang_up(&relay);
	mode_leave();
	mode_signals_restore(&relay.signals);
	return failed ? failed : wait_for(pid, out_status, e);
}
