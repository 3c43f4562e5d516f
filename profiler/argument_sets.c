#include "argument_sets.h"

#include "policy.h"
#include "scope.h"

enum { VALUE_BITS = 64 };

/* Conditions that are being written. */
struct out {
	struct condition *list;
	size_t n;
	uint8_t index;
};

static void put(struct out *out, enum condition_op op, uint64_t value, uint64_t value_two)
{
	out->list[out->n++] = (struct condition){out->index, (uint8_t)op, value, value_two};
}

static void put_masked(struct out *out, uint64_t mask, uint64_t bits)
{
	if (mask == UINT64_MAX)
		put(out, OP_EQ, bits, 0);
	else
		put(out, OP_MASKED_EQ, mask, bits);
}

/* The values whose bits under @mask are @bits. */
struct masked {
	uint64_t mask, bits;
};

static struct masked masked_of(const struct condition *cond)
{
	return (struct masked){cond->value, cond->value_two & cond->value};
}

/* Of the values of @masked those that have @bits under @mask. */
static void put_masked_meet(struct out *out, struct masked masked, uint64_t mask, uint64_t bits)
{
	if (!((masked.bits ^ bits) & masked.mask & mask))
		put_masked(out, masked.mask | mask, masked.bits | bits);
}

/*
 * Of the values of @masked those from @low to @high, as aligned blocks of powers of two: at most
 * two of each size.
 */
static void put_blocks(struct out *out, struct masked masked, uint64_t low, uint64_t high)
{
	for (;;) {
		unsigned bits = low ? (unsigned)__builtin_ctzll(low) : VALUE_BITS - 1;
		uint64_t below = (1ULL << bits) - 1;

		while (low + below > high || low + below < low)
			below >>= 1;
		put_masked_meet(out, masked, ~below, low);
		if (low + below == high)
			return;
		low += below + 1;
	}
}

static void put_range(struct out *out, uint64_t low, uint64_t high)
{
	if (low > high)
		return;
	if (low == high)
		put(out, OP_EQ, low, 0);
	else if (low == 0)
		put(out, OP_LE, high, 0);
	else if (high == UINT64_MAX)
		put(out, OP_GE, low, 0);
	else
		put_blocks(out, (struct masked){0, 0}, low, high);
}

struct range {
	uint64_t low, high;
};

/* Of one that holds for some value, and is neither NE nor MASKED_EQ. */
static struct range range_of(const struct condition *cond)
{
	switch ((enum condition_op)cond->op) {
	case OP_LT:
		return (struct range){0, cond->value - 1};
	case OP_LE:
		return (struct range){0, cond->value};
	case OP_GE:
		return (struct range){cond->value, UINT64_MAX};
	case OP_GT:
		return (struct range){cond->value + 1, UINT64_MAX};
	default:
		return (struct range){cond->value, cond->value};
	}
}

enum kind { RANGE, MASKED, HOLE, KINDS };

static enum kind kind_of(const struct condition *cond)
{
	if (cond->op == OP_NE)
		return HOLE;
	return cond->op == OP_MASKED_EQ ? MASKED : RANGE;
}

size_t condition_negate(const struct condition *cond, struct condition out[CONDITIONS_MAX])
{
	static const uint8_t opposite[OP_COUNT] = {
		[OP_NE] = OP_EQ,
		[OP_EQ] = OP_NE,
		[OP_LT] = OP_GE,
		[OP_GE] = OP_LT,
		[OP_LE] = OP_GT,
		[OP_GT] = OP_LE,
	};
	struct out to = {.list = out, .index = cond->index};

	if (cond->op != OP_MASKED_EQ) {
		put(&to, (enum condition_op)opposite[cond->op], cond->value, 0);
		return condition_pair_satisfiable(out, NULL, UINT64_MAX);
	}
	for (uint64_t bit = 1; bit; bit <<= 1) {
		if (cond->value & bit)
			put(&to, OP_MASKED_EQ, bit, ~cond->value_two & bit);
	}
	return to.n;
}

