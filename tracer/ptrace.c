#include "ptrace.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/wait.h>

#include "calls.h"
#include "filter.h"
#include "phase.h"
#include "proc.h"
#include "scope.h"
#include "task.h"
#include "ticker.h"
#include "tracee.h"

/*
 * Getting an event and acting on it are apart: the loop waits, event_handle() looks up what kind of
 * stop it is, and each kind has a handler that ends by resuming the task, or leaves it stopped.
 */
struct ptracer {
	const struct tracer_job *job;
	struct recording *rec;
	struct call_watch calls;
	struct tasks tasks;
	struct tracee tracee;
	struct launch_end *end;
	bool started; /* the command's own program runs */
	int suspend_signal; /* the command was stopped by its terminal: so will we be, once all is
			       quiet */
};

static void task_resume(struct ptracer *t, struct task *task, int sig)
{
	bool returns = calls_wants_returns(&t->calls, task);

	/* ESRCH: it was killed meanwhile; its end will be reported. */
	(void)ptrace(returns ? PTRACE_SYSCALL : PTRACE_CONT, task->tid, 0, (long)sig);
}

/* The task that another one's TSYNC waited for has stopped, or is gone. */
static void task_release_holder(struct ptracer *t, struct task *task)
{
	struct task *holder = task->held_by ? task_find(&t->tasks, task->held_by) : NULL;

	task->held_by = 0;
	if (holder && holder->holds > 0 && --holder->holds == 0)
		task_resume(t, holder, 0);
}

/* A task that waits in its TSYNC call until all other threads of its process are watched. */
struct hold {
	struct ptracer *t;
	struct task *holder;
};

/* Before the holder gives its filter to thread @tid too: stop that one where its calls enter as
 * well. */
static void thread_watch(void *ctx, pid_t tid)
{
	struct hold *hold = ctx;
	struct task *task = task_find(&hold->t->tasks, tid);

	if (!task || task == hold->holder)
		return;
	task->filtered = true;
	task->notifying |= hold->holder->notifying;
	/* Nor does a call of its own that fails take that back. */
	task->was_filtered = true;
	task->was_notifying = task->notifying;
	if (task->leaving)
		return;
	if (task->vforking) {
		(void)ptrace(PTRACE_INTERRUPT, tid, 0, 0);
		return;
	}
	/* A thread that is under way goes on without stops until it is interrupted. */
	if (!task->held_by && !ptrace(PTRACE_INTERRUPT, tid, 0, 0)) {
		task->held_by = hold->holder->tid;
		hold->holder->holds++;
	}
}

static void threads_watch(struct ptracer *t, struct task *task)
{
	struct hold hold = {t, task};

	proc_each_thread(task->tid, thread_watch, &hold);
	if (!task->holds)
		task_resume(t, task, 0);
}

static bool syscall_info(struct ptracer *t, pid_t tid, struct __ptrace_syscall_info *out)
{
	if (ptrace(PTRACE_GET_SYSCALL_INFO, tid, sizeof(*out), out) > 0)
		return true;
	if (errno != ESRCH) /* killed meanwhile: the call was never made */
		t->rec->loss[LOSS_UNREADABLE]++;
	return false;
}

#ifndef PTRACE_SET_SYSCALL_INFO
#define PTRACE_SET_SYSCALL_INFO 0x4212 /* linux/ptrace.h since Linux 6.16 */
#endif

/*
 * A filter of the workload answered RET_TRACE (of two that do the newer one's data counts), for
 * which it would get ENOSYS if nobody traced it (seccomp(2)): so it shall here.  False where the
 * kernel cannot change calls in this way.
 */
static bool refuse_foreign(const struct task *task, struct __ptrace_syscall_info *info)
{
	if (info->seccomp.ret_data == TRACEE_FILTER_DATA)
		return false;
	info->seccomp.nr = (uint64_t)-1; /* skipped; what it returns stays ENOSYS */
	return !ptrace(PTRACE_SET_SYSCALL_INFO, task->tid, sizeof(*info), info);
}

static void on_filter(struct ptracer *t, struct task *task, int status)
{
	struct __ptrace_syscall_info info;

	(void)status;
	if (syscall_info(t, task->tid, &info) && !refuse_foreign(task, &info) &&
		calls_passed(&t->calls, task, &info))
		threads_watch(t, task);
	else
		task_resume(t, task, 0);
}

