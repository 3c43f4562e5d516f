/*
 * run_late.h: the options of `run` that say when a command is held, and by which mode of the
 * kernel.
 */
#ifndef SYSCLAMP_RUN_LATE_H
#define SYSCLAMP_RUN_LATE_H

#include <stdbool.h>
#include <stdint.h>

#include "enforce.h"
#include "err.h"
#include "sandbox.h"

/* As given: NULL and 0 where they were not. */
struct run_late {
	const char *at; /* --at */
	const char *mode; /* --mode */
	const char *then; /* --then: a second profile, for the moment */
	uint64_t within_ns; /* --within */
};

enum run_mode { RUN_FILTER, RUN_STRICT, RUN_STRICT_FILTER };

/* What they come to. */
struct run_plan {
	enum run_mode mode;
	enum sandbox_at at;
	const char *symbol;
	uint64_t within_ns;
};

/**
 * Read what was given.
 *
 * @has_filter: whether there is a profile (-p) or a program (--bpf); strict modes have theirs.
 * @has_cage: whether there is a cage, which can hold a command alone, from its launch on.
 * Errors (-EINVAL): one line that says which options do not go together.
 */
int run_plan(const struct run_late *late, bool has_filter, bool has_cage, struct run_plan *out,
	struct err *e);

/**
 * The filter of --mode strict-filter: that of profiles/strict-filter.json.
 *
 * @out: as by enforced_read().
 */
int run_strict_filter(struct enforced *out, struct err *e);

/**
 * Whether the profile of --then can be loaded over the one that is in force from the launch on: it
 * lets nothing through that the first one denies (a filter cannot give back what another one
 * takes), and the kernel will take it from us.
 *
 * @first, @then: what they are called in messages.
 * Errors: -EPERM, with a call that shows it.
 */
int run_check_phases(const char *first, const struct filter *start, const char *then,
	const struct enforced *serve, struct err *e);

/** To standard error, if the command was killed for what strict mode does not allow. */
void run_tell_if_strict(const struct run_plan *plan, const char *cmd, int wait_status);

#endif
