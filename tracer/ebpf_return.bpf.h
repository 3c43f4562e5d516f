/*
 * ebpf_return.bpf.h: when the returns of calls are needed, and having them watched in time.
 *
 * sys_enter comes after seccomp: a call that a filter denies is seen by its return alone.  Returns
 * are watched (on_return) only once somebody may need them.
 */
#ifndef SYSCLAMP_EBPF_RETURN_BPF_H
#define SYSCLAMP_EBPF_RETURN_BPF_H

#include <linux/bpf.h>
#include <stdbool.h>

#include <bpf/bpf_helpers.h>

#include "ebpf_count.bpf.h"
#include "ebpf_maps.bpf.h"
#include "ebpf_types.bpf.h"

enum {
	PR_SET_SECCOMP = 22,
	SECCOMP_MODE_STRICT = 1, /* of prctl(2) */
	SECCOMP_SET_MODE_STRICT = 0, /* of seccomp(2) */
	SECCOMP_SET_MODE_FILTER = 1,
	SECCOMP_FILTER_FLAG_TSYNC = 1 << 0,
	SECCOMP_FILTER_FLAG_NEW_LISTENER = 1 << 3,
	HOLD_STEPS_MAX = 1 << 23, /* of bpf_loop(), its limit */
};

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

#endif