static void on_syscall(struct ptracer *t, struct task *task)
{
	struct __ptrace_syscall_info info;

	if (syscall_info(t, task->tid, &info)) {
		if (info.op == PTRACE_SYSCALL_INFO_ENTRY)
			calls_entered(&t->calls, task, &info);
		else if (info.op == PTRACE_SYSCALL_INFO_EXIT)
			calls_returned(&t->calls, task, &info);
	}
	task_resume(t, task, 0);
}

/* fork, vfork, clone: the child stops by itself too, before or after this. */
static void on_child(struct ptracer *t, struct task *task, int status)
{
	unsigned long child_tid;
	struct task *child;

	task->vforking = status >> 16 == PTRACE_EVENT_VFORK;
	if (!ptrace(PTRACE_GETEVENTMSG, task->tid, 0, &child_tid) &&
		!task_find(&t->tasks, (pid_t)child_tid)) {
		child = task_add(&t->tasks, (pid_t)child_tid);
		if (child)
			task_inherit(child, task);
		else
			t->rec->loss[LOSS_NO_MEMORY]++;
	}
	task_resume(t, task, 0);
}

/* The execve that starts the command was made by us, but belongs to the program it started. */
static void first_exec(struct ptracer *t, const struct task *task)
{
	struct task_call made = {.abi = abi_native()};
	struct rec_call *call;
	struct rec_origin *origin;

	t->started = true;
	if (syscall_number(made.abi, "execve", &made.nr))
		return;
	/* Without our filter its entry was no stop: the child was not stopped before. */
	call = t->calls.filter ? recording_call(t->rec, made.abi, made.nr)
			       : notes_take(&t->calls.notes, &made, task->tid, SIZE_MAX, &origin);
	if (call && task->program != SIZE_MAX)
		(void)bits_add(&call->programs, task->program);
}

static void note_mapped(void *ctx, const char *path)
{
	struct ptracer *t = ctx;

	(void)rec_names_index(&t->rec->mapped, path);
}

static void on_exec(struct ptracer *t, struct task *task, int status)
{
	char path[PROC_PATH_MAX];
	unsigned long former;

	(void)status;
	task->leaving = false;
	/* All other threads are gone; the one that called goes on under the id of the process. */
	if (!ptrace(PTRACE_GETEVENTMSG, task->tid, 0, &former) && (pid_t)former != task->tid) {
		const struct task *caller = task_find(&t->tasks, (pid_t)former);

		if (caller) {
			task_inherit(task, caller);
			task->entered = caller->entered;
			task->await = AWAIT_NOTHING;
		}
		task_remove(&t->tasks, (pid_t)former);
	}
	if (proc_program(task->tid, path))
		task->program = rec_names_index(&t->rec->programs, path);
	/* The program, and what loads its libraries: the kernel maps both, unasked. */
	proc_each_mapped(task->tid, note_mapped, t);
	if (!t->started)
		first_exec(t, task);
	task_resume(t, task, 0);
}

/*
 * A task begins to end.  What wait(2) says of it later is no longer its own end if its whole
 * process ends meanwhile (kernel/exit.c: wait_task_zombie() prefers the group's), so a filter's
 * kill is told here.
 */
static void on_exit_begun(struct ptracer *t, struct task *task, int status)
{
	unsigned long own_status;

	(void)status;
	task->leaving = true;
	if (!ptrace(PTRACE_GETEVENTMSG, task->tid, 0, &own_status))
		calls_died(&t->calls, task, (int)own_status);
	task_resume(t, task, 0);
}

/*
 * A task that PTRACE_SEIZE brought along starts, an interruption, or a group stop, in which it
 * stays (PTRACE_LISTEN) until SIGCONT: ptrace(2), "Group-stop".
 */
static void on_stop(struct ptracer *t, struct task *task, int status)
{
	int sig = WSTOPSIG(status);
	bool job_control = sig == SIGTSTP || sig == SIGTTIN || sig == SIGTTOU;

	if (sig == SIGTRAP) {
		if (task->tid == t->tracee.pid)
			t->suspend_signal = 0;
		task_resume(t, task, 0);
		return;
	}
	(void)ptrace(PTRACE_LISTEN, task->tid, 0, 0);
	if (task->tid == t->tracee.pid && job_control)
		t->suspend_signal = sig;
}

