/*
 * targets.h: where in a command's root something may be mounted.
 */
#ifndef SYSCLAMP_TARGETS_H
#define SYSCLAMP_TARGETS_H

#include <stdbool.h>

#include "cage.h"
#include "err.h"

/**
 * Open a mount's target (O_PATH), made if it is missing: inside_make().
 *
 * What shows the system (proc, sysfs, devpts, ...), and all of /dev, /proc and /sys, is reached
 * without symbolic links: an image that has one there would have it where it is not expected.  Over
 * what the kernel shows in /proc nothing is mounted, but on the few files that runc permits too;
 * on /proc itself only a proc.  Nothing is mounted on the root itself.
 *
 * @tree: what is going to be mounted, not attached yet.  @directory: whether it is one.
 * Returns the descriptor, or -errno with @e.
 */
int target_open(int root, const struct cage_mount *mount, int tree, bool directory, struct err *e);

#endif
