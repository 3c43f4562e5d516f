/*
 * host.h: what the kernel and this process's place on the host permit.  Questions only: nothing is
 * changed, and each is answered without /proc and /sys too, if need be with "unknown".
 */
#ifndef SYSCLAMP_HOST_H
#define SYSCLAMP_HOST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum host_answer { HOST_NO, HOST_YES, HOST_UNKNOWN };

/** Copy the first line of a file of /proc or /sys, without its end, to @buf (@size bytes); whether
 * it could be read. */
bool host_line(const char *path, char *buf, size_t size);

/**
 * Whether this process lives in a user namespace below the first one, where what the kernel checks
 * with capable() (include/linux/capability.h) is refused whatever the effective set says.
 */
enum host_answer host_in_user_namespace(void);

enum { HOST_PATH_MAX = 256 };

struct host_cgroups {
	unsigned hierarchies; /* of version 1 that are mounted */
	bool v2; /* mounted */
	bool v2_readable; /* its directory can be listed and entered */
	char v2_path[HOST_PATH_MAX]; /* of its first mount; cut if longer */
};

/** Which versions of cgroups are mounted.  Returns 0 or -errno of /proc/self/mountinfo. */
int host_cgroups(struct host_cgroups *out);

/**
 * Whether calls through the 32-bit entry and those with x32 numbers are answered here: one is made,
 * in a child.  HOST_UNKNOWN: no child could be started.
 */
enum host_answer host_runs_i386(void);
enum host_answer host_runs_x32(void);

/**
 * Whether the kernel has an action (SECCOMP_RET_*) or a flag (one bit of SECCOMP_FILTER_FLAG_*):
 * 1 or 0, or -errno if it cannot be asked.
 *
 * -ENOSYS: no seccomp(2); -EINVAL: it cannot tell (actions: before Linux 4.14), or has no filters;
 * anything else is the answer of a filter that holds this process.
 */
int host_has_action(uint32_t action);
int host_has_filter_flag(uint32_t flag);

#endif
