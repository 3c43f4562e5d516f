/*
 * cage_print.h: what is going to be done, without doing it: for people, in the order of execution,
 * one line a step; and as JSON (docs/plan.schema.json).
 */
#ifndef SYSCLAMP_CAGE_PRINT_H
#define SYSCLAMP_CAGE_PRINT_H

#include <stddef.h>

#include "err.h"
#include "sandbox.h"

/* A sandbox, and what its filters are called, which it does not know. */
struct cage_plan {
	const struct sandbox *box;
	const char *const *profiles;
	size_t n_profiles;
	const char *program; /* the file that the filter was read from; NULL: it was compiled */
	const char *then; /* the profile of box->then; NULL: none */
};

/**
 * The plan as text.  Of the environment only the names of variables are shown.
 *
 * @out_text: heap, owned by the caller; control characters in it are '?'.
 */
int cage_print(const struct cage_plan *plan, char **out_text, size_t *out_size, struct err *e);

/** The same as JSON, with all of the environment. */
int cage_print_json(const struct cage_plan *plan, char **out_text, size_t *out_size, struct err *e);

#endif
