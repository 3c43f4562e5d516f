/*
 * terminal.h: a terminal of the command's own, and the launcher between it and the caller's.
 *
 * The launcher (L) calls terminal_open() before its child (K) is born; K, a copy with descriptors
 * of its own, calls terminal_inside() in its root; L calls terminal_wait() instead of waitpid(2).
 */
#ifndef SYSCLAMP_TERMINAL_H
#define SYSCLAMP_TERMINAL_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "cage.h"
#include "err.h"

struct terminal {
	int outer, inner; /* socket pair: K sends the master to L; -1 when closed */
	uint16_t rows, columns; /* of the caller's terminal; 24, 80 without one */
};

/** In L.  Errors: no sockets. */
int terminal_open(struct terminal *out, struct err *e);

/**
 * In K, inside its root and with the capabilities of the cage's user namespace: make a terminal of
 * the devpts that is mounted on /dev/pts, send its master to L, and make the other end the
 * controlling terminal and standard input, output and error, owned by the cage's user.
 *
 * The caller leads a session afterwards; it begins one if it does not lead its own.
 * With a root of its own (cage->root.path), the terminal is bound on /dev/console, which is made if
 * it is missing.  No symbolic link is followed on the way to any of these.
 *
 * Errors name what is missing: no devpts on /dev/pts, a /dev/console that cannot be made.
 */
int terminal_inside(struct terminal *terminal, const struct cage *cage, struct err *e);

/**
 * In L: pass on what is typed and what is printed until K has ended, and wait for it.
 *
 * Where standard input is a terminal, it is in raw mode while the caller is in its foreground, has
 * its settings back afterwards, also if a signal ends the caller, and its size is passed on.
 * Elsewhere what is read from it is typed as it is, and its end as the terminal's end-of-file
 * character, twice if the last line is not ended: once only sends the line off (termios(3)).
 * Standard output gets all that was printed before K ended; when it cannot be written, the
 * command's terminal is hung up (SIGHUP to it).
 *
 * For one terminal at a time.  Signals that launch.h forwards still are.
 *
 * @out_status: of wait(2).
 * Errors: -ECHILD; no memory or descriptor for it; K has not been waited for then.
 */
int terminal_wait(struct terminal *terminal, pid_t pid, int *out_status, struct err *e);

/** In either; harmless when it is closed, not for a struct that was never opened. */
void terminal_close(struct terminal *terminal);

#endif
