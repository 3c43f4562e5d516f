/*
 * verify_dump.h: what /proc and the kernel tell about the filters of a thread.  Internal to
 * verify.h.
 */
#ifndef SYSCLAMP_VERIFY_DUMP_H
#define SYSCLAMP_VERIFY_DUMP_H

#include "err.h"
#include "verify_parts.h"

/* proc(5): /proc/PID/status. */
struct thread_status {
	char state; /* 'R', 'S', 'Z', ... */
	pid_t process; /* Tgid */
	pid_t tracer; /* 0: none */
	unsigned mode; /* SECCOMP_MODE_* */
	unsigned n_filters; /* 0 from a kernel before 5.9, too */
	bool is_kernel; /* a kernel thread */
};

/** Errors: -ESRCH no such thread; -EINVAL what is there cannot be read. */
int thread_status_read(pid_t tid, struct thread_status *out, struct err *e);

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
