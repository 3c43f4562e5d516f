/*
 * ebpf.bpf.c: the programs in the kernel that count the calls of workloads.
 *
 * A thread of a workload has a struct ebpf_task in its task storage; to everybody else's calls
 * these programs do nothing.  Calls like those that a thread made before on the same CPU take a
 * short way (ebpf_known.bpf.h).
 * What is done for a call is in ebpf_count.bpf.h, whose a thread is in ebpf_target.bpf.h.
 */
#include <linux/bpf.h>
#include <stdbool.h>

#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

#include "ebpf_args.bpf.h"
#include "ebpf_count.bpf.h"
#include "ebpf_find.bpf.h"
#include "ebpf_known.bpf.h"
#include "ebpf_maps.bpf.h"
#include "ebpf_origin.bpf.h"
#include "ebpf_path.bpf.h"
#include "ebpf_return.bpf.h"
#include "ebpf_shared.h"
#include "ebpf_target.bpf.h"
#include "ebpf_types.bpf.h"

char LICENSE[] SEC("license") = "GPL";

enum {
	SECCOMP_MODE_DEAD = 3, /* kernel/seccomp.c: killed by its filter, since Linux 5.17 */
	ENOSYS = 38,
	PROT_EXEC = 4,
};

/* mmap(2) of code: of which file. */
static void map_look(
	const struct caller *caller, const struct call *call, const struct pt_regs *regs)
{
	bool compat = call->entry == EBPF_I386;
	ebpf_u32 protection = regs->dx, fd = compat ? regs->di : regs->r8;
	struct task_struct *task = bpf_get_current_task_btf();
	struct fdtable *table = BPF_CORE_READ(task, files, fdt);
	struct file **files = BPF_CORE_READ(table, fd), *file = 0;

	if (!(protection & PROT_EXEC) || fd >= BPF_CORE_READ(table, max_fds))
		return;
	bpf_probe_read_kernel(&file, sizeof(file), &files[fd]);
	if (file)
		file_mapped(file, caller->self->target);
}

/*
 * A call whose arguments matter each time.  Not from within call_look: of functions that are under
 * way the stack has 512 bytes in all, before Linux 6.13, and this one goes deep.
 */
static __noinline int call_ask(struct ebpf_task *self, struct ebpf_target *target,
	const struct call *call, const struct pt_regs *regs)
{
	struct caller caller = {.self = self, .target = target};

	if (!may_ask(call)) {
		map_look(&caller, call, regs);
		RETURN_0();
	}
	self->asks = asked(call, regs);
	if (self->asks)
		returns_want();
	RETURN_0();
}

/* A number without a slot. */
static __always_inline struct ebpf_odd *odd_look(
	const struct caller *caller, const struct call *call, const struct pt_regs *regs)
{
	struct ebpf_odd *odd = odd_count(caller, call);

	if (odd && odd->calls == 1)
		origin_tell(caller, call, regs);
	return odd;
}

/*
 * One that the thread has not made yet in this program and phase, or with these arguments, or that
 * takes a look each time.
 */
static __noinline int call_look(struct ebpf_task *self, struct ebpf_target *target,
	const struct call *call, const struct pt_regs *regs)
{
	struct caller caller = {.self = self, .target = target};
	struct ebpf_whose whose = whose_of(self);
	ebpf_u64 args[EBPF_CALL_ROOM];
	bool has_args;

	if (!has_slot(call)) {
		odd_look(&caller, call, regs);
		returns_want();
		RETURN_0();
	}
	count(self->target, call->slot);
	has_args = args_take(call, regs, EBPF_CALL_ARGS, args);
	if (!has_args || !args_are_recent(&whose, call->slot, EBPF_CALL_ARGS, args)) {
		phase_see(&caller, call->slot);
		if (slot_see(&caller, call->slot))
			origin_tell(&caller, call, regs);
		if (has_args) {
			args_see(self, target, call->slot, args);
			args_remember(&whose, call->slot, args);
		}
	}
	if (!has_args && !setup_has(setup.looks, call->slot))
		self->usual[word_of(call->slot)] |= 1ull << call->slot % 64;
	RETURN_0();
}

