/*
 * attributes.h: what a process has and hands on to the programs that it executes, but for its
 * credentials and its file system.  Limits and the umask are the command's alone: stage.c.
 */
#ifndef SYSCLAMP_ATTRIBUTES_H
#define SYSCLAMP_ATTRIBUTES_H

#include <sys/types.h>

#include "cage.h"
#include "err.h"

/** The host's and the domain's name, and the loopback interface of a new network namespace up. */
int attributes_of_host(const struct cage *cage, struct err *e);

/**
 * What the launcher does for its child @pid, with capabilities that a user namespace does not give:
 * raise hard limits, and adjust the OOM score (which takes a /proc that shows the child).
 *
 * Errors: -EPERM, -EACCES: the launcher lacks CAP_SYS_RESOURCE.
 */
int attributes_from_outside(const struct cage *cage, pid_t pid, struct err *e);

/** A session of the caller's own, if the cage has one. */
int attributes_session(const struct cage *cage, struct err *e);

/**
 * The working directory, if the cage has one or a root of its own, which it must be in: the kernel
 * shows a directory outside as "(unreachable)" (getcwd(2)).
 */
int attributes_directory(const struct cage *cage, struct err *e);

/**
 * At the next execve(2) all descriptors above 2 are closed but those that the cage passes, which
 * must be open: close_range(2).
 */
int attributes_descriptors(const struct cage *cage, struct err *e);

/**
 * close_range(2), with @flags, of all descriptors above 2 but those that are passed, and @kept
 * (-1: none).
 */
int attributes_close(const struct cage *cage, int kept, unsigned flags, struct err *e);

#endif
