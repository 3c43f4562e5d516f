/*
 * parameters.h: the kernel's parameters that a command finds: sysctl(2), proc(5), config-linux.md,
 * "Sysctl".
 */
#ifndef SYSCLAMP_PARAMETERS_H
#define SYSCLAMP_PARAMETERS_H

#include "cage.h"
#include "err.h"

/**
 * Set them, for a caller in the command's namespaces.  They are reached through the /proc that the
 * caller has from outside: which values a file there stands for, the kernel decides by the
 * namespaces of who opens it (net/sysctl_net.c, ipc/ipc_sysctl.c), and nothing that the command's
 * root holds can stand in between.
 *
 * Errors name the parameter.  One that is of no namespace of the command would change the host:
 * EPERM.
 */
int parameters_set(const struct cage *cage, struct err *e);

#endif
