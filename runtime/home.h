/*
 * home.h: the variable HOME, which images leave to those who run them.
 */
#ifndef SYSCLAMP_HOME_H
#define SYSCLAMP_HOME_H

#include <sys/types.h>

#include "err.h"

/**
 * The environment with HOME, if it has none: the directory that /etc/passwd of the caller's root
 * gives user @uid, else "/".
 *
 * @env: NULL-terminated; @out_env points to it, or to a copy on the heap that is never released.
 * Errors: no memory.  A file that cannot be read gives nobody a directory.
 */
int home_add(char *const *env, uid_t uid, char *const **out_env, struct err *e);

#endif
