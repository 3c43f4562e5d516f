/*
 * credentials.h: a command's user, groups and capabilities: credentials(7), capabilities(7).
 */
#ifndef SYSCLAMP_CREDENTIALS_H
#define SYSCLAMP_CREDENTIALS_H

#include <stdbool.h>

#include "cage.h"
#include "err.h"

/**
 * Give the calling process the cage's user, groups and capabilities: of its one thread only.
 *
 * What execve(2) then makes of the capabilities is what the cage says: for a user other than 0
 * these are the ambient ones, for user 0 the inheritable and the bounding ones.
 *
 * @keep_admin: CAP_SYS_ADMIN stays until execve(2), for loading a filter without no_new_privs.  It
 * is outside of the bounding set then, unless the cage grants it, so that execve takes it away.
 * Errors name what the kernel refused.
 */
int credentials_apply(const struct cage *cage, bool keep_admin, struct err *e);

#endif
