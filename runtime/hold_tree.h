/*
 * hold_tree.h: a whole tree of traced processes is held at once, and then let go.
 *
 * All tasks are brought to a stop before the first process is held, and none is let go before the
 * last one is: what is started meanwhile cannot slip through, and where one process cannot be held,
 * none has gone on.  Only a child of vfork(2) goes on by itself, held, since its parent cannot be
 * stopped until the child has executed a program or ended.
 */
#ifndef SYSCLAMP_HOLD_TREE_H
#define SYSCLAMP_HOLD_TREE_H

#include <sys/types.h>

#include "err.h"
#include "trace.h"

/*
 * Hold the process of thread @tid, all its threads included.  The thread is in an interruption stop
 * (inject.h), and is again afterwards.
 *
 * Errors: -ESRCH: it has ended.
 */
typedef int (*hold_fn)(void *ctx, pid_t tid, struct err *e);

/**
 * @stop: that of the task that stands, which trace_next() told last.
 * Errors: -ETIMEDOUT: some cannot be stopped; those of untraced_seize(), of @hold.  Those that
 * stand do so still then, and all are traced: trace_kill().
 */
int hold_tree(
	struct trace *trace, const struct trace_stop *stop, hold_fn hold, void *ctx, struct err *e);

#endif
