#include "clamp.h"

#include <errno.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stddef.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "await.h"
#include "caps.h"
#include "clamp_check.h"
#include "hold.h"
#include "inject.h"
#include "launch.h"
#include "proc.h"
#include "recording.h"
#include "scope.h"
#include "thread_status.h"

/* A live process must not end with its tracer: no PTRACE_O_EXITKILL. */
static const unsigned long OPTIONS = PTRACE_O_TRACESYSGOOD;

/* No event tells that a call which cannot be interrupted has returned. */
#define TICK_NS UINT64_C(10000000)

/* Where the threads are tried one after the other. */
struct search {
	const struct clamp *clamp;
	int pid_fd;
	uint64_t deadline_ns;
	pid_t tid; /* the thread that was tried last; 0: none yet */
	struct thread_status before; /* what it was then */
	bool held; /* it has loaded the filter */
	struct err refused; /* why none has */
	bool over; /* no other thread would do better */
};

/* Those that end the caller, and SIGCHLD. */
static void make_set(sigset_t *out)
{
	static const int ENDS[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT};
	struct sigaction was;

	sigemptyset(out);
	sigaddset(out, SIGCHLD);
	for (size_t i = 0; i < ARRAY_LEN(ENDS); i++) {
		if (!sigaction(ENDS[i], NULL, &was) && was.sa_handler != SIG_IGN)
			sigaddset(out, ENDS[i]);
	}
}

/* Until there may be news.  A signal that ends the caller does so once all are let through. */
static int wait_for_news(uint64_t until_ns, struct err *e)
{
	sigset_t set;
	int sig;

	make_set(&set);
	sig = await_signal(&set, until_ns);
	if (!sig || sig == SIGCHLD)
		return 0;
	(void)kill(getpid(), sig);
	return err_set(e, EINTR, "interrupted by signal %d", sig);
}

/*
 * It was told to stop, and its call may have been cut short: no signal ends us before that is put
 * right.
 */
static int await_stop(const struct search *search, pid_t tid, int *out_status, struct err *e)
{
	pid_t got;

	do
		got = waitpid(tid, out_status, __WALL | WNOHANG);
	while (got < 0 ? errno == EINTR : !got && await_child(search->deadline_ns));
	if (!got)
		return err_set(e, ETIMEDOUT,
			"thread %d does not stop: it is in a system call that cannot be "
			"interrupted",
			tid);
	return got == tid && WIFSTOPPED(*out_status)
		       ? 0
		       : err_set(e, ESRCH, "thread %d has ended", tid);
}

/* The number may be another process's by now. */
static int check_same(const struct search *search, pid_t tid, struct err *e)
{
	pid_t pid = search->clamp->pid;

	if (proc_process(tid) == pid &&
		!syscall(SYS_pidfd_send_signal, search->pid_fd, 0, NULL, 0u))
		return 0;
	return err_set(e, ESRCH, "process %d has ended", pid);
}

/* What it takes to load a filter where others might deny that, or end the process for it. */
static int check_filters(const struct search *search, struct err *e)
{
	pid_t pid = search->clamp->pid;

	if (hold_check_mode(search->tid, e))
		return -e->code;
	if (search->before.mode == SECCOMP_MODE_DISABLED)
		return 0;
	if (!cap_is_effective(CAP_SYS_ADMIN))
		return err_set(e, EPERM,
			"process %d carries a filter already, which may deny it to load another, "
			"or end it for that; to have that one look away takes CAP_SYS_ADMIN: run "
			"as root",
			pid);
	if (proc_filters(getpid()))
		return err_set(e, EPERM,
			"process %d carries a filter already, and the kernel has it look away for "
			"loading another for unconfined processes only: run sysclamp outside of "
			"the container",
			pid);
	return 0;
}

static int hold_stopped(const struct search *search, struct err *e)
{
	const struct clamp *clamp = search->clamp;
	const struct hold hold = {
		.filter = clamp->filter,
		.flags = clamp->flags,
		.no_new_privs = !clamp->new_privs,
		.suspend = search->before.mode == SECCOMP_MODE_FILTER,
		.only_suspended = true,
		.options = OPTIONS,
		.deadline_ns = search->deadline_ns,
		.keeps_call = true,
	};

	return check_same(search, search->tid, e) ? -e->code : hold_filter(search->tid, &hold, e);
}

/* One that does not stop in time is let go by the kernel when the caller ends. */
static int hold_seized(const struct search *search, struct err *e)
{
	pid_t tid = search->tid;
	int status, code;

	if (await_stop(search, tid, &status, e))
		return -e->code;
	code = inject_stop(tid, status, e) ? -e->code : hold_stopped(search, e);
	if (inject_pass(tid, &status) || ptrace(PTRACE_DETACH, tid, 0L, 0L))
		(void)waitpid(tid, &status, __WALL | WNOHANG); /* it has ended */
	return code;
}

