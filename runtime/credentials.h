/*
 * credentials.h: a command's user, groups and capabilities: credentials(7), capabilities(7).
 */
#ifndef SYSCLAMP_CREDENTIALS_H
#define SYSCLAMP_CREDENTIALS_H

#include <stdbool.h>

#include "cage.h"
#include "err.h"

struct credentials_way {
	bool keep_admin; /* CAP_SYS_ADMIN stays until execve(2): see below */
	/*
	 * What execve(2) gives user 0 is permitted before: a process that gains capabilities by it
	 * no longer ends with its parent (PR_SET_PDEATHSIG(2const)).
	 */
	bool gains_nothing;
	bool groups_stay; /* the user namespace denies setgroups(2): user_maps_groups() */
};

/**
 * Give the calling process the cage's user, groups and capabilities: of its one thread only.
 *
 * What execve(2) then makes of the capabilities is what the cage says: for a user other than 0
 * these are the ambient ones, for user 0 the inheritable and the bounding ones.
 *
 * Where setgroups(2) is denied, supplementary groups cannot be had, and the caller's cannot be left
 * either: inside they are nobody's (65534).
 *
 * way->keep_admin: for loading a filter without no_new_privs.  Unless the cage grants it,
 * CAP_SYS_ADMIN is outside of the bounding set then, or of what a user other than 0 can have, so
 * that execve takes it away.
 * Errors name what the kernel refused, and what it takes.
 */
int credentials_apply(const struct cage *cage, const struct credentials_way *way, struct err *e);

/**
 * What credentials_apply() will refuse of the supplementary groups, as far as it is known before
 * the cage is there: not of a user namespace that is joined.
 *
 * Errors: as there.
 */
int credentials_foresee(const struct cage *cage, struct err *e);

#endif
