/* Conditions of one argument as sets: what is made of them holds exactly where it should. */
#include "argument_sets.h"

#include "policy.h"
#include "random_profile.h"
#include "scope.h"
#include "tap.h"

enum { PAIRS = 4000, POINTS = 60 };

static bool holds_any(const struct condition *conds, size_t n, uint64_t value)
{
	for (size_t i = 0; i < n; i++) {
		if (condition_holds(&conds[i], value))
			return true;
	}
	return false;
}

/* Values at and next to the edges of @conds, and with a bit of them turned. */
static uint64_t point_of(struct rng *rng, const struct condition *conds, size_t n)
{
	const struct condition *cond = &conds[rng_below(rng, n)];
	uint64_t value = cond->op == OP_MASKED_EQ ? cond->value_two : cond->value;

	switch (rng_below(rng, 5)) {
	case 0:
		return value ^ 1ULL << rng_below(rng, 64);
	case 1:
		return random_value(rng);
	case 2:
		return cond->op == OP_MASKED_EQ ? value ^ (~cond->value & rng_next(rng)) : value;
	default:
		return value + rng_below(rng, 3) - 1;
	}
}

static bool is_proper(const struct condition *cond)
{
	return condition_pair_satisfiable(cond, NULL, UINT64_MAX) && !condition_always_holds(cond);
}

struct totals {
	size_t meet, negate, implies, always, points, most;
};

static void try_pair(
	struct rng *rng, const struct condition *a, const struct condition *b, struct totals *wrong)
{
	struct condition both[CONDITIONS_MAX], not_a[CONDITIONS_MAX];
	const struct condition given[] = {*a, *b};
	bool proper = is_proper(a) && is_proper(b), outside = false;
	size_t n_both = proper ? condition_meet(a, b, both) : 0;
	size_t n_not = condition_negate(a, not_a);

	wrong->most = n_both > wrong->most ? n_both : wrong->most;
	for (size_t i = 0; i < POINTS; i++) {
		uint64_t value = n_both && i % 2 ? point_of(rng, both, n_both)
						 : point_of(rng, given, 2);
		bool in_a = condition_holds(a, value), in_b = condition_holds(b, value);

		wrong->points++;
		wrong->meet += proper && holds_any(both, n_both, value) != (in_a && in_b);
		wrong->negate += holds_any(not_a, n_not, value) == in_a;
		wrong->always += condition_always_holds(a) && !in_a;
		outside |= in_a && !in_b;
	}
	wrong->implies += outside && condition_implies(a, b);
}

static void test_random(void)
{
	struct rng rng = {21};
	struct totals wrong = {0};

	for (int i = 0; i < PAIRS; i++) {
		struct condition a = random_condition(&rng, 2), b = random_condition(&rng, 2);

		/* Near each other, more often than not. */
		if (rng_percent(&rng, 60))
			b.value = a.value + rng_below(&rng, 5) - 2;
		if (b.op == OP_MASKED_EQ && rng_percent(&rng, 50))
			b.value_two = a.op == OP_MASKED_EQ ? a.value_two : a.value;
		try_pair(&rng, &a, &b, &wrong);
	}
	ok(wrong.meet == 0, "a meet holds where both conditions do (%zu points)", wrong.points);
	ok(wrong.negate == 0, "a negation holds where the condition does not");
	ok(wrong.always == 0, "what is said to hold always does");
	ok(wrong.implies == 0, "what is said to imply another does");
	ok(wrong.most > 60 && wrong.most < CONDITIONS_MAX, "up to %zu conditions come out",
		wrong.most);
}

/* Small enough to look at every value. */
static void test_implies(void)
{
	static const struct {
		struct condition a, b;
		bool implies;
	} rows[] = {
		{{0, OP_EQ, 5, 0}, {0, OP_LE, 5, 0}, true},
		{{0, OP_LE, 5, 0}, {0, OP_EQ, 5, 0}, false},
		{{0, OP_LT, 1, 0}, {0, OP_EQ, 0, 0}, true},
		{{0, OP_GT, UINT64_MAX - 1, 0}, {0, OP_GE, UINT64_MAX, 0}, true},
		{{0, OP_MASKED_EQ, 0xff, 3}, {0, OP_MASKED_EQ, 0xf, 3}, true},
		{{0, OP_MASKED_EQ, 0xf, 3}, {0, OP_MASKED_EQ, 0xff, 3}, false},
		{{0, OP_MASKED_EQ, ~0xfULL, 0x20}, {0, OP_LE, 0x2f, 0}, true},
		{{0, OP_LE, 0xf, 0}, {0, OP_MASKED_EQ, ~0xfULL, 0}, true},
		{{0, OP_EQ, 7, 0}, {0, OP_NE, 7, 0}, false},
		{{0, OP_EQ, 6, 0}, {0, OP_NE, 7, 0}, true},
		{{0, OP_NE, 7, 0}, {0, OP_GE, 0, 0}, true},
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		ok(condition_implies(&rows[i].a, &rows[i].b) == rows[i].implies,
			"row %zu: one implies the other, or not", i);
}

/* The widest range: everything but its two ends, as blocks. */
static void test_blocks(void)
{
	const struct condition above = {1, OP_GE, 1, 0}, below = {1, OP_LE, UINT64_MAX - 1, 0};
	struct condition both[CONDITIONS_MAX];
	size_t n = condition_meet(&above, &below, both);

	ok(n == 126, "a range with two ends takes 126 conditions at most (%zu)", n);
	ok(holds_any(both, n, 1) && holds_any(both, n, UINT64_MAX - 1) &&
			holds_any(both, n, 1ULL << 63) && !holds_any(both, n, 0) &&
			!holds_any(both, n, UINT64_MAX),
		"and is the range");
}

int main(void)
{
	test_random();
	test_implies();
	test_blocks();
	return tap_done();
}
