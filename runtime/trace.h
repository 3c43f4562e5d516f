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

#include "err.h"

enum {
	TRACE_OPTIONS = PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK |
			PTRACE_O_TRACECLONE | PTRACE_O_TRACEEXEC | PTRACE_O_EXITKILL,
};

struct trace {
	pid_t leader; /* the command's process */
	bool leader_ended;
	int leader_status; /* of wait(2), then */
	int suspend_signal; /* its terminal has stopped it, and us with it as soon as all is quiet
			     */
	pid_t *tasks; /* all that are traced, sorted */
	size_t n_tasks, room;
	uint64_t deadline_ns; /* of steady_ns() */
};

/* A stop of one task. */
struct trace_stop {
	pid_t tid;
	int status; /* of wait(2) */
	bool is_new; /* its first one */
};

/**
 * Begin to trace a child, and all that it will start.
 *
 * Between launch_hold_signals() and launch_restore_signals().
 *
 * @within_ns: how long trace_next() is to wait in all.
 * @out: to be released with trace_done().
 * Errors: those of PTRACE_SEIZE.
 */
int trace_begin(pid_t child, uint64_t within_ns, struct trace *out, struct err *e);

/**
 * Wait for the next stop.
 *
 * Errors: -ECHILD: none of the tree is traced any more; -ETIMEDOUT.
 */
int trace_next(struct trace *trace, struct trace_stop *out, struct err *e);

/** What the event of a stop is: PTRACE_EVENT_*, 0: none. */
int trace_event(const struct trace_stop *stop);

/**
 * Let the task go on: with the signal that it stopped for, if any, and unless it is of the tracer's
 * own making.
 *
 * @request: PTRACE_CONT, PTRACE_SYSCALL, PTRACE_SINGLESTEP, or PTRACE_DETACH.
 */
void trace_resume(struct trace *trace, const struct trace_stop *stop, enum __ptrace_request request,
	bool own);

/** Have all tasks stop that run: PTRACE_INTERRUPT. */
void trace_interrupt(const struct trace *trace);

/** End all that is left of the tree, at once, and wait for the command's own process. */
void trace_kill(struct trace *trace);
void trace_done(struct trace *trace);

#endif
