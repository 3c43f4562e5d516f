#include "hold.h"

#include <errno.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>

#include "inject.h"
#include "memory.h"
#include "proc.h"
#include "scope.h"
#include "syscalls.h"

/* A call that returns 0 when it has worked. */
static int call(struct inject *inject, const char *what, long nr, const uint64_t args[SYSCALL_ARGS],
	struct err *e)
{
	long result;

	if (inject_call(inject, nr, args, &result, e))
		return -e->code;
	if (result)
		return err_sys(e, (int)-result, "process %d: %s", inject->tid, what);
	return 0;
}

static int set_no_new_privs(struct inject *inject, struct err *e)
{
	const uint64_t args[SYSCALL_ARGS] = {PR_SET_NO_NEW_PRIVS, 1};

	return call(inject, "setting no_new_privs", SYS_prctl, args, e);
}

static int explain_load(const struct inject *inject, long result, uint32_t flags, struct err *e)
{
	if (result > 0)
		return err_set(e, EBUSY,
			"process %d: its thread %ld carries a filter that others do not, so that "
			"they cannot take this one together",
			inject->tid, result);
	if (result == -EACCES)
		return err_set(e, EACCES,
			"process %d: without no_new_privs, loading a filter needs CAP_SYS_ADMIN",
			inject->tid);
	if (result == -ENOMEM)
		return err_set(e, ENOMEM,
			"process %d: the kernel does not load the filter: no memory, or its "
			"filters "
			"would have more than 32768 instructions together (seccomp(2))",
			inject->tid);
	return err_sys(e, (int)-result, "process %d: the kernel does not load the filter%s",
		inject->tid, result == -EINVAL && flags ? ", perhaps for the profile's flags" : "");
}

/*
 * A filter may answer calls with a success that they do not have (SECCOMP_RET_ERRNO, 0), and so may
 * who is notified of them: it is the kernel's word that counts.
 */
static int check_loaded(pid_t tid, unsigned filters_before, struct err *e)
{
	unsigned filters = proc_filters(tid);

	if (filters > filters_before)
		return 0;
	/* Before Linux 5.9 they were not counted. */
	if (!filters && proc_seccomp(tid) == SECCOMP_MODE_FILTER)
		return 0;
	return err_set(e, EPERM,
		"process %d: loading the filter has changed nothing: something answers in the "
		"kernel's place, as a filter that it carries already may",
		tid);
}

static int load(struct inject *inject, const struct hold *hold, struct err *e)
{
	unsigned filters = proc_filters(inject->tid);
	const struct filter *filter = hold->filter;
	struct sock_fprog program = {.len = (unsigned short)filter->len};
	uint64_t insns, at;
	long result;

	if (inject_write(inject, sizeof(program), filter->insns,
		    filter->len * sizeof(*filter->insns), &insns, e))
		return -e->code;
	program.filter = (struct sock_filter *)(uintptr_t)insns;
	if (inject_write(inject, 0, &program, sizeof(program), &at, e))
		return -e->code;

	const uint64_t args[SYSCALL_ARGS] = {
		SECCOMP_SET_MODE_FILTER, hold->flags | SECCOMP_FILTER_FLAG_TSYNC, at};

	if (inject_call(inject, SYS_seccomp, args, &result, e))
		return -e->code;
	return result ? explain_load(inject, result, hold->flags, e)
		      : check_loaded(inject->tid, filters, e);
}

/* Where the filter, which holds by now, would rather kill, the memory stays with the process. */
static int give_back(struct inject *inject, const struct hold *hold, struct err *e)
{
	const struct seccomp_data unmap = {
		.nr = SYS_munmap,
		.arch = abi_native()->audit_arch,
		.instruction_pointer = inject->syscall_at + 2,
		.args = {inject->mapped, inject->room_size},
	};

	if (!hold->suspend && filter_run(hold->filter, &unmap) != SECCOMP_RET_ALLOW)
		return 0;
	return inject_unmap(inject, e);
}

static int inject_filter(pid_t tid, const struct hold *hold, struct err *e)
{
	size_t size = sizeof(struct sock_fprog) + hold->filter->len * sizeof(struct sock_filter);
	scoped(inject_done) struct inject inject = {0};
	struct err later;
	int code;

	if (inject_begin(tid, size, hold->deadline_ns, &inject, e))
		return -e->code;
	code = hold->no_new_privs ? set_no_new_privs(&inject, e) : 0;
	if (!code)
		code = load(&inject, hold, e);
	/* A call that was not allowed has left it as it was: it may go on, if the caller lets it.
	 */
	if (code && code != -ESRCH)
		(void)inject_unmap(&inject, &later);
	else if (!code)
		code = give_back(&inject, hold, e);
	if (code != -ESRCH && inject_end(&inject, code ? &later : e) && !code)
		code = -e->code;
	return code;
}

static const char *call_name(uint32_t nr, char name[SYSCALL_NAME_MAX])
{
	return syscall_name(abi_native(), nr, name) ? name : "a call";
}

/* Whether the thread, once it carries the filter, may go on with the call that it is in. */
static int check_next_call(pid_t tid, const struct filter *filter, struct err *e)
{
	struct seccomp_data next;
	char name[SYSCALL_NAME_MAX];
	uint32_t cut;

	if (!inject_next_call(tid, &next, &cut) ||
		action_lets_through(action_effective(filter_run(filter, &next))))
		return 0;
	if (next.nr == SYS_restart_syscall)
		return err_set(e, EAGAIN,
			"thread %d is in %s, which would go on through restart_syscall, and that "
			"is "
			"denied: allow it",
			tid, call_name(cut, name));
	return err_set(e, EAGAIN,
		"thread %d is in %s (%u), which would be denied as soon as it goes on: allow it",
		tid, call_name(cut, name), cut);
}

