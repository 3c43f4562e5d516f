/*
 * ebpf.bpf.c: the programs in the kernel that count the calls of a workload.
 *
 * A thread of the workload has a struct ebpf_task in its task storage, which its children inherit
 * in sched_process_fork; to everybody else's calls these programs do nothing.  A call is counted in
 * an array per CPU.  Plain additions suffice there: tracepoints run BPF with preemption off
 * (include/trace/bpf_probe.h; for the system call tracepoints, which may fault since Linux 6.13, it
 * is switched off there), no call enters the kernel from within another on the same CPU, and the
 * one program that runs in an exception (on_vsyscall) interrupts user space only.
 *
 * sys_enter comes after seccomp: a call that a filter denies is seen by its return alone.  Returns
 * are watched (on_return) only once somebody may need them, see returns_want().
 */
#include <linux/bpf.h>
#include <stdbool.h>

#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

#include "ebpf_maps.bpf.h"
#include "ebpf_path.bpf.h"
#include "ebpf_shared.h"
#include "ebpf_types.bpf.h"

char LICENSE[] SEC("license") = "GPL";

enum {
	TS_COMPAT = 2, /* arch/x86/include/asm/thread_info.h: in a 32-bit call */
	SECCOMP_MODE_DEAD = 3, /* kernel/seccomp.c: killed by its filter, since Linux 5.17 */
	ENOSYS = 38,
	PR_SET_SECCOMP = 22,
	SECCOMP_MODE_STRICT = 1, /* of prctl(2) */
	SECCOMP_SET_MODE_STRICT = 0, /* of seccomp(2) */
	SECCOMP_SET_MODE_FILTER = 1,
	SECCOMP_FILTER_FLAG_TSYNC = 1 << 0,
	SECCOMP_FILTER_FLAG_NEW_LISTENER = 1 << 3,
	HOLD_STEPS_MAX = 1 << 23, /* of bpf_loop(), its limit */
};

/* The call that a thread is in. */
struct call {
	ebpf_u32 entry; /* enum ebpf_entry */
	ebpf_u32 nr; /* as the kernel was given it */
	ebpf_u32 slot; /* EBPF_SLOTS: it has none */
};

static __always_inline struct call call_of(const struct task_struct *task, ebpf_u32 nr)
{
	ebpf_u32 entry = task->thread_info.status & TS_COMPAT ? EBPF_I386 : EBPF_X86_64;

	return (struct call){
		.entry = entry,
		.nr = nr,
		.slot = nr < EBPF_NRS ? entry * EBPF_NRS + nr : EBPF_SLOTS,
	};
}

static __always_inline bool set_has(const ebpf_u64 *set, ebpf_u32 slot)
{
	return *(const volatile ebpf_u64 *)&set[slot / 64 % EBPF_WORDS] & 1ull << slot % 64;
}

static void wake(void)
{
	struct ebpf_event event = {.kind = EBPF_EVENT_WAKE};

	/* In a ring that is full the reader has something to wake up for already. */
	bpf_ringbuf_output(&ring, &event, sizeof(event), BPF_RB_FORCE_WAKEUP);
}

static bool returns_are_watched(void)
{
	return *(volatile ebpf_u32 *)&state.returns_watched;
}

static long hold_step(ebpf_u32 step, ebpf_u64 *deadline)
{
	(void)step;
	return returns_are_watched() || bpf_ktime_get_ns() > *deadline;
}

/*
 * The return of this call, or of what follows on it, matters: have on_return attached, and keep the
 * call from going on meanwhile.  A program in the kernel cannot sleep, so this is a bounded spin;
 * it happens once in a recording, and only to workloads that load filters or call unknown numbers.
 * The reader is woken on another CPU.  If it could not run there in time, that is counted as a
 * loss: denied calls may be missed from here until returns are watched.  After that no call is held
 * any more: nothing is left to gain, and a reader that is stopped must not cost every call that.
 */
static void returns_want(void)
{
	ebpf_u64 deadline = bpf_ktime_get_ns() + setup.hold_ns;

	if (returns_are_watched())
		return;
	bpf_ringbuf_output(&alarm, &deadline, sizeof(deadline), BPF_RB_FORCE_WAKEUP);
	if (!*(volatile ebpf_u64 *)&state.late_returns)
		bpf_loop(HOLD_STEPS_MAX, hold_step, &deadline, 0);
	if (!returns_are_watched())
		__sync_fetch_and_add(&state.late_returns, 1);
}

/* seccomp(2) and prctl(2) ask for the same two things. */
static ebpf_u32 asked(const struct call *call, const struct pt_regs *regs)
{
	bool compat = call->entry == EBPF_I386;
	ebpf_u32 first = compat ? regs->bx : regs->di;
	ebpf_u32 second = compat ? regs->cx : regs->si;

	if (call->nr == setup.seccomp_nr[call->entry % EBPF_ENTRIES]) {
		if (first == SECCOMP_SET_MODE_FILTER)
			return EBPF_ASKS_FILTER |
			       (second & SECCOMP_FILTER_FLAG_NEW_LISTENER ? EBPF_ASKS_LISTENER
									  : 0) |
			       (second & SECCOMP_FILTER_FLAG_TSYNC ? EBPF_ASKS_ALL : 0);
		return first == SECCOMP_SET_MODE_STRICT ? EBPF_ASKS_STRICT : 0;
	}
	if (first != PR_SET_SECCOMP)
		return 0;
	return second == SECCOMP_MODE_STRICT ? EBPF_ASKS_STRICT : EBPF_ASKS_FILTER;
}

