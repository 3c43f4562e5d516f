/*
 * sandbox.h: one description of what to run and how it is held, and the engine that does it.
 */
#ifndef SYSCLAMP_SANDBOX_H
#define SYSCLAMP_SANDBOX_H

#include <stdbool.h>
#include <stdint.h>

#include "cage.h"
#include "err.h"
#include "filter.h"
#include "launch.h"
#include "supervisor.h"

enum sandbox_mode {
	SANDBOX_FILTER, /* SECCOMP_MODE_FILTER */
	SANDBOX_STRICT, /* SECCOMP_MODE_STRICT: read, write, exit, rt_sigreturn */
};

/* When the command is held. */
enum sandbox_at {
	SANDBOX_AT_LAUNCH, /* before its execve */
	SANDBOX_AT_EXEC, /* behind it, before any instruction of its own */
	SANDBOX_AT_MAIN, /* where its main begins: libraries are loaded by then */
	SANDBOX_AT_SYMBOL, /* where a function of the program is first called */
	SANDBOX_AT_SERVE, /* at its first wait for work: phase.h */
};

/* A program for the kernel, that was proven to say what a profile says. */
struct sandbox_filter {
	const struct filter *filter;
	uint32_t flags; /* SECCOMP_FILTER_FLAG_* */
};

struct sandbox {
	char *const *argv; /* NULL-terminated */
	char *const *env; /* NULL-terminated */
	const char *path; /* the file to execute; NULL: argv[0] is looked for in the cage */
	enum sandbox_mode mode;
	/* SANDBOX_FILTER only; of policy_supervised() if there is a supervisor; without a program:
	 * none */
	struct sandbox_filter filter;
	bool new_privs; /* do not set no_new_privs: needs CAP_SYS_ADMIN */
	enum sandbox_at at; /* later than SANDBOX_AT_LAUNCH for strict mode */
	const char *symbol; /* SANDBOX_AT_SYMBOL: of the function */
	uint64_t within_ns; /* how long the moment is waited for */
	/*
	 * A filter that is loaded at the moment, beside the other one, which then is loaded at
	 * launch; NULL: none, and that one waits for the moment.
	 */
	const struct sandbox_filter *then;
	/* Who answers what the filter asks; NULL: nobody.  At launch only, in filter mode. */
	const struct supervisor *supervisor;
	const struct cage *cage; /* NULL: none */
	const struct notice *notice; /* is told what is no failure; may be NULL */
};

/** The moment of that name: "launch", ...; of any other it is the function's. */
enum sandbox_at sandbox_at_by_name(const char *name);

/** What the moment is called: the name, or that of its function. */
const char *sandbox_moment_name(const struct sandbox *box);

/** The filter that is loaded at the launch; NULL: none is. */
const struct sandbox_filter *sandbox_first_filter(const struct sandbox *box);

/** The filter that is loaded at the moment, if there is one to wait for, in filter mode. */
const struct sandbox_filter *sandbox_late_filter(const struct sandbox *box);

/**
 * Run the command, held from the moment on, and wait for it.
 *
 * At launch, the filter is loaded as the last thing before execve.
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
