#include "inject.h"

#include <elf.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>

#include "await.h"
#include "inject_places.h"
#include "memory.h"
#include "proc.h"
#include "rseq.h"
#include "scope.h"
#include "thread_status.h"

enum {
	RED_ZONE = 128, /* bytes below the stack pointer that belong to the program: x86-64 psABI */
	SYSCALL_SIZE = 2, /* bytes of the instruction */
	USER_CS = 0x33, /* of 64-bit code: arch/x86/include/asm/segment.h, __USER_CS */
	GET_USER_DISPATCH = 0x4211, /* PTRACE_GET_SYSCALL_USER_DISPATCH_CONFIG, Linux 6.4 */
	OF_USER_DISPATCH = 2, /* asm-generic/siginfo.h: SYS_USER_DISPATCH */
};

/* What calls return inside of the kernel that are to be made again: include/linux/errno.h. */
enum {
	ERESTARTSYS = 512,
	ERESTARTNOINTR = 513,
	ERESTARTNOHAND = 514,
	ERESTART_RESTARTBLOCK = 516,
};

static int gone(pid_t tid, struct err *e)
{
	return err_set(e, ESRCH, "process %d ended before the filter was loaded", tid);
}

static int fail(pid_t tid, const char *what, struct err *e)
{
	return errno == ESRCH ? gone(tid, e) : err_sys(e, errno, "process %d: %s", tid, what);
}

static bool is_exiting(pid_t tid)
{
	struct thread_status status;
	struct err e;

	return thread_status_read(tid, &status, &e) || status.is_exiting;
}

/*
 * Until there is something to wait for.  Of the first of several threads that is not so when it has
 * ended, as one that is killed twice does without a last stop, before the others have: in their
 * last stops these wait for us.
 *
 * @deadline_ns: 0: none.
 */
static int wait_news(pid_t tid, uint64_t deadline_ns, siginfo_t *out, struct err *e)
{
	for (bool woken = false;; woken = true) {
		*out = (siginfo_t){0};
		if (waitid(P_PID, (id_t)tid, out, WSTOPPED | WEXITED | WNOWAIT | WNOHANG | __WALL))
			return gone(tid, e);
		if (out->si_pid)
			return 0;
		if (woken && is_exiting(tid))
			return gone(tid, e);
		if (!await_child(deadline_ns ? deadline_ns : UINT64_MAX))
			return err_set(e, ETIMEDOUT,
				"process %d does not come to make a call, as when its cgroup is "
				"frozen",
				tid);
	}
}

/*
 * An end is left to be waited for by whoever waits for all; and so is its beginning: that of the
 * first of several threads is told only when all have ended.
 *
 * @deadline_ns: 0: none.
 */
static int wait_stop(pid_t tid, uint64_t deadline_ns, int *out_status, struct err *e)
{
	siginfo_t news;

	if (wait_news(tid, deadline_ns, &news, e))
		return -e->code;
	if ((news.si_code != CLD_TRAPPED && news.si_code != CLD_STOPPED) ||
		news.si_status >> 8 == PTRACE_EVENT_EXIT ||
		waitpid(tid, out_status, __WALL) != tid || !WIFSTOPPED(*out_status))
		return gone(tid, e);
	return 0;
}

static bool is_event_stop(int status)
{
	return status >> 16 == PTRACE_EVENT_STOP;
}

/* The signal that a thread in a stop is to receive when it is resumed. */
static int signal_of(int status)
{
	int sig = WSTOPSIG(status);

	return status >> 16 || sig == (SIGTRAP | 0x80) ? 0 : sig;
}

int inject_stop(pid_t tid, int status, struct err *e)
{
	/* Any other stop takes back an interruption that was asked for before it: ptrace_stop(). */
	while (!is_event_stop(status)) {
		if (ptrace(PTRACE_INTERRUPT, tid, 0L, 0L))
			return fail(tid, "interrupting", e);
		if (status && ptrace(PTRACE_CONT, tid, 0L, (long)signal_of(status)))
			return fail(tid, "resuming", e);
		if (wait_stop(tid, 0, &status, e))
			return -e->code;
	}
	return 0;
}

