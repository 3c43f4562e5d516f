/*
 * Whether two conditions can hold together: exactly, for all operators and widths.
 */
#include "condition.h"

#include "policy.h"
#include "random_profile.h"
#include "tap.h"

/* Conditions on values of 8 bits, some out of reach. */
static struct condition small_condition(struct rng *rng)
{
	struct condition cond = {
		.op = (uint8_t)rng_below(rng, OP_COUNT),
		.value = rng_below(rng, 260),
	};

	if (rng_percent(rng, 25))
		cond.value = rng_percent(rng, 50) ? rng_below(rng, 3) : 254 + rng_below(rng, 3);
	if (cond.op == OP_MASKED_EQ)
		cond.value_two = rng_below(rng, 300);
	return cond;
}

static bool satisfiable_by_trying(
	const struct condition *a, const struct condition *b, uint64_t max)
{
	for (uint64_t value = 0; value <= max; value++) {
		if (condition_holds(a, value) && condition_holds(b, value))
			return true;
	}
	return false;
}

/*
 * The same condition on the upper bits of wider values: value y stands for all of y << shift and up
 * to it, so that what can hold together for y can hold together for them, and only that.
 */
static struct condition widen(struct condition cond, unsigned shift)
{
	uint64_t low = (1ULL << shift) - 1;
	bool upper_end = cond.op == OP_LE || cond.op == OP_GT;

	if (cond.op == OP_EQ) {
		cond.op = OP_MASKED_EQ;
		cond.value_two = cond.value << shift;
		cond.value = ~low;
		return cond;
	}
	cond.value = cond.value << shift | (upper_end ? low : 0);
	cond.value_two <<= shift;
	return cond;
}

static void test_satisfiable_small(void)
{
	enum { ROUNDS = 200000 };
	struct rng rng = {11};
	size_t wrong = 0, yes = 0;

	for (int round = 0; round < ROUNDS; round++) {
		struct condition a = small_condition(&rng), b = small_condition(&rng);
		uint64_t max = rng_percent(&rng, 70) ? 255 : rng_below(&rng, 256);
		bool want = satisfiable_by_trying(&a, &b, max);

		yes += want;
		if (condition_pair_satisfiable(&a, &b, max) == want &&
			condition_pair_satisfiable(&b, &a, max) == want)
			continue;
		if (wrong++ < 5)
			printf("#   %s %zu %zu, %s %zu %zu, up to %zu\n",
				condition_op_name((enum condition_op)a.op), (size_t)a.value,
				(size_t)a.value_two, condition_op_name((enum condition_op)b.op),
				(size_t)b.value, (size_t)b.value_two, (size_t)max);
	}
	ok(wrong == 0 && yes > ROUNDS / 10 && yes < ROUNDS / 10 * 9,
		"%d random pairs against trying every value (%zu can hold)", ROUNDS, yes);
}

static void test_satisfiable_wide(void)
{
	enum { ROUNDS = 100000 };
	static const unsigned shifts[] = {8, 24, 31, 32, 48, 56};
	struct rng rng = {12};
	size_t wrong = 0, yes = 0;

	for (int round = 0; round < ROUNDS; round++) {
		struct condition a = small_condition(&rng), b = small_condition(&rng), wide_a,
				 wide_b;
		unsigned shift = rng_pick(&rng, shifts);
		uint64_t max = 255;
		bool want;

		/* A hole of one value has no wide counterpart; values above 255 only below 2^64. */
		if (a.op == OP_NE || b.op == OP_NE || a.value > 255 || b.value > 255)
			continue;
		want = satisfiable_by_trying(&a, &b, max);
		wide_a = widen(a, shift);
		wide_b = widen(b, shift);
		yes += want;
		wrong += condition_pair_satisfiable(
				 &wide_a, &wide_b, max << shift | ((1ULL << shift) - 1)) != want;
	}
	ok(wrong == 0 && yes > 1000, "pairs on the upper bits of 64 (%zu can hold)", yes);
}

