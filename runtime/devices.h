/*
 * devices.h: the nodes in a command's /dev: config-linux.md, "Default Devices" and "Devices".
 */
#ifndef SYSCLAMP_DEVICES_H
#define SYSCLAMP_DEVICES_H

#include "cage.h"
#include "err.h"

/**
 * Make them in the root @root (O_PATH), and the links that belong to the default ones.  Where the
 * kernel permits no nodes (in a user namespace), the host's node of the same device is mounted
 * instead.
 *
 * Errors name the device.
 */
int devices_make(int root, const struct cage *cage, struct err *e);

/** A copy of the host's /dev/null, not attached, if that is what stands there; or -errno with @e.
 */
int devices_null(struct err *e);

#endif
