#include "prove_box.h"

#include <linux/seccomp.h>
#include <stdlib.h>

struct box box_all(unsigned width)
{
	struct box box;

	for (unsigned word = 0; word < WORD_COUNT; word++)
		box.words[word] = word_all(width);
	return box;
}

unsigned box_word(uint32_t offset, bool big_endian)
{
	unsigned word = offset / sizeof(uint32_t);

	/* 64-bit members come in pairs of words; the first is the low half for a little-endian
	 * reader. */
	if (word >= WORD_IP_LOW && big_endian)
		word ^= 1;
	return word;
}

static enum box_answer from_word(enum word_answer answer)
{
	static const enum box_answer answers[] = {
		[WORD_EMPTY] = BOX_EMPTY,
		[WORD_FOUND] = BOX_FOUND,
		[WORD_SPENT] = BOX_SPENT,
	};

	return answers[answer];
}

enum box_answer set_check(const struct word_set *set, struct prove_budget *budget)
{
	uint32_t member;

	return from_word(word_find(set, &budget->steps, &member));
}

struct box_mark box_mark(struct box *box, unsigned word, struct prove_budget *budget)
{
	unsigned first = word & ~1u;

	return (struct box_mark){
		.box = box,
		.budget = budget,
		.first = first,
		.sets = {box->words[first], box->words[first + 1]},
		.n_nots = budget->n_nots,
	};
}

void box_restore(struct box_mark *mark)
{
	mark->box->words[mark->first] = mark->sets[0];
	mark->box->words[mark->first + 1] = mark->sets[1];
	mark->budget->n_nots = mark->n_nots;
}

enum box_answer box_member(
	const struct box *box, struct prove_budget *budget, uint32_t values[WORD_COUNT])
{
	for (unsigned word = 0; word < WORD_COUNT; word++) {
		enum word_answer answer = word_find(
			&box->words[word], &budget->steps, &values[word]);

		if (answer != WORD_FOUND)
			return from_word(answer);
	}
	return BOX_FOUND;
}

void prove_budget_done(struct prove_budget *budget)
{
	for (size_t i = 0; i < NOTS_CHUNKS && budget->nots[i]; i++)
		free(budget->nots[i]);
}

/* The next exclusion, or NULL: spent, or no memory. */
static struct word_not *not_take(struct prove_budget *budget)
{
	size_t chunk = budget->n_nots / NOTS_CHUNK;
	struct word_not **nots = &budget->nots[chunk];

	if (chunk == NOTS_CHUNKS)
		return NULL;
	if (!*nots)
		*nots = reallocarray(NULL, NOTS_CHUNK, sizeof(**nots));
	return *nots ? &(*nots)[budget->n_nots++ % NOTS_CHUNK] : NULL;
}

enum box_answer set_exclude(
	struct word_set *set, uint32_t mask, uint32_t value, struct prove_budget *budget)
{
	struct word_not *excluded = not_take(budget);

	if (!excluded)
		return BOX_SPENT;
	*excluded = (struct word_not){.mask = mask, .value = value};
	return word_meet_not(set, excluded) ? BOX_FOUND : BOX_EMPTY;
}

static enum box_answer half_meet(
	struct word_set *set, const struct half_test *test, struct prove_budget *budget)
{
	bool left = true;

	switch (test->kind) {
	case HALF_ANY:
		return BOX_FOUND;
	case HALF_RANGE:
		left = word_meet_range(set, test->a, test->b);
		break;
	case HALF_BITS:
		left = word_meet_bits(set, test->a, test->b);
		break;
	case HALF_NOT: {
		enum box_answer answer = set_exclude(set, test->a, test->b, budget);

		if (answer != BOX_FOUND)
			return answer;
		break;
	}
	}
	return left ? set_check(set, budget) : BOX_EMPTY;
}

enum box_answer box_meet(
	struct box *box, unsigned index, const struct arg_test *test, struct prove_budget *budget)
{
	struct word_set *low = &box->words[box_arg(index)], *high = low + 1;
	enum box_answer answer = half_meet(high, &test->high, budget);

	return answer == BOX_FOUND ? half_meet(low, &test->low, budget) : answer;
}

/* A value of two words, and the limits of one. */
struct halves {
	uint32_t high, low, full;
};

static struct halves halves_of(uint64_t value, unsigned width)
{
	uint32_t full = word_all(width).high;

	return (struct halves){(uint32_t)(value >> width) & full, (uint32_t)value & full, full};
}

static struct half_test is(uint32_t value, uint32_t full)
{
	return (struct half_test){HALF_BITS, full, value};
}

static struct half_test is_not(uint32_t value, uint32_t full)
{
	return (struct half_test){HALF_NOT, full, value};
}

static const struct half_test ANY = {HALF_ANY, 0, 0};

/* argument == value, or not */
static unsigned split_equal(struct halves v, bool negate, struct arg_test out[2])
{
	if (!negate) {
		out[0] = (struct arg_test){is(v.high, v.full), is(v.low, v.full)};
		return 1;
	}
	out[0] = (struct arg_test){is_not(v.high, v.full), ANY};
	out[1] = (struct arg_test){is(v.high, v.full), is_not(v.low, v.full)};
	return 2;
}

/* What lies beyond @edge, itself included or not. */
static struct half_test beyond(uint32_t edge, uint32_t full, bool greater, bool inclusive)
{
	uint32_t strict = inclusive ? 0 : 1;

	return greater ? (struct half_test){HALF_RANGE, edge + strict, full}
		       : (struct half_test){HALF_RANGE, 0, edge - strict};
}

/* argument > value (or >=), argument < value (or <=) */
static unsigned split_order(struct halves v, bool greater, bool inclusive, struct arg_test out[2])
{
	uint32_t last = greater ? v.full : 0; /* beyond it there is nothing */
	unsigned n = 0;

	if (v.high != last)
		out[n++] = (struct arg_test){beyond(v.high, v.full, greater, false), ANY};
	if (inclusive || v.low != last)
		out[n++] = (struct arg_test){
			is(v.high, v.full), beyond(v.low, v.full, greater, inclusive)};
	return n;
}

/* (argument & mask) == value, or not; value has no bit outside mask */
static unsigned split_masked(struct halves m, struct halves v, bool negate, struct arg_test out[2])
{
	const struct half_test high = {HALF_BITS, m.high, v.high}, low = {HALF_BITS, m.low, v.low};

	if (!negate) {
		out[0] = (struct arg_test){high, low};
		return 1;
	}
	out[0] = (struct arg_test){{HALF_NOT, m.high, v.high}, ANY};
	out[1] = (struct arg_test){high, {HALF_NOT, m.low, v.low}};
	return 2;
}

unsigned condition_split(
	const struct condition *cond, bool negate, unsigned width, struct arg_test out[2])
{
	struct halves v = halves_of(cond->value, width);

	/* !(argument < v) is argument >= v, and so on: the direction turns, and the edge changes
	 * sides. */
	switch ((enum condition_op)cond->op) {
	case OP_EQ:
		return split_equal(v, negate, out);
	case OP_NE:
		return split_equal(v, !negate, out);
	case OP_GT:
		return split_order(v, !negate, negate, out);
	case OP_GE:
		return split_order(v, !negate, !negate, out);
	case OP_LT:
		return split_order(v, negate, negate, out);
	case OP_LE:
		return split_order(v, negate, !negate, out);
	case OP_MASKED_EQ:
		return split_masked(
			v, halves_of(cond->value & cond->value_two, width), negate, out);
	case OP_COUNT:
		break;
	}
	return 0;
}
