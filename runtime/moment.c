#include "moment.h"

#include <elf.h>
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/uio.h>
#include <sys/user.h>

#include "hold.h"
#include "phase.h"
#include "proc.h"
#include "scope.h"
#include "start_code.h"
#include "syscalls.h"
#include "thread_status.h"

enum {
	/* musl's static-pie start-up relocates the program before it calls main. */
	STEPS_MAX = 1000000,
	STEPS_FEW = 100, /* the others' takes ten or so */
};

/* SIGTRAP in a set of signals. */
static const uint64_t TRAP = UINT64_C(1) << (SIGTRAP - 1);

/* It may have been killed meanwhile: wait(2) will say so. */
static int stop_at(struct moment *moment, pid_t tid, uint64_t address, struct err *e)
{
	int code = breakpoints_add(&moment->breakpoints, &moment->image, tid, address, e);

	moment->address = address;
	return code == -ESRCH ? 0 : code;
}

static bool get_regs(pid_t tid, struct user_regs_struct *out)
{
	struct iovec part = {.iov_base = out, .iov_len = sizeof(*out)};

	return !ptrace(PTRACE_GETREGSET, tid, (long)NT_PRSTATUS, &part) &&
	       part.iov_len == sizeof(*out);
}

/*
 * One instruction was executed, PTRACE_SINGLESTEP, or the rest of a call: TRAP_TRACE, TRAP_BRKPT.
 * SI_KERNEL is an int3.
 */
static bool is_step(const struct trace_stop *stop)
{
	siginfo_t info;

	return !trace_event(stop) && WSTOPSIG(stop->status) == SIGTRAP &&
	       !ptrace(PTRACE_GETSIGINFO, stop->tid, 0L, &info) && info.si_code > 0 &&
	       info.si_code != SI_KERNEL;
}

/* Whether the task has come to moment->address: then it stands before it. */
static bool is_there(struct moment *moment, const struct trace_stop *stop)
{
	moment->own_signal = breakpoints_step_back_to(
		&moment->breakpoints, moment->address, stop->tid, stop->status);
	return moment->own_signal;
}

/* A child that was forked before goes on: its main is another. */
static bool is_leader(const struct moment *moment, pid_t tid)
{
	return tid == moment->leader || proc_process(tid) == moment->leader;
}

static int step_to_main(
	struct moment *moment, const struct trace_stop *stop, bool *out_reached, struct err *e)
{
	(void)e;
	*out_reached = is_leader(moment, stop->tid) && is_there(moment, stop);
	return 0;
}

/*
 * Whether libc is about to be told of main: __libc_start_main(main, argc, argv, ...), in glibc and
 * musl alike.  What a program finds on its stack as it begins: argc, and argv above it (x86-64
 * psABI, 3.4.1).
 */
static bool is_main_in_hand(const struct moment *moment, const struct user_regs_struct *regs)
{
	return (int)regs->rsi == moment->argc && regs->rdx == moment->stack + sizeof(uint64_t) &&
	       image_is_code(&moment->image, regs->rdi);
}

/*
 * One instruction of the program's start-up code after the other.  That needs no symbol; but where
 * it takes long, one shortens it.
 */
static int step_through_start(
	struct moment *moment, const struct trace_stop *stop, bool *out_reached, struct err *e)
{
	struct user_regs_struct regs;
	uint64_t address;
	struct err none;

	*out_reached = false;
	/* Threads and children that a library has started are left alone. */
	moment->request = stop->tid == moment->leader ? PTRACE_SINGLESTEP : PTRACE_CONT;
	if (stop->tid != moment->leader)
		return 0;
	moment->own_signal = is_step(stop);
	if (!moment->own_signal || !get_regs(stop->tid, &regs))
		return 0;
	if (moment->steps++ == STEPS_MAX)
		return err_set(e, ENOENT,
			"the program has no main that its start-up code would hand to libc; name "
			"the function that is to be waited for, as --at main.main for Go");
	if (is_main_in_hand(moment, &regs))
		address = regs.rdi;
	else if (moment->steps != STEPS_FEW || image_find(&moment->image, "main", &address, &none))
		return 0;
	moment->step = step_to_main;
	moment->request = PTRACE_CONT;
	return stop_at(moment, stop->tid, address, e);
}

