/*
 * ebpf_count.bpf.h: counting a call of a target, and what else its first time says.
 *
 * A call is counted in an array per target and CPU.  Plain additions suffice there: tracepoints run
 * BPF with preemption off (include/trace/bpf_probe.h; for the system call tracepoints, which may
 * fault since Linux 6.13, it is switched off there), no call enters the kernel from within another
 * on the same CPU, and the one program that runs in an exception (on_vsyscall) interrupts user
 * space only.
 */
#ifndef SYSCLAMP_EBPF_COUNT_BPF_H
#define SYSCLAMP_EBPF_COUNT_BPF_H

#include <linux/bpf.h>
#include <stdbool.h>

#include <bpf/bpf_helpers.h>

#include "ebpf_maps.bpf.h"
#include "ebpf_target.bpf.h"
#include "ebpf_types.bpf.h"

enum { TS_COMPAT = 2 /* arch/x86/include/asm/thread_info.h: in a 32-bit call */ };

/* The call that a thread is in. */
struct call {
	ebpf_u32 entry; /* enum ebpf_entry */
	ebpf_u32 nr; /* as the kernel was given it */
	ebpf_u32 slot; /* EBPF_SLOTS: it has none */
};

/* A thread, and whose it is. */
struct caller {
	struct ebpf_task *self;
	struct ebpf_target *target;
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

/* As it is noted until it returns. */
static __always_inline ebpf_u64 entered_by(const struct call *call)
{
	return EBPF_ENTERED | EBPF_ENTRY(call->entry) | call->nr;
}

/* Of a set of slots, the word with the slot's bit. */
static __always_inline ebpf_u64 word_of(ebpf_u32 slot)
{
	return within(slot / 64, EBPF_WORDS);
}

static __always_inline bool set_has(const ebpf_u64 *set, ebpf_u32 slot)
{
	return *(const volatile ebpf_u64 *)&set[word_of(slot)] & 1ull << slot % 64;
}

/* Whether the slot is new in the set. */
static bool set_add(ebpf_u64 *set, ebpf_u32 slot)
{
	if (set_has(set, slot))
		return false;
	__sync_fetch_and_or(&set[word_of(slot)], 1ull << slot % 64);
	return true;
}

static bool setup_has(const volatile ebpf_u64 *set, ebpf_u32 slot)
{
	return set[word_of(slot)] & 1ull << slot % 64;
}

/* Numbers without a name are kept by number: the kernel may know them or not. */
static bool has_slot(const struct call *call)
{
	return call->slot < EBPF_SLOTS && !setup_has(setup.unnamed, call->slot);
}

/* Where a target's calls on this CPU are counted. */
static __always_inline ebpf_u32 lane_of(ebpf_u32 target)
{
	return target * setup.lanes + (bpf_get_smp_processor_id() & (setup.lanes - 1));
}

static __always_inline void count(ebpf_u32 target, ebpf_u32 slot)
{
	ebpf_u32 lane = lane_of(target);
	struct ebpf_counts *mine = bpf_map_lookup_elem(&counts, &lane);

	if (!mine)
		return;
	if (setup.lanes_shared)
		__sync_fetch_and_add(&mine->calls[within(slot, EBPF_SLOTS)], 1);
	else
		mine->calls[within(slot, EBPF_SLOTS)]++;
}

/* The phase that a thread's calls belong to. */
static ebpf_u32 phase_of(const struct caller *caller)
{
	return caller->self->joined ? EBPF_PHASE_EXEC : caller->target->phase;
}

static void news(struct ebpf_target *target)
{
	__sync_fetch_and_add(&target->news, 1);
}

/* What the calls say about phases: the first wait for work after a listen begins to serve. */
static void phase_see(const struct caller *caller, ebpf_u32 slot)
{
	struct ebpf_target *target = caller->target;

	if (caller->self->joined || target->phase != EBPF_PHASE_START)
		return;
	if (!target->listening && setup_has(setup.listens, slot)) {
		target->listening = 1;
		epoch_begin(target);
	} else if (target->listening && setup_has(setup.waits, slot)) {
		__sync_val_compare_and_swap(&target->phase, EBPF_PHASE_START, EBPF_PHASE_SERVE);
		epoch_begin(target);
	}
}

/* Note in which program and phase and when a slot was called; whether that is news. */
static bool slot_see(const struct caller *caller, ebpf_u32 slot)
{
	struct ebpf_fact *fact = &caller->target->facts[within(slot, EBPF_SLOTS)];
	ebpf_u32 index = caller->self->program;
	struct ebpf_program *program = bpf_map_lookup_elem(&programs, &index);
	bool is_new = false;

	if (!fact->first_ns)
		__sync_val_compare_and_swap(&fact->first_ns, 0, bpf_ktime_get_ns());
	if (program)
		is_new = set_add(program->seen, slot);
	is_new |= set_add(caller->target->phases[phase_of(caller) % EBPF_PHASES], slot);
	if (is_new)
		news(caller->target);
	return is_new;
}

static void odd_key(const struct caller *caller, const struct call *call, struct ebpf_odd_key *out)
{
	*out = (struct ebpf_odd_key){
		.nr = call->nr,
		.entry = call->entry,
		.program = caller->self->program,
		.target = caller->self->target,
		.phase = phase_of(caller),
	};
}

/* The entry of a number without a slot, or NULL. */
static struct ebpf_odd *odd_find(const struct caller *caller, const struct call *call)
{
	struct ebpf_odd_key key;

	odd_key(caller, call, &key);
	return bpf_map_lookup_elem(&odds, &key);
}

/* The same, made if need be, with one call more; NULL without room, and then that is counted. */
static struct ebpf_odd *odd_count(const struct caller *caller, const struct call *call)
{
	struct ebpf_odd fresh = {0}, *odd;
	struct ebpf_odd_key key;

	odd_key(caller, call, &key);
	odd = bpf_map_lookup_elem(&odds, &key);
	if (odd) {
		__sync_fetch_and_add(&odd->calls, 1);
		return odd;
	}
	fresh.fact.first_ns = bpf_ktime_get_ns();
	/* -EEXIST: another thread was faster. */
	if (!bpf_map_update_elem(&odds, &key, &fresh, BPF_NOEXIST)) {
		__sync_fetch_and_add(&caller->target->odds, 1);
		news(caller->target);
	}
	odd = bpf_map_lookup_elem(&odds, &key);
	__sync_fetch_and_add(odd ? &odd->calls : &state.out_of_range, 1);
	return odd;
}

#endif
