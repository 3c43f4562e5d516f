/*
 * hold.h: a filter, or strict mode, for a process that is under way, by calls in its name.
 *
 * The thread is in an interruption stop (inject.h), and is again afterwards.  On failure nothing
 * was loaded, but no_new_privs may have been set.
 */
#ifndef SYSCLAMP_HOLD_H
#define SYSCLAMP_HOLD_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "err.h"
#include "filter.h"

struct hold {
	const struct filter *filter;
	uint32_t flags; /* SECCOMP_FILTER_FLAG_*; TSYNC is added */
	bool no_new_privs; /* set it first */
	/*
	 * Filters that the process carries already may deny the calls that load another one: have
	 * them look away meanwhile, where the kernel lets us (PTRACE_O_SUSPEND_SECCOMP, which takes
	 * CAP_SYS_ADMIN and a tracer without a filter).
	 */
	bool suspend;
	bool only_suspended; /* otherwise refuse: they might end the process */
	unsigned long options; /* PTRACE_O_*: how the thread is traced */
	uint64_t deadline_ns; /* as of inject_begin() */
	bool keeps_call; /* refuse if the filter denies what inject_next_call() says */
};

/** Errors: -EBUSY: the thread is in strict mode, and would be ended by calls made in its name. */
int hold_check_mode(pid_t tid, struct err *e);

/**
 * Load the filter into all threads of the process of thread @tid.
 *
 * Errors: those of hold_check_mode(), of inject.h, of seccomp(2); -EPERM: that was said to have
 * worked, but has not, or only_suspended; -EAGAIN: keeps_call, of this thread, and nothing was
 * done; -EBUSY: a thread carries a filter that the others do not, so that they cannot be brought in
 * line (TSYNC).
 */
int hold_filter(pid_t tid, const struct hold *hold, struct err *e);

/**
 * Put the thread into strict mode.  It stands at the first instruction of main, and is the only
 * thread: the mode is each thread's own.
 *
 * Returning from main would end in exit_group(2), which the mode kills: instead, a piece of code
 * that is mapped for it ends the thread by exit(2), with main's value as its status.  What libc
 * does at exit (atexit(3), stdio's buffers) is not done then.
 *
 * Errors: as above; -EBUSY: there are other threads; -EINVAL of prctl(2): it carries a filter.
 */
int hold_strict(pid_t tid, struct err *e);

/**
 * Have the process of thread @tid ignore a signal, as it did once; filters look away as of
 * hold.suspend, where they can.
 *
 * @options: as of struct hold.
 * Errors: as above.
 */
int hold_ignoring(pid_t tid, int sig, unsigned long options, struct err *e);

#endif