static void (*const EVENT_HANDLERS[])(struct ptracer *, struct task *, int status) = {
	[PTRACE_EVENT_FORK] = on_child,
	[PTRACE_EVENT_VFORK] = on_child,
	[PTRACE_EVENT_CLONE] = on_child,
	[PTRACE_EVENT_EXEC] = on_exec,
	[PTRACE_EVENT_EXIT] = on_exit_begun,
	[PTRACE_EVENT_SECCOMP] = on_filter,
};

static void stop_handle(struct ptracer *t, struct task *task, int status)
{
	unsigned event = (unsigned)status >> 16;

	task->vforking = false;
	if (task->held_by)
		task_release_holder(t, task);
	if (event == PTRACE_EVENT_STOP)
		on_stop(t, task, status);
	else if (event > 0 && event < ARRAY_LEN(EVENT_HANDLERS) && EVENT_HANDLERS[event])
		EVENT_HANDLERS[event](t, task, status);
	else if (WSTOPSIG(status) == (SIGTRAP | 0x80))
		on_syscall(t, task);
	else
		task_resume(t, task, event ? 0 : WSTOPSIG(status));
}

static void task_ended(struct ptracer *t, struct task *task, int status)
{
	pid_t tid = task->tid;

	calls_died(&t->calls, task, status);
	if (task->held_by)
		task_release_holder(t, task);
	if (tid == t->tracee.pid)
		t->end->wait_status = status;
	task_remove(&t->tasks, tid);
}

/* A task that stops before the stop of the one that started it: what it inherits is asked of /proc.
 */
static struct task *task_adopt(struct ptracer *t, pid_t tid)
{
	struct task *task = task_add(&t->tasks, tid);
	char path[PROC_PATH_MAX];

	if (!task) {
		t->rec->loss[LOSS_NO_MEMORY]++;
		(void)ptrace(PTRACE_DETACH, tid, 0, 0);
		return NULL;
	}
	if (proc_program(tid, path))
		task->program = rec_names_index(&t->rec->programs, path);
	task->filtered = proc_filters(tid) > (t->calls.filter ? 1 : 0);
	return task;
}

static void event_handle(struct ptracer *t, pid_t tid, int status)
{
	struct task *task = task_find(&t->tasks, tid);

	if (WIFSTOPPED(status)) {
		task = task ? task : task_adopt(t, tid);
		if (task)
			stop_handle(t, task, status);
	} else if (task) {
		task_ended(t, task, status);
	}
}

/* Whether one more phase can be marked; one that was may be so again. */
static bool has_room_for(const struct rec_names *phases, const char *name)
{
	size_t marked = 0;

	for (size_t i = 0; i < phases->n_names; i++) {
		const char *known = phases->names[i];

		if (!strcmp(known, name))
			return true;
		marked += strcmp(known, phase_name(PHASE_START)) != 0 &&
			  strcmp(known, phase_name(PHASE_SERVE)) != 0;
	}
	return marked < PHASES_MARKED_MAX || !strcmp(name, phase_name(PHASE_SERVE));
}

static int begin_phase(void *ctx, const char *name, struct err *e)
{
	struct ptracer *t = ctx;

	if (!has_room_for(&t->rec->phases, name))
		return phase_err_full(e);
	notes_begin_phase(&t->calls.notes, name);
	return t->calls.notes.phase == SIZE_MAX ? err_nomem(e) : 0;
}

static void tick(struct ptracer *t, bool suspending)
{
	if (t->job->marks)
		marks_serve(t->job->marks, begin_phase, t);
	if (t->started && t->job->tick)
		t->job->tick(t->job->ctx, t->rec, t->tracee.pid, suspending);
}

static void suspend(struct ptracer *t)
{
	int sig = t->suspend_signal;

	t->suspend_signal = 0;
	tick(t, true);
	launch_suspend_with(t->tracee.pid, sig);
}

/* Until the last task has ended. */
static void trace_all(struct ptracer *t)
{
	while (t->tasks.count > 0) {
		int status;
		pid_t tid = waitpid(-1, &status, __WALL | (t->suspend_signal ? WNOHANG : 0));

		if (tid > 0)
			event_handle(t, tid, status);
		else if (tid == 0)
			suspend(t);
		else if (errno == ECHILD)
			break;
		if (ticker_due())
			tick(t, false);
	}
}