static bool may_ask(const struct call *call)
{
	ebpf_u32 entry = call->entry % EBPF_ENTRIES;

	return call->nr == setup.seccomp_nr[entry] || call->nr == setup.prctl_nr[entry];
}

static bool is_unnamed(ebpf_u32 slot)
{
	return setup.unnamed[slot / 64 % EBPF_WORDS] & 1ull << slot % 64;
}

/* Note in which program and when a slot was called, if that is news. */
static void slot_see(ebpf_u32 index, ebpf_u32 slot)
{
	struct ebpf_fact *fact = bpf_map_lookup_elem(&facts, &slot);
	struct ebpf_program *program = bpf_map_lookup_elem(&programs, &index);

	if (fact && !fact->first_ns)
		__sync_val_compare_and_swap(&fact->first_ns, 0, bpf_ktime_get_ns());
	if (program && !set_has(program->seen, slot))
		__sync_fetch_and_or(&program->seen[slot / 64 % EBPF_WORDS], 1ull << slot % 64);
}

/* A slot that the thread has not called yet, or one that takes a look each time. */
static __noinline int slot_look(
	struct ebpf_task *self, const struct call *call, const struct pt_regs *regs)
{
	slot_see(self->program, call->slot);
	if (may_ask(call)) {
		self->asks = asked(call, regs);
		if (self->asks)
			returns_want();
	} else {
		if (is_unnamed(call->slot))
			returns_want();
		self->usual[call->slot / 64 % EBPF_WORDS] |= 1ull << call->slot % 64;
	}
	return 0;
}

/* The entry of a number without a slot, or NULL. */
static struct ebpf_odd *odd_find(const struct ebpf_task *self, const struct call *call)
{
	struct ebpf_odd_key key = {.nr = call->nr, .entry = call->entry, .program = self->program};

	return bpf_map_lookup_elem(&odds, &key);
}

/* The same, made if need be, with one call more; NULL without room, and then that is counted. */
static struct ebpf_odd *odd_count(const struct ebpf_task *self, const struct call *call)
{
	struct ebpf_odd_key key = {.nr = call->nr, .entry = call->entry, .program = self->program};
	struct ebpf_odd *odd = odd_find(self, call);
	struct ebpf_odd fresh = {0};

	if (odd) {
		__sync_fetch_and_add(&odd->calls, 1);
		return odd;
	}
	fresh.fact.first_ns = bpf_ktime_get_ns();
	/* -EEXIST: another thread was faster. */
	if (!bpf_map_update_elem(&odds, &key, &fresh, BPF_NOEXIST))
		__sync_fetch_and_add(&state.odds, 1);
	odd = odd_find(self, call);
	__sync_fetch_and_add(odd ? &odd->calls : &state.out_of_range, 1);
	return odd;
}

static __noinline int odd_enter(struct ebpf_task *self, const struct call *call)
{
	odd_count(self, call);
	returns_want();
	return 0;
}

static __always_inline void count(ebpf_u32 slot)
{
	ebpf_u32 cpu = bpf_get_smp_processor_id();
	struct ebpf_counts *mine = bpf_map_lookup_elem(&counts, &cpu);

	if (mine)
		mine->calls[slot % EBPF_SLOTS]++;
}

static __always_inline void call_made(
	struct ebpf_task *self, const struct call *call, const struct pt_regs *regs)
{
	if (call->slot >= EBPF_SLOTS) {
		odd_enter(self, call);
		return;
	}
	count(call->slot);
	if (!set_has(self->usual, call->slot))
		slot_look(self, call, regs);
}

SEC("tp_btf/sys_enter")
int BPF_PROG(on_enter, struct pt_regs *regs, long nr)
{
	struct task_struct *task = bpf_get_current_task_btf();
	struct ebpf_task *self;
	struct call call;

	/* Most threads of a host have no storage at all: spare them the look-up. */
	if (!task->bpf_storage)
		return 0;
	self = bpf_task_storage_get(&tasks, task, 0, 0);
	if (!self || self->starting)
		return 0;
	call = call_of(task, nr);
	self->entered = EBPF_ENTERED | EBPF_ENTRY(call.entry) | call.nr;
	call_made(self, &call, regs);
	return 0;
}

