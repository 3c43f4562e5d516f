#include "verify_dump.h"

#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <time.h>

#include "scope.h"
#include "thread_status.h"

enum { STOP_TIMEOUT_MS = 5000 };

/* A thread that we trace.  Once it has stopped, tracee_release() lets it go on. */
struct tracee {
	pid_t tid;
	bool stopped;
	int status; /* of waitpid() */
};

/*
 * Calls that a stop ends with EINTR where it should not (signal(7), "Interruption of system calls
 * and library functions by stop signals") and that have done nothing then.
 */
static const char *const WAITS[] = {
	"epoll_pwait",
	"epoll_pwait2",
	"epoll_wait",
	"io_getevents",
	"io_pgetevents",
	"rt_sigtimedwait",
	"semop",
	"semtimedop",
};

static bool is_wait(uint32_t nr)
{
	const struct abi *abi = abi_of_call(abi_native()->audit_arch, nr);
	char name[SYSCALL_NAME_MAX];

	if (!abi || !syscall_name(abi, nr, name))
		return false;
	for (size_t i = 0; i < ARRAY_LEN(WAITS); i++) {
		if (!strcmp(WAITS[i], name))
			return true;
	}
	return false;
}

/* Whether a signal is about to be handled: then EINTR is its doing, and right. */
static bool has_signal(pid_t tid)
{
	struct thread_status status;
	struct err e;

	return thread_status_read(tid, &status, &e) ||
	       thread_status_is_signalled(&status, status.blocked);
}

/* Go back to the call that the stop has ended. */
static void tracee_resume_wait(const struct tracee *tracee)
{
#ifdef __x86_64__
	enum { SYSCALL_INSN = 0x050f, SYSCALL_INSN_LEN = 2 }; /* 0f 05, little-endian */
	struct user_regs_struct regs;
	long insn;

	if (ptrace(PTRACE_GETREGS, tracee->tid, NULL, &regs))
		return;
	if ((long)regs.rax != -EINTR || (long)regs.orig_rax < 0 ||
		!is_wait((uint32_t)regs.orig_rax) || has_signal(tracee->tid))
		return;
	errno = 0;
	insn = ptrace(PTRACE_PEEKTEXT, tracee->tid, regs.rip - SYSCALL_INSN_LEN, NULL);
	if (errno || (insn & UINT16_MAX) != SYSCALL_INSN)
		return;
	regs.rip -= SYSCALL_INSN_LEN;
	regs.rax = regs.orig_rax;
	(void)ptrace(PTRACE_SETREGS, tracee->tid, NULL, &regs);
#else
	(void)is_wait, (void)has_signal, (void)tracee;
#endif
}

static void tracee_release(struct tracee *tracee)
{
	/* PTRACE_SEIZE marks its own stops with an event; without, a signal is about to arrive. */
	bool own = tracee->status >> 16;

	if (!tracee->stopped)
		return;
	if (own)
		tracee_resume_wait(tracee);
	(void)ptrace(PTRACE_DETACH, tracee->tid, NULL, own ? 0L : (long)WSTOPSIG(tracee->status));
}

static int refuse_attach(pid_t tid, int code, struct err *e)
{
	struct thread_status status = {0};

	if (code == ESRCH)
		return err_set(e, ESRCH, "process %d has ended", tid);
	if (!thread_status_read(tid, &status, e) && status.tracer)
		return err_set(e, EBUSY,
			"process %d is traced by process %d, and the kernel allows one tracer "
			"only: "
			"end that first",
			tid, status.tracer);
	return err_set(e, EPERM,
		"process %d may not be traced: reading its filters needs CAP_SYS_PTRACE and "
		"CAP_SYS_ADMIN: run as root",
		tid);
}

/* There is no call that waits for a stop with a time limit. */
static int tracee_wait(struct tracee *tracee, struct err *e)
{
	static const struct timespec millisecond = {.tv_nsec = 1000000};

	for (int i = 0; i < STOP_TIMEOUT_MS; i++) {
		pid_t got = waitpid(tracee->tid, &tracee->status, __WALL | WNOHANG);

		if (got == tracee->tid && WIFSTOPPED(tracee->status)) {
			tracee->stopped = true;
			return 0;
		}
		if (got == tracee->tid || (got < 0 && errno != EINTR))
			return err_set(e, ESRCH, "process %d has ended", tracee->tid);
		(void)nanosleep(&millisecond, NULL);
	}
	return err_set(e, ETIMEDOUT,
		"process %d does not stop within %d s: it is in the middle of a system call that "
		"cannot be interrupted; try again later",
		tracee->tid, STOP_TIMEOUT_MS / 1000);
}

static int refuse_dump(pid_t tid, size_t index, int code, struct err *e)
{
	switch (code) {
	case EACCES:
		return err_set(e, EPERM,
			"the kernel does not show the filters of process %d: it needs "
			"CAP_SYS_ADMIN in the first user namespace: run as root",
			tid);
	case EMEDIUMTYPE:
		return err_set(e, EINVAL, "filter %zu of process %d is no classic BPF program",
			index, tid);
	case EINVAL:
		return err_set(e, EINVAL,
			"the kernel does not show the filters of process %d: it was built without "
			"CONFIG_CHECKPOINT_RESTORE",
			tid);
	default:
		return err_sys(e, code, "cannot read filter %zu of process %d", index, tid);
	}
}

/* Filter @index of the thread; 0 is the oldest.  1: there is none. */
static int dump_one(pid_t tid, size_t index, struct filter *out, struct err *e)
{
	struct filter filter = {0};
	long len = ptrace(PTRACE_SECCOMP_GET_FILTER, tid, index, NULL);

	if (len < 0 && errno == ENOENT)
		return 1;
	if (len <= 0)
		return refuse_dump(tid, index, errno, e);
	filter.len = (size_t)len;
	filter.insns = calloc(filter.len, sizeof(*filter.insns));
	if (!filter.insns)
		return err_nomem(e);
	if (ptrace(PTRACE_SECCOMP_GET_FILTER, tid, index, filter.insns) != len) {
		filter_done(&filter);
		return refuse_dump(tid, index, errno, e);
	}
	*out = filter;
	return 0;
}

static int dump_all(pid_t tid, struct filters *out, struct err *e)
{
	scoped(filters_done) struct filters all = {
		.filters = calloc(PROVE_FILTERS_MAX, sizeof(*all.filters)),
	};
	struct filter one;
	int code;

	if (!all.filters)
		return err_nomem(e);
	while ((code = dump_one(tid, all.n, &one, e)) == 0) {
		if (all.n == PROVE_FILTERS_MAX) {
			filter_done(&one);
			return err_set(e, E2BIG, "process %d carries more than %d filters", tid,
				PROVE_FILTERS_MAX);
		}
		/* The newest first. */
		memmove(&all.filters[1], all.filters, all.n * sizeof(*all.filters));
		all.filters[0] = one;
		all.n++;
	}
	if (code < 0)
		return code;
	*out = all;
	memset(&all, 0, sizeof(all)); /* they are the caller's now */
	return 0;
}

int filters_dump(pid_t tid, struct filters *out, struct err *e)
{
	scoped(tracee_release) struct tracee tracee = {.tid = tid};

	if (ptrace(PTRACE_SEIZE, tid, NULL, NULL))
		return refuse_attach(tid, errno, e);
	if (ptrace(PTRACE_INTERRUPT, tid, NULL, NULL))
		return refuse_attach(tid, errno, e);
	if (tracee_wait(&tracee, e))
		return -e->code;
	return dump_all(tid, out, e);
}
