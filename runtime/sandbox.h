/*
 * sandbox.h: one description of what to run and how it is held, and the engine that does it.
 */
#ifndef SYSCLAMP_SANDBOX_H
#define SYSCLAMP_SANDBOX_H

#include <stdbool.h>
#include <stdint.h>

#include "err.h"
#include "filter.h"
#include "launch.h"
#include "supervisor.h"

struct sandbox {
	char *const *argv; /* NULL-terminated */
	char *const *env; /* NULL-terminated */
	const char *path; /* the file to execute */
	/* Checked by the caller against its policy; policy_supervised() if there is a supervisor.
	 */
	const struct filter *filter;
	uint32_t filter_flags; /* SECCOMP_FILTER_FLAG_* */
	bool new_privs; /* do not set no_new_privs: needs CAP_SYS_ADMIN */
	const struct supervisor *supervisor; /* who answers what the filter asks; NULL: nobody */
};

/**
 * Run the command with the filter loaded as the last thing before execve, and wait for it.
 *
 * Signals and terminal job control pass through (launch.h).  Errors before the program starts leave
 * nothing running: fail closed.  What fails after the load is reported through memory shared with
 * the child, which may be able neither to write nor to exit.
 *
 * With a supervisor it takes two processes (guard.h), and lasts until all that carries the filter
 * has ended; the end is still the command's.
 *
 * @end: set on success; on failure exec_errno tells whether the command was at fault.
 */
int sandbox_run(const struct sandbox *box, struct launch_end *end, struct err *e);

#endif
