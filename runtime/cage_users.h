/*
 * cage_users.h: users and groups by the host's /etc/passwd and /etc/group.
 *
 * Of the host and not of the command's root, as minijail0 and setpriv(1) have it: whoever made that
 * root would choose what a name means.  The files themselves and not getpwnam(3), which a static
 * program has only with the host's libraries at hand: users that a server alone knows (LDAP) go by
 * number.
 */
#ifndef SYSCLAMP_CAGE_USERS_H
#define SYSCLAMP_CAGE_USERS_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "cage.h"
#include "err.h"

struct cage_user_found {
	uid_t uid;
	bool has_gid; /* there is an entry: */
	gid_t gid;
	const char *name; /* in the arena; NULL without an entry */
};

/**
 * Read a user: a name, or a number.  The whole text is one or the other.
 *
 * A number is 0...4294967294; a name begins with neither a digit nor a sign.
 * Errors: -EINVAL for neither, or for a name without an entry; -ENOMEM.  The text has no "where".
 */
int cage_user_find(struct cage *cage, const char *text, struct cage_user_found *out, struct err *e);

/** The same for a group. */
int cage_group_find(const char *text, gid_t *out, struct err *e);

/** Append the groups that list user @name as a member to *@groups, an array in the arena. */
int cage_groups_of(
	struct cage *cage, const char *name, gid_t **groups, size_t *n_groups, struct err *e);

#endif