/* The program's first instruction is the next. */
static int begin_start(
	struct moment *moment, pid_t tid, const struct user_regs_struct *regs, struct err *e)
{
	errno = 0;
	moment->stack = regs->rsp;
	moment->argc = (int)ptrace(PTRACE_PEEKDATA, tid, regs->rsp, 0L);
	if (errno)
		return err_sys(e, errno, "reading the stack of the program");
	moment->step = step_through_start;
	moment->request = PTRACE_SINGLESTEP;
	return 0;
}

static int step_to_entry(
	struct moment *moment, const struct trace_stop *stop, bool *out_reached, struct err *e)
{
	struct user_regs_struct regs;

	*out_reached = false;
	if (!is_leader(moment, stop->tid) || !is_there(moment, stop) || !get_regs(stop->tid, &regs))
		return 0;
	if (breakpoints_clear(&moment->breakpoints, stop->tid, e))
		return e->code == ESRCH ? 0 : -e->code;
	return begin_start(moment, stop->tid, &regs, e);
}

/* Whoever of the program comes there: a child that was forked before, too. */
static int step_to_symbol(
	struct moment *moment, const struct trace_stop *stop, bool *out_reached, struct err *e)
{
	(void)e;
	*out_reached = is_there(moment, stop);
	return 0;
}

static int step_to_serve(
	struct moment *moment, const struct trace_stop *stop, bool *out_reached, struct err *e)
{
	struct __ptrace_syscall_info info;
	char name[SYSCALL_NAME_MAX];
	const struct abi *abi;

	(void)moment;
	(void)e;
	*out_reached = false;
	if (WSTOPSIG(stop->status) != (SIGTRAP | 0x80) ||
		ptrace(PTRACE_GET_SYSCALL_INFO, stop->tid, sizeof(info), &info) <= 0 ||
		info.op != PTRACE_SYSCALL_INFO_ENTRY)
		return 0;
	abi = abi_of_call(info.arch, (uint32_t)info.entry.nr);
	*out_reached = abi && syscall_name(abi, (uint32_t)info.entry.nr, name) &&
		       phase_role(name) == PHASE_ROLE_WAIT &&
		       phase_has_listener(proc_process(stop->tid));
	return 0;
}

static int begin_main(struct moment *moment, pid_t tid, struct err *e)
{
	struct user_regs_struct regs;
	uint64_t address;

	if (image_place(&moment->image, e))
		return -e->code;
	if (start_code_main(tid, moment->image.entry, &address) &&
		image_is_code(&moment->image, address)) {
		moment->step = step_to_main;
		return stop_at(moment, tid, address, e);
	}
	/* Without an ld.so it begins there. */
	if (get_regs(tid, &regs) && regs.rip == moment->image.entry)
		return begin_start(moment, tid, &regs, e);
	moment->step = step_to_entry;
	return stop_at(moment, tid, moment->image.entry, e);
}

static int begin_symbol(struct moment *moment, pid_t tid, struct err *e)
{
	uint64_t address;

	moment->step = step_to_symbol;
	if (image_place(&moment->image, e) ||
		image_find(&moment->image, moment->symbol, &address, e))
		return -e->code;
	return stop_at(moment, tid, address, e);
}

static int begin_serve(struct moment *moment, pid_t tid, struct err *e)
{
	(void)tid;
	(void)e;
	moment->step = step_to_serve;
	moment->request = PTRACE_SYSCALL;
	return 0;
}

