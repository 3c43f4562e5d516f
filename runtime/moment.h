/*
 * moment.h: how far a traced command has come, until the moment at which a filter is to be loaded.
 */
#ifndef SYSCLAMP_MOMENT_H
#define SYSCLAMP_MOMENT_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "breakpoint.h"
#include "err.h"
#include "image.h"
#include "sandbox.h"
#include "trace.h"

struct moment;

/* What there is to do at a stop on the way to one kind of moment; tells whether it is reached. */
typedef int (*moment_step_fn)(
	struct moment *moment, const struct trace_stop *stop, bool *out_reached, struct err *e);

struct moment {
	enum sandbox_at at;
	const char *symbol; /* SANDBOX_AT_SYMBOL */
	pid_t leader;
	moment_step_fn step; /* what comes next */
	enum __ptrace_request request; /* how tasks go on until then */
	bool own_signal; /* the signal of the last stop was of our own making */
	struct image image; /* the command's program, once it was executed */
	struct breakpoints breakpoints;
	uint64_t address; /* the one of them that comes next */
	uint64_t stack; /* the stack pointer as the program began */
	int argc; /* what it points to */
	unsigned steps; /* instructions that were looked at one by one */
	bool trap_ignored, trap_blocked; /* what became of SIGTRAP as the program began */
	pid_t came; /* the task of the last stop */
};

/** To be released with moment_done(). */
void moment_init(struct moment *moment, enum sandbox_at at, const char *symbol, pid_t leader);
void moment_done(struct moment *moment);

/**
 * Look at a stop.
 *
 * @out_reached: whether this is the moment, in this task.
 * Errors: -ENOEXEC: the program is none to look into; -ENOENT: there is no main, or no such symbol;
 * those of breakpoints_add().
 */
int moment_look(
	struct moment *moment, const struct trace_stop *stop, bool *out_reached, struct err *e);

/**
 * Undo what stopping at the moment has changed in a process, before it is held.
 *
 * @tid: a task of it, in an interruption stop, as is the one that has come to the moment.
 * Errors: those of inject.h, -ESRCH among them.
 */
int moment_pass(const struct moment *moment, pid_t tid, struct err *e);

/** What people call it: "main", "serve". */
const char *moment_name(const struct moment *moment);

#endif
