/*
 * cage_names.h: what people call the parts of a cage.
 */
#ifndef SYSCLAMP_CAGE_NAMES_H
#define SYSCLAMP_CAGE_NAMES_H

#include <stdbool.h>

#include "cage.h"

/** "user", "pid", "mount", "net", "ipc", "uts", "cgroup", "time": as ps(1) and lsns(8) have them.
 */
const char *cage_ns_name(enum cage_ns ns);

/** CLONE_NEW* of clone(2). */
int cage_ns_flag(enum cage_ns ns);

/** "RLIMIT_NOFILE"; NULL past the last one. */
const char *cage_limit_name(int resource);

/** The other way round; also "nofile", and in any case.  Returns 0 or -EINVAL. */
int cage_limit_by_name(const char *name, int *out_resource);

/** "rslave" of MS_SLAVE | MS_REC; NULL for what is no propagation (mount_namespaces(7)). */
const char *cage_propagation_name(unsigned long flags);

/** The other way round.  Returns 0 or -EINVAL. */
int cage_propagation_by_name(const char *name, unsigned long *out_flags);

/** "bounding", ... */
const char *cage_cap_set_name(enum cage_cap_set set);

/** "createRuntime", ...: OCI runtime specification, config.md, "POSIX-platform Hooks". */
const char *cage_hook_time_name(enum cage_hook_time when);

/** Whether it is the name of a kernel parameter, and no way out of /proc/sys. */
bool cage_sysctl_is_name(const char *name);

/**
 * Which namespace a kernel parameter belongs to: to set one of the caller's would set the host's.
 *
 * @name: with dots, or with slashes as sysctl(8) has it: the first of them tells.
 * Returns an enum cage_ns; CAGE_NS_COUNT for one that belongs to none of them.
 */
enum cage_ns cage_sysctl_owner(const char *name);

#endif
