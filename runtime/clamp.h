/*
 * clamp.h: a process that runs is held to a filter, all its threads, from now on.
 *
 * One thread is stopped for a moment, and loads the filter for all (TSYNC); the others run on.  The
 * call that it was in goes on afterwards.  Nothing that the process started before is held, what it
 * starts from now on is.
 *
 * No signal ends the caller in the middle, except SIGKILL, which would leave the stopped thread
 * with registers that are not its own (inject.h).
 */
#ifndef SYSCLAMP_CLAMP_H
#define SYSCLAMP_CLAMP_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "err.h"
#include "filter.h"

struct clamp {
	pid_t pid;
	const struct filter *filter; /* proven to say what the profile says */
	uint32_t flags; /* SECCOMP_FILTER_FLAG_* */
	bool new_privs; /* leave no_new_privs unset: needs CAP_SYS_ADMIN in the process itself */
	uint64_t within_ns; /* how long a good moment is waited for */
};

struct clamped {
	unsigned threads; /* that carry the filter, each of them looked at */
	bool set_no_new_privs; /* it was not set before */
};

/**
 * Whether a process can be held at all, as far as can be told without touching it.
 *
 * Errors, each with the reason: -ESRCH: there is none, or it has ended; -EINVAL: a thread of
 * another process, a kernel thread, the caller, the host's init; -EBUSY: it is being traced, or in
 * strict mode; -ENOEXEC: a program of another ABI.
 */
int clamp_check(pid_t pid, struct err *e);

/**
 * Hold it.
 *
 * A good moment is one in which some thread is neither in a call that cannot be interrupted nor in
 * one that would return short (a write to a full pipe), and in which the filter lets through the
 * call by which that thread goes on: the same again, or restart_syscall(2).
 *
 * SIGCHLD must not be ignored.
 *
 * Errors: those of clamp_check() and hold.h; -EPERM: with what is missing; -ETIMEDOUT: no good
 * moment within within_ns; -EAGAIN: the filter would have denied every thread's call; -EINTR: a
 * signal that ends the caller is pending.  The process goes on as before, but perhaps with
 * no_new_privs; the text says so.
 */
int clamp_process(const struct clamp *clamp, struct clamped *out, struct err *e);

#endif
