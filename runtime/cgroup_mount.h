/*
 * cgroup_mount.h: the "cgroup" mounts of OCI bundles: config-linux.md, "Default Filesystems".
 */
#ifndef SYSCLAMP_CGROUP_MOUNT_H
#define SYSCLAMP_CGROUP_MOUNT_H

#include "cage.h"
#include "err.h"

/**
 * Show the command's own cgroup of each hierarchy of the host, read-only: of a host with cgroup v2
 * alone that one, else a tmpfs with a directory for each hierarchy of v1, as runc does.  With a
 * cgroup namespace of its own the command's are mounted anew, else the host's are bound.
 *
 * A hierarchy that is mounted nowhere below /sys/fs/cgroup outside is left out.
 */
int cgroup_mount_in(
	int root, const struct cage *cage, const struct cage_mount *mount, struct err *e);

#endif
