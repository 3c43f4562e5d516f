/*
 * marks.h: "a phase begins now", told to running recorders.
 *
 * A recorder listens on the socket PID.sock of a directory of its user's own: whatever the
 * environment variable SYSCLAMP_RUNTIME_DIR names, or for root /run/sysclamp, for others
 * $XDG_RUNTIME_DIR/sysclamp, or /tmp/sysclamp-UID.  Both sides refuse a directory that is a
 * symbolic link, belongs to somebody else or can be written by others, and a peer that is neither
 * of their own user nor root's.  The socket of a recorder that was killed is removed by whoever
 * meets it.
 *
 * A request is begun only while its sender waits for the answer: what was reported as failed has
 * not happened.
 */
#ifndef SYSCLAMP_MARKS_H
#define SYSCLAMP_MARKS_H

#include <stddef.h>
#include <sys/types.h>

#include "err.h"

enum {
	MARKS_CLIENTS_MAX = 8, /* connected and silent; one more takes the place of the oldest */
	MARKS_TIMEOUT_S = 5, /* how long marks_send() waits for a recorder */
};

/** The listening side; {0} is one that is closed. */
struct marks {
	struct marks_server *server;
};

/**
 * Begin to listen, and make the directory where that is needed (0700).  Needs /proc.
 *
 * @label: where the recording goes, for messages of the other side; copied, cut after 255 bytes.
 * On failure *@out is closed: all other functions take it, and do nothing.
 * Errors: what keeps the directory or the socket from being made (-EROFS, -EACCES, ...).
 */
int marks_open(struct marks *out, const char *label, struct err *e);

/** What to poll for reading; -1, which poll(2) passes over, for one that is closed. */
int marks_fd(const struct marks *m);

/**
 * Answer what is there, without waiting for anybody who is slow.
 *
 * @begin: begins the phase @name (checked: phase.h); its error goes to the one who asked.
 */
void marks_serve(
	struct marks *m, int (*begin)(void *ctx, const char *name, struct err *e), void *ctx);

/** Stop listening; the socket is removed. */
void marks_close(struct marks *m);

/**
 * Tell recorders that phase @name begins, one after the other, and wait until each has begun it.
 * One that does not keeps none of the others from being told.
 *
 * @only: the process ID of a recorder; 0: all of this user's.
 * @begun: is told of each that has begun it; may be NULL.
 * @out_reached: how many have, also on failure.
 * Errors: -ENOENT there is no recorder; what the first one that did not begin it answered, with
 * how many others did not either; -ETIMEDOUT it does not answer.
 */
int marks_send(const char *name, pid_t only, const struct notice *begun, size_t *out_reached,
	struct err *e);

#endif
