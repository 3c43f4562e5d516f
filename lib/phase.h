/*
 * phase.h: the parts of a workload's life that a recording tells apart.
 *
 * `start`, from its execve on; `serve`, which begins with the first wait for work after a listen,
 * or with the first wait of a program that was started with listening sockets, and which is all
 * that is seen of what ran already when recording began; `exec`, which is no part of its life but
 * an origin: the calls of processes that joined from outside, as `kubectl exec` and probes do.
 * Those behind begin with a mark (marks.h) and are numbered as they come.
 */
#ifndef SYSCLAMP_PHASE_H
#define SYSCLAMP_PHASE_H

#include <stdbool.h>
#include <sys/types.h>

#include "err.h"

enum {
	PHASE_START,
	PHASE_SERVE,
	PHASE_EXEC,
	PHASE_MARKS, /* the first one that a mark began */
	PHASES_MAX = 32, /* of one recording, the three above included */
};

enum { PHASE_NAME_MAX = 64 }; /* bytes, without the NUL */

/** The name of one that every workload has; NULL for any other index. */
const char *phase_name(unsigned index);

/**
 * May somebody call a phase so?  1 to PHASE_NAME_MAX of the letters, digits and "_.:@/-", but not
 * what only the recorder itself can know: "start", "exec".  "serve" may be marked.
 *
 * Errors: -EINVAL.
 */
int phase_check_name(const char *name, struct err *e);

enum { PHASES_MARKED_MAX = PHASES_MAX - PHASE_MARKS };

/** The error of one phase more than PHASES_MARKED_MAX that a recording is asked to begin. */
int phase_err_full(struct err *e);

/** What a call has to do with the beginning of `serve`. */
enum phase_role { PHASE_ROLE_NONE, PHASE_ROLE_LISTEN, PHASE_ROLE_WAIT };

enum phase_role phase_role(const char *syscall_name);

/**
 * Whether a process holds a listening socket.
 *
 * @pid: of a process, not of one of its other threads; 0: the caller.  It may be stopped, and must
 * be one that the caller may trace (pidfd_getfd(2)); of another, and without /proc, the answer is
 * false.
 */
bool phase_has_listener(pid_t pid);

#endif
