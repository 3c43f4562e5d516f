#include "calls.h"

#include <errno.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/uio.h>
#include <sys/wait.h>

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

	*watch = (struct call_watch){.job = job, .filter = filter};
	notes_init(&watch->notes, rec, job->listening);
	for (size_t i = 0; i < len && i < CALL_ABIS_MAX; i++)
		special_find(&watch->special[i], &table[i]);
}

void calls_done(struct call_watch *watch)
{
	notes_done(&watch->notes);
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
		watch->notes.rec->loss[LOSS_UNREADABLE]++;
	return out->abi != NULL;
}

static const struct special_calls *special_of(
	const struct call_watch *watch, const struct task_call *seen)
{
	return &watch->special[call_abi_row(seen->abi)];
}

/* Note that a call was made or tried; its entry, or NULL without memory. */
static struct rec_call *note(
	struct call_watch *watch, const struct task *task, const struct task_call *made)
{
	struct rec_origin *origin;
	struct rec_call *call = notes_take(&watch->notes, made, task->tid, task->program, &origin);

	if (origin && watch->stacks && stacks_capture_traced(watch->stacks, origin->pid, task->tid))
		stacks_name(watch->stacks, origin);
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
	else if (!call_kind_of(&watch->notes.kinds, seen->abi, seen->nr).named)
		await(task, seen, AWAIT_ENOSYS);
	if (starts_untraced(watch, task, seen))
		watch->notes.rec->loss[LOSS_UNTRACED]++;
	tell_write(watch, task, seen);
	notes_map(&watch->notes, seen, task->tid);
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
	watch->notes.rec->loss[LOSS_STRICT_REFUSED]++;
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
	call = recording_call(watch->notes.rec, task->awaited.abi, task->awaited.nr);
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
