/*
 * prove.h: does a program say what a policy says, for every call there can be?
 *
 * The prover walks a cBPF program symbolically.  What is known on a path about each 32-bit word of
 * seccomp_data is a word_set (word.h), which represents both ways of every test exactly.  At each
 * return the calls that get there are a box: a product of word_sets.  The box is held against the
 * policy, ABI by ABI and number by number; where a call has conditions, the clauses that say what
 * the program says are taken off the box one by one, and what is left is a counterexample.
 *
 * Values that a word_set cannot follow (arithmetic, comparisons of two words) make the walk start
 * over with the domain of a word they depend on halved, until they are constants.  So every
 * program is decided in the end, or the budget is spent first.
 *
 * Bounds: time is PROVE_STEPS elementary steps; memory is PROVE_STATES_MAX pending states and
 * PROVE_NOTS_MAX exclusions, a few MiB, whatever the program.  The same question always gets the
 * same answer.
 */
#ifndef SYSCLAMP_PROVE_H
#define SYSCLAMP_PROVE_H

#include <stdbool.h>
#include <stdint.h>

#include "err.h"
#include "filter.h"
#include "policy.h"

enum {
	PROVE_STATES_MAX = 8192,
	PROVE_NOTS_MAX = 65536,
	PROVE_DEPTH_MAX = 2048, /* conditions taken off one box in a row */
	PROVE_FILTERS_MAX = 32, /* programs asked about together; each has states of its own */
};

/* About a second: what is decided at all is decided in far less. */
#define PROVE_STEPS 20000000ull

enum proof_verdict {
	PROOF_EQUAL,
	PROOF_DIFFERENT,
	PROOF_UNDECIDED, /* the budget was spent */
};

struct proof {
	enum proof_verdict verdict;
	uint64_t steps; /* spent */

	/* PROOF_DIFFERENT: a call that shows it, confirmed by evaluation. */
	struct seccomp_data call;
	uint32_t got; /* what the program answers */
	action_t wanted; /* what the rules say */
	const struct call_policy *rule; /* the part of the policy that says so, NULL: the default */
};

/**
 * Prove or refute.
 *
 * @filter: any program; one that the kernel would refuse is an error (-EINVAL, filter_validate()).
 * @out: set on success.  Without memory it is PROOF_UNDECIDED.
 */
int filter_prove(
	const struct filter *filter, const struct policy *policy, struct proof *out, struct err *e);

/**
 * The same about all the programs that a task carries: together they answer what the strictest of
 * them does, of equally strict ones the newest (kernel/seccomp.c: seccomp_run_filters()).
 *
 * @filters: @n of them, 1...PROVE_FILTERS_MAX, the newest first.
 * Errors: -E2BIG for more; as filter_prove().
 */
int filters_prove(const struct filter *filters, size_t n, const struct policy *policy,
	struct proof *out, struct err *e);

/**
 * Whether one program alone answers, for every call there can be, what @filters answer together.
 *
 * @out: set on success; for PROOF_DIFFERENT, got is the one program's answer, wanted that of all,
 * and rule is NULL.
 * Errors: as filters_prove(); @one counts for the limit.
 */
int filters_prove_alike(const struct filter *filters, size_t n, const struct filter *one,
	struct proof *out, struct err *e);

/**
 * Whether loading @inner when @outer is there already is all that matters from then on: together
 * they answer every call exactly as @inner alone does.  So @inner allows nothing that @outer does
 * not, and what it denies it denies in its own way.
 *
 * @out: PROOF_EQUAL: it is within.  PROOF_DIFFERENT: a call, got being what @inner alone answers
 * and wanted what both do together.
 */
int filter_within(
	const struct filter *inner, const struct filter *outer, struct proof *out, struct err *e);

/** What they answer for a call. */
uint32_t filters_run(const struct filter *filters, size_t n, const struct seccomp_data *call);

/**
 * The gate in front of every load: 0 only if @filter is proven equal to @policy.
 *
 * Errors: -EPERM with a call that shows the difference; -E2BIG: undecided within the budget;
 * -EINVAL, -ENOMEM as filter_prove().
 */
int filter_must_equal(const struct filter *filter, const struct policy *policy, struct err *e);

/** The same for all the programs that a task carries: filters_prove(). */
int filters_must_equal(
	const struct filter *filters, size_t n, const struct policy *policy, struct err *e);

/** The same for a program that is to stand for several: filters_prove_alike(). */
int filter_must_equal_all(
	const struct filter *filter, const struct filter *filters, size_t n, struct err *e);

/**
 * Print what PROOF_DIFFERENT found, in one line: the ABI, the call, its arguments in hex, what the
 * program answers, what the rules say.  Returns @buf.
 */
const char *proof_print(const struct proof *proof, char *buf, size_t size);

#endif
