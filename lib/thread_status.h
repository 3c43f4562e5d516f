/*
 * thread_status.h: the state of one thread, as /proc tells it: proc(5), status and stat.
 */
#ifndef SYSCLAMP_THREAD_STATUS_H
#define SYSCLAMP_THREAD_STATUS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "err.h"

struct thread_status {
	char state; /* 'R', 'S', 'Z', ... */
	pid_t process; /* Tgid */
	pid_t tracer; /* 0: none */
	uid_t user; /* the real one */
	unsigned n_threads; /* of its process, ended ones that are not reaped included */
	bool no_new_privs;
	unsigned mode; /* SECCOMP_MODE_* */
	unsigned n_filters; /* 0 from a kernel before 5.9, too */
	bool is_kernel; /* a kernel thread */
	bool is_worker; /* a thread of the kernel's in the process, as io_uring has them */
	bool is_exiting; /* on its way out, or a zombie */
	/* Signals, bit N - 1 for signal N. */
	uint64_t pending; /* those of its process as well, blocked ones too */
	uint64_t blocked, ignored, caught;
};

/** Errors: -ESRCH no such thread; -EINVAL what is there cannot be read. */
int thread_status_read(pid_t tid, struct thread_status *out, struct err *e);

/**
 * Whether the process of this first thread has ended, or is about to: the thread may end before
 * the others, and stays as a zombie then.
 */
bool thread_status_has_ended(const struct thread_status *first);

/**
 * Whether a signal waits that will interrupt what the thread does.
 *
 * @blocked: the signals that are not let through, usually status->blocked.
 */
bool thread_status_is_signalled(const struct thread_status *status, uint64_t blocked);

#endif