/* What follows the execve; none: that is the moment itself. */
static int (*const BEGIN[])(struct moment *moment, pid_t tid, struct err *e) = {
	[SANDBOX_AT_EXEC] = NULL,
	[SANDBOX_AT_MAIN] = begin_main,
	[SANDBOX_AT_SYMBOL] = begin_symbol,
	[SANDBOX_AT_SERVE] = begin_serve,
};

static bool is_exec(const struct moment *moment, const struct trace_stop *stop)
{
	return trace_event(stop) == PTRACE_EVENT_EXEC && stop->tid == moment->leader;
}

static bool comes_by_trap(const struct moment *moment)
{
	return moment->at == SANDBOX_AT_MAIN || moment->at == SANDBOX_AT_SYMBOL;
}

/* For breakpoint.h; what the program itself changes before the moment is not looked for. */
static void note_trap(struct moment *moment, pid_t tid)
{
	uint64_t blocked = 0;

	(void)ptrace(PTRACE_GETSIGMASK, tid, sizeof(blocked), &blocked);
	moment->trap_blocked = blocked & TRAP;
	moment->trap_ignored = proc_ignored_signals(tid) & TRAP;
}

static void block_trap(pid_t tid)
{
	uint64_t mask;

	if (ptrace(PTRACE_GETSIGMASK, tid, sizeof(mask), &mask))
		return;
	mask |= TRAP;
	(void)ptrace(PTRACE_SETSIGMASK, tid, sizeof(mask), &mask);
}

/* A handler that is still there says that the program had the signal neither blocked nor ignored.
 */
static bool catches_trap(pid_t tid)
{
	struct thread_status status;
	struct err e;

	return !thread_status_read(tid, &status, &e) && status.caught & TRAP;
}

int moment_pass(const struct moment *moment, pid_t tid, struct err *e)
{
	if (breakpoints_clear(&moment->breakpoints, tid, e))
		return -e->code;
	if (!(moment->trap_blocked || moment->trap_ignored) ||
		proc_process(tid) != proc_process(moment->came) || catches_trap(tid))
		return 0;
	if (moment->trap_blocked)
		block_trap(moment->came);
	return moment->trap_ignored ? hold_ignoring(tid, SIGTRAP, TRACE_OPTIONS, e) : 0;
}

static int step_to_exec(
	struct moment *moment, const struct trace_stop *stop, bool *out_reached, struct err *e)
{
	*out_reached = false;
	if (!is_exec(moment, stop))
		return 0;
	image_done(&moment->image);
	moment->steps = 0;
	if (comes_by_trap(moment))
		note_trap(moment, stop->tid);
	if (image_open(stop->tid, &moment->image, e))
		return -e->code;
	*out_reached = !BEGIN[moment->at];
	return *out_reached ? 0 : BEGIN[moment->at](moment, stop->tid, e);
}

void moment_init(struct moment *moment, enum sandbox_at at, const char *symbol, pid_t leader)
{
	*moment = (struct moment){
		.at = at,
		.symbol = symbol,
		.leader = leader,
		.step = step_to_exec,
		.request = PTRACE_CONT,
	};
}

void moment_done(struct moment *moment)
{
	breakpoints_done(&moment->breakpoints);
	image_done(&moment->image);
}

int moment_look(
	struct moment *moment, const struct trace_stop *stop, bool *out_reached, struct err *e)
{
	moment->own_signal = false;
	/* Another program, before the moment came: it begins anew. */
	if (is_exec(moment, stop)) {
		moment->step = step_to_exec;
		moment->request = PTRACE_CONT;
	}
	moment->came = stop->tid;
	return moment->step(moment, stop, out_reached, e);
}

const char *moment_name(const struct moment *moment)
{
	static const char *const NAMES[] = {
		[SANDBOX_AT_LAUNCH] = "launch",
		[SANDBOX_AT_EXEC] = "exec",
		[SANDBOX_AT_MAIN] = "main",
		[SANDBOX_AT_SERVE] = "serve",
	};

	return moment->at == SANDBOX_AT_SYMBOL ? moment->symbol : NAMES[moment->at];
}
