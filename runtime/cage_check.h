/*
 * cage_check.h: what can be known to fail before anything begins.
 */
#ifndef SYSCLAMP_CAGE_CHECK_H
#define SYSCLAMP_CAGE_CHECK_H

#include "sandbox.h"

/**
 * Whether the box's cage can be made as it is described.
 *
 * Whoever makes the description settles what goes together.  This holds against a description that
 * would reach the host (its name, its mounts) or be dropped in silence.
 *
 * Errors: -EINVAL what does not go together; -EPERM what the caller may not; -EBADF a descriptor
 * to be passed is not open; those of credentials_foresee() and landlock_check().
 */
int cage_check(const struct sandbox *box, struct err *e);

#endif
