/*
 * masks.h: what a command is not to read or to write in its root, and the kernel's parameters that
 * it finds: config-linux.md, "Masked Paths", "Readonly Paths", "Sysctl".
 */
#ifndef SYSCLAMP_MASKS_H
#define SYSCLAMP_MASKS_H

#include "cage.h"
#include "err.h"

/**
 * Set the parameters, then cover the masked paths (an empty directory, or /dev/null) and make the
 * read-only ones so.  Paths that are missing in the root @root (O_PATH) are left out.
 *
 * Errors name the path or the parameter: one that is of no namespace of the command would change
 * the host, and is refused.
 */
int masks_set(int root, const struct cage *cage, struct err *e);

#endif
