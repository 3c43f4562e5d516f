/*
 * attributes.h: what a process has and hands on to the programs that it executes, but for its
 * credentials and its file system.  All of it is about the calling process.
 */
#ifndef SYSCLAMP_ATTRIBUTES_H
#define SYSCLAMP_ATTRIBUTES_H

#include "cage.h"
#include "err.h"

/** The host's and the domain's name, and the loopback interface of a new network namespace up. */
int attributes_of_host(const struct cage *cage, struct err *e);

/**
 * Resource limits, the umask, the adjustment of the OOM score (which takes a /proc that shows the
 * caller, and that the caller may write to), and a session of its own.
 */
int attributes_of_process(const struct cage *cage, struct err *e);

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

#endif