static int get_regs(pid_t tid, struct user_regs_struct *out, struct err *e)
{
	struct iovec part = {.iov_base = out, .iov_len = sizeof(*out)};

	if (ptrace(PTRACE_GETREGSET, tid, (long)NT_PRSTATUS, &part))
		return fail(tid, "reading registers", e);
	if (part.iov_len != sizeof(*out) || out->cs != USER_CS)
		return err_set(e, ENOEXEC,
			"process %d executes 32-bit code; calls can be made only in the name of "
			"%s programs",
			tid, abi_native()->name);
	return 0;
}

static int set_regs(pid_t tid, const struct user_regs_struct *regs, struct err *e)
{
	struct iovec part = {.iov_base = (void *)regs, .iov_len = sizeof(*regs)};

	return ptrace(PTRACE_SETREGSET, tid, (long)NT_PRSTATUS, &part)
		       ? fail(tid, "setting registers", e)
		       : 0;
}

static int get_mask(pid_t tid, uint64_t *out_mask, struct err *e)
{
	return ptrace(PTRACE_GETSIGMASK, tid, sizeof(*out_mask), out_mask)
		       ? fail(tid, "reading the signal mask", e)
		       : 0;
}

static int set_mask(pid_t tid, uint64_t mask, struct err *e)
{
	return ptrace(PTRACE_SETSIGMASK, tid, sizeof(mask), &mask)
		       ? fail(tid, "setting the signal mask", e)
		       : 0;
}

/* The time is up, but it may be there by now; if not, have it stop where it is. */
static int give_up(pid_t tid, int *out_status, struct err *e)
{
	struct err late = *e;

	if (ptrace(PTRACE_INTERRUPT, tid, 0L, 0L))
		return fail(tid, "interrupting", e);
	if (wait_stop(tid, 0, out_status, e))
		return -e->code;
	if (!is_event_stop(*out_status))
		return 0;
	*e = late;
	return -e->code;
}

static int answers_itself(pid_t tid, struct err *e)
{
	return err_set(e, ENOEXEC,
		"process %d has its system calls answered by itself (syscall user dispatch, as "
		"Wine has), so that none can be made in its name",
		tid);
}

/* SIGSYS: the kernel's, for the call, or, in try_dispatch(), somebody's, which has to wait. */
static int take_sigsys(pid_t tid, int *sig, struct err *e)
{
	siginfo_t info;

	if (ptrace(PTRACE_GETSIGINFO, tid, 0L, &info))
		return fail(tid, "reading a signal", e);
	if (info.si_code == OF_USER_DISPATCH)
		return answers_itself(tid, e);
	if (info.si_code > 0)
		return 0;
	*sig = 0;
	if (set_mask(tid, UINT64_MAX, e))
		return -e->code;
	return syscall(SYS_tkill, tid, SIGSYS) ? fail(tid, "keeping a signal", e) : 0;
}

/* Resume it until its next system call stop, which is this call's entry or return. */
static int run_to_syscall(pid_t tid, uint64_t deadline_ns, struct err *e)
{
	int status = 0, sig = 0;

	do {
		if (ptrace(PTRACE_SYSCALL, tid, 0L, (long)sig))
			return fail(tid, "resuming", e);
		if (wait_stop(tid, deadline_ns, &status, e) &&
			(e->code != ETIMEDOUT || give_up(tid, &status, e)))
			return -e->code;
		sig = signal_of(status);
		if (sig == SIGSYS && take_sigsys(tid, &sig, e))
			return -e->code;
	} while (WSTOPSIG(status) != (SIGTRAP | 0x80));
	return 0;
}

/*
 * Where a filter kills or traps, the kernel takes the call back, so that the number is there again,
 * and forces a signal (__seccomp_filter() of kernel/seccomp.c).
 */
#define SIGSYS_BIT (UINT64_C(1) << (SIGSYS - 1))

int inject_call(struct inject *inject, long nr, const uint64_t args[SYSCALL_ARGS], long *out_result,
	struct err *e)
{
	struct user_regs_struct regs = inject->regs;

