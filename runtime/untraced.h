/*
 * untraced.h: what of a command its tracer is not told of: whoever is started with CLONE_UNTRACED
 * (clone(2)), which is meant to hide from tracers, and what that starts in turn.
 *
 * The kernel says nothing of it, and to see the call itself would take two stops at each call.  So
 * it is looked for when all others stand, who then start nothing.
 */
#ifndef SYSCLAMP_UNTRACED_H
#define SYSCLAMP_UNTRACED_H

#include <stdbool.h>

#include "err.h"
#include "trace.h"

/**
 * Trace one more process or thread of the command, if there is any that is not.
 *
 * @trace: all of whose tasks stand, and have their processes noted.
 * @out: whether there was one, which goes on until it is interrupted.
 * Errors: those of PTRACE_SEIZE: it would go on unheld.
 */
int untraced_seize(struct trace *trace, bool *out, struct err *e);

/**
 * Whether the stop tells a task of a child that was not traced and has died of SIGTRAP: its code is
 * a copy of its parent's, breakpoints included.
 *
 * It is seen as far as the child sends SIGCHLD, and until one dies of SIGTRAP that was traced.
 *
 * Errors: -EPERM: it does.
 */
int untraced_check_end(const struct trace *trace, const struct trace_stop *stop, struct err *e);

#endif