/* A call of a thread that this CPU knows; whether it has been counted. */
static __always_inline bool call_is_known(
	const struct ebpf_known *row, const struct pt_regs *regs, ebpf_u32 nr)
{
	struct call call = call_of(known_task(row), nr);
	struct ebpf_call *under_way;

	if (call.slot >= EBPF_SLOTS ||
		(!set_has(row->usual, call.slot) && !args_are_known(row, regs, &call)))
		return false;
	under_way = bpf_map_lookup_elem(&calls, &row->call);
	if (!under_way)
		return false;
	under_way->entered = entered_by(&call);
	count(row->whose.target, call.slot);
	return true;
}

/* A call of any other thread: whose it is, and what there is to see. */
static __always_inline int call_find(
	struct ebpf_known *row, const struct pt_regs *regs, ebpf_u32 nr)
{
	ebpf_u32 bystanders = bystander_epoch();
	struct task_struct *task = bpf_get_current_task_btf();
	struct ebpf_target *target;
	struct ebpf_whose whose;
	struct ebpf_task *self;
	struct call call;

	/* Most threads of a host have no storage at all: spare them the look-up. */
	self = task->bpf_storage ? bpf_task_storage_get(&tasks, task, 0, 0) : 0;
	if (!self) {
		/* Kernels without the cast may fail to look it up for a moment. */
		if (can_cast() || !task->bpf_storage)
			known_bystander(row, regs, bystanders);
		return 0;
	}
	if (self->idle)
		return 0;
	target = bpf_map_lookup_elem(&targets, &self->target);
	if (!target)
		return 0;
	if (self->epoch != epoch_of(target) && !task_renew(self, target))
		return 0;
	whose = whose_of(self);
	call = call_of(task, nr);
	*entered_of(self) = entered_by(&call);
	if (call.slot < EBPF_SLOTS && set_has(self->usual, call.slot))
		count(self->target, call.slot);
	else
		call_look(self, target, &call, regs);
	if (call.slot < EBPF_SLOTS && setup_has(setup.looks, call.slot))
		call_ask(self, target, &call, regs);
	known_learn(row, self, &whose, task, regs);
	return 0;
}

SEC("tp_btf/sys_enter")
int BPF_PROG(on_enter, struct pt_regs *regs, long nr)
{
	struct ebpf_known *row = known_at(regs);

	if (known_target(row, regs) &&
		(!row->whose.target || (can_cast() && call_is_known(row, regs, nr))))
		return 0;
	return call_find(row, regs, nr);
}

/* The caller to whom a call is to be counted outside of on_enter; false if to nobody. */
static bool caller_of(struct task_struct *task, struct caller *out)
{
	out->self = bpf_task_storage_get(&tasks, task, 0, 0);
	if (!out->self || out->self->idle)
		return false;
	out->target = target_of_task(out->self);
	return out->target;
}

/* Calls through the vsyscall page fault, and never enter (arch/x86/entry/vsyscall). */
SEC("tp_btf/emulate_vsyscall")
int BPF_PROG(on_vsyscall, int place)
{
	/* gettimeofday, time, getcpu: in the order of the page. */
	static const ebpf_u32 numbers[] = {96, 201, 309};
	struct caller caller;

	if (!caller_of(bpf_get_current_task_btf(), &caller) || place < 0 || place > 2)
		return 0;
	count(caller.self->target, numbers[place]);
	slot_see(&caller, numbers[place]);
	return 0;
}

/* A call that never went in: a filter has answered it. */
static __noinline int call_refused(struct ebpf_task *self, struct ebpf_target *target,
	const struct call *call, const struct pt_regs *regs)
{
	struct caller caller = {.self = self, .target = target};
	ebpf_u64 args[EBPF_CALL_ROOM];
	struct ebpf_fact *fact = 0;
	struct ebpf_odd *odd;

	if (has_slot(call)) {
		count(self->target, call->slot);
		if (slot_see(&caller, call->slot))
			origin_tell(&caller, call, regs);
		if (args_take(call, regs, EBPF_CALL_ARGS, args))
			args_see(self, target, call->slot, args);
		fact = &target->facts[within(call->slot, EBPF_SLOTS)];
	} else {
		odd = odd_look(&caller, call, regs);
		if (odd)
			fact = &odd->fact;
	}
	if (fact && !self->notifying)
		__sync_fetch_and_add(&fact->denied, 1);
	RETURN_0();
}

/* The kernel may not know the call: whether it does matters where that has no name. */
static void call_unknown(const struct caller *caller, const struct call *call)
{
	struct ebpf_odd *odd;

	if (has_slot(call))
		return;
	odd = odd_find(caller, call);
	if (odd)
		__sync_fetch_and_add(&odd->enosys, 1);
}

