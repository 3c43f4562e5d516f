/*
 * ebpf_origin.bpf.h: telling of the first sight of a call in a program and phase.
 */
#ifndef SYSCLAMP_EBPF_ORIGIN_BPF_H
#define SYSCLAMP_EBPF_ORIGIN_BPF_H

#include <linux/bpf.h>
#include <stdbool.h>

#include <bpf/bpf_helpers.h>

#include "ebpf_args.bpf.h"
#include "ebpf_count.bpf.h"
#include "ebpf_maps.bpf.h"
#include "ebpf_return.bpf.h"
#include "ebpf_types.bpf.h"

enum { USER32_CS = 0x23 }; /* arch/x86/include/asm/segment.h: __USER32_CS */

static __always_inline void regs_take(const struct pt_regs *regs, ebpf_u64 out[EBPF_REGS])
{
	out[0] = regs->ax;
	out[1] = regs->dx;
	out[2] = regs->cx;
	out[3] = regs->bx;
	out[4] = regs->si;
	out[5] = regs->di;
	out[6] = regs->bp;
	out[7] = regs->sp;
	out[8] = regs->r8;
	out[9] = regs->r9;
	out[10] = regs->r10;
	out[11] = regs->r11;
	out[12] = regs->r12;
	out[13] = regs->r13;
	out[14] = regs->r14;
	out[15] = regs->r15;
	out[16] = regs->ip;
}

struct origin_hold {
	ebpf_u64 deadline;
	ebpf_u32 tid;
	ebpf_u32 acked;
};

static long origin_hold_step(ebpf_u32 step, struct origin_hold *hold)
{
	(void)step;
	hold->acked = *(volatile ebpf_u32 *)&state.acks[hold->tid % EBPF_ACKS] == hold->tid;
	return hold->acked || bpf_ktime_get_ns() > hold->deadline;
}

/*
 * Keep the thread where it is until its stack was read: with its process it may be gone a moment
 * later.  As in returns_want() this is a bounded spin.  A reader that is stopped, or has no CPU to
 * run on, is waited for a few times only.
 */
static __always_inline void origin_hold(ebpf_u32 tid)
{
	struct origin_hold hold = {
		.deadline = bpf_ktime_get_ns() + setup.stack_hold_ns, .tid = tid};

	bpf_loop(HOLD_STEPS_MAX, origin_hold_step, &hold, 0);
	if (!hold.acked)
		__sync_fetch_and_add(&state.late, 1);
}

/* A call is new in its program and phase. */
static __always_inline void origin_tell(
	const struct caller *caller, const struct call *call, const struct pt_regs *regs)
{
	struct ebpf_origin *origin;
	ebpf_u64 who;
	bool holds = state.holds && *(volatile ebpf_u32 *)&state.late < EBPF_LATE_MAX;

	if (!setup.origins)
		return;
	/* Paths come first: half of the ring is theirs. */
	origin = bpf_ringbuf_query(&ring, BPF_RB_AVAIL_DATA) < setup.ring_bytes / 2
			 ? bpf_ringbuf_reserve(&ring, sizeof(*origin), 0)
			 : 0;
	if (!origin) {
		__sync_fetch_and_add(&state.origins_untold, 1);
		return;
	}
	who = bpf_get_current_pid_tgid();
	origin->event = (struct ebpf_event){
		.kind = EBPF_EVENT_ORIGIN,
		.target = caller->self->target,
		.program = caller->self->program,
	};
	origin->phase = phase_of(caller);
	origin->entry = call->entry;
	origin->nr = call->nr;
	origin->pid = who >> 32;
	origin->tid = who;
	origin->bits32 = regs->cs == USER32_CS;
	origin->time_ns = bpf_ktime_get_ns();
	for (ebpf_u32 i = 0; i < EBPF_CALL_ARGS; i++)
		origin->args[i] = arg_at(call, regs, i);
	regs_take(regs, origin->regs);
	*(volatile ebpf_u32 *)&state.acks[(ebpf_u32)who % EBPF_ACKS] = 0;
	bpf_ringbuf_submit(origin, holds ? BPF_RB_FORCE_WAKEUP : 0);
	if (holds)
		origin_hold(who);
}

#endif
