/*
 * clamp_check.h: why a process or thread cannot be held.  Internal to clamp.h.
 */
#ifndef SYSCLAMP_CLAMP_CHECK_H
#define SYSCLAMP_CLAMP_CHECK_H

#include <stdbool.h>
#include <sys/types.h>

#include "err.h"
#include "thread_status.h"

/** What PTRACE_SEIZE of a thread has failed for, @code being its errno.  Returns -@code. */
int clamp_explain_refusal(pid_t tid, int code, struct err *e);

/**
 * Whether a thread can be interrupted without a trace.
 *
 * Errors: -ETIMEDOUT: not right now, and why.
 */
int clamp_check_moment(pid_t tid, const struct thread_status *status, struct err *e);

#endif
