#include "calls.h"

#include <errno.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/uio.h>
#include <sys/wait.h>

#include "phase.h"
#include "proc.h"
#include "profile.h"
#include "scope.h"

static void special_find(struct special_calls *special, const struct abi *abi)
{
	const struct {
		const char *name;
		uint32_t *nr;
	} wanted[] = {
		{"seccomp", &special->seccomp},
		{"prctl", &special->prctl},
		{"clone", &special->clone},
		{"clone3", &special->clone3},
		{"write", &special->write},
		{"writev", &special->writev},
		{"mmap", &special->mmap},
		{"mmap2", &special->mmap2},
		{"listen", &special->listen},
	};

	for (size_t i = 0; i < ARRAY_LEN(wanted); i++) {
		/* No call has this number, where an ABI should lack one. */
		*wanted[i].nr = UINT32_MAX;
		(void)syscall_number(abi, wanted[i].name, wanted[i].nr);
	}
}

void calls_init(
	struct call_watch *watch, struct recording *rec, const struct tracer_job *job, bool filter)
{
	size_t len;
	const struct abi *table = abi_table(&len);

	*watch = (struct call_watch){
		.rec = rec, .job = job, .filter = filter, .listening = job->listening};
	calls_begin_phase(watch, phase_name(PHASE_START));
	watch->starting = true;
	for (size_t i = 0; i < len && i < CALL_ABIS_MAX; i++)
		special_find(&watch->special[i], &table[i]);
}

void calls_begin_phase(struct call_watch *watch, const char *name)
{
	watch->starting = false;
	watch->phase = rec_names_index(&watch->rec->phases, name);
	if (watch->phase == SIZE_MAX)
		watch->rec->loss[LOSS_NO_MEMORY]++;
}

void calls_done(struct call_watch *watch)
{
	call_kinds_done(&watch->kinds);
	stacks_free(watch->stacks);
}

/*
 * The same fields lie elsewhere at entry and at the filter's answer.  False, and counted as a loss,
 * for an ABI that is in no table of ours.
 */
static bool see(
	struct call_watch *watch, const struct __ptrace_syscall_info *info, struct task_call *out)
{
	bool entry = info->op == PTRACE_SYSCALL_INFO_ENTRY;

	out->nr = (uint32_t)(entry ? info->entry.nr : info->seccomp.nr);
	out->abi = abi_of_call(info->arch, out->nr);
	/* x86 hands over whole registers, of which a 32-bit call takes the low halves. */
	for (unsigned i = 0; i < SYSCALL_ARGS; i++) {
		out->args[i] = entry ? info->entry.args[i] : info->seccomp.args[i];
		if (out->abi && out->abi->bits32)
			out->args[i] = (uint32_t)out->args[i];
	}
	if (!out->abi)
		watch->rec->loss[LOSS_UNREADABLE]++;
	return out->abi != NULL;
}

static const struct special_calls *special_of(
	const struct call_watch *watch, const struct task_call *seen)
{
	return &watch->special[call_abi_row(seen->abi)];
}

/* The first wait for work after a listen begins to serve, and is a part of that. */
static void look_at_phase(struct call_watch *watch, const struct abi *abi, uint32_t nr)
{
	char name[SYSCALL_NAME_MAX];

	if (!watch->starting)
		return;
	if (nr == watch->special[call_abi_row(abi)].listen)
		watch->listening = true;
	else if (watch->listening && syscall_name(abi, nr, name) &&
		 phase_role(name) == PHASE_ROLE_WAIT)
		calls_begin_phase(watch, phase_name(PHASE_SERVE));
}

/* With which arguments it was called; whatever is over their bound, or has no room, is "many". */
static void note_args(struct call_watch *watch, struct rec_call *call, const struct task_call *made)
{
	struct call_kind kind = call_kind_of(&watch->kinds, made->abi, made->nr);
	uint64_t values[ARGS_PER_CALL_MAX];
	struct rec_args *args;

	if (!kind.n_args)
		return;
	for (size_t i = 0; i < kind.n_args; i++)
		values[i] = made->args[kind.args[i].index];
	args = rec_call_own_args(call);
	if (args)
		(void)rec_args_add(args, kind.args, kind.n_args, values);
	else
		watch->rec->loss[LOSS_NO_MEMORY]++;
}

/* One more member of one of a call's sets, unless it is none (SIZE_MAX); whether it is new. */
static bool extend(struct call_watch *watch, struct bits *set, size_t member)
{
	if (member == SIZE_MAX || bits_has(set, member))
		return false;
	if (bits_add(set, member))
		watch->rec->loss[LOSS_NO_MEMORY]++;
	return true;
}

