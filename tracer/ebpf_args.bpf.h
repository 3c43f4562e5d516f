/*
 * ebpf_args.bpf.h: with which arguments calls are made.
 *
 * Kept are tuples, and each argument for itself, for where there are many tuples.  Of each there is
 * a bound; what is over it says "many" to the reader.  Nothing is ever left out silently: where
 * there is no room, the arguments are unknown, which is "many", too.
 */
#ifndef SYSCLAMP_EBPF_ARGS_BPF_H
#define SYSCLAMP_EBPF_ARGS_BPF_H

#include <linux/bpf.h>
#include <stdbool.h>

#include <bpf/bpf_helpers.h>

#include "ebpf_count.bpf.h"
#include "ebpf_known.bpf.h"
#include "ebpf_maps.bpf.h"
#include "ebpf_types.bpf.h"

enum { EEXIST = 17 };

static __always_inline ebpf_u64 arg_at(
	const struct call *call, const struct pt_regs *regs, ebpf_u32 index)
{
	bool compat = call->entry == EBPF_I386;

	switch (index) {
	case 0:
		return compat ? regs->bx : regs->di;
	case 1:
		return compat ? regs->cx : regs->si;
	case 2:
		return regs->dx;
	case 3:
		return compat ? regs->si : regs->r10;
	case 4:
		return compat ? regs->di : regs->r8;
	default:
		return compat ? regs->bp : regs->r9;
	}
}

/*
 * What is recorded of each argument, 0 from the @n-th one on; false if nothing is of any.  Without
 * a branch for each.
 */
static __always_inline bool args_take(const struct call *call, const struct pt_regs *regs,
	ebpf_u32 n, ebpf_u64 out[EBPF_CALL_ROOM])
{
	const volatile struct ebpf_arg_spec *spec = &setup.args[within(call->slot, EBPF_SLOTS)];

	if (call->slot >= EBPF_SLOTS || !spec->n)
		return false;
	for (ebpf_u32 i = 0; i < EBPF_CALL_ARGS; i++)
		out[i] = i < n ? arg_at(call, regs, i) & spec->masks[i] : 0;
	return true;
}

/* Where the call's last sight with these arguments is remembered, or NULL. */
static __always_inline struct ebpf_recent *recent_at(
	ebpf_u32 target, ebpf_u32 slot, const ebpf_u64 args[EBPF_CALL_ROOM])
{
	ebpf_u32 lane = lane_of(target), row = slot;
	struct ebpf_recents *mine;

	/* Another CPU would write while we compare. */
	if (setup.lanes_shared)
		return 0;
	for (ebpf_u32 i = 0; i < EBPF_CALL_ARGS; i++)
		row += (ebpf_u32)args[i] * (2 * i + 1);
	mine = bpf_map_lookup_elem(&recents, &lane);
	return mine ? &mine->rows[row % EBPF_RECENTS] : 0;
}

/* Whether a call with these arguments, the first @n of them, needs nothing but counting. */
static __always_inline bool args_are_recent(const struct ebpf_whose *whose, ebpf_u32 slot,
	ebpf_u32 n, const ebpf_u64 args[EBPF_CALL_ROOM])
{
	const struct ebpf_recent *recent = recent_at(whose->target, slot, args);
	ebpf_u64 differ = 0;

	if (!recent || recent->slot != slot || recent->epoch != whose->epoch ||
		recent->program != whose->program || recent->joined != whose->joined)
		return false;
	for (ebpf_u32 i = 0; i < n; i++)
		differ |= recent->args[i] ^ args[i];
	return !differ;
}

/* Whether a call that is not usual has arguments that were seen last; a 32-bit one goes the long
 * way. */
static __always_inline bool args_are_known(
	const struct ebpf_known *row, const struct pt_regs *regs, const struct call *call)
{
	/* A constant, so that the registers are, too. */
	const struct call native = {.entry = EBPF_X86_64, .nr = call->nr, .slot = call->nr};
	ebpf_u64 args[EBPF_CALL_ROOM];

	return call->entry == EBPF_X86_64 && !setup.args[within(native.slot, EBPF_SLOTS)].far &&
	       args_take(&native, regs, EBPF_CALL_NEAR, args) &&
	       args_are_recent(&row->whose, native.slot, EBPF_CALL_NEAR, args);
}

static void args_remember(
	const struct ebpf_whose *whose, ebpf_u32 slot, const ebpf_u64 args[EBPF_CALL_ROOM])
{
	struct ebpf_recent *recent = recent_at(whose->target, slot, args);

	if (!recent)
		return;
	recent->slot = slot;
	recent->epoch = whose->epoch;
	recent->program = whose->program;
	recent->joined = whose->joined;
	for (int i = 0; i < EBPF_CALL_ARGS; i++)
		recent->args[i] = args[i];
}

static struct ebpf_tuples *tuples_of(const struct ebpf_tuple_key *key)
{
	static const struct ebpf_tuples none;
	const struct ebpf_tuples_key whose = {.target = key->target, .slot = key->slot};
	struct ebpf_tuples *known = bpf_map_lookup_elem(&tuple_counts, &whose);

	if (known)
		return known;
	bpf_map_update_elem(&tuple_counts, &whose, &none, BPF_NOEXIST);
	return bpf_map_lookup_elem(&tuple_counts, &whose);
}

/* Keep a tuple, if it is new and within the bound. */
static void tuple_see(
	struct ebpf_target *target, struct ebpf_tuples *known, const struct ebpf_tuple_key *key)
{
	ebpf_u32 *n = &known->n[key->kind % EBPF_TUPLE_KINDS], one = 1;
	long code;

	if (*(volatile ebpf_u32 *)n >= EBPF_TUPLES_MAX || bpf_map_lookup_elem(&tuples, key))
		return;
	code = bpf_map_update_elem(&tuples, key, &one, BPF_NOEXIST);
	if (code == -EEXIST) /* another CPU was faster */
		return;
	if (code)
		set_add(target->args_unknown, key->slot);
	else
		__sync_fetch_and_add(n, 1);
	news(target);
}

/* A call was made with these arguments. */
static __always_inline int args_see(struct ebpf_task *self, struct ebpf_target *target,
	ebpf_u32 slot, const ebpf_u64 args[EBPF_CALL_ROOM])
{
	const volatile struct ebpf_arg_spec *spec = &setup.args[within(slot, EBPF_SLOTS)];
	struct ebpf_tuple_key key = {.target = self->target, .slot = slot % EBPF_SLOTS};
	struct ebpf_tuples *known = tuples_of(&key);
	ebpf_u64 values[EBPF_ARGS];

	target->tuples = 1;
	if (!known) {
		if (set_add(target->args_unknown, key.slot))
			news(target);
		return 0;
	}
	for (ebpf_u32 i = 0; i < EBPF_ARGS; i++)
		values[i] = i < spec->n ? args[spec->index[i] % EBPF_CALL_ROOM] : 0;
	for (int i = 0; i < EBPF_ARGS; i++)
		key.values[i] = values[i];
	tuple_see(target, known, &key);
	key.values[1] = key.values[2] = 0;
	for (ebpf_u32 i = 0; i < EBPF_ARGS && spec->n > 1; i++) {
		if (i >= spec->n)
			break;
		key.kind = EBPF_TUPLE_VALUE + i;
		key.values[0] = values[i];
		tuple_see(target, known, &key);
	}
	return 0;
}

#endif
