/*
 * by_name.h: what a profile says of each call, by name: for formats that cannot say it rule by
 * rule.
 *
 * The names are those of the ABIs that the profile lists.  A name means the same under all of them:
 * rules speak of names, and conditions of arguments.
 */
#ifndef SYSCLAMP_BY_NAME_H
#define SYSCLAMP_BY_NAME_H

#include <stdbool.h>
#include <stddef.h>

#include "err.h"
#include "policy.h"
#include "profile.h"

struct named_call {
	char name[SYSCALL_NAME_MAX];
	bool decided; /* some rule speaks of it; else it gets the default */
	action_t action; /* if n_clauses is 0: what it gets */
	const struct clause *clauses; /* any that matches, else the default */
	size_t n_clauses;
};

struct by_name {
	struct policy policy; /* what the calls point into */
	struct named_call *calls; /* heap, sorted by name, no name twice */
	size_t n_calls;
};

void by_name_done(struct by_name *names);

/**
 * All calls that the profile's ABIs have and we know, those left to the default included.
 *
 * @input: of the profile, for errors.
 * @out: to be released with by_name_done().
 * Errors: those of policy_resolve(); names that no ABI has are passed over as there.
 */
int by_name_init(
	const char *input, const struct profile *profile, struct by_name *out, struct err *e);

/** The call of that name, or NULL if the ABIs have none. */
const struct named_call *by_name_find(const struct by_name *names, const char *name);

/** Whether @call is let through for some arguments; @default_action: for those no clause takes. */
bool named_call_may_pass(const struct named_call *call, action_t default_action);

#endif
