#include "trace.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "await.h"
#include "launch.h"
#include "proc.h"
#include "recording.h"
#include "thread_status.h"

/* Where @tid is among the tasks, or belongs. */
static size_t place_of(const struct trace *trace, pid_t tid)
{
	size_t low = 0, high = trace->n_tasks;

	while (low < high) {
		size_t middle = (low + high) / 2;

		if (trace->tasks[middle].tid < tid)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

struct trace_task *trace_find(const struct trace *trace, pid_t tid)
{
	size_t at = place_of(trace, tid);

	return at < trace->n_tasks && trace->tasks[at].tid == tid ? trace->tasks + at : NULL;
}

static int add(struct trace *trace, pid_t tid, struct err *e)
{
	size_t at = place_of(trace, tid);

	if (trace_find(trace, tid))
		return 0;
	if (trace->n_tasks == trace->room) {
		size_t room = trace->room ? 2 * trace->room : 16;
		struct trace_task *tasks = reallocarray(trace->tasks, room, sizeof(*tasks));

		if (!tasks)
			return err_nomem(e);
		trace->tasks = tasks;
		trace->room = room;
	}
	memmove(trace->tasks + at + 1, trace->tasks + at,
		(trace->n_tasks - at) * sizeof(*trace->tasks));
	trace->tasks[at] = (struct trace_task){.tid = tid, .is_new = true};
	trace->n_tasks++;
	return 0;
}

static void drop(struct trace *trace, pid_t tid)
{
	size_t at = place_of(trace, tid);

	if (!trace_find(trace, tid))
		return;
	trace->n_tasks--;
	memmove(trace->tasks + at, trace->tasks + at + 1,
		(trace->n_tasks - at) * sizeof(*trace->tasks));
}

/* @child: is not to be traced: -@code. */
static int refuse(pid_t child, int code, struct err *e)
{
	static const char WHAT[] = "tracing the command, which loading a filter late takes";
	pid_t tracer = proc_tracer(child);

	if (code == EPERM && tracer)
		return err_set(e, EPERM,
			"%s: process %d does that already, and a task has one tracer; sysclamp "
			"record has --backend ebpf",
			WHAT, tracer);
	return err_sys(e, code, "%s", WHAT);
}

int trace_seize(struct trace *trace, pid_t tid, struct err *e)
{
	return ptrace(PTRACE_SEIZE, tid, 0L, (unsigned long)TRACE_OPTIONS) ? refuse(tid, errno, e)
									   : add(trace, tid, e);
}

int trace_begin(pid_t child, uint64_t within_ns, const struct breakpoints *breakpoints,
	struct trace *out, struct err *e)
{
	struct trace trace = {
		.leader = child,
		.deadline_ns = steady_ns() + within_ns,
		.breakpoints = breakpoints,
	};
	sigset_t ends;

	/* Its ends and stops are waited for by sigtimedwait(2), which takes that they are blocked;
	 * launch_restore_signals() undoes it. */
	sigemptyset(&ends);
	sigaddset(&ends, SIGCHLD);
	(void)sigprocmask(SIG_BLOCK, &ends, NULL);
	if (descendants_adopt(&trace.before, e))
		return -e->code;
	if (trace_seize(&trace, child, e)) {
		trace_done(&trace);
		return -e->code;
	}
	*out = trace;
	return 0;
}

int trace_event(const struct trace_stop *stop)
{
	return stop->status >> 16;
}

/* The time that somebody keeps both of us suspended is not the command's. */
static void suspend(struct trace *trace)
{
	int sig = trace->suspend_signal;
	uint64_t since_ns = steady_ns();

	trace->suspend_signal = 0;
	launch_suspend_with(trace->leader, sig);
	trace->deadline_ns += steady_ns() - since_ns;
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
	trace->trapped |= trace_find(trace, tid) && WIFSIGNALED(status) &&
			  WTERMSIG(status) == SIGTRAP;
	drop(trace, tid);
	if (tid != trace->leader)
		return;
	trace->leader_ended = true;
	trace->leader_status = status;
}

/* Of an event: the number of the other task that it is about, 0: unknown. */
static pid_t other_task(pid_t tid)
{
	unsigned long number;

	return ptrace(PTRACE_GETEVENTMSG, tid, 0L, &number) ? 0 : (pid_t)number;
}

/* A task that execve(2) was called from goes on as its process's first one: ptrace(2). */
static void note_exec(struct trace *trace, pid_t tid)
{
	pid_t former = other_task(tid);

	if (former != tid)
		drop(trace, former);
}

bool trace_is_leaving(const struct trace *trace, pid_t tid)
{
	for (size_t i = 0; i < trace->n_leaving; i++) {
		if (trace->leaving[i] == tid)
			return true;
	}
	return false;
}

/* Whether it can be seen by now. */
static bool has_left(pid_t tid)
{
	struct thread_status status;
	struct err e;

	return thread_status_read(tid, &status, &e) || status.is_exiting;
}

static void note_leaving(struct trace *trace, pid_t tid)
{
	size_t n = 0;
	pid_t *list;

	for (size_t i = 0; i < trace->n_leaving; i++) {
		if (!has_left(trace->leaving[i]))
			trace->leaving[n++] = trace->leaving[i];
	}
	trace->n_leaving = n;
	list = reallocarray(trace->leaving, n + 1, sizeof(*list));
	if (!list)
		return;
	trace->leaving = list;
	trace->leaving[trace->n_leaving++] = tid;
}

/*
 * The first task of a process may end before others.  wait(2) tells of that when all have ended;
 * nobody waits for it until then.  Returns whether that is so.
 */
static bool let_end(struct trace *trace, pid_t tid)
{
	bool others = proc_threads(tid) > 1 && proc_process(tid) == tid;

	if (ptrace(others ? PTRACE_DETACH : PTRACE_CONT, tid, 0L, 0L) || !others)
		return false;
	drop(trace, tid);
	note_leaving(trace, tid);
	trace->leader_ends |= tid == trace->leader;
	return true;
}

/* It may have come and gone already. */
static int announce(struct trace *trace, pid_t tid, struct err *e)
{
	return tid && proc_tracer(tid) == getpid() ? add(trace, tid, e) : 0;
}

/*
 * What a stop says of the tree.  A new task is known from the event of who started it on, or from
 * its own first stop, whichever comes first: there is no moment at which it is not waited for.
 */
static int note_stop(struct trace *trace, const struct trace_stop *stop, struct err *e)
{
	int event = trace_event(stop);
	struct trace_task *task;

	if (event == PTRACE_EVENT_EXEC)
		note_exec(trace, stop->tid);
	if ((event == PTRACE_EVENT_FORK || event == PTRACE_EVENT_VFORK ||
		    event == PTRACE_EVENT_CLONE) &&
		announce(trace, other_task(stop->tid), e))
		return -e->code;
	if (add(trace, stop->tid, e))
		return -e->code;
	task = trace_find(trace, stop->tid);
	task->status = stop->status;
	task->is_new = false;
	if (event == PTRACE_EVENT_VFORK)
		task->vforks = true;
	else if (event == PTRACE_EVENT_VFORK_DONE || event == PTRACE_EVENT_EXEC)
		task->vforks = false;
	return 0;
}

static bool is_new(const struct trace *trace, pid_t tid)
{
	const struct trace_task *task = trace_find(trace, tid);

	return !task || task->is_new;
}

/* The command's own process is a child, traced or not; all of it is about to have ended. */
static bool is_over(struct trace *trace)
{
	int status;

	if (trace->n_tasks)
		return false;
	if (trace->leader_ends && !trace->leader_ended &&
		waitpid(trace->leader, &status, 0) == trace->leader)
		note_end(trace, trace->leader, status);
	return true;
}

int trace_next(struct trace *trace, struct trace_stop *out, struct err *e)
{
	while (!is_over(trace)) {
		int status;
		pid_t tid = waitpid(-1, &status, __WALL | WNOHANG);

		if (tid < 0 && errno == ECHILD)
			break;
		if (tid <= 0) {
			if (wait_for_news(trace, e))
				return -e->code;
		} else if (!WIFSTOPPED(status)) {
			*out = (struct trace_stop){.tid = tid, .status = status};
			note_end(trace, tid, status);
			return 0;
		} else if (status >> 16 == PTRACE_EVENT_EXIT) {
			*out = (struct trace_stop){.tid = tid};
			if (let_end(trace, tid))
				return 0;
		} else {
			*out = (struct trace_stop){tid, status, is_new(trace, tid)};
			return note_stop(trace, out, e);
		}
	}
	return err_set(e, ECHILD, "it has ended");
}

/* With its whole process: SIGCONT is told of. */
static void leave_stopped(struct trace *trace, const struct trace_stop *stop)
{
	int sig = WSTOPSIG(stop->status);

	(void)ptrace(PTRACE_LISTEN, stop->tid, 0L, 0L);
	if (stop->tid == trace->leader && (sig == SIGTSTP || sig == SIGTTIN || sig == SIGTTOU))
		trace->suspend_signal = sig;
}

void trace_resume(
	struct trace *trace, const struct trace_stop *stop, enum __ptrace_request request, bool own)
{
	int event = trace_event(stop), sig = WSTOPSIG(stop->status);
	struct trace_task *task = trace_find(trace, stop->tid);

	if (task)
		task->status = 0;
	if (event == PTRACE_EVENT_STOP && sig != SIGTRAP && request != PTRACE_DETACH) {
		leave_stopped(trace, stop);
		return;
	}
	if (event || own || sig == (SIGTRAP | 0x80) ||
		breakpoints_pass(trace->breakpoints, stop->tid, stop->status))
		sig = 0;
	if (stop->tid == trace->leader)
		trace->suspend_signal = 0;
	/* ESRCH: it was killed meanwhile, and wait(2) will say so. */
	if (!ptrace(request, stop->tid, 0L, (long)sig) && request == PTRACE_DETACH)
		drop(trace, stop->tid);
}

void trace_interrupt(const struct trace *trace)
{
	for (size_t i = 0; i < trace->n_tasks; i++) {
		if (!trace->tasks[i].status)
			(void)ptrace(PTRACE_INTERRUPT, trace->tasks[i].tid, 0L, 0L);
	}
}

void trace_kill(struct trace *trace)
{
	int status;

	if (!trace->leader_ended)
		(void)kill(trace->leader, SIGKILL);
	for (size_t i = 0; i < trace->n_tasks; i++)
		(void)kill(trace->tasks[i].tid, SIGKILL);
	while (trace->n_tasks || !trace->leader_ended) {
		pid_t tid = waitpid(-1, &status, __WALL);

		if (tid < 0 && errno != EINTR)
			break;
		if (tid < 0)
			continue;
		if (!WIFSTOPPED(status))
			note_end(trace, tid, status);
		else if (status >> 16 == PTRACE_EVENT_EXIT)
			(void)let_end(trace, tid);
		else
			(void)kill(tid, SIGKILL); /* it was on its way in */
	}
	descendants_end(&trace->before);
}

void trace_done(struct trace *trace)
{
	descendants_release(&trace->before);
	free(trace->leaving);
	free(trace->tasks);
	*trace = (struct trace){0};
}
