/*
 * ebpf_known.bpf.h: threads that made a call on this CPU before, and what need not be found out
 * again.
 *
 * A thread is told by where its kernel stack keeps its registers.  As long as it lives nobody else
 * has that place; so what is known by it has to be void from when the thread ends, and when
 * anything that is known changes:
 *  - the thread's end, and an execve: it empties the rows itself (known_forget);
 *  - a phase, a verdict, its target's end, and that others take it out of its target: the target's
 *    epoch grows (epoch_begin);
 *  - a bystander becomes a thread of a target, or one that was born has the stack of a bystander
 *    that has ended: the epoch of entry 0 grows, after the thread has its mark (nobody_changes).
 * Who learns reads the epoch before all else, so what has changed meanwhile was learned under the
 * old one.
 */
#ifndef SYSCLAMP_EBPF_KNOWN_BPF_H
#define SYSCLAMP_EBPF_KNOWN_BPF_H

#include <linux/bpf.h>
#include <stdbool.h>

#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>

#include "ebpf_maps.bpf.h"
#include "ebpf_types.bpf.h"

/* Since Linux 6.2, as that helper; the verifier makes nothing of it but a type. */
extern void *bpf_rdonly_cast(const void *object, ebpf_u32 btf_id) __ksym __weak;
enum bpf_func_id___since_6_2 { BPF_FUNC_cgrp_storage_get___since_6_2 = 210 };

/* Without, a CPU knows bystanders only.  A constant to the verifier. */
static __always_inline bool can_cast(void)
{
	return bpf_core_enum_value_exists(
		enum bpf_func_id___since_6_2, BPF_FUNC_cgrp_storage_get___since_6_2);
}

static __always_inline struct ebpf_whose whose_of(const struct ebpf_task *self)
{
	return (struct ebpf_whose){self->target, self->epoch, self->program, self->joined};
}

static ebpf_u32 epoch_of(const struct ebpf_target *target)
{
	return *(const volatile ebpf_u32 *)&target->epoch;
}

/* By which bystanders are known. */
static ebpf_u32 bystander_epoch(void)
{
	ebpf_u32 nobody = 0;
	struct ebpf_target *target = bpf_map_lookup_elem(&targets, &nobody);

	return target ? epoch_of(target) : 0;
}

/* A thread has become one of a target's: nobody is known to be a bystander any more. */
static void nobody_changes(void)
{
	ebpf_u32 nobody = 0;
	struct ebpf_target *target = bpf_map_lookup_elem(&targets, &nobody);

	if (target)
		__sync_fetch_and_add(&target->epoch, 1);
}

/* Where the call of a thread is kept that is under way. */
static ebpf_u64 *entered_of(struct ebpf_task *self)
{
	ebpf_u32 index = self->call;
	struct ebpf_call *call = index ? bpf_map_lookup_elem(&calls, &index) : 0;

	return call ? &call->entered : &self->entered;
}

/* Stacks lie 16 or 32 KiB apart. */
static __always_inline ebpf_u32 known_index(ebpf_u32 cpu, ebpf_u32 regs)
{
	return cpu * EBPF_KNOWN + (regs >> 14 ^ regs >> 19) % EBPF_KNOWN;
}

/* The row of this CPU for a thread with its registers there. */
static __always_inline struct ebpf_known *known_at(const struct pt_regs *regs)
{
	ebpf_u32 index = known_index(bpf_get_smp_processor_id(), (ebpf_u32)(ebpf_u64)regs);

	return bpf_map_lookup_elem(&known, &index);
}

/* The target by which a row holds; NULL: it is another thread's, or void. */
static __always_inline struct ebpf_target *known_target(
	const struct ebpf_known *row, const struct pt_regs *regs)
{
	struct ebpf_target *target;

	if (!row || row->regs != (ebpf_u64)regs)
		return 0;
	target = bpf_map_lookup_elem(&targets, &row->whose.target);
	return target && epoch_of(target) == row->whose.epoch ? target : 0;
}

static __always_inline const struct task_struct *known_task(const struct ebpf_known *row)
{
	return bpf_rdonly_cast((void *)row->task, bpf_core_type_id_kernel(struct task_struct));
}

/* A thread without a mark, as it was looked for after @epoch of entry 0. */
static __always_inline void known_bystander(
	struct ebpf_known *row, const struct pt_regs *regs, ebpf_u32 epoch)
{
	if (!row)
		return;
	row->regs = (ebpf_u64)regs;
	row->whose = (struct ebpf_whose){.epoch = epoch};
}

/* From now on the thread's calls are noted where they can be found without it. */
static bool call_move(struct ebpf_task *self)
{
	ebpf_u32 index;
	struct ebpf_call *call;

	if (bpf_map_pop_elem(&spare_calls, &index)) {
		/* It must not go round: the next index would be another thread's. */
		if (*(volatile ebpf_u32 *)&state.calls >= setup.calls)
			return false;
		index = __sync_fetch_and_add(&state.calls, 1) + 1;
	}
	/* Otherwise all of the room is in use. */
	call = index < setup.calls ? bpf_map_lookup_elem(&calls, &index) : 0;
	if (!call)
		return false;
	call->entered = self->entered;
	self->call = index;
	return true;
}

/*
 * The thread has made a call that may be usual by now.  @whose: what it was before.  Whether it
 * belongs to its target is asked once more: others set @idle first, and begin an epoch then.
 */
static void known_learn(struct ebpf_known *row, struct ebpf_task *self,
	const struct ebpf_whose *whose, const struct task_struct *task, const struct pt_regs *regs)
{
	if (!can_cast() || !row || *(volatile ebpf_u8 *)&self->idle ||
		(!self->call && !call_move(self)))
		return;
	row->regs = (ebpf_u64)regs;
	row->task = (ebpf_u64)task;
	row->whose = *whose;
	row->call = self->call;
	__builtin_memcpy(row->usual, self->usual, sizeof(row->usual));
	self->regs = (ebpf_u64)regs;
	self->cpus |= 1ull << bpf_get_smp_processor_id() % EBPF_CPU_BITS;
}

struct forgetting {
	ebpf_u64 regs, cpus;
};

static long forget_step(ebpf_u32 cpu, struct forgetting *of)
{
	ebpf_u32 index = known_index(cpu, of->regs);
	struct ebpf_known *row;

	if (!(of->cpus & 1ull << cpu % EBPF_CPU_BITS))
		return 0;
	row = bpf_map_lookup_elem(&known, &index);
	/* Another thread may be writing it for itself. */
	if (row)
		__sync_val_compare_and_swap(&row->regs, of->regs, 0);
	return 0;
}

/* All that is known of the thread, which makes no call meanwhile, is void. */
static void known_forget(struct ebpf_task *self)
{
	struct forgetting of = {self->regs, self->cpus};

	if (of.cpus)
		bpf_loop(setup.cpus, forget_step, &of, 0);
	self->cpus = 0;
}

/* The same, and it will make none any more. */
static void known_done(struct ebpf_task *self)
{
	ebpf_u32 index = self->call;

	known_forget(self);
	if (index)
		bpf_map_push_elem(&spare_calls, &index, 0);
	self->call = 0;
}

#endif