/* The first thread of the process, which is there until all others have ended. */
static struct ebpf_task *leader_of(struct task_struct *task)
{
	return bpf_task_storage_get(&tasks, task->group_leader, 0, 0);
}

/* A thread may have got a supervisor from another one. */
static void notifying_learn(struct ebpf_task *self, struct task_struct *task)
{
	const struct ebpf_task *leader;

	if (self->notifying || !state.listeners)
		return;
	leader = leader_of(task);
	if (leader && leader->notifying & EBPF_NOTIFYING_ALL)
		self->notifying = EBPF_NOTIFYING;
}

/* The call has returned the listener's descriptor. */
static void notifying_begin(struct ebpf_task *self)
{
	struct ebpf_task *leader = leader_of(bpf_get_current_task_btf());

	self->notifying |= EBPF_NOTIFYING;
	if (leader && self->asks & EBPF_ASKS_ALL)
		leader->notifying |= EBPF_NOTIFYING_ALL;
	__sync_fetch_and_add(&state.listeners, 1);
}

static __noinline int call_returned(
	struct ebpf_task *self, struct ebpf_target *target, const struct call *call, long value)
{
	struct caller caller = {.self = self, .target = target};

	if (value == -ENOSYS)
		call_unknown(&caller, call);
	if (self->asks & EBPF_ASKS_LISTENER && value >= 0)
		notifying_begin(self);
	self->asks = 0;
	return 0;
}

/*
 * Whether the call that returns is the one that entered.  In a thread that gets a filter from
 * another one (SECCOMP_FILTER_FLAG_TSYNC) @entered may be a call that returned before returns were
 * watched: if that thread's first call since then is denied and is the same again, it is taken for
 * its return.
 */
static bool is_return_of(ebpf_u64 entered, const struct call *call)
{
	if (!entered)
		return false;
	/* rt_sigreturn(2) leaves -1 for its number: arch/x86/kernel/signal_64.c. */
	if (entered & EBPF_ANY_RETURN || call->nr == (ebpf_u32)-1)
		return true;
	return entered == entered_by(call);
}

SEC("tp_btf/sys_exit")
int BPF_PROG(on_return, struct pt_regs *regs, long value)
{
	struct task_struct *task = bpf_get_current_task_btf();
	struct caller caller;
	ebpf_u64 *under_way, entered;
	struct call call;

	if (!caller_of(task, &caller))
		return 0;
	under_way = entered_of(caller.self);
	entered = *under_way;
	*under_way = 0;
	notifying_learn(caller.self, task);
	call = call_of(task, regs->orig_ax);
	if (is_return_of(entered, &call)) {
		call_returned(caller.self, caller.target, &call, value);
		return 0;
	}
	caller.self->killed = task->seccomp.mode == SECCOMP_MODE_DEAD;
	return call_refused(caller.self, caller.target, &call, regs);
}

/* A child may be born into another cgroup than its parent's (CLONE_INTO_CGROUP). */
static void born_into(struct task_struct *child)
{
	struct ebpf_task fresh = {.target = is_by_cgroup() ? target_by_cgroup(child) : 0};

	if (!fresh.target)
		return;
	if (child->seccomp.mode)
		returns_want();
	task_join(child, &fresh);
}

SEC("tp_btf/sched_process_fork")
int BPF_PROG(on_fork, struct task_struct *parent, struct task_struct *child)
{
	struct ebpf_task *self = bpf_task_storage_get(&tasks, parent, 0, 0);
	struct ebpf_target *target = target_of_task(self);
	struct ebpf_task inherited;

	if (!target || has_moved_out(child, self)) {
		born_into(child);
		return 0;
	}
	/* Not yet found, as its parent: a scan is to come. */
	if (self->idle & EBPF_IDLE_NAMED)
		return 0;
	notifying_learn(self, parent);
	inherited = *self;
	inherited.asks = 0;
	inherited.counted = 0;
	/* The child, too, returns from the call that made it. */
	inherited.entered = *entered_of(self);
	inherited.call = 0;
	inherited.cpus = 0;
	/* A scan may have found it already. */
	self = bpf_task_storage_get(&tasks, child, &inherited, BPF_LOCAL_STORAGE_GET_F_CREATE);
	nobody_changes();
	if (self)
		task_count(self, target);
	else
		__sync_fetch_and_add(&state.inherit_failures, 1);
	return 0;
}

