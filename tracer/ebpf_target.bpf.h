/*
 * ebpf_target.bpf.h: which threads belong to which target.
 *
 * Belonging is a mark in the task's storage.  Children inherit it; threads that were there before
 * are found by a scan over all tasks (mark_all), repeated until it finds none; those that come
 * from outside are found when they enter a cgroup, are born into it, or execute a program in a
 * mount namespace.
 */
#ifndef SYSCLAMP_EBPF_TARGET_BPF_H
#define SYSCLAMP_EBPF_TARGET_BPF_H

#include <linux/bpf.h>
#include <stdbool.h>

#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>

#include "ebpf_known.bpf.h"
#include "ebpf_maps.bpf.h"
#include "ebpf_types.bpf.h"

enum {
	PF_EXITING = 0x4, /* include/linux/sched.h */
	PF_KTHREAD = 0x200000,
};

#define TARGET_UNDECIDED                                                                           \
	0xffffffffu /* nothing can be said before there is a verdict on another                    \
		     */

static struct ebpf_target *target_at(ebpf_u32 index)
{
	return bpf_map_lookup_elem(&targets, &index);
}

/* Whether the target's entry has been given to another one since the thread joined it. */
static bool task_is_stale(const struct ebpf_task *self, const struct ebpf_target *target)
{
	return (int)(self->epoch - target->begun) < 0;
}

/* The target that the thread belongs to, or NULL. */
static struct ebpf_target *target_of_task(const struct ebpf_task *self)
{
	struct ebpf_target *target;

	if (!self || self->idle & EBPF_IDLE_LEFT)
		return 0;
	target = target_at(self->target);
	return target && !task_is_stale(self, target) ? target : 0;
}

/* One of @live less, once for each thread; the last one tells. */
static void task_uncount(struct ebpf_task *self, struct ebpf_target *target)
{
	ebpf_u64 space;

	if (!__sync_val_compare_and_swap(&self->counted, 1, 0) ||
		__sync_fetch_and_sub(&target->live, 1) != 1)
		return;
	/* Where it is no id it may be given to another namespace at once. */
	space = target->mount_space;
	if (space)
		bpf_map_delete_elem(&by_mount_space, &space);
	wake(EBPF_EVENT_WAKE, self->target);
}

/* All threads look at each of their calls once more. */
static void epoch_begin(struct ebpf_target *target)
{
	__sync_fetch_and_add(&target->epoch, 1);
}

/* A thread that goes on belongs to the target no more; it may be making a call. */
static void task_leave(struct ebpf_task *self, struct ebpf_target *target)
{
	*(volatile ebpf_u8 *)&self->idle = EBPF_IDLE_LEFT;
	epoch_begin(target);
	task_uncount(self, target);
}

/* The thread ends. */
static void task_end(struct ebpf_task *self, struct ebpf_target *target)
{
	self->idle = EBPF_IDLE_LEFT;
	task_uncount(self, target);
}

/*
 * The target has a new epoch: what the thread knew does not hold any more, or the entry is another
 * target's by now.  Returns whether the thread is still counted there.
 */
static __noinline int task_renew(struct ebpf_task *self, struct ebpf_target *target)
{
	ebpf_u32 epoch = *(volatile ebpf_u32 *)&target->epoch;

	if (task_is_stale(self, target)) {
		self->idle = EBPF_IDLE_LEFT;
		return 0;
	}
	self->epoch = epoch;
	__builtin_memset(self->usual, 0, sizeof(self->usual));
	if (target->verdict == EBPF_UNWANTED)
		self->idle |= EBPF_IDLE_UNWANTED;
	return target->verdict != EBPF_UNWANTED;
}

/*
 * One of @live more, unless it is one already: a scan, the thread itself and its parent may all
 * come by.
 */
static void task_count(struct ebpf_task *self, struct ebpf_target *target)
{
	__sync_fetch_and_add(&target->live, 1);
	if (__sync_val_compare_and_swap(&self->counted, 0, 1))
		__sync_fetch_and_sub(&target->live, 1);
}

