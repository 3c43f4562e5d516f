/*
 * late.h: a filter that is loaded when the command has come to a certain moment, into all processes
 * that it has become by then.
 */
#ifndef SYSCLAMP_LATE_H
#define SYSCLAMP_LATE_H

#include <stdbool.h>
#include <sys/types.h>

#include "err.h"
#include "sandbox.h"

/* How a command ended meanwhile. */
struct late_end {
	bool ended;
	int wait_status;
};

/**
 * Trace a child until the moment, hold it and all its descendants to the sandbox's filter (or put
 * it into strict mode), and let them go.
 *
 * @pid: a child that waits for @go to execute the command.
 * @go: called once it is traced.
 * @out: whether the command's own process has ended by then, as that of a daemon does.
 * Errors: -ETIMEDOUT, -ECHILD: the moment did not come (within sandbox.within_ns); those of
 * moment.h and hold.h.  On failure none of the processes is left, and if the child never executed
 * anything its end is in @out.
 */
int late_hold(pid_t pid, const struct sandbox *box, void (*go)(void *ctx), void *ctx,
	struct late_end *out, struct err *e);

#endif
