/*
 * cage_complete.h: from what was said about a cage to the whole description: what implies what, and
 * what does not go together, is decided here and nowhere else.
 *
 *	--hostname, --domainname		a UTS namespace
 *	--root, --read-only, mounts, paths	a mount namespace
 *	--private-proc, --init			a PID namespace, with an init
 *	--monotonic, --boottime			a time namespace
 *	--uidmap, --gidmap			a user namespace
 *	any namespace, without CAP_SYS_ADMIN	a user namespace (as bubblewrap)
 *	a user namespace without maps		the user is the caller, under the number asked for
 *	anything				a new session (setsid(2))
 */
#ifndef SYSCLAMP_CAGE_COMPLETE_H
#define SYSCLAMP_CAGE_COMPLETE_H

#include "cage_request.h"
#include "err.h"

/**
 * Make request->cage whole; its `used` is set if anything was said that takes a cage.
 *
 * Asks the host for users, groups, and what the caller may do.
 * Errors: -EINVAL what does not go together; -EPERM what the caller may not.
 */
int cage_complete(struct cage_request *request, struct err *e);

/**
 * The command's environment: @caller's, or none (--clearenv); without --unsetenv's; with --env's,
 * of one name the last.
 *
 * @out: NULL-terminated, in the arena; what it points to is @caller's in part.
 */
int cage_environment(struct cage_request *request, char *const *caller, char ***out, struct err *e);

/* For cage_complete.c: its parts, in this order. */
int cage_settle_spaces(struct cage_request *request, struct err *e);
int cage_settle_ids(struct cage_request *request, struct err *e);
int cage_settle_caps(struct cage_request *request, struct err *e);
int cage_settle_files(struct cage_request *request, struct err *e);

#endif
