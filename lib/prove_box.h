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
#include "prove.h"
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

enum { NOTS_CHUNK = 256, NOTS_CHUNKS = PROVE_NOTS_MAX / NOTS_CHUNK };

/* What a proof may spend, and where exclusions live. */
struct prove_budget {
	uint64_t steps;
	struct word_not *nots[NOTS_CHUNKS]; /* heap, each of NOTS_CHUNK, as needed: they stay */
	size_t n_nots; /* released by setting it back: all later ones belong to later boxes */
	unsigned width; /* of a word, in bits */
};

/** Release the memory. */
void prove_budget_done(struct prove_budget *budget);

enum box_answer { BOX_EMPTY, BOX_FOUND, BOX_SPENT };

/** All calls. */
struct box box_all(unsigned width);

/** The word that lies at byte @offset of seccomp_data for a big- or little-endian reader. */
unsigned box_word(uint32_t offset, bool big_endian);

/** The low half of argument @index; the high one follows. */
static inline unsigned box_arg(unsigned index)
{
	return WORD_ARGS + 2 * index;
}

/** Exclude (word & mask) == value from a word's set.  BOX_FOUND: it may have members still. */
enum box_answer set_exclude(
	struct word_set *set, uint32_t mask, uint32_t value, struct prove_budget *budget);

/** Whether a word's set has a member. */
enum box_answer set_check(const struct word_set *set, struct prove_budget *budget);

/*
 * A box is large, and hardly anything narrows more than a word or two: so it is narrowed in place
 * and put back, with the exclusions that only the narrowed box refers to.
 */
struct box_mark {
	struct box *box;
	struct prove_budget *budget;
	unsigned first; /* of two words: number and token, or the halves of a 64-bit member */
	struct word_set sets[2];
	size_t n_nots;
};

/** Note down the pair that @word is of; only these two may be narrowed until box_restore(). */
struct box_mark box_mark(struct box *box, unsigned word, struct prove_budget *budget);

/** For scoped(); marks on one pair are restored in the reverse order. */
void box_restore(struct box_mark *mark);

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