/* By hand: the ends of 64 and of 32 bits. */
static const struct {
	struct condition a, b;
	uint64_t max;
	bool can;
} PAIRS[] = {
	{{0, OP_GT, UINT64_MAX, 0}, {0, OP_GE, 0, 0}, UINT64_MAX, false},
	{{0, OP_LT, 0, 0}, {0, OP_GE, 0, 0}, UINT64_MAX, false},
	{{0, OP_GE, UINT64_MAX, 0}, {0, OP_NE, 0, 0}, UINT64_MAX, true},
	{{0, OP_GE, UINT64_MAX, 0}, {0, OP_NE, UINT64_MAX, 0}, UINT64_MAX, false},
	{{0, OP_GE, UINT64_MAX - 1, 0}, {0, OP_NE, UINT64_MAX, 0}, UINT64_MAX, true},
	{{0, OP_EQ, 1ULL << 63, 0}, {0, OP_MASKED_EQ, 1ULL << 63, 1ULL << 63}, UINT64_MAX, true},
	{{0, OP_EQ, 1ULL << 63, 0}, {0, OP_MASKED_EQ, 1ULL << 63, 0}, UINT64_MAX, false},
	{{0, OP_NE, 5, 0}, {0, OP_NE, 6, 0}, UINT64_MAX, true},
	{{0, OP_MASKED_EQ, UINT64_MAX, 5}, {0, OP_NE, 5, 0}, UINT64_MAX, false},
	{{0, OP_MASKED_EQ, ~1ULL, 4}, {0, OP_NE, 5, 0}, UINT64_MAX, true},
	{{0, OP_MASKED_EQ, 0, 5}, {0, OP_EQ, 9, 0}, UINT64_MAX, true},
	{{0, OP_MASKED_EQ, 0xf0, 0x1ff}, {0, OP_EQ, 0xf0, 0}, UINT64_MAX, true},
	{{0, OP_EQ, 1ULL << 32, 0}, {0, OP_GE, 0, 0}, UINT32_MAX, false},
	{{0, OP_MASKED_EQ, 1ULL << 32, 1ULL << 32}, {0, OP_GE, 0, 0}, UINT32_MAX, false},
	{{0, OP_MASKED_EQ, 1ULL << 32, 0}, {0, OP_GE, UINT32_MAX, 0}, UINT32_MAX, true},
	{{0, OP_GT, UINT32_MAX, 0}, {0, OP_NE, 0, 0}, UINT32_MAX, false},
	{{0, OP_LT, 1ULL << 40, 0}, {0, OP_GE, UINT32_MAX, 0}, UINT32_MAX, true},
	{{0, OP_MASKED_EQ, 0xffffffff, 0x100000005}, {0, OP_EQ, 5, 0}, UINT32_MAX, true},
	{{0, OP_MASKED_EQ, 0xff00ff00ff00ff00, 0xff00000000000000},
		{0, OP_GT, 0xffff00ff00ff00ff, 0}, UINT64_MAX, false},
	{{0, OP_MASKED_EQ, 0xff00ff00ff00ff00, 0xff00000000000000},
		{0, OP_GE, 0xffff00ff00ff00ff, 0}, UINT64_MAX, true},
	{{0, OP_MASKED_EQ, 0xff00ff00ff00ff00, 0xff00000000000000},
		{0, OP_GT, 0xff00ff00ff00ff00, 0}, UINT64_MAX, true},
};

static void test_satisfiable_by_hand(void)
{
	for (size_t i = 0; i < ARRAY_LEN(PAIRS); i++)
		ok(condition_pair_satisfiable(&PAIRS[i].a, &PAIRS[i].b, PAIRS[i].max) ==
					PAIRS[i].can &&
				condition_pair_satisfiable(
					&PAIRS[i].b, &PAIRS[i].a, PAIRS[i].max) == PAIRS[i].can,
			"pair %zu, as worked out by hand: can%s hold", i,
			PAIRS[i].can ? "" : "not");
	ok(condition_pair_satisfiable(&PAIRS[5].a, NULL, UINT64_MAX) &&
			!condition_pair_satisfiable(&PAIRS[1].a, NULL, UINT64_MAX),
		"single conditions");
}

static void test_equal(void)
{
	const struct condition a = {1, OP_MASKED_EQ, 2, 3};
	const struct condition others[] = {{2, OP_MASKED_EQ, 2, 3}, {1, OP_EQ, 2, 3},
		{1, OP_MASKED_EQ, 4, 3}, {1, OP_MASKED_EQ, 2, 4}};

	for (size_t i = 0; i < ARRAY_LEN(others); i++) {
		const struct condition left[] = {a, a}, right[] = {a, others[i]};

		ok(!conditions_equal(left, 2, right, 2) && conditions_equal(left, 1, right, 1) &&
				!conditions_equal(left, 2, right, 1) &&
				!conditions_equal(left, 1, right, 2),
			"field %zu and the number of conditions make lists differ", i);
	}
	ok(conditions_equal(NULL, 0, NULL, 0), "no conditions are no conditions");
}

int main(void)
{
	test_equal();
	test_satisfiable_by_hand();
	test_satisfiable_small();
	test_satisfiable_wide();
	return tap_done();
}
