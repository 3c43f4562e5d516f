/*
 * clauses.h: what a profile answers to one call, as a function of its arguments, and the algebra
 * of such functions.
 *
 * A function is a list of clauses (policy.h), each with its action, and an action for the rest.
 * Clauses of different actions never overlap in a value that an argument can have, clauses of one
 * action may.  Everything is exact, value by value: what
 * one clause cannot say, as a range with two ends, since each index occurs once, becomes several.
 * That may be many, and has a bound.
 *
 * All arguments have 64 bits here.  Those of a 32-bit ABI are some of these values, and conditions
 * mean the same for them (docs/semantics.md, 5.3), so what is equal here is equal there.
 */
#ifndef SYSCLAMP_CLAUSES_H
#define SYSCLAMP_CLAUSES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "policy.h"

enum { CLAUSES_MAX = 512 }; /* of one function; a filter has at most 4096 instructions */

/* Comparisons of clauses that one operation may take: a tenth of a second. */
#define CLAUSES_STEPS 2000000ull

struct clauses {
	struct clause *list; /* heap, grown by powers of two; clause.rule is not used */
	size_t n;
};

struct verdicts {
	struct clauses clauses;
	action_t rest;
};

/** Which of two actions counts; @first, if they are as good as each other. */
typedef action_t (*choose_action)(action_t first, action_t second);

void verdicts_done(struct verdicts *verdicts);

/**
 * What @policy says to number @nr of an ABI that may not be listed.
 *
 * @out: to be released with verdicts_done().
 * Errors: -ENOMEM; -E2BIG past CLAUSES_MAX or CLAUSES_STEPS.
 */
int verdicts_of(
	const struct policy *policy, const struct abi *abi, uint32_t nr, struct verdicts *out);

/**
 * Make @into what @choose says of both, value by value.  Errors as above, and then @into is good
 * for verdicts_done() only.
 */
int verdicts_combine(struct verdicts *into, const struct verdicts *with, choose_action choose);

/**
 * Make the rest @rest, which profiles call the default: what had another action there gets clauses
 * of its own, and clauses that say @rest go.  Unchanged if there is no clause.  Errors as above.
 */
int verdicts_set_rest(struct verdicts *verdicts, action_t rest);

/** Whether both say the same to all values.  Returns 0 and @out_same, or an error as above. */
int verdicts_equal(const struct verdicts *a, const struct verdicts *b, bool *out_same);

/** An order of clauses by their conditions, for sorting. */
int clause_conditions_compare(const struct clause *a, const struct clause *b);

#endif
