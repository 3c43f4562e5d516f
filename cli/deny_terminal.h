/*
 * deny_terminal.h: the user's terminal, for questions: taken from the workload for the time of one.
 */
#ifndef SYSCLAMP_DENY_TERMINAL_H
#define SYSCLAMP_DENY_TERMINAL_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>
#include <termios.h>

#include "err.h"
#include "supervisor.h"

enum { TERMINAL_STOPPED = 256 };

struct deny_terminal {
	int fd;
	pid_t foreground; /* the group that had it */
	struct termios settings; /* as it had it */
	pid_t stopped[TERMINAL_STOPPED];
	size_t n_stopped;
};

/** Errors: -ENXIO: the caller has none. */
int deny_terminal_open(struct deny_terminal *terminal, struct err *e);
void deny_terminal_close(struct deny_terminal *terminal);

/**
 * Take it: what the workload has in its foreground is stopped, so that nobody else reads the
 * answer; what was typed before is dropped, so that it is not the answer.  In the background, the
 * job is suspended first, and waits for its turn.
 *
 * Returns 0; -ESRCH as supervision_wait(); -EIO: it is gone.
 */
int deny_terminal_take(
	struct deny_terminal *terminal, struct supervision *at, const struct denial *denial);

/** Give it back as it was. */
void deny_terminal_give(struct deny_terminal *terminal, struct supervision *at);

/** Write @text; as supervision_wait(). */
int deny_terminal_write(struct deny_terminal *terminal, struct supervision *at,
	const struct denial *denial, const char *text);

/** Read a line, of which @size - 1 bytes are kept; "" at its end; as supervision_wait(), or -EIO.
 */
int deny_terminal_read(struct deny_terminal *terminal, struct supervision *at,
	const struct denial *denial, char *line, size_t size);

#endif