/* The call is new in its program and phase. */
static void note_origin(struct call_watch *watch, const struct task *task,
	const struct task_call *made, uint64_t time_ns)
{
	struct rec_origin *origin = rec_origin_add(watch->rec, made->abi, made->nr, task->program,
		watch->phase, proc_process(task->tid), task->tid, time_ns, made->args);

	if (origin && watch->stacks && stacks_capture_traced(watch->stacks, origin->pid, task->tid))
		stacks_name(watch->stacks, origin);
}

/* Note that a call was made or tried; its entry, or NULL without memory. */
static struct rec_call *note(
	struct call_watch *watch, const struct task *task, const struct task_call *made)
{
	struct rec_call *call = recording_call(watch->rec, made->abi, made->nr);
	bool is_new;

	if (!call)
		return NULL;
	look_at_phase(watch, made->abi, made->nr);
	call->last_ns = now_ns();
	if (!call->count++)
		call->first_ns = call->last_ns;
	is_new = extend(watch, &call->programs, task->program);
	is_new |= extend(watch, &call->phases, watch->phase);
	note_args(watch, call, made);
	if (is_new)
		note_origin(watch, task, made, call->last_ns);
	return call;
}

/* What the entered call was, noted as denied by a filter of the workload. */
static void note_denied(struct call_watch *watch, struct task *task)
{
	struct rec_call *call = note(watch, task, &task->entered);

	if (call)
		call->denied++;
	task->entered.abi = NULL;
}

/* seccomp(2) and prctl(2) ask for the same two things. */
static enum task_await mode_asked(
	const struct call_watch *watch, const struct task_call *seen, uint64_t *out_flags)
{
	const struct special_calls *special = special_of(watch, seen);

	*out_flags = 0;
	if (seen->nr == special->seccomp) {
		*out_flags = seen->args[1];
		switch ((uint32_t)seen->args[0]) {
		case SECCOMP_SET_MODE_FILTER:
			return AWAIT_FILTER;
		case SECCOMP_SET_MODE_STRICT:
			return AWAIT_STRICT;
		}
	} else if (seen->nr == special->prctl && (uint32_t)seen->args[0] == PR_SET_SECCOMP) {
		switch (seen->args[1]) {
		case SECCOMP_MODE_FILTER:
			return AWAIT_FILTER;
		case SECCOMP_MODE_STRICT:
			return AWAIT_STRICT;
		}
	}
	return AWAIT_NOTHING;
}

/*
 * Whether the call starts a process that ptrace does not follow: clone(2), CLONE_UNTRACED.  The
 * flags are the first argument of clone on the ABIs that ptrace meets here, and the first word of
 * clone3's structure.
 */
static bool starts_untraced(
	const struct call_watch *watch, const struct task *task, const struct task_call *seen)
{
	const struct special_calls *special = special_of(watch, seen);
	uint64_t flags = seen->args[0];
	struct iovec local = {&flags, sizeof(flags)};
	struct iovec remote = {(void *)(uintptr_t)seen->args[0], sizeof(flags)};

	if (seen->nr == special->clone3 &&
		process_vm_readv(task->tid, &local, 1, &remote, 1, 0) != sizeof(flags))
		return false; /* the kernel cannot read it either: EFAULT */
	return (seen->nr == special->clone || seen->nr == special->clone3) &&
	       (flags & CLONE_UNTRACED);
}

static void await(struct task *task, const struct task_call *seen, enum task_await what)
{
	task->await = what;
	task->awaited = *seen;
}

/* Whoever draws on the terminal has to make room before the tree writes there. */
static void tell_write(
	const struct call_watch *watch, const struct task *task, const struct task_call *seen)
{
	const struct special_calls *special = special_of(watch, seen);

	if (watch->job->before_write && (seen->nr == special->write || seen->nr == special->writev))
		watch->job->before_write(watch->job->ctx, task->tid, (unsigned)seen->args[0]);
}

/* mmap(2) of code: of which file. */
static void look_at_map(
	const struct call_watch *watch, const struct task *task, const struct task_call *seen)
{
	const struct special_calls *special = special_of(watch, seen);
	char path[PROC_PATH_MAX];

	if ((seen->nr == special->mmap || seen->nr == special->mmap2) &&
		seen->args[2] & PROT_EXEC && !(seen->args[3] & MAP_ANONYMOUS) &&
		proc_file(task->tid, (int)seen->args[4], path))
		(void)rec_names_index(&watch->rec->mapped, path);
}

/*
 * The call goes into the kernel: does its return tell more about the task?  Returns whether it
 * gives a filter to all threads.
 */