/* The thread begins anew; where it is known, and where its calls are noted, stays. */
static void task_begin(struct ebpf_task *self, struct ebpf_task *like)
{
	like->call = self->call;
	like->regs = self->regs;
	like->cpus = self->cpus;
	/* Before it is idle no more: from then on its returns are looked at. */
	*(volatile ebpf_u64 *)entered_of(self) = like->entered;
	*self = *like;
}

/*
 * Make @task, which belongs to nobody, one of the target's threads.  @like: what it begins with.
 * Returns its storage, or NULL.
 *
 * The thread itself and a scan may both come by, on two CPUs, and the thread may end meanwhile: who
 * sets @counted has counted it.
 */
static struct ebpf_task *task_join(struct task_struct *task, struct ebpf_task *like)
{
	struct ebpf_target *target = target_at(like->target);
	struct ebpf_task *self;

	if (!target || target->state != EBPF_IN_USE)
		return 0;
	like->epoch = target->epoch;
	like->entered = EBPF_ANY_RETURN;
	self = bpf_task_storage_get(&tasks, task, like, BPF_LOCAL_STORAGE_GET_F_CREATE);
	if (!self) {
		__sync_fetch_and_add(&state.inherit_failures, 1);
		return 0;
	}
	/* Storage of a target that it has left, or the name that somebody gave it. */
	if (self->idle & EBPF_IDLE_NAMED || !target_of_task(self))
		task_begin(self, like);
	nobody_changes();
	task_count(self, target);
	/* Its end may have been told before it had the mark. */
	if (*(volatile unsigned int *)&task->flags & PF_EXITING)
		task_uncount(self, target);
	return self;
}

/* What proc_mount_space() says of it: the same as NS_GET_MNTNS_ID of the kernel, or its inode. */
static ebpf_u64 mount_space_number(const struct mnt_namespace *space)
{
	if (!setup.mount_space_ids)
		return BPF_CORE_READ(space, ns.inum);
	if (bpf_core_field_exists(space->ns.ns_id))
		return BPF_CORE_READ(space, ns.ns_id);
	return BPF_CORE_READ(space, seq);
}

static ebpf_u64 mount_space_of(const struct task_struct *task)
{
	const struct nsproxy *spaces = task->nsproxy;

	/* Threads lose it when they exit. */
	return spaces ? mount_space_number(spaces->mnt_ns) : 0;
}

/* The host's own mounts, or the recorder's. */
static bool is_of_host(ebpf_u64 space)
{
	return space == setup.mount_spaces[0] || space == setup.mount_spaces[1];
}

static ebpf_u32 target_by_mount_space(const struct task_struct *task)
{
	ebpf_u64 space = mount_space_of(task);
	const ebpf_u32 *known = bpf_map_lookup_elem(&by_mount_space, &space);

	return known ? *known : 0;
}

/* The innermost cgroup that is a target. */
static ebpf_u32 target_by_cgroup(const struct task_struct *task)
{
	struct cgroup_subsys_state *state_of = &task->cgroups->dfl_cgrp->self;

	for (int i = 0; i < EBPF_CGROUP_DEPTH_MAX; i++) {
		ebpf_u64 id = BPF_CORE_READ(state_of, cgroup, kn, id);
		const ebpf_u32 *known = bpf_map_lookup_elem(&by_cgroup, &id);

		if (known)
			return *known;
		state_of = BPF_CORE_READ(state_of, parent);
		if (!state_of)
			break;
	}
	return 0;
}

static bool is_by_cgroup(void)
{
	return *(volatile ebpf_u32 *)&state.by_cgroup;
}

/* Threads of a process whose first thread has its mark. */
static bool join_leader(const struct task_struct *task, struct ebpf_task *out)
{
	struct ebpf_task *leader = bpf_task_storage_get(&tasks, task->group_leader, 0, 0);

	if (!target_of_task(leader))
		return false;
	out->target = leader->target;
	out->joined = leader->joined;
	out->idle = leader->idle & EBPF_IDLE_STARTING;
	return true;
}

