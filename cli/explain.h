/*
 * explain.h: what a recording says of a call, for people and for scripts.
 */
#ifndef SYSCLAMP_EXPLAIN_H
#define SYSCLAMP_EXPLAIN_H

#include "recording_text.h"

/* Calls in an order of their own; borrowed from a recording. */
struct explain_list {
	const struct rec_call **calls; /* heap of the caller */
	size_t n_calls;
};

/** Print a line for each call, in the order of their first times. */
void explain_print_all(const struct recording *rec);

/** Print all that is known of the calls. */
void explain_print(const struct recording *rec, const struct explain_list *list);

/** The same as JSON; errors: -ENOMEM. */
int explain_print_json(const struct recording *rec, const struct explain_list *list, struct err *e);

#endif