/* Calls through the vsyscall page fault, and never enter (arch/x86/entry/vsyscall). */
SEC("tp_btf/emulate_vsyscall")
int BPF_PROG(on_vsyscall, int place)
{
	struct task_struct *task = bpf_get_current_task_btf();
	struct ebpf_task *self = bpf_task_storage_get(&tasks, task, 0, 0);
	/* gettimeofday, time, getcpu: in the order of the page. */
	static const ebpf_u32 numbers[] = {96, 201, 309};

	if (!self || place < 0 || place > 2)
		return 0;
	count(numbers[place]);
	slot_see(self->program, numbers[place]);
	return 0;
}

/* A call that never went in: a filter has answered it. */
static __noinline int call_refused(struct ebpf_task *self, const struct call *call)
{
	struct ebpf_fact *fact = 0;
	struct ebpf_odd *odd;

	if (call->slot < EBPF_SLOTS) {
		count(call->slot);
		slot_see(self->program, call->slot);
		fact = bpf_map_lookup_elem(&facts, &call->slot);
	} else {
		odd = odd_count(self, call);
		if (odd)
			fact = &odd->fact;
	}
	if (fact && !self->notifying)
		__sync_fetch_and_add(&fact->denied, 1);
	return 0;
}

/* The kernel may not know the call: whether it does matters where that has no name. */
static void call_unknown(const struct ebpf_task *self, const struct call *call)
{
	struct ebpf_fact *fact = 0;
	struct ebpf_odd *odd;

	if (call->slot >= EBPF_SLOTS) {
		odd = odd_find(self, call);
		if (odd)
			fact = &odd->fact;
	} else if (is_unnamed(call->slot)) {
		fact = bpf_map_lookup_elem(&facts, &call->slot);
	}
	if (fact)
		__sync_fetch_and_add(&fact->enosys, 1);
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

static __noinline int call_returned(struct ebpf_task *self, const struct call *call, long value)
{
	if (value == -ENOSYS)
		call_unknown(self, call);
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
	return entered == (EBPF_ENTERED | EBPF_ENTRY(call->entry) | call->nr);
}

SEC("tp_btf/sys_exit")
int BPF_PROG(on_return, struct pt_regs *regs, long value)
{
	struct task_struct *task = bpf_get_current_task_btf();
	struct ebpf_task *self = bpf_task_storage_get(&tasks, task, 0, 0);
	struct call call;
	ebpf_u64 entered;

	if (!self || self->starting)
		return 0;
	entered = self->entered;
	self->entered = 0;
	notifying_learn(self, task);
	call = call_of(task, regs->orig_ax);
	if (is_return_of(entered, &call)) {
		call_returned(self, &call, value);
		return 0;
	}
	self->killed = task->seccomp.mode == SECCOMP_MODE_DEAD;
	call_refused(self, &call);
	return 0;
}

SEC("tp_btf/sched_process_fork")
int BPF_PROG(on_fork, struct task_struct *parent, struct task_struct *child)
{
	struct ebpf_task *self = bpf_task_storage_get(&tasks, parent, 0, 0);
	struct ebpf_task inherited;

	if (!self)
		return 0;
	notifying_learn(self, parent);
	inherited = *self;
	/* The child, too, returns from the call that made it: @entered stays. */
	inherited.asks = 0;
	__sync_fetch_and_add(&state.live, 1);
	if (!bpf_task_storage_get(&tasks, child, &inherited, BPF_LOCAL_STORAGE_GET_F_CREATE)) {
		__sync_fetch_and_add(&state.inherit_failures, 1);
		__sync_fetch_and_sub(&state.live, 1);
	}
	return 0;
}

SEC("tp_btf/sched_process_exit")
int BPF_PROG(on_exit, struct task_struct *task)
{
	struct ebpf_task *self = bpf_task_storage_get(&tasks, task, 0, 0);
	struct pt_regs *regs;
	struct call call;

	if (!self)
		return 0;
	/* Killed by a filter, or by strict mode, on the spot: the call does not return either. */
	if (task->seccomp.mode == SECCOMP_MODE_DEAD && !self->killed) {
		regs = (struct pt_regs *)bpf_task_pt_regs(task);
		call = call_of(task, regs->orig_ax);
		call_refused(self, &call);
	}
	if (__sync_fetch_and_sub(&state.live, 1) == 1)
		wake();
	return 0;
}

/*
 * The command's own program starts: the execve that started it was made for it.  What the
 * recorder's child called before that is nobody's.
 */
static void first_exec(struct ebpf_task *self)
{
	self->starting = 0;
	state.started = 1;
	count(setup.execve_nr);
	slot_see(self->program, setup.execve_nr);
}

SEC("tp_btf/sched_process_exec")
int BPF_PROG(on_exec, struct task_struct *task, int old_pid, struct linux_binprm *program)
{
	struct ebpf_task *self = bpf_task_storage_get(&tasks, task, 0, 0);

	(void)old_pid;
	if (!self)
		return 0;
	self->program = program_of(&program->file->f_path);
	__builtin_memset(self->usual, 0, sizeof(self->usual));
	/* The call returns in the new program, perhaps under another ABI. */
	self->entered = EBPF_ANY_RETURN;
	if (self->starting)
		first_exec(self);
	return 0;
}
