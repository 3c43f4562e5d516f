/*
 * verify_dump.h: what the kernel tells about the filters of a thread.  Internal to
 * verify.h.
 */
#ifndef SYSCLAMP_VERIFY_DUMP_H
#define SYSCLAMP_VERIFY_DUMP_H

#include <sys/types.h>

#include "err.h"
#include "verify_parts.h"

/**
 * Copy the filters of a thread, the newest first.
 *
 * The thread is stopped by ptrace(2) meanwhile and let go on every path; a wait that the stop ended
 * is resumed.
 *
 * Errors: -ESRCH it is gone; -EPERM, with what is missing; -EBUSY; -ETIMEDOUT; -EINVAL the kernel
 * cannot tell; -ENOMEM.
 */
int filters_dump(pid_t tid, struct filters *out, struct err *e);

#endif
