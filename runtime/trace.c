#include "trace.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "await.h"
#include "launch.h"
#include "recording.h"

/* Where @tid is among the tasks, or belongs. */
static size_t place_of(const struct trace *trace, pid_t tid)
{
	size_t low = 0, high = trace->n_tasks;

	while (low < high) {
		size_t middle = (low + high) / 2;

		if (trace->tasks[middle] < tid)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static bool is_known(const struct trace *trace, pid_t tid)
{
	size_t at = place_of(trace, tid);

	return at < trace->n_tasks && trace->tasks[at] == tid;
}

static int add(struct trace *trace, pid_t tid, struct err *e)
{
	size_t at = place_of(trace, tid);

	if (is_known(trace, tid))
		return 0;
	if (trace->n_tasks == trace->room) {
		size_t room = trace->room ? 2 * trace->room : 16;
		pid_t *tasks = reallocarray(trace->tasks, room, sizeof(*tasks));

		if (!tasks)
			return err_nomem(e);
		trace->tasks = tasks;
		trace->room = room;
	}
	memmove(trace->tasks + at + 1, trace->tasks + at,
		(trace->n_tasks - at) * sizeof(*trace->tasks));
	trace->tasks[at] = tid;
	trace->n_tasks++;
	return 0;
}

static void drop(struct trace *trace, pid_t tid)
{
	size_t at = place_of(trace, tid);

	if (!is_known(trace, tid))
		return;
	trace->n_tasks--;
	memmove(trace->tasks + at, trace->tasks + at + 1,
		(trace->n_tasks - at) * sizeof(*trace->tasks));
}

int trace_begin(pid_t child, uint64_t within_ns, struct trace *out, struct err *e)
{
	struct trace trace = {.leader = child, .deadline_ns = steady_ns() + within_ns};
	sigset_t ends;

	/* Its ends and stops are waited for by sigtimedwait(2), which takes that they are blocked;
	 * launch_restore_signals() undoes it. */
	sigemptyset(&ends);
	sigaddset(&ends, SIGCHLD);
	(void)sigprocmask(SIG_BLOCK, &ends, NULL);
	if (add(&trace, child, e))
		return -e->code;
	if (ptrace(PTRACE_SEIZE, child, 0L, (unsigned long)TRACE_OPTIONS)) {
		trace_done(&trace);
		return err_sys(e, errno, "tracing the command, which loading a filter late takes");
	}
	*out = trace;
	return 0;
}

int trace_event(const struct trace_stop *stop)
{
	return stop->status >> 16;
}

static void suspend(struct trace *trace)
{
	int sig = trace->suspend_signal;

	trace->suspend_signal = 0;
	launch_suspend_with(trace->leader, sig);
}

/* Until there is something to wait(2) for. */
static int wait_for_news(struct trace *trace, struct err *e)
{
	if (trace->suspend_signal)
		suspend(trace);
	return await_child(trace->deadline_ns) ? 0 : err_set(e, ETIMEDOUT, "the time is up");
}

static void note_end(struct trace *trace, pid_t tid, int status)
{
	drop(trace, tid);
	if (tid != trace->leader)
		return;
	trace->leader_ended = true;
	trace->leader_status = status;
}

/* A task that execve(2) was called from goes on as its process's first one: ptrace(2). */
static void note_exec(struct trace *trace, pid_t tid)
{
	unsigned long former;

	if (!ptrace(PTRACE_GETEVENTMSG, tid, 0L, &former) && (pid_t)former != tid)
		drop(trace, (pid_t)former);
}

int trace_next(struct trace *trace, struct trace_stop *out, struct err *e)
{
	while (trace->n_tasks) {
		int status;
		pid_t tid = waitpid(-1, &status, __WALL | WNOHANG);

		if (tid < 0 && errno == ECHILD)
			break;
		if (tid <= 0) {
			if (wait_for_news(trace, e))
				return -e->code;
		} else if (!WIFSTOPPED(status)) {
			note_end(trace, tid, status);
		} else {
			*out = (struct trace_stop){tid, status, !is_known(trace, tid)};
			if (trace_event(out) == PTRACE_EVENT_EXEC)
				note_exec(trace, tid);
			return add(trace, tid, e);
		}
	}
	return err_set(e, ECHILD, "it has ended");
}

void trace_resume(
	struct trace *trace, const struct trace_stop *stop, enum __ptrace_request request, bool own)
{
	int event = trace_event(stop), sig = WSTOPSIG(stop->status);
	bool job_control = sig == SIGTSTP || sig == SIGTTIN || sig == SIGTTOU;

	if (event == PTRACE_EVENT_STOP && sig != SIGTRAP && request != PTRACE_DETACH) {
		(void)ptrace(PTRACE_LISTEN, stop->tid, 0L, 0L);
		if (stop->tid == trace->leader && job_control)
			trace->suspend_signal = sig;
		return;
	}
	if (event || own || sig == (SIGTRAP | 0x80))
		sig = 0;
	if (stop->tid == trace->leader)
		trace->suspend_signal = 0;
	/* ESRCH: it was killed meanwhile, and wait(2) will say so. */
	if (!ptrace(request, stop->tid, 0L, (long)sig) && request == PTRACE_DETACH)
		drop(trace, stop->tid);
}

void trace_interrupt(const struct trace *trace)
{
	for (size_t i = 0; i < trace->n_tasks; i++)
		(void)ptrace(PTRACE_INTERRUPT, trace->tasks[i], 0L, 0L);
}

void trace_kill(struct trace *trace)
{
	int status;

	for (size_t i = 0; i < trace->n_tasks; i++)
		(void)kill(trace->tasks[i], SIGKILL);
	while (!trace->leader_ended) {
		pid_t tid = waitpid(-1, &status, __WALL);

		if (tid < 0 && errno != EINTR)
			break;
		if (tid < 0)
			continue;
		if (WIFSTOPPED(status))
			(void)kill(tid, SIGKILL); /* it was on its way in */
		else
			note_end(trace, tid, status);
	}
}

void trace_done(struct trace *trace)
{
	free(trace->tasks);
	*trace = (struct trace){0};
}
