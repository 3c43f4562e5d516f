#include "word.h"

#include <stddef.h>

struct word_set word_all(unsigned width)
{
	return (struct word_set){.high = width >= 32 ? UINT32_MAX : (1u << width) - 1};
}

bool word_meet_range(struct word_set *set, uint32_t low, uint32_t high)
{
	if (low > set->low)
		set->low = low;
	if (high < set->high)
		set->high = high;
	return set->low <= set->high;
}

bool word_meet_bits(struct word_set *set, uint32_t mask, uint32_t value)
{
	if ((value & ~mask) || ((set->value ^ value) & set->mask & mask))
		return false;
	set->mask |= mask;
	set->value |= value;
	/* So that whoever goes through the interval meets few values that are no members. */
	return word_meet_range(set, set->value, set->value | ~set->mask);
}

bool word_meet_not(struct word_set *set, struct word_not *node)
{
	if (node->value & ~node->mask)
		return true; /* no value is excluded */
	if ((node->mask & ~set->mask) == 0 && (set->value & node->mask) == node->value)
		return false; /* all are */
	node->next = set->nots;
	set->nots = node;
	return true;
}

bool word_has(const struct word_set *set, uint32_t value)
{
	if (value < set->low || value > set->high || (value & set->mask) != set->value)
		return false;
	for (const struct word_not *excluded = set->nots; excluded; excluded = excluded->next) {
		if ((value & excluded->mask) == excluded->value)
			return false;
	}
	return true;
}

/* The smallest value that is at least @low and has the known bits; false if there is none. */
static bool next_match(uint32_t low, uint32_t mask, uint32_t value, uint32_t *out)
{
	uint32_t wrong = (low ^ value) & mask;
	uint32_t below, free_zero;

	if (!wrong) {
		*out = low;
		return true;
	}
	below = UINT32_MAX >> __builtin_clz(wrong); /* the highest wrong bit and all under it */
	if (value & (below ^ below >> 1)) {
		/* It has to become 1: that is already larger, and all under it starts at its least.
		 */
		*out = (low & ~below) | (value & below);
		return true;
	}
	/* It has to become 0: so the nearest free 0 above has to become 1. */
	free_zero = ~low & ~mask & ~below;
	if (!free_zero)
		return false;
	free_zero &= -free_zero;
	*out = (low & ~(free_zero | (free_zero - 1))) | free_zero | (value & (free_zero - 1));
	return true;
}

/* The bits in which numbers of an interval can differ: its ends share what is above them. */
static uint32_t varying_bits(uint32_t low, uint32_t high)
{
	return low == high ? 0 : UINT32_MAX >> __builtin_clz(low ^ high);
}

static enum word_answer find_from(struct word_set set, uint64_t *steps, uint32_t *out);

/*
 * Every member has to differ from @excluded, which excludes set.low, in some bit of its mask.  Try
 * them one by one, from the highest, with those before it equal: these parts are disjoint and
 * together are the whole set.
 */
static enum word_answer find_differing(
	struct word_set set, const struct word_not *excluded, uint64_t *steps, uint32_t *out)
{
	uint32_t open = excluded->mask & ~set.mask & varying_bits(set.low, set.high);

	while (open) {
		uint32_t bit = 1u << (31 - __builtin_clz(open));
		struct word_set part = set;
		enum word_answer answer;

		part.mask |= bit;
		part.value |= ~excluded->value & bit;
		answer = find_from(part, steps, out);
		if (answer != WORD_EMPTY)
			return answer;
		set.mask |= bit;
		set.value |= excluded->value & bit;
		open &= ~bit;
	}
	return WORD_EMPTY;
}

/* Recursion fixes at least one bit more each time: 32 deep at most. */
static enum word_answer find_from(struct word_set set, uint64_t *steps, uint32_t *out)
{
	uint32_t candidate;

	if (!next_match(set.low, set.mask, set.value, &candidate) || candidate > set.high)
		return WORD_EMPTY;
	set.low = candidate;
	for (const struct word_not *excluded = set.nots; excluded; excluded = excluded->next) {
		if (*steps == 0)
			return WORD_SPENT;
		--*steps;
		if ((candidate & excluded->mask) == excluded->value)
			return find_differing(set, excluded, steps, out);
	}
	*out = candidate;
	return WORD_FOUND;
}

enum word_answer word_find(const struct word_set *set, uint64_t *steps, uint32_t *out)
{
	if (set->low > set->high)
		return WORD_EMPTY;
	if (set->mask || set->nots)
		return find_from(*set, steps, out);
	*out = set->low; /* an interval, as most are */
	return WORD_FOUND;
}