	regs.rip = inject->syscall_at;
	regs.rax = (uint64_t)nr;
	regs.orig_rax = UINT64_MAX; /* none is under way: nothing to make again */
	regs.rdi = args[0];
	regs.rsi = args[1];
	regs.rdx = args[2];
	regs.r10 = args[3];
	regs.r8 = args[4];
	regs.r9 = args[5];
	if (set_regs(inject->tid, &regs, e) ||
		run_to_syscall(inject->tid, inject->deadline_ns, e) ||
		run_to_syscall(inject->tid, 0, e) || get_regs(inject->tid, &regs, e))
		return -e->code;
	if (regs.rax == (uint64_t)nr && proc_pending_signals(inject->tid) & SIGSYS_BIT)
		return err_set(e, EPERM,
			"process %d: a filter that it carries already does not allow what it "
			"takes to load one",
			inject->tid);
	*out_result = (long)regs.rax;
	return 0;
}

/*
 * The kernel maps 128 KiB of the first stack at least.  What lies below the stack pointer may be in
 * use nevertheless, where that stack holds smaller ones: of coroutines, of musl's posix_spawn(3).
 */
static bool borrow_stack(struct inject *inject, const struct places *places)
{
	uint64_t room = (inject->regs.rsp - RED_ZONE - inject->room_size) & ~UINT64_C(15);

	if (!places->stack || room < places->stack || room > inject->regs.rsp)
		return false;
	inject->stood_there = malloc(inject->room_size);
	if (!inject->stood_there ||
		!memory_read(inject->tid, room, inject->stood_there, inject->room_size)) {
		inject_done(inject);
		return false;
	}
	inject->room = room;
	return true;
}

static int map_room(struct inject *inject, struct err *e)
{
	const uint64_t args[SYSCALL_ARGS] = {0, inject->room_size, PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS, (uint64_t)-1, 0};
	long result = 0;

	if (inject_call(inject, SYS_mmap, args, &result, e))
		return -e->code;
	if (result < 0 && result > -4096)
		return err_sys(e, (int)-result, "process %d: an mmap in its name", inject->tid);
	inject->room = inject->mapped = (uint64_t)result;
	return 0;
}

/* Wine's way: what is not the kernel's answer to our calls must not be taken for it. */
static int check_dispatch(pid_t tid, bool *out_known, struct err *e)
{
	struct {
		uint64_t mode, selector, offset, len;
	} config = {0};

	*out_known = !ptrace(
		(enum __ptrace_request)GET_USER_DISPATCH, tid, sizeof(config), &config);
	return config.mode ? answers_itself(tid, e) : 0;
}

/*
 * The same by a call that does nothing, where the kernel does not tell.  SIGSYS must not be blocked
 * meanwhile: its handler would be lost (kernel/signal.c, force_sig_info_to_task()).
 */
static int try_dispatch(struct inject *inject, struct err *e)
{
	static const uint64_t none[SYSCALL_ARGS];
	long result;

	if (set_mask(inject->tid, ~SIGSYS_BIT, e) ||
		inject_call(inject, SYS_gettid, none, &result, e))
		return -e->code;
	return set_mask(inject->tid, UINT64_MAX, e);
}

int inject_begin(
	pid_t tid, size_t room_size, uint64_t deadline_ns, struct inject *out, struct err *e)
{
	struct inject inject = {.tid = tid, .room_size = room_size, .deadline_ns = deadline_ns};
	struct places places = {0};
	bool known;

	if (get_regs(tid, &inject.regs, e) || check_dispatch(tid, &known, e) ||
		places_find(tid, inject.regs.rsp, &places, e) ||
		places_syscall(tid, &places, &inject.syscall_at, e) ||
		get_mask(tid, &inject.signal_mask, e) || set_mask(tid, UINT64_MAX, e))
		return -e->code;
	inject.regs.rip = rseq_resume_at(tid, inject.regs.rip);
	if ((!known && try_dispatch(&inject, e)) ||
		(room_size && !borrow_stack(&inject, &places) && map_room(&inject, e))) {
		struct err later;

		(void)inject_end(&inject, &later);
		inject_done(&inject);
		return -e->code;
	}
	*out = inject;
	return 0;
}

