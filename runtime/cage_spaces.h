/*
 * cage_spaces.h: the namespaces of a cage: namespaces(7).
 */
#ifndef SYSCLAMP_CAGE_SPACES_H
#define SYSCLAMP_CAGE_SPACES_H

#include <stdbool.h>

#include "cage.h"
#include "err.h"

/* Descriptors of those that are joined; -1: none of that kind. */
struct spaces {
	int fds[CAGE_NS_COUNT];
};

#define SPACES_NONE ((struct spaces){{-1, -1, -1, -1, -1, -1, -1, -1}})

/** CLONE_NEW* of those to be made by clone(2): all but the time namespace, spaces_set_clocks(). */
unsigned long spaces_new(const struct cage *cage);

/** Whether there is any to be joined. */
bool spaces_joins(const struct cage *cage);

/**
 * Open those to be joined, in the caller's view of files, and see that each is of its kind
 * (ioctl_ns(2)).  The caller's own user namespace is left out: it cannot be joined (setns(2)).
 *
 * @out: to be released with spaces_done(), on failure too.
 * Errors name the place; -EINVAL: it is none, or of another kind.
 */
int spaces_open(const struct cage *cage, struct spaces *out, struct err *e);
void spaces_done(struct spaces *spaces);

/**
 * Join them.  The user namespace comes first, where its capabilities are what the others take;
 * those that the caller may join without it are joined before, as inside it may not.
 *
 * Errors name the place.
 */
int spaces_join(const struct cage *cage, struct spaces *spaces, struct err *e);

/**
 * Make the time namespace, set its clocks, and enter it; nothing without one.
 *
 * Takes a /proc that the calling process may write to (it is dumpable): time_namespaces(7).
 */
int spaces_set_clocks(const struct cage *cage, struct err *e);

/** Why clone(2) with spaces_new() failed with @error. */
int spaces_explain(const struct cage *cage, int error, struct err *e);

#endif
