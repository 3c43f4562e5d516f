/*
 * mounts.h: one mount at a time, by descriptors: fsopen(2), open_tree(2), mount_setattr(2),
 * move_mount(2) (Linux 5.12).  A mount is complete, with all its attributes, before anybody can
 * reach it.
 */
#ifndef SYSCLAMP_MOUNTS_H
#define SYSCLAMP_MOUNTS_H

#include <stdbool.h>
#include <stdint.h>

#include "cage.h"
#include "err.h"

/**
 * Mount it in the root @root (O_PATH); its target is made if it is missing.  Where it may be:
 * targets.h.
 *
 * @cage: what @mount is of; which namespaces are its own decides about some.
 */
int mount_in(int root, const struct cage *cage, const struct cage_mount *mount, struct err *e);

/**
 * A copy of what is mounted at @path below @fd, not attached anywhere: open_tree(2).
 *
 * @path: "" for @fd itself.
 * Returns a descriptor, to be closed, or -errno.
 */
int mount_copy(int fd, const char *path, bool recursive);

/**
 * A file system of its own, with its attributes, not attached anywhere.
 *
 * @cage: as above; NULL: errors do not speak of its namespaces.
 * Returns a descriptor, or -errno with @e, in the kernel's own words where it has any.
 */
int mount_new(const struct cage *cage, const struct cage_mount *mount, struct err *e);

/** Change the attributes MOUNT_ATTR_* of a mount; returns 0 or -errno. */
int mount_change(int fd, uint64_t set, uint64_t clear, unsigned long propagation, bool recursive);

/** Attach a mount (@tree) over what @target is open on; returns 0 or -errno. */
int mount_attach(int tree, int target);

#endif