static int trace_tracee(struct ptracer *t, unsigned options, struct err *e)
{
	struct ticker ticker = {0};
	struct task *leader = task_add(&t->tasks, t->tracee.pid);
	int code;

	if (!leader)
		return err_nomem(e);
	/* What holds us holds the command: a filter on this process may deny calls too. */
	leader->filtered = proc_filters(getpid()) > 0;
	if (ptrace(PTRACE_SEIZE, t->tracee.pid, 0, (unsigned long)options))
		return err_sys(e, errno, "cannot trace the command");
	code = launch_forward_signals(t->tracee.pid, e);
	if (!code)
		code = ticker_start(&ticker, t->job->tick_ms, e);
	if (!code)
		code = tracee_go(&t->tracee, e);
	if (!code)
		trace_all(t);
	ticker_stop(&ticker);
	if (!code && !t->started)
		code = tracee_failure(&t->tracee, t->job, t->end, e);
	return code;
}

static int trace(const struct tracer_job *job, bool filter, struct recording *rec,
	struct launch_end *out_end, struct err *e)
{
	/* Without our filter RET_TRACE is the workload's own affair: ENOSYS, as if nobody traced.
	 */
	const unsigned options = PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK |
				 PTRACE_O_TRACECLONE | PTRACE_O_TRACEEXEC | PTRACE_O_TRACEEXIT |
				 PTRACE_O_EXITKILL | (filter ? PTRACE_O_TRACESECCOMP : 0u);
	struct ptracer t = {.job = job, .rec = rec, .end = out_end};
	int code;

	*out_end = (struct launch_end){0};
	calls_init(&t.calls, rec, job, filter);
	code = job->stacks ? stacks_new(&t.calls.stacks, e) : 0;
	if (!code)
		code = launch_hold_signals(e);
	if (!code)
		code = tracee_start(job, filter, &t.tracee, e);
	if (!code) {
		code = trace_tracee(&t, options, e);
		tracee_done(&t.tracee);
	}
	calls_done(&t.calls);
	tasks_done(&t.tasks);
	return code;
}

int ptrace_record(void *state, const struct tracer_job *job, struct recording *rec,
	struct launch_end *end, struct err *e)
{
	(void)state;
	return trace(job, true, rec, end, e);
}

int ptrace_record_syscall(void *state, const struct tracer_job *job, struct recording *rec,
	struct launch_end *end, struct err *e)
{
	(void)state;
	return trace(job, false, rec, end, e);
}

/* A child that is traced for a moment; whether the request works on it. */
int ptrace_open_syscall(enum tracer_room room, void **out_state, struct err *e)
{
	struct __ptrace_syscall_info info;
	int code = 0;
	pid_t pid = fork();

	(void)room;
	if (pid == 0) {
		if (!ptrace(PTRACE_TRACEME, 0, 0, 0))
			(void)raise(SIGSTOP);
		_exit(EXIT_OWN_FAILURE);
	}
	if (pid < 0)
		return err_sys(e, errno, "ptrace: cannot start a process");
	if (waitpid(pid, &code, 0) < 0 || !WIFSTOPPED(code))
		return err_set(e, EPERM,
			"ptrace: not permitted here: sysclamp is being traced itself, or runs in a "
			"container whose seccomp profile denies ptrace");
	code = ptrace(PTRACE_GET_SYSCALL_INFO, pid, sizeof(info), &info) < 0 ? errno : 0;
	(void)kill(pid, SIGKILL);
	(void)waitpid(pid, NULL, 0);
	if (code)
		return err_sys(
			e, code, "ptrace: this kernel lacks PTRACE_GET_SYSCALL_INFO (Linux 5.3)");
	*out_state = NULL;
	return 0;
}

int ptrace_open(enum tracer_room room, void **out_state, struct err *e)
{
	struct sock_filter allow[] = {BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)};
	const struct filter filter = {.insns = allow, .len = ARRAY_LEN(allow)};

	if (ptrace_open_syscall(room, out_state, e))
		return -e->code;
	if (filter_try(&filter, 0, e))
		return err_prefix(e, "ptrace: ");
	return 0;
}