/* Whether all values of @a have the bits of @wanted. */
static bool has_bits(const struct condition *a, struct masked wanted)
{
	struct masked own;
	struct range range;
	uint64_t differ;

	if (kind_of(a) == HOLE)
		return wanted.mask == 0;
	if (kind_of(a) == MASKED) {
		own = masked_of(a);
		return !(wanted.mask & ~own.mask) && (own.bits & wanted.mask) == wanted.bits;
	}
	/* From the highest bit in which its ends differ down, a range has both values of each. */
	range = range_of(a);
	differ = range.low ^ range.high;
	if (differ)
		differ = UINT64_MAX >> __builtin_clzll(differ);
	return !(wanted.mask & differ) && (range.low & wanted.mask) == wanted.bits;
}

bool condition_implies(const struct condition *a, const struct condition *b)
{
	struct condition broken[CONDITIONS_MAX];

	if (kind_of(b) == MASKED)
		return has_bits(a, masked_of(b));
	return condition_negate(b, broken) == 0 ||
	       !condition_pair_satisfiable(a, broken, UINT64_MAX);
}

/* All values but @hole, of which there is one in the range. */
static void put_range_without(struct out *out, struct range range, uint64_t hole)
{
	if (hole > range.low)
		put_range(out, range.low, hole - 1);
	if (hole < range.high)
		put_range(out, hole + 1, range.high);
}

static void meet_range_range(struct out *out, const struct condition *a, const struct condition *b)
{
	struct range x = range_of(a), y = range_of(b);

	put_range(out, x.low > y.low ? x.low : y.low, x.high < y.high ? x.high : y.high);
}

static void meet_range_masked(struct out *out, const struct condition *a, const struct condition *b)
{
	struct range range = range_of(a);
	struct masked masked = masked_of(b);

	if (condition_implies(b, a))
		put_masked(out, masked.mask, masked.bits);
	else
		put_blocks(out, masked, range.low, range.high);
}

static void meet_masked_masked(
	struct out *out, const struct condition *a, const struct condition *b)
{
	struct masked other = masked_of(b);

	put_masked_meet(out, masked_of(a), other.mask, other.bits);
}

static void meet_range_hole(struct out *out, const struct condition *a, const struct condition *b)
{
	put_range_without(out, range_of(a), b->value);
}

/* One bit at the least differs from the hole's. */
static void meet_masked_hole(struct out *out, const struct condition *a, const struct condition *b)
{
	struct masked masked = masked_of(a);

	for (uint64_t bit = 1; bit; bit <<= 1) {
		if (!(masked.mask & bit))
			put_masked_meet(out, masked, bit, ~b->value & bit);
	}
}

static void meet_hole_hole(struct out *out, const struct condition *a, const struct condition *b)
{
	uint64_t first = a->value < b->value ? a->value : b->value;
	uint64_t second = a->value < b->value ? b->value : a->value;

	if (first > 0)
		put_range(out, 0, first - 1);
	put_range_without(out, (struct range){first + 1, UINT64_MAX}, second);
}

static void (*const MEETS[KINDS][KINDS])(
	struct out *out, const struct condition *a, const struct condition *b) = {
	[RANGE] = {meet_range_range, meet_range_masked, meet_range_hole},
	[MASKED] = {NULL, meet_masked_masked, meet_masked_hole},
	[HOLE] = {NULL, NULL, meet_hole_hole},
};

size_t condition_meet(
	const struct condition *a, const struct condition *b, struct condition out[CONDITIONS_MAX])
{
	struct out to = {.list = out, .index = a->index};
	bool turned = kind_of(a) > kind_of(b);
	const struct condition *first = turned ? b : a, *second = turned ? a : b;

	if (!condition_pair_satisfiable(a, b, UINT64_MAX))
		return 0;
	/* As somebody wrote it, where that says it all. */
	if (condition_implies(a, b) || condition_implies(b, a)) {
		out[0] = condition_implies(a, b) ? *a : *b;
		return 1;
	}
	MEETS[kind_of(first)][kind_of(second)](&to, first, second);
	return to.n;
}

bool condition_always_holds(const struct condition *cond)
{
	struct condition broken[CONDITIONS_MAX];

	return condition_negate(cond, broken) == 0;
}
