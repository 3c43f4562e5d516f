/*
 * calls.h: what stops at the boundary of the kernel say about calls: made, denied, unknown to the
 * kernel; and which of them change how the task has to be watched.
 */
#ifndef SYSCLAMP_CALLS_H
#define SYSCLAMP_CALLS_H

#include <stdbool.h>
#include <sys/ptrace.h>

#include "err.h"
#include "notes.h"
#include "recording.h"
#include "stacks.h"
#include "task.h"
#include "tracer.h"

/* The calls of an ABI that mean something to the recorder itself. */
struct special_calls {
	uint32_t seccomp, prctl; /* may change how a task has to be watched */
	uint32_t clone, clone3; /* may start a process that cannot be watched */
	uint32_t write, writev; /* may reach the terminal */
};

/* The tree under one recorder, as far as calls are concerned. */
struct call_watch {
	struct call_notes notes;
	const struct tracer_job *job;
	bool filter; /* the recorder's filter is in place: calls that no filter denies stop for it
		      */
	struct special_calls special[CALL_ABIS_MAX]; /* by row of the ABI table */
	struct stacks *stacks; /* NULL: origins have none */
	bool told_notifying, told_strict, told_blind; /* warnings are given once */
};

void calls_init(
	struct call_watch *watch, struct recording *rec, const struct tracer_job *job, bool filter);
void calls_done(struct call_watch *watch);

/* A call entered (PTRACE_SYSCALL).  With the recorder's filter it is noted when that answers. */
void calls_entered(
	struct call_watch *watch, struct task *task, const struct __ptrace_syscall_info *info);

/*
 * The recorder's filter answered: nothing denies the call.  Returns whether it is about to give a
 * filter to all threads of its process (TSYNC): these have to be watched before it goes on.
 */
bool calls_passed(
	struct call_watch *watch, struct task *task, const struct __ptrace_syscall_info *info);

/* A call returned. */
void calls_returned(
	struct call_watch *watch, struct task *task, const struct __ptrace_syscall_info *info);

/* The task ends: a call that it had entered was its death, if @wait_status, its own, says so. */
void calls_died(struct call_watch *watch, struct task *task, int wait_status);

/* Whether the task has to stop at entry and return (PTRACE_SYSCALL) and not just for the filter. */
bool calls_wants_returns(const struct call_watch *watch, const struct task *task);

#endif