/* It was found, and is not known to be wanted. */
static bool target_is_doubtful(const struct ebpf_target *target)
{
	return target->found_pid && *(volatile ebpf_u32 *)&target->verdict != EBPF_WANTED;
}

/*
 * Children that were born before their parent had its mark.  Of one that has mounts of its own,
 * too, it matters whether the parent is in a container.
 */
static bool join_parent(const struct task_struct *task, struct ebpf_task *out)
{
	struct ebpf_task *parent = bpf_task_storage_get(&tasks, task->real_parent, 0, 0);
	const struct ebpf_target *target = target_of_task(parent);

	if (!target || !target->follows || parent->idle)
		return false;
	if (target_is_doubtful(target)) {
		out->target = target->verdict == EBPF_NOT_ASKED ? TARGET_UNDECIDED : 0;
		return false;
	}
	out->target = parent->target;
	out->joined = parent->joined;
	return true;
}

/* Which target a thread without a mark belongs to, and how; 0: none. */
static void target_of(const struct task_struct *task, struct ebpf_task *out)
{
	if (join_leader(task, out))
		return;
	out->target = target_by_mount_space(task);
	if (!out->target && is_by_cgroup())
		out->target = target_by_cgroup(task);
	if (!out->target)
		join_parent(task, out);
}

static void cgroup_name(char *out, const struct cgroup *cgroup)
{
	bpf_probe_read_kernel_str(out, EBPF_NAME_MAX, BPF_CORE_READ(cgroup, kn, name));
}

/* The names by which an engine's container can be told. */
static void target_name(struct ebpf_target *target, const struct task_struct *task)
{
	struct css_set *set = task->cgroups;
	struct cgroup *unified = BPF_CORE_READ(set, dfl_cgrp);
	struct cgroup_subsys_state *above = BPF_CORE_READ(unified, self.parent), *version_1;
	unsigned controller = bpf_core_enum_value_exists(enum cgroup_subsys_id, pids_cgrp_id)
				      ? bpf_core_enum_value(enum cgroup_subsys_id, pids_cgrp_id)
				      : 0;

	cgroup_name(target->cgroup[0], unified);
	if (above)
		cgroup_name(target->cgroup[1], BPF_CORE_READ(above, cgroup));
	bpf_core_read(&version_1, sizeof(version_1), &set->subsys[controller % 16]);
	if (version_1)
		cgroup_name(target->cgroup[2], BPF_CORE_READ(version_1, cgroup));
}

/*
 * A mount namespace that nobody has heard of, in which a program is about to run: a container
 * perhaps.  It becomes a target; whether that is wanted is decided by the reader, later.
 */
static ebpf_u32 target_discover(const struct task_struct *task)
{
	ebpf_u64 space = mount_space_of(task);
	const ebpf_u32 *known;
	struct ebpf_target *target;
	ebpf_u32 index;

	if (!space || is_of_host(space))
		return 0;
	if (bpf_map_pop_elem(&spare_targets, &index)) {
		__sync_fetch_and_add(&state.no_room, 1);
		return 0;
	}
	target = target_at(index);
	if (!target)
		return 0;
	target->mount_space = space;
	target->found_pid = task->tgid;
	target->follows = 1;
	target_name(target, task);
	target->state = EBPF_IN_USE;
	if (!bpf_map_update_elem(&by_mount_space, &space, &index, BPF_NOEXIST)) {
		wake(EBPF_EVENT_WAKE, index);
		return index;
	}
	target->state = EBPF_FREE;
	bpf_map_push_elem(&spare_targets, &index, 0);
	known = bpf_map_lookup_elem(&by_mount_space, &space);
	return known ? *known : 0;
}

/* The same for one in which programs run already. */
static ebpf_u32 target_discover_running(const struct task_struct *task)
{
	ebpf_u32 index = target_discover(task);
	struct ebpf_target *target = index ? target_at(index) : 0;

	if (target && !target->started) {
		target->started = 1;
		target->phase = EBPF_PHASE_SERVE;
	}
	return index;
}

#endif