int hold_check_mode(pid_t tid, struct err *e)
{
	if (proc_seccomp(tid) != SECCOMP_MODE_STRICT)
		return 0;
	return err_set(e, EBUSY,
		"thread %d of process %d is in seccomp's strict mode, which no filter can be "
		"added to",
		tid, proc_process(tid));
}

/* Without CAP_SYS_ADMIN, or by a tracer that carries a filter itself: EPERM. */
static bool suspend(pid_t tid, unsigned long options)
{
	return !ptrace(PTRACE_SETOPTIONS, tid, 0L, options | PTRACE_O_SUSPEND_SECCOMP);
}

/* @code: what was done meanwhile has come to. */
static int resume(pid_t tid, unsigned long options, int code, struct err *e)
{
	if (code != -ESRCH && ptrace(PTRACE_SETOPTIONS, tid, 0L, options) && !code)
		return err_sys(e, errno, "process %d: having its filters look again", tid);
	return code;
}

int hold_filter(pid_t tid, const struct hold *hold, struct err *e)
{
	struct hold how = *hold;
	int code;

	if (hold_check_mode(tid, e) || (hold->keeps_call && check_next_call(tid, hold->filter, e)))
		return -e->code;
	if (hold->suspend)
		how.suspend = suspend(tid, hold->options);
	if (hold->only_suspended && hold->suspend && !how.suspend)
		return err_sys(e, errno,
			"process %d: having its filter look away while another one is loaded", tid);
	code = inject_filter(tid, &how, e);
	return how.suspend ? resume(tid, hold->options, code, e) : code;
}

static int ignore(pid_t tid, int sig, struct err *e)
{
	const struct {
		uint64_t handler, flags, restorer, mask;
	} ignore = {.handler = (uintptr_t)SIG_IGN}; /* struct kernel_sigaction */
	scoped(inject_done) struct inject inject = {0};
	struct err later;
	uint64_t at;
	int code;

	if (inject_begin(tid, sizeof(ignore), 0, &inject, e))
		return -e->code;
	code = inject_write(&inject, 0, &ignore, sizeof(ignore), &at, e);
	if (!code) {
		const uint64_t args[SYSCALL_ARGS] = {(uint64_t)sig, at, 0, sizeof(ignore.mask)};

		code = call(&inject, "ignoring a signal", SYS_rt_sigaction, args, e);
	}
	if (!code)
		code = inject_unmap(&inject, e);
	if (code != -ESRCH && inject_end(&inject, code ? &later : e) && !code)
		code = -e->code;
	return code;
}

int hold_ignoring(pid_t tid, int sig, unsigned long options, struct err *e)
{
	bool suspended = suspend(tid, options);
	int code = ignore(tid, sig, e);

	return suspended ? resume(tid, options, code, e) : code;
}

/* End this thread with the value of main: mov eax, edi; mov 60 (exit), eax; syscall; ud2. */
static const unsigned char END_OF_MAIN[16] = {
	0x89, 0xc7, 0xb8, SYS_exit, 0, 0, 0, 0x0f, 0x05, 0x0f, 0x0b};

static int write_code(pid_t tid, uint64_t at, const void *bytes, size_t size, struct err *e)
{
	return memory_write_code(tid, at, bytes, size)
		       ? 0
		       : err_sys(e, errno, "process %d: writing to its memory", tid);
}

/* @stub: where main is to return to. */
static int map_stub(struct inject *inject, uint64_t *out_stub, struct err *e)
{
	const uint64_t args[SYSCALL_ARGS] = {0, sizeof(END_OF_MAIN), PROT_READ | PROT_EXEC,
		MAP_PRIVATE | MAP_ANONYMOUS, (uint64_t)-1, 0};
	long result;

	if (inject_call(inject, SYS_mmap, args, &result, e))
		return -e->code;
	if (result < 0 && result > -4096)
		return err_sys(e, (int)-result, "process %d: an mmap in its name", inject->tid);
	*out_stub = (uint64_t)result;
	return write_code(inject->tid, *out_stub, END_OF_MAIN, sizeof(END_OF_MAIN), e);
}

static int enter_strict(struct inject *inject, struct err *e)
{
	const uint64_t args[SYSCALL_ARGS] = {PR_SET_SECCOMP, SECCOMP_MODE_STRICT};
	uint64_t stub = 0;

	/* At main's first instruction the stack begins with the address that it returns to. */
	if (map_stub(inject, &stub, e) ||
		write_code(inject->tid, inject->regs.rsp, &stub, sizeof(stub), e))
		return -e->code;
	if (call(inject,
		    proc_filters(inject->tid)
			    ? "entering strict mode behind a filter, which excludes it"
			    : "entering strict mode",
		    SYS_prctl, args, e))
		return -e->code;
	if (proc_seccomp(inject->tid) != SECCOMP_MODE_STRICT)
		return err_set(e, EPERM,
			"process %d: entering strict mode has changed nothing: something answers "
			"in the kernel's place",
			inject->tid);
	return 0;
}

int hold_strict(pid_t tid, struct err *e)
{
	scoped(inject_done) struct inject inject = {0};
	struct err later;
	unsigned threads = proc_threads(tid);
	int code;

	if (threads != 1)
		return err_set(e, EBUSY,
			"process %d has %u threads when main begins, and strict mode holds but "
			"one; "
			"use --mode strict-filter",
			tid, threads);
	if (inject_begin(tid, 0, 0, &inject, e))
		return -e->code;
	code = enter_strict(&inject, e);
	if (code != -ESRCH && inject_end(&inject, code ? &later : e) && !code)
		code = -e->code;
	return code;
}