SEC("tp_btf/sched_process_exit")
int BPF_PROG(on_exit, struct task_struct *task)
{
	struct ebpf_task *self = bpf_task_storage_get(&tasks, task, 0, 0);
	struct ebpf_target *target = target_of_task(self);
	struct caller caller;
	struct pt_regs *regs;
	struct call call;

	if (self)
		known_done(self);
	if (!target)
		return 0;
	/* Killed by a filter, or by strict mode, on the spot: the call does not return either. */
	if (task->seccomp.mode == SECCOMP_MODE_DEAD && !self->killed && caller_of(task, &caller)) {
		regs = (struct pt_regs *)bpf_task_pt_regs(task);
		call = call_of(task, regs->orig_ax);
		call_refused(caller.self, caller.target, &call, regs);
	}
	task_end(self, target);
	return 0;
}

/* What loads the program's libraries: the kernel itself has mapped it, and goes on there. */
static long vma_look(struct task_struct *task, struct vm_area_struct *vma, ebpf_u32 *target)
{
	struct file *file = vma->vm_file;

	(void)task;
	if (file)
		file_mapped(file, *target);
	return 0;
}

/*
 * A program starts that was wanted, or came from outside: the execve that started it was made for
 * it.  What its process called before that is nobody's.
 */
static void exec_begin(const struct caller *caller)
{
	caller->self->idle = 0;
	caller->target->started = 1;
	count(caller->self->target, setup.execve_nr);
	slot_see(caller, setup.execve_nr);
}

/* A program in another mount namespace than its thread's target, which may be no container. */
static void exec_leave(const struct task_struct *task, struct ebpf_task *self)
{
	struct ebpf_target *target = target_of_task(self);

	if (target && target_is_doubtful(target) && mount_space_of(task) != target->mount_space)
		task_leave(self, target);
}

/* A program in a mount namespace that belongs to a target although its thread does not yet. */
static struct ebpf_task *exec_join(struct task_struct *task)
{
	struct ebpf_task fresh = {.target = target_by_mount_space(task)}, *self;
	struct ebpf_target *target;

	if (!fresh.target && setup.discovers)
		fresh.target = target_discover(task);
	target = fresh.target ? target_at(fresh.target) : 0;
	if (!target)
		return 0;
	fresh.joined = target->started;
	fresh.idle = EBPF_IDLE_STARTING;
	if (target->verdict == EBPF_UNWANTED)
		fresh.idle = EBPF_IDLE_UNWANTED;
	if (!target->started) {
		/* Others than the one that it waits for, an engine's hooks, do not begin it. */
		if (target->first && target->first != (ebpf_u32)task->tgid)
			return 0;
		target->first = task->tgid;
	}
	self = task_join(task, &fresh);
	/* Nobody will begin it: without a thread it is over, and not in the way of who has its
	 * number next. */
	if (!self && target->found_pid)
		target->started = 1;
	return self;
}

SEC("tp_btf/sched_process_exec")
int BPF_PROG(on_exec, struct task_struct *task, int old_pid, struct linux_binprm *program)
{
	struct ebpf_task *self = bpf_task_storage_get(&tasks, task, 0, 0);
	struct pt_regs *regs = (struct pt_regs *)bpf_task_pt_regs(task);
	struct caller caller;
	ebpf_u32 target;

	(void)old_pid;
	exec_leave(task, self);
	if (!target_of_task(self))
		self = exec_join(task);
	if (!self || self->idle & EBPF_IDLE_UNWANTED)
		return 0;
	caller.self = self;
	caller.target = target_of_task(self);
	if (!caller.target)
		return 0;
	/* A hook that the engine runs before the container's own program. */
	if (self->idle & EBPF_IDLE_STARTING && !self->joined && caller.target->first &&
		caller.target->first != (ebpf_u32)task->tgid) {
		task_leave(self, caller.target);
		return 0;
	}
	self->program = program_of(program->file, self->target);
	known_forget(self);
	__builtin_memset(self->usual, 0, sizeof(self->usual));
	/* The call returns in the new program, perhaps under another ABI. */
	*entered_of(self) = EBPF_ANY_RETURN;
	target = self->target;
	file_mapped(program->file, target);
	bpf_find_vma(task, regs->ip, vma_look, &target, 0);
	if (self->idle & EBPF_IDLE_STARTING)
		exec_begin(&caller);
	/* It came with a filter that was loaded unseen. */
	if (task->seccomp.mode)
		returns_want();
	return 0;
}
