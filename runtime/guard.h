/*
 * guard.h: a process and its guard, so that what the process supervises ends with it.
 *
 * The caller becomes the guard, and @run goes on in a child of it, the supervisor, which starts the
 * command.  Each adopts orphans (descendants.h).  When the supervisor ends before it has finished,
 * whatever ended it, the guard ends all that descended from it.  When the guard ends, the
 * supervisor does the same: it gets SIGCONT then (PR_SET_PDEATHSIG(2const)), so that it can even if
 * somebody has stopped it.
 *
 * The guard is what its caller, a shell perhaps, knows: it sends signals on to the command, and is
 * suspended when the supervisor says so.
 */
#ifndef SYSCLAMP_GUARD_H
#define SYSCLAMP_GUARD_H

#include <stdbool.h>
#include <sys/types.h>

#include "err.h"
#include "launch.h"

struct guard; /* as the supervisor sees it */

/* What the supervisor does. */
typedef int (*guard_work)(void *ctx, struct guard *guard, struct launch_end *end, struct err *e);

/**
 * Run @run in a supervisor, with launch_hold_signals() in force and all signals blocked; it gets
 * @ctx, and what it puts into @end and @e becomes the caller's.
 *
 * Returns what @run did.  Errors: -EOWNERDEAD: the supervisor was ended from outside, and so was
 * all that descended from it; no process, memory or descriptor to be had.
 */
int guard_run(guard_work run, void *ctx, struct launch_end *end, struct err *e);

/** The command is process @pid: from here on signals are sent on to it. */
void guard_tell_command(struct guard *guard, pid_t pid);

/** End the command and all that came from it. */
void guard_end_all(const struct guard *guard);

/** Whether the guard is gone. */
bool guard_is_gone(const struct guard *guard);

/** The command was stopped by @stop_signal: suspend the guard where job control wants that;
 * returns whether it was.  SIGCONT tells when it goes on. */
bool guard_suspend(const struct guard *guard, int stop_signal);

#endif