static bool look_ahead(struct call_watch *watch, struct task *task, const struct task_call *seen)
{
	uint64_t flags;
	enum task_await asked = mode_asked(watch, seen, &flags);

	if (asked == AWAIT_FILTER) {
		task->was_filtered = task->filtered;
		task->was_notifying = task->notifying;
		task->filtered = true;
		task->notifying |= (flags & SECCOMP_FILTER_FLAG_NEW_LISTENER) != 0;
	}
	if (asked != AWAIT_NOTHING)
		await(task, seen, asked);
	else if (!call_kind_of(&watch->kinds, seen->abi, seen->nr).named)
		await(task, seen, AWAIT_ENOSYS);
	if (starts_untraced(watch, task, seen))
		watch->rec->loss[LOSS_UNTRACED]++;
	tell_write(watch, task, seen);
	look_at_map(watch, task, seen);
	return asked == AWAIT_FILTER && (flags & SECCOMP_FILTER_FLAG_TSYNC);
}

void calls_entered(
	struct call_watch *watch, struct task *task, const struct __ptrace_syscall_info *info)
{
	struct task_call seen;

	if (!see(watch, info, &seen))
		return;
	if (watch->filter || task->strict) {
		task->entered = seen;
		return;
	}
	if (note(watch, task, &seen))
		(void)look_ahead(watch, task, &seen);
}

bool calls_passed(
	struct call_watch *watch, struct task *task, const struct __ptrace_syscall_info *info)
{
	struct task_call seen;

	task->entered.abi = NULL;
	return see(watch, info, &seen) && note(watch, task, &seen) &&
	       look_ahead(watch, task, &seen);
}

static void filter_returned(struct call_watch *watch, struct task *task, int64_t value)
{
	/* With NEW_LISTENER success is a descriptor, with TSYNC failure a thread id above 0. */
	if (value < 0 || (value > 0 && !task->notifying)) {
		task->filtered = task->was_filtered;
		task->notifying = task->was_notifying;
		return;
	}
	if (task->notifying && !watch->told_notifying) {
		watch->told_notifying = true;
		tracer_tell_notifying(watch->job);
	}
	if (!watch->filter && !watch->told_blind) {
		watch->told_blind = true;
		notice_tell(&watch->job->notice,
			"the workload loads a seccomp filter: with ptrace-syscall, "
			"calls that it denies count as made; --backend ptrace tells "
			"them apart");
	}
}

static void strict_returned(struct call_watch *watch, struct task *task, int64_t value)
{
	if (value == 0) {
		task->strict = true;
		return;
	}
	/* EINVAL: kernel/seccomp.c lets a task that has a filter not enter strict mode. */
	if (value != -EINVAL || !watch->filter)
		return;
	watch->rec->loss[LOSS_STRICT_REFUSED]++;
	if (watch->told_strict)
		return;
	watch->told_strict = true;
	notice_tell(&watch->job->notice,
		"the workload asked for strict mode, which the kernel refuses beside "
		"the recorder's filter; record it with --backend ptrace-syscall");
}

static void enosys_returned(struct call_watch *watch, struct task *task, int64_t value)
{
	struct rec_call *call;

	if (value != -ENOSYS)
		return;
	call = recording_call(watch->rec, task->awaited.abi, task->awaited.nr);
	if (call)
		call->enosys++;
}

void calls_returned(
	struct call_watch *watch, struct task *task, const struct __ptrace_syscall_info *info)
{
	static void (*const handlers[])(struct call_watch *, struct task *, int64_t) = {
		[AWAIT_ENOSYS] = enosys_returned,
		[AWAIT_FILTER] = filter_returned,
		[AWAIT_STRICT] = strict_returned,
	};
	enum task_await await = task->await;

	task->await = AWAIT_NOTHING;
	if (task->entered.abi) {
		/* It went in, and our filter was not asked: another one has answered. */
		if (watch->filter && !task->notifying)
			note_denied(watch, task);
		else
			(void)note(watch, task, &task->entered);
		task->entered.abi = NULL;
	} else if (await != AWAIT_NOTHING) {
		handlers[await](watch, task, info->exit.rval);
	}
}

void calls_died(struct call_watch *watch, struct task *task, int wait_status)
{
	int sig = WIFSIGNALED(wait_status) ? WTERMSIG(wait_status) : 0;

	if (!task->entered.abi)
		return;
	if (sig == SIGSYS || (task->strict && sig == SIGKILL))
		note_denied(watch, task);
	else if (task->strict)
		(void)note(watch, task, &task->entered); /* exit(2) */
	task->entered.abi = NULL;
}

bool calls_wants_returns(const struct call_watch *watch, const struct task *task)
{
	return !watch->filter || task->filtered || task->await != AWAIT_NOTHING;
}