int inject_write(const struct inject *inject, size_t offset, const void *bytes, size_t size,
	uint64_t *out_address, struct err *e)
{
	uint64_t address = inject->room + offset;

	if (offset > inject->room_size || size > inject->room_size - offset)
		return err_set(e, EFAULT, "process %d: no room for %zu bytes", inject->tid, size);
	if (!memory_write(inject->tid, address, bytes, size))
		return fail(inject->tid, "writing to its memory", e);
	*out_address = address;
	return 0;
}

int inject_unmap(struct inject *inject, struct err *e)
{
	const uint64_t args[SYSCALL_ARGS] = {inject->mapped, inject->room_size};
	long result;

	if (!inject->mapped)
		return 0;
	inject->mapped = 0;
	return inject_call(inject, SYS_munmap, args, &result, e);
}

/* A call has returned @code: it was under way when the thread was interrupted. */
static bool has_returned(const struct user_regs_struct *regs, long code)
{
	return (long)regs->orig_rax >= 0 && (long)regs->rax == -code;
}

/*
 * Calls that give up for no other reason than that they were interrupted, as epoll_wait,
 * sigtimedwait, and those on sockets with a timeout do (signal(7)), have done nothing then; but
 * close(2) has, all the same.
 */
static bool is_repeatable(const struct user_regs_struct *regs)
{
	return has_returned(regs, EINTR) && regs->orig_rax != SYS_close;
}

/* Where there is a signal to take, that is the reason. */
static bool has_given_up(pid_t tid, const struct user_regs_struct *regs, uint64_t signal_mask)
{
	struct thread_status status;
	struct err e;

	return is_repeatable(regs) && !thread_status_read(tid, &status, &e) &&
	       !thread_status_is_signalled(&status, signal_mask);
}

bool inject_next_call(pid_t tid, struct seccomp_data *out, uint32_t *out_cut)
{
	struct user_regs_struct regs;
	struct err e;
	bool by_restart;

	if (get_regs(tid, &regs, &e))
		return false;
	by_restart = has_returned(&regs, ERESTART_RESTARTBLOCK);
	if (!by_restart && !has_returned(&regs, ERESTARTSYS) &&
		!has_returned(&regs, ERESTARTNOINTR) && !has_returned(&regs, ERESTARTNOHAND) &&
		!is_repeatable(&regs))
		return false;
	*out = (struct seccomp_data){
		.nr = by_restart ? SYS_restart_syscall : (int)regs.orig_rax,
		.arch = abi_native()->audit_arch,
		.instruction_pointer = regs.rip,
		.args = {regs.rdi, regs.rsi, regs.rdx, regs.r10, regs.r8, regs.r9},
	};
	*out_cut = (uint32_t)regs.orig_rax;
	return true;
}

static void make_again(struct user_regs_struct *regs)
{
	regs->rax = regs->orig_rax;
	regs->rip -= SYSCALL_SIZE;
	regs->orig_rax = UINT64_MAX;
}

/* Of a thread that executes 32-bit code (USER_CS) nothing is known, and nothing changed. */
int inject_pass(pid_t tid, int *out_status)
{
	struct user_regs_struct regs;
	siginfo_t info;
	uint64_t mask;
	struct err e;

	if (ptrace(PTRACE_GETSIGINFO, tid, 0L, &info))
		return -ESRCH;
	*out_status = info.si_code << 8 | 0x7f;
	if (get_regs(tid, &regs, &e) || get_mask(tid, &mask, &e) || !has_given_up(tid, &regs, mask))
		return 0;
	make_again(&regs);
	return set_regs(tid, &regs, &e);
}

int inject_end(struct inject *inject, struct err *e)
{
	struct user_regs_struct regs = inject->regs;
	int code = 0;

	if (has_given_up(inject->tid, &regs, inject->signal_mask))
		make_again(&regs);
	if (inject->stood_there &&
		!memory_write(inject->tid, inject->room, inject->stood_there, inject->room_size))
		code = fail(inject->tid, "putting back its memory", e);
	if (set_regs(inject->tid, &regs, e) || set_mask(inject->tid, inject->signal_mask, e) ||
		inject_stop(inject->tid, INJECT_NO_SIGNAL, e))
		return -e->code;
	return code;
}

void inject_done(struct inject *inject)
{
	free(inject->stood_there);
	inject->stood_there = NULL;
}
