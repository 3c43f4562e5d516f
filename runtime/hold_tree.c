#include "hold_tree.h"

#include <errno.h>
#include <signal.h>
#include <sys/ptrace.h>
#include <sys/wait.h>

#include "inject.h"
#include "proc.h"
#include "untraced.h"

static bool is_interruption(int status)
{
	return WIFSTOPPED(status) && status >> 16 == PTRACE_EVENT_STOP;
}

/* Any other stop takes back an interruption that was asked for before it: ptrace_stop(). */
static void interrupt_again(struct trace *trace, const struct trace_stop *stop)
{
	if (!WIFSTOPPED(stop->status))
		return;
	(void)ptrace(PTRACE_INTERRUPT, stop->tid, 0L, 0L);
	trace_resume(trace, stop, PTRACE_CONT,
		breakpoints_step_back(trace->breakpoints, stop->tid, stop->status));
}

/*
 * Who has run into a breakpoint as it was interrupted stands behind it, with the trap yet to come:
 * as a signal that it would die of once it goes on.  It takes that first.
 */
static void take_trap(struct trace *trace, pid_t tid)
{
	if (breakpoints_is_due(trace->breakpoints, tid) && !ptrace(PTRACE_CONT, tid, 0L, 0L))
		trace_find(trace, tid)->status = 0;
}

static bool all_stand(const struct trace *trace)
{
	for (size_t i = 0; i < trace->n_tasks; i++) {
		if (!is_interruption(trace->tasks[i].status) && !trace->tasks[i].vforks)
			return false;
	}
	return true;
}

static bool all_held(const struct trace *trace)
{
	for (size_t i = 0; i < trace->n_tasks; i++) {
		if (!trace->tasks[i].held)
			return false;
	}
	return true;
}

static int next(struct trace *trace, struct trace_stop *out, struct err *e)
{
	if (!trace_next(trace, out, e))
		return 0;
	if (e->code == ETIMEDOUT)
		return err_set(e, ETIMEDOUT,
			"not all of its %zu processes and threads could be stopped in time "
			"(--within), so that no filter was loaded: it was ended",
			trace->n_tasks);
	return -e->code;
}

static pid_t process_of(const struct trace *trace, pid_t tid)
{
	return tid == trace->leader ? tid : proc_process(tid);
}

/* Whether there is one more to wait for. */
static int look_for_more(struct trace *trace, bool *out, struct err *e)
{
	for (size_t i = 0; i < trace->n_tasks; i++)
		trace->tasks[i].process = process_of(trace, trace->tasks[i].tid);
	if (untraced_seize(trace, out, e))
		return -e->code;
	if (*out)
		trace_interrupt(trace);
	return 0;
}

static int halt(struct trace *trace, struct trace_stop stop, struct err *e)
{
	bool more = true;

	trace_interrupt(trace);
	for (;;) {
		if (!is_interruption(stop.status))
			interrupt_again(trace, &stop);
		else
			take_trap(trace, stop.tid);
		if (all_stand(trace) && look_for_more(trace, &more, e))
			return -e->code;
		if (!more)
			return 0;
		if (next(trace, &stop, e))
			return -e->code;
	}
}

/* @request: PTRACE_CONT, PTRACE_DETACH. */
static void let_go(struct trace *trace, pid_t tid, enum __ptrace_request request)
{
	struct trace_stop stop = {.tid = tid};

	if (!inject_pass(tid, &stop.status))
		trace_resume(trace, &stop, request, false);
	else
		trace_find(trace, tid)->status = 0; /* it was killed: its end is to come */
}

static void note_held(struct trace *trace, pid_t process)
{
	for (size_t i = 0; i < trace->n_tasks; i++) {
		if (trace->tasks[i].process == process)
			trace->tasks[i].held = true;
	}
}

/* All processes of which a task stands. */
static int hold_standing(struct trace *trace, hold_fn hold, void *ctx, struct err *e)
{
	for (size_t i = 0; i < trace->n_tasks; i++) {
		struct trace_task *task = trace->tasks + i;
		int code;

		if (task->held || !is_interruption(task->status))
			continue;
		code = hold(ctx, task->tid, e);
		if (code == -ESRCH)
			task->status = 0;
		else if (code)
			return code;
		else
			note_held(trace, task->process);
	}
	return 0;
}

static void let_held_go_on(struct trace *trace)
{
	for (size_t i = 0; i < trace->n_tasks; i++) {
		if (trace->tasks[i].held && is_interruption(trace->tasks[i].status))
			let_go(trace, trace->tasks[i].tid, PTRACE_CONT);
	}
}

/*
 * Parents in vfork(2), whose children are held by now.  As long as nothing runs but what is held,
 * new tasks are held from their birth.
 */
static int hold_rest(struct trace *trace, hold_fn hold, void *ctx, struct err *e)
{
	struct trace_stop stop;

	while (!all_held(trace)) {
		let_held_go_on(trace);
		if (next(trace, &stop, e))
			return -e->code;
		if (stop.is_new)
			trace_find(trace, stop.tid)->held = true;
		else if (!is_interruption(stop.status))
			interrupt_again(trace, &stop);
		else if (hold_standing(trace, hold, ctx, e))
			return -e->code;
	}
	return 0;
}

static int release(struct trace *trace, struct err *e)
{
	struct trace_stop stop;

	for (size_t i = trace->n_tasks; i-- > 0;) {
		if (is_interruption(trace->tasks[i].status))
			let_go(trace, trace->tasks[i].tid, PTRACE_DETACH);
	}
	trace_interrupt(trace);
	while (!next(trace, &stop, e)) {
		if (is_interruption(stop.status))
			let_go(trace, stop.tid, PTRACE_DETACH);
		else
			interrupt_again(trace, &stop);
	}
	return -e->code;
}

int hold_tree(
	struct trace *trace, const struct trace_stop *stop, hold_fn hold, void *ctx, struct err *e)
{
	int code = halt(trace, *stop, e);

	if (!code)
		code = hold_standing(trace, hold, ctx, e);
	if (!code)
		code = hold_rest(trace, hold, ctx, e);
	if (!code)
		code = release(trace, e);
	return code == -ECHILD ? 0 : code;
}
