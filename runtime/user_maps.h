/*
 * user_maps.h: which ids a new user namespace has: user_namespaces(7).
 */
#ifndef SYSCLAMP_USER_MAPS_H
#define SYSCLAMP_USER_MAPS_H

#include <stdbool.h>
#include <sys/types.h>

#include "cage.h"
#include "err.h"

/**
 * Write the maps of process @pid, a child of the caller in a new user namespace.
 *
 * By the caller itself where the kernel permits that: with CAP_SETUID and CAP_SETGID, or for its
 * own user and group alone, which then denies setgroups(2) inside; else by newuidmap(1) and
 * newgidmap(1), which hold the caller to /etc/subuid and /etc/subgid.
 *
 * Errors say which map, and what is needed.
 */
int user_maps_write(pid_t pid, const struct cage *cage, struct err *e);

/** What becomes of the caller's supplementary groups in a cage. */
enum user_maps_fate {
	GROUPS_GO, /* dropped, or replaced by those that are asked for */
	GROUPS_STAY, /* setgroups(2) is denied to whoever is inside */
	GROUPS_UNKNOWN, /* as of a user namespace that is joined, which may deny that */
};

/** What user_maps_write() and the caller's own user namespace will lead to; asks the host. */
enum user_maps_fate user_maps_foresee_groups(const struct cage *cage);

/** Whether the user namespace of process @pid denies setgroups(2).  Errors: no /proc. */
int user_maps_groups(pid_t pid, bool *out_denied, struct err *e);

#endif
