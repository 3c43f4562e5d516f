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

struct sandbox_filter {
	const struct filter *filter; /* checked against its policy by the caller */
	uint32_t flags; /* SECCOMP_FILTER_FLAG_* to load it with */
};

struct sandbox {
	char *const *argv; /* NULL-terminated */
	char *const *env; /* NULL-terminated */
	const char *path; /* the file to execute */
	const struct sandbox_filter *filters; /* loaded in this order; normally one, as those
						 before have to allow the next one's load */
	size_t n_filters;
	bool new_privs; /* do not set no_new_privs: needs CAP_SYS_ADMIN */
};

/**
 * Run the command with the filters loaded as the last thing before execve, and wait for it.
 *
 * Signals and terminal job control pass through (launch.h).  Errors before the program starts leave
 * nothing running: fail closed.  What fails after the load is reported through memory shared with
 * the child, which may be able neither to write nor to exit.
 *
 * @end: set on success; on failure exec_errno tells whether the command was at fault.
 */
int sandbox_run(const struct sandbox *box, struct launch_end *end, struct err *e);

#endif
