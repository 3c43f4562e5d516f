/*
 * masks.h: what a command is not to read or to write in its root: config-linux.md, "Masked Paths",
 * "Readonly Paths".
 */
#ifndef SYSCLAMP_MASKS_H
#define SYSCLAMP_MASKS_H

#include "cage.h"
#include "err.h"

/**
 * Make the read-only paths so, with what is mounted below them, then cover the masked ones with an
 * empty directory, or with /dev/null.  Paths that are missing in the root @root (O_PATH) are left
 * out; a symbolic link stands for what it leads to in the root.
 *
 * Errors name the path.
 */
int masks_set(int root, const struct cage *cage, struct err *e);

#endif
