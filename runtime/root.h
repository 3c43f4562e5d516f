/*
 * root.h: the file systems that a command finds: pivot_root(2), mount_namespaces(7).
 *
 * For a process in a mount namespace of its own.  Nothing of it is to be seen outside, unless the
 * cage says so (root.propagation).
 */
#ifndef SYSCLAMP_ROOT_H
#define SYSCLAMP_ROOT_H

#include "cage.h"
#include "err.h"

/* Its state between the two calls. */
struct root {
	int fd; /* of the command's root (O_PATH), in the view from outside; -1: none */
};

/**
 * Mount everything, and make the devices, below the command's root, which is not the caller's yet;
 * sources of bind mounts are paths outside.  Without a root of its own (cage->root.path is NULL)
 * it is a copy of the caller's.
 *
 * @out: to be given to root_enter() or root_done().
 * Errors name the place, as the cage's `where` calls it.
 */
int root_prepare(const struct cage *cage, struct root *out, struct err *e);

/**
 * Make the root the caller's, with nothing left of the one before; the working directory is "/"
 * then, or the one of before, by name, in a copy of the caller's root.  Sets kernel parameters,
 * masks paths, and makes the root read-only.
 */
int root_enter(const struct cage *cage, struct root *root, struct err *e);

/** Takes one that was never opened if it is {-1}. */
void root_done(struct root *root);

#endif
