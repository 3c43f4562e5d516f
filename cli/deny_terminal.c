#include "deny_terminal.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <time.h>
#include <unistd.h>

#include "descendants.h"
#include "proc.h"
#include "scope.h"

enum { STOP_LOOKS = 500, STOP_LOOK_NS = 1000000 };

int deny_terminal_open(struct deny_terminal *terminal, struct err *e)
{
	*terminal = (struct deny_terminal){
		.fd = open("/dev/tty", O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC)};
	if (terminal->fd < 0)
		return err_sys(e, errno,
			"--on-deny ask needs a terminal to ask on (/dev/tty); without one, "
			"explain and learn work");
	return 0;
}

void deny_terminal_close(struct deny_terminal *terminal)
{
	if (terminal->fd >= 0)
		(void)close(terminal->fd);
	terminal->fd = -1;
}

/*
 * Those of the caller's descendants that are in the group, by a walk in which the list is its own
 * queue: everybody gets a place, the members first.
 */
static size_t members(pid_t group, pid_t *out, size_t room)
{
	pid_t queue[TERMINAL_STOPPED];
	size_t n = descendants_children(0, queue, TERMINAL_STOPPED), found = 0;

	for (size_t i = 0; i < n; i++) {
		if (getpgid(queue[i]) == group && found < room)
			out[found++] = queue[i];
		n += descendants_children(queue[i], queue + n, TERMINAL_STOPPED - n);
	}
	return found;
}

/* Whether the thread may still read: one that waits for us, or for a disk, does not. */
static void look_at_thread(void *ctx, pid_t tid)
{
	bool *runs = ctx;
	char path[64], text[256], *at = NULL;
	scoped_fd int fd = -1;
	ssize_t size;

	(void)snprintf(path, sizeof(path), "/proc/%d/stat", tid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	size = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);
	if (size > 0) {
		text[size] = '\0';
		at = strrchr(text, ')');
	}
	/* "12 (name) S 1 ...": proc(5) */
	if (at && at[1] == ' ')
		*runs |= at[2] == 'R' || at[2] == 'S';
}

/*
 * A reader that was signalled and has not noticed yet would still take a line that comes meanwhile,
 * so they are waited for: nothing tells of it.
 */
static void wait_until_stopped(const struct deny_terminal *terminal)
{
	const struct timespec moment = {.tv_nsec = STOP_LOOK_NS};

	for (int i = 0; i < STOP_LOOKS; i++) {
		bool runs = false;

		for (size_t j = 0; j < terminal->n_stopped; j++)
			proc_each_thread(terminal->stopped[j], look_at_thread, &runs);
		if (!runs)
			return;
		(void)nanosleep(&moment, NULL);
	}
}

/* Twice: whoever is being born to a process that is not stopped yet. */
static void stop_members(struct deny_terminal *terminal)
{
	for (int i = 0; i < 2; i++) {
		terminal->n_stopped = members(
			terminal->foreground, terminal->stopped, TERMINAL_STOPPED);
		for (size_t j = 0; j < terminal->n_stopped; j++)
			(void)kill(terminal->stopped[j], SIGSTOP);
		wait_until_stopped(terminal);
	}
}

static int wait_for_turn(
	struct deny_terminal *terminal, struct supervision *at, const struct denial *denial)
{
	pid_t one;
	int code;

	for (;;) {
		terminal->foreground = tcgetpgrp(terminal->fd);
		if (terminal->foreground < 0)
			return -EIO;
		if (terminal->foreground == getpgrp() || members(terminal->foreground, &one, 1))
			return 0;
		supervision_suspend(at);
		code = supervision_wait(at, denial, -1, 0);
		if (code)
			return code;
	}
}

int deny_terminal_take(
	struct deny_terminal *terminal, struct supervision *at, const struct denial *denial)
{
	struct termios mine;
	int code = wait_for_turn(terminal, at, denial);

	if (code)
		return code;
	if (tcgetattr(terminal->fd, &terminal->settings))
		return -EIO;
	supervision_share_stops(at, false);
	stop_members(terminal);
	/* All signals are blocked here, so neither this nor reading needs the foreground first. */
	(void)tcsetpgrp(terminal->fd, getpgrp());
	mine = terminal->settings;
	mine.c_iflag |= ICRNL;
	mine.c_oflag |= OPOST | ONLCR;
	mine.c_lflag |= ICANON | ECHO | ECHOE | ECHOK | ISIG;
	(void)tcsetattr(terminal->fd, TCSAFLUSH, &mine);
	return 0;
}

void deny_terminal_give(struct deny_terminal *terminal, struct supervision *at)
{
	(void)tcsetattr(terminal->fd, TCSADRAIN, &terminal->settings);
	(void)tcsetpgrp(terminal->fd, terminal->foreground);
	for (size_t i = 0; i < terminal->n_stopped; i++)
		(void)kill(terminal->stopped[i], SIGCONT);
	supervision_share_stops(at, true);
}

int deny_terminal_write(struct deny_terminal *terminal, struct supervision *at,
	const struct denial *denial, const char *text)
{
	size_t left = strlen(text);

	while (left > 0) {
		ssize_t n = write(terminal->fd, text, left);
		int code;

		if (n < 0 && errno != EAGAIN && errno != EINTR)
			return -EIO;
		if (n > 0) {
			text += n;
			left -= (size_t)n;
			continue;
		}
		code = supervision_wait(at, denial, terminal->fd, EPOLLOUT);
		if (code)
			return code;
	}
	return 0;
}

int deny_terminal_read(struct deny_terminal *terminal, struct supervision *at,
	const struct denial *denial, char *line, size_t size)
{
	for (;;) {
		int code = supervision_wait(at, denial, terminal->fd, EPOLLIN);
		ssize_t n;

		if (code)
			return code;
		n = read(terminal->fd, line, size - 1);
		if (n >= 0) {
			line[n] = '\0';
			line[strcspn(line, "\n")] = '\0';
			return 0;
		}
		if (errno != EAGAIN && errno != EINTR)
			return -EIO;
	}
}
