/*
 * ebpf_target.h: targets in the kernel: whose calls go into one recording, and by what its threads
 * are found.
 */
#ifndef SYSCLAMP_EBPF_TARGET_H
#define SYSCLAMP_EBPF_TARGET_H

#include <stdint.h>
#include <sys/types.h>

#include "ebpf_kernel.h"
#include "err.h"

/* By what threads are found.  What is 0 is not looked at. */
struct ebpf_target_keys {
	pid_t process; /* it, and its descendants */
	uint64_t cgroup; /* id (the inode number) of one of version 2: it, and those below */
	uint64_t mount_space; /* by proc_mount_space() */
	bool starting; /* it begins when that process executes a program; otherwise it runs already
			*/
	bool listening; /* it holds listening sockets already */
};

/**
 * Take an entry into use; ebpf_targets_scan() then finds the threads that are there.
 * Errors: -ENOSPC: all are in use; those of bpf(2).
 */
int ebpf_target_new(struct ebpf_kernel *kernel, const struct ebpf_target_keys *keys,
	uint32_t *out_index, struct err *e);

/**
 * Name process @pid, which belongs to the target from the next scan on.  ebpf_target_new() does so.
 * Errors: -ESRCH there is none.
 */
int ebpf_target_name(
	struct ebpf_kernel *kernel, uint32_t index, pid_t pid, bool starting, struct err *e);

/**
 * Mark process @pid, a child that waits (it has one thread and no children), as the first and only
 * thread of a target: from the execve that starts the command on, that one included, its calls and
 * those of all that it will start are counted.
 */
int ebpf_target_begin(struct ebpf_kernel *kernel, uint32_t index, pid_t pid, struct err *e);

/**
 * Find the threads that belong to targets, until there are no more to be found, but for those whose
 * parents' target waits for ebpf_target_judge(): state->undecided.
 */
int ebpf_targets_scan(struct ebpf_kernel *kernel, struct err *e);

/** From now on the calls of the target's threads go by phase @phase. */
void ebpf_target_begin_phase(struct ebpf_kernel *kernel, uint32_t index, unsigned phase);

/** Say what a target that was found is. */
void ebpf_target_judge(struct ebpf_kernel *kernel, uint32_t index, enum ebpf_verdict verdict);

/** Give an entry back, with all that is kept by it.  What threads are left of it are nobody's. */
void ebpf_target_free(struct ebpf_kernel *kernel, uint32_t index);

#endif
