/*
 * ebpf_find.bpf.h: the programs that find threads of targets: those that enter a cgroup, and those
 * that were there before.
 */
#ifndef SYSCLAMP_EBPF_FIND_BPF_H
#define SYSCLAMP_EBPF_FIND_BPF_H

#include <linux/bpf.h>
#include <stdbool.h>

#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

#include "ebpf_maps.bpf.h"
#include "ebpf_path.bpf.h"
#include "ebpf_return.bpf.h"
#include "ebpf_target.bpf.h"
#include "ebpf_types.bpf.h"

enum { VM_EXEC = 4 /* include/linux/mm.h */ };

/* Whether a thread is in another cgroup than those of its target. */
static bool has_moved_out(const struct task_struct *task, const struct ebpf_task *self)
{
	const struct ebpf_target *target = target_of_task(self);

	return target && target->leaves && target_by_cgroup(task) != self->target;
}

/* What a filter denies to the thread would not be seen yet. */
static bool is_unwatched(const struct task_struct *task)
{
	return task->seccomp.mode && !returns_are_watched();
}

/* A process enters a cgroup: @task is its first thread, or with @threadgroup unset any one. */
SEC("tp_btf/cgroup_attach_task")
int BPF_PROG(
	on_attach, struct cgroup *to, const char *path, struct task_struct *task, bool threadgroup)
{
	struct ebpf_task *self, fresh = {0};
	struct ebpf_target *target;

	(void)to;
	(void)path;
	if (!is_by_cgroup())
		return 0;
	self = bpf_task_storage_get(&tasks, task, 0, 0);
	target = target_of_task(self);
	if (target && !has_moved_out(task, self))
		return 0;
	if (threadgroup && task->signal->nr_threads > 1)
		wake(EBPF_EVENT_SCAN, 0);
	if (target)
		task_leave(self, target);
	fresh.target = target_by_cgroup(task);
	target = fresh.target ? target_at(fresh.target) : 0;
	if (!target)
		return 0;
	/* Interrupts are off here: nothing can be waited for. */
	if (is_unwatched(task)) {
		wake(EBPF_EVENT_SCAN, 0);
		return 0;
	}
	fresh.joined = target->live > 0;
	task_join(task, &fresh);
	return 0;
}

/* The mount namespace that the thread's program was executed in; 0: of none, as a memfd's. */
static ebpf_u64 program_space(const struct task_struct *task)
{
	struct file *program = BPF_CORE_READ(task, mm, exe_file);
	struct mount *mount = (void *)BPF_CORE_READ(program, f_path.mnt) -
			      bpf_core_field_offset(struct mount, mnt);

	return program ? mount_space_number(BPF_CORE_READ(mount, mnt_ns)) : 0;
}

/*
 * A runtime's process on its way into a container: it has entered the mount namespace with a
 * program of the host's, and is the container's only when it executes one there.
 */
static bool is_entering(const struct task_struct *task)
{
	ebpf_u64 space = mount_space_of(task);

	return !is_of_host(space) && is_of_host(program_space(task)) &&
	       bpf_map_lookup_elem(&by_mount_space, &space);
}

/*
 * A runtime says that a container is yet to start for some time after it has.  Its own program,
 * which it has brought along, lies in other mounts, or in none.
 */
static bool has_started(const struct task_struct *task, struct ebpf_target *target)
{
	if (!target->mount_space || target->found_pid ||
		program_space(task) != mount_space_of(task))
		return false;
	target->started = 1;
	target->phase = EBPF_PHASE_SERVE;
	return true;
}

/* Whose a thread without a mark is, or one whose process was named; NULL: it stays as it is. */
static struct ebpf_target *find_target(
	struct task_struct *task, struct ebpf_task *self, struct ebpf_task *out)
{
	struct ebpf_target *target = target_of_task(self);

	if (target && has_moved_out(task, self)) {
		task_leave(self, target);
		target = 0;
	}
	if (target) {
		out->target = self->target;
		out->idle = self->idle & EBPF_IDLE_STARTING;
		return self->idle & EBPF_IDLE_NAMED ? target : 0;
	}
	if (is_entering(task))
		return 0;
	target_of(task, out);
	if (out->target == TARGET_UNDECIDED) {
		__sync_fetch_and_add(&state.undecided, 1);
		return 0;
	}
	if (!out->target && setup.discovers)
		out->target = target_discover_running(task);
	return out->target ? target_at(out->target) : 0;
}

/* What it begins with. */
static void begin_in(struct ebpf_target *target, struct task_struct *task, struct ebpf_task *out)
{
	struct file *program;

	if (target->verdict == EBPF_UNWANTED) {
		out->idle = EBPF_IDLE_UNWANTED;
		return;
	}
	if (out->idle && !has_started(task, target)) {
		target->first = task->tgid;
		return;
	}
	out->idle = 0;
	program = BPF_CORE_READ(task, mm, exe_file);
	if (program)
		out->program = program_of(program, out->target);
}

/* Give the threads that are there already their marks, and tell how many. */
SEC("iter/task")
int mark_all(struct bpf_iter__task *ctx)
{
	struct task_struct *task = ctx->task;
	struct ebpf_task fresh = {0};
	struct ebpf_target *target;

	if (!task || task->flags & (PF_KTHREAD | PF_EXITING))
		return 0;
	target = find_target(task, bpf_task_storage_get(&tasks, task, 0, 0), &fresh);
	if (!target)
		return 0;
	begin_in(target, task, &fresh);
	/* It is found again once returns are watched. */
	if (is_unwatched(task))
		state.filtered = 1;
	else if (!task_join(task, &fresh))
		return 0;
	__sync_fetch_and_add(&state.added, 1);
	return 0;
}

/* What threads with marks have mapped as code already. */
SEC("iter/task_vma")
int look_at_maps(struct bpf_iter__task_vma *ctx)
{
	struct task_struct *task = ctx->task;
	struct vm_area_struct *vma = ctx->vma;
	struct ebpf_task *self;

	if (!task || !vma)
		return 0;
	self = bpf_task_storage_get(&tasks, task, 0, 0);
	if (!target_of_task(self) || self->idle || !(vma->vm_flags & VM_EXEC) || !vma->vm_file)
		return 0;
	file_mapped(vma->vm_file, self->target);
	return 0;
}

#endif
