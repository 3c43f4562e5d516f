/*
 * tracee.h: the command that is to be recorded, from fork to its execve.
 */
#ifndef SYSCLAMP_TRACEE_H
#define SYSCLAMP_TRACEE_H

#include <stdbool.h>
#include <sys/types.h>

#include "err.h"
#include "tracer.h"

/* What the recorder's filter hands over with RET_TRACE, to be told from filters of the workload. */
enum { TRACEE_FILTER_DATA = 0x5c1a };

/* Memory shared with the child, which cannot write(2) without the call being recorded. */
struct tracee_report {
	int filter_errno; /* the recorder's filter could not be loaded */
	int exec_errno; /* execve failed */
};

struct tracee {
	pid_t pid;
	int go_fd; /* the child starts when this pipe is written to, and ends when it is closed */
	int wait_fd; /* its other end: so that writing works although the child was killed */
	struct tracee_report *report;
};

/**
 * Fork the child; it waits for tracee_go().
 *
 * @filter: it is to load a filter that answers RET_TRACE to every call, as the last thing before
 * execve.
 * To be called between launch_hold_signals() and launch_forward_signals().
 */
int tracee_start(const struct tracer_job *job, bool filter, struct tracee *out, struct err *e);

/** Let it load the filter and execute the command. */
int tracee_go(struct tracee *tracee, struct err *e);

/** Release what tracee_start() took.  A child that was not let go ends by itself, and is reaped. */
void tracee_done(struct tracee *tracee);

/** Why the command's own program never ran: returns -errno, and tells @end if it was at fault. */
int tracee_failure(const struct tracee *tracee, const struct tracer_job *job,
	struct launch_end *end, struct err *e);

#endif