static int hold_by_thread(struct search *search, struct err *e)
{
	pid_t tid = search->tid;
	int code;

	if (clamp_check_moment(tid, &search->before, e))
		return -e->code;
	if (check_filters(search, e)) {
		search->over = true;
		return -e->code;
	}
	if (ptrace(PTRACE_SEIZE, tid, 0L, OPTIONS) || ptrace(PTRACE_INTERRUPT, tid, 0L, 0L))
		return clamp_explain_refusal(tid, errno, e);
	code = hold_seized(search, e);
	search->over = code && code != -ESRCH && code != -EAGAIN;
	return code;
}

/* A thread that would do if it made another call is not asked again: it was interrupted once. */
static void note_refusal(struct search *search, const struct err *e)
{
	bool counts = !search->refused.code || search->over || e->code == EAGAIN;

	if (counts && e->code != ESRCH)
		search->refused = *e;
}

static void try_thread(void *ctx, pid_t tid)
{
	struct search *search = ctx;
	struct thread_status status;
	struct err e;

	if (search->held || search->over || thread_status_read(tid, &status, &e) ||
		status.is_exiting)
		return;
	search->tid = tid;
	search->before = status;
	search->held = !hold_by_thread(search, &e);
	if (!search->held)
		note_refusal(search, &e);
}

/*
 * One with filters of its own is left to the first thread's try, which the kernel then refuses:
 * through this one, the others would get these as well.
 */
static bool is_like_first(pid_t tid, pid_t first)
{
	struct thread_status own, other;
	struct err e;

	return !thread_status_read(tid, &own, &e) && !thread_status_read(first, &other, &e) &&
	       (other.is_exiting || (own.n_filters == other.n_filters && own.mode == other.mode));
}

static void try_later_thread(void *ctx, pid_t tid)
{
	const struct search *search = ctx;

	if (tid != search->clamp->pid && is_like_first(tid, search->clamp->pid))
		try_thread(ctx, tid);
}

/*
 * The first thread last.  What is sent to a process and does nothing is dropped unless that thread
 * is traced (kernel/signal.c: sig_ignored()); then it is queued, and while the thread is busy for
 * us another one is woken for it, whose call gives up with EINTR.
 */
static void try_threads(struct search *search)
{
	proc_each_thread(search->clamp->pid, try_later_thread, search);
	try_thread(search, search->clamp->pid);
}

/* Until one thread has loaded the filter for all. */
static int search_thread(struct search *search, struct err *e)
{
	for (;;) {
		search->refused = (struct err){0};
		try_threads(search);
		if (search->held)
			return 0;
		if (!search->refused.code)
			return err_set(e, ESRCH, "process %d has ended", search->clamp->pid);
		*e = search->refused;
		if (search->over || e->code != ETIMEDOUT || steady_ns() >= search->deadline_ns)
			return -e->code;
		if (wait_for_news(steady_ns() + TICK_NS, e))
			return -e->code;
	}
}

/* The threads that carry the filter, and one that does not. */
struct count {
	unsigned n_filters; /* that each must have */
	unsigned threads;
	pid_t other;
};

static void count_thread(void *ctx, pid_t tid)
{
	struct count *count = ctx;
	struct thread_status status;
	struct err e;

	if (thread_status_read(tid, &status, &e) || status.is_exiting)
		return;
	count->threads++;
	if (status.mode != SECCOMP_MODE_FILTER || status.n_filters < count->n_filters)
		count->other = tid;
}

/* /proc is asked whether the kernel has done what it said. */
static int count_held(pid_t pid, unsigned n_filters, struct clamped *out, struct err *e)
{
	struct count count = {.n_filters = n_filters};

	proc_each_thread(pid, count_thread, &count);
	if (count.other)
		return err_set(e, EIO,
			"the filter was loaded, but thread %d of process %d does not carry it",
			count.other, pid);
	out->threads = count.threads;
	return 0;
}

/* What has become of the process that was not held. */
static int explain_state(const struct search *search, struct err *e)
{
	struct thread_status now;
	struct err why = *e, ignored;

	if (!search->tid || thread_status_read(search->tid, &now, &ignored) || now.is_exiting)
		return -why.code;
	return err_set(e, why.code, "%s; the process goes on as before%s", why.text,
		now.no_new_privs == search->before.no_new_privs
			? ""
			: ", but with no_new_privs, which cannot be taken back");
}

int clamp_process(const struct clamp *clamp, struct clamped *out, struct err *e)
{
	scoped_fd int pid_fd = (int)syscall(SYS_pidfd_open, clamp->pid, 0u);
	uint64_t within_ns = clamp->within_ns;
	struct search search = {
		.clamp = clamp,
		.pid_fd = pid_fd,
		.deadline_ns = steady_ns() + (within_ns < INT64_MAX ? within_ns : INT64_MAX),
	};
	struct clamped clamped = {0};
	int error = errno, code;

	if (clamp_check(clamp->pid, e))
		return -e->code;
	if (pid_fd < 0)
		return err_sys(e, error, "process %d: making sure of it", clamp->pid);
	if (launch_hold_signals(e))
		return -e->code;
	code = search_thread(&search, e);
	launch_restore_signals();
	if (code)
		return explain_state(&search, e);
	if (count_held(clamp->pid, search.before.n_filters + 1, &clamped, e))
		return -e->code;
	clamped.set_no_new_privs = !clamp->new_privs && !search.before.no_new_privs;
	*out = clamped;
	return 0;
}
