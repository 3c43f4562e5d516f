/*
 * trace.h: a command and all that it starts, under ptrace(2), from its launch until it is let go.
 *
 * Whoever traces asks for one stop after the other, looks at it, and resumes the task.  What stops
 * there are for the tree's own sake (new tasks, ended ones, group stops) is taken care of here.
 * The workload ends with the tracer (PTRACE_O_EXITKILL).
 */
#ifndef SYSCLAMP_TRACE_H
#define SYSCLAMP_TRACE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/ptrace.h>
#include <sys/types.h>

#include "breakpoint.h"
#include "descendants.h"
#include "err.h"

enum {
	TRACE_OPTIONS = PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK |
			PTRACE_O_TRACECLONE | PTRACE_O_TRACEVFORKDONE | PTRACE_O_TRACEEXEC |
			PTRACE_O_TRACEEXIT | PTRACE_O_EXITKILL,
};

struct trace_task {
	pid_t tid;
	pid_t process; /* that it belongs to */
	int status; /* of wait(2), of the stop in which it stands; 0: it runs */
	bool is_new; /* it was announced by who started it, and has yet to stop for the first time
		      */
	bool vforks; /* it waits for a child of vfork(2), and cannot be stopped until that is done
		      */
	bool held; /* for hold_tree() */
};

struct trace {
	pid_t leader; /* the command's process */
	bool leader_ends; /* nothing but its end is to come of it */
	bool leader_ended;
	int leader_status; /* of wait(2), then */
	bool trapped; /* one that was traced has died of SIGTRAP */
	struct descendants before; /* who is none of the command's */
	int suspend_signal; /* its terminal has stopped it, and us with it as soon as all is quiet
			     */
	struct trace_task *tasks; /* all that are traced, sorted by number */
	size_t n_tasks, room;
	pid_t *leaving; /* as of trace_is_leaving(), and some that have */
	size_t n_leaving;
	uint64_t deadline_ns; /* of steady_ns() */
	const struct breakpoints *breakpoints; /* whose stops are none of the command's */
};

/* A stop of one task, or its end. */
struct trace_stop {
	pid_t tid;
	int status; /* of wait(2); of an end, not WIFSTOPPED() */
	bool is_new; /* its first one */
};

/**
 * Begin to trace a child, and all that it will start.
 *
 * Between launch_hold_signals() and launch_restore_signals().  Those whose parents end are children
 * of the caller meanwhile (descendants.h), traced or not.
 *
 * @within_ns: how long trace_next() is to wait in all.
 * @breakpoints: what the caller sets, now or later; borrowed.
 * @out: to be released with trace_done().
 * Errors: those of PTRACE_SEIZE, of descendants_adopt().
 */
int trace_begin(pid_t child, uint64_t within_ns, const struct breakpoints *breakpoints,
	struct trace *out, struct err *e);

/** Trace one task more.  Errors: those of PTRACE_SEIZE. */
int trace_seize(struct trace *trace, pid_t tid, struct err *e);

/**
 * Wait for the next stop or end.
 *
 * Errors: -ECHILD: none of the tree is traced any more; -ETIMEDOUT.
 */
int trace_next(struct trace *trace, struct trace_stop *out, struct err *e);

/** What the event of a stop is: PTRACE_EVENT_*, 0: none. */
int trace_event(const struct trace_stop *stop);

/** The task of that number; NULL: it is not traced (any more).  Valid until trace_next(). */
struct trace_task *trace_find(const struct trace *trace, pid_t tid);

/**
 * Let the task go on: with the signal that it stopped for, if any, and unless it is of the tracer's
 * own making, as where it has run into a breakpoint, which its process is then rid of.
 *
 * @request: PTRACE_CONT, PTRACE_SYSCALL, PTRACE_SINGLESTEP, or PTRACE_DETACH.
 */
void trace_resume(struct trace *trace, const struct trace_stop *stop, enum __ptrace_request request,
	bool own);

/**
 * Whether a task is the first one of its process, and was let go before others, as it ended: for a
 * while nothing else says of it that it does.
 */
bool trace_is_leaving(const struct trace *trace, pid_t tid);

/** Have all tasks stop that run: PTRACE_INTERRUPT. */
void trace_interrupt(const struct trace *trace);

/** End the command and all that it has started, traced or not, at once, and wait for their ends. */
void trace_kill(struct trace *trace);
void trace_done(struct trace *trace);

#endif
