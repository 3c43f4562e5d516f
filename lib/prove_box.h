/*
 * prove_box.h: sets of calls as products of word_sets, and conditions of profiles on them. Internal
 * to the prover.
 */
#ifndef SYSCLAMP_PROVE_BOX_H
#define SYSCLAMP_PROVE_BOX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "policy.h"
#include "word.h"

/*
 * The words of a call, by meaning rather than by place, so that the byte order of an ABI matters in
 * one function only (box_word()).
 */
enum {
	WORD_NR,
	WORD_ARCH,
	WORD_IP_LOW,
	WORD_IP_HIGH,
	WORD_ARGS, /* low and high half of argument 0, of argument 1, ... */
	WORD_COUNT = WORD_ARGS + 2 * SYSCALL_ARGS,
};

struct box {
	struct word_set words[WORD_COUNT];
};

/* What a proof may spend, and where exclusions live. */
struct prove_budget {
	uint64_t steps;
	struct word_not *nots; /* PROVE_NOTS_MAX */
	size_t n_nots; /* released by setting it back: all later ones belong to later boxes */
	unsigned width; /* of a word, in bits */
};

enum box_answer { BOX_EMPTY, BOX_FOUND, BOX_SPENT };

/** All calls. */
struct box box_all(unsigned width);

/** The word that lies at byte @offset of seccomp_data for a big- or little-endian reader. */
unsigned box_word(uint32_t offset, bool big_endian);

/** Exclude (word & mask) == value.  BOX_FOUND: the word may have members still. */
enum box_answer box_exclude(
	struct box *box, unsigned word, uint32_t mask, uint32_t value, struct prove_budget *budget);

/** Whether word @word has a member; the other words are not looked at. */
enum box_answer box_check(const struct box *box, unsigned word, struct prove_budget *budget);

/** One call of the box, as a value for each word; all words are looked at. */
enum box_answer box_member(
	const struct box *box, struct prove_budget *budget, uint32_t values[WORD_COUNT]);

/*
 * A condition on an argument, or its negation, is a union of at most two products of a test on the
 * high half and one on the low half.
 */
struct half_test {
	enum { HALF_ANY, HALF_RANGE, HALF_BITS, HALF_NOT } kind;
	uint32_t a, b; /* RANGE: low, high; BITS and NOT: mask, value */
};

struct arg_test {
	struct half_test high, low;
};

/** Split @cond, or its negation, into @out; returns how many, 0: never true. */
unsigned condition_split(
	const struct condition *cond, bool negate, unsigned width, struct arg_test out[2]);

/** Narrow argument @index of @box; BOX_FOUND if both halves have members left. */
enum box_answer box_meet(
	struct box *box, unsigned index, const struct arg_test *test, struct prove_budget *budget);

#endif
