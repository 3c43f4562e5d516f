/* The arguments of one call: what is noted, what is too much, and the laws of the join. */
#include <errno.h>

#include "recordings.h"
#include "tap.h"

static const struct arg_row TWO[] = {{.index = 0, .bits = 32}, {.index = 2, .bits = 64}};
static const struct arg_row OTHER[] = {{.index = 0, .bits = 64}, {.index = 2, .bits = 64}};

static int add(struct rec_args *args, uint64_t first, uint64_t second)
{
	return rec_args_add(args, TWO, 2, (uint64_t[ARGS_PER_CALL_MAX]){first, second});
}

static void test_add(void)
{
	scoped(rec_args_done) struct rec_args args = {0};
	const struct rec_arg *first, *second;

	ok(!rec_args_find(&args, 0), "at first nothing is recorded");
	ok(!add(&args, 7, 7) && !add(&args, 5, UINT64_MAX) && !add(&args, 7, 7), "calls are noted");
	first = rec_args_find(&args, 0);
	second = rec_args_find(&args, 2);
	ok(first && second && !rec_args_find(&args, 1), "under their indexes");
	ok(first->values.n_tuples == 2 && first->values.tuples[0] == 5 &&
			first->values.tuples[1] == 7,
		"each value once, sorted");
	ok(second->values.n_tuples == 2 && second->values.tuples[1] == UINT64_MAX,
		"64 bits of a long");
	ok(!add(&args, UINT64_C(0xffffffff00000007), 7) && first->values.n_tuples == 2 &&
			args.tuples.n_tuples == 2,
		"what is above an int is cut off");
	ok(args.tuples.tuples[0] == 5 && args.tuples.tuples[1] == UINT64_MAX &&
			args.tuples.tuples[2] == 7 && args.tuples.tuples[3] == 7,
		"what stood together is kept, sorted");
	ok(rec_args_add(&args, OTHER, 2, (uint64_t[ARGS_PER_CALL_MAX]){1, 1}) == -EINVAL &&
			rec_args_many(&args, TWO, 1) == -EINVAL && first->values.n_tuples == 2,
		"rows that differ from those before are refused");
}

static void test_bounds(void)
{
	scoped(rec_args_done) struct rec_args args = {0};
	size_t early = 0;

	for (uint64_t i = 0; i < ARG_TUPLES_MAX; i++) {
		early += args.tuples.many;
		add(&args, i / 16, i);
	}
	ok(early == 0 && !args.tuples.many && args.tuples.n_tuples == ARG_TUPLES_MAX &&
			args.args[1].values.n_tuples == ARG_VALUES_MAX,
		"as many as there is room for are kept");
	add(&args, 1, 0);
	ok(args.tuples.many && args.tuples.n_tuples == 0 && !args.tuples.tuples,
		"one tuple more is many, and none is kept");
	ok(!args.args[1].values.many, "the values are few all the same");
	add(&args, 1, 1000);
	ok(args.args[1].values.many && !rec_args_find(&args, 2)->values.tuples,
		"one value more is many");
	ok(!args.args[0].values.many && args.args[0].values.n_tuples == 2,
		"and the other argument's stay");
	add(&args, 1, 0);
	ok(args.args[1].values.many && args.args[1].values.n_tuples == 0, "many stays");
}

static void test_values(void)
{
	scoped(rec_args_done) struct rec_args args = {0};

	add(&args, 1, 2);
	ok(rec_args_add_value(&args, TWO, 2, 1, 3) == -EINVAL && args.args[1].values.n_tuples == 1,
		"a value alone is refused where tuples are kept");
	for (uint64_t i = 0; i <= ARG_TUPLES_MAX; i++)
		add(&args, 1, i);
	ok(!rec_args_add_value(&args, TWO, 2, 0, UINT64_C(0xffffffff00000009)) &&
			args.args[0].values.n_tuples == 2 && args.args[0].values.tuples[1] == 9,
		"where there are many tuples it is added, as wide as it is");
	ok(rec_args_add_value(&args, OTHER, 2, 0, 1) == -EINVAL, "of the same rows only");
	ok(!rec_args_add_value(&args, TWO, 2, 1, 5) && args.args[1].values.many, "many stays");
}

static void test_many(void)
{
	scoped(rec_args_done) struct rec_args args = {0}, one = {0}, none = {0};

	add(&args, 1, 2);
	ok(!rec_args_many(&args, TWO, 2) && args.tuples.many && args.args[0].values.many &&
			args.args[1].values.many,
		"a call whose arguments are not known makes all of them many");
	rec_args_many(&one, TWO, 1);
	ok(one.n_args == 1 && one.args[0].values.many && !one.tuples.many,
		"one argument has no tuples");
	ok(!rec_args_many(&none, NULL, 0) && !rec_args_add(&none, NULL, 0, NULL) &&
			none.n_args == 0,
		"of a call without rows nothing is noted");
}

/* What is not many is whole: seen again in the tuples. */
static bool is_sound(const struct rec_args *args)
{
	uint64_t parts[ARG_VALUES_MAX];

	for (size_t i = 0; i < args->n_args; i++) {
		const struct arg_set *values = &args->args[i].values;
		struct arg_set part = {.tuples = parts};

		if (values->many == (values->n_tuples > 0))
			return false;
		if (args->n_args < 2 || args->tuples.many)
			continue;
		part.n_tuples = arg_set_project(&args->tuples, args->n_args, i, parts);
		if (!arg_set_equal(values, &part, 1))
			return false;
	}
	return args->n_args > 1 ? args->tuples.many == (args->tuples.n_tuples == 0)
				: !args->tuples.many && args->tuples.n_tuples == 0;
}

/* Few or many values of rows that a few versions of the table could have. */
static void make_args(uint64_t *seed, struct rec_args *out)
{
	static const struct {
		struct arg_row rows[ARGS_PER_CALL_MAX];
		size_t n;
	} versions[] = {
		{{{.index = 0, .bits = 32}, {.index = 1, .bits = 32}, {.index = 2, .bits = 64}}, 3},
		{{{.index = 0, .bits = 32}, {.index = 1, .bits = 32}}, 2},
		{{{.index = 0, .bits = 32}, {.index = 1, .bits = 64}, {.index = 4, .bits = 32}}, 3},
		{{{.index = 1, .bits = 32}}, 1},
		{{{.index = 0}}, 0},
	};
	/* Mostly the same version: the bounds are to be reached. */
	size_t version = draw(seed, 3) ? 0 : draw(seed, ARRAY_LEN(versions));
	uint32_t ranges[] = {1 + draw(seed, 4), 1 + draw(seed, 10), 1 + draw(seed, 60)};

	for (uint32_t times = 1 + draw(seed, 24); times > 0; times--) {
		uint64_t values[ARGS_PER_CALL_MAX];

		for (size_t i = 0; i < ARRAY_LEN(ranges); i++)
			values[i] = draw(seed, ranges[i]) | (uint64_t)draw(seed, 2) << 32;
		rec_args_add(out, versions[version].rows, versions[version].n, values);
	}
}

/* @a + @b. */
static struct rec_args sum(const struct rec_args *a, const struct rec_args *b)
{
	struct rec_args out;

	rec_args_copy(&out, a);
	rec_args_join(&out, b);
	return out;
}

static void test_laws(void)
{
	enum { ROUNDS = 20000 };
	size_t associative = 0, commutative = 0, idempotent = 0, unsound = 0;
	size_t n_many = 0, n_tuples = 0;
	uint64_t seed = 5;

	for (int round = 0; round < ROUNDS; round++) {
		scoped(rec_args_done) struct rec_args a = {0}, b = {0}, c = {0};

		make_args(&seed, &a);
		make_args(&seed, &b);
		make_args(&seed, &c);
		scoped(rec_args_done) struct rec_args ab = sum(&a, &b), ba = sum(&b, &a);
		scoped(rec_args_done) struct rec_args bc = sum(&b, &c), left = sum(&ab, &c);
		scoped(rec_args_done) struct rec_args right = sum(&a, &bc), twice = sum(&ab, &b);

		commutative += rec_args_equal(&ab, &ba);
		associative += rec_args_equal(&left, &right);
		idempotent += rec_args_equal(&twice, &ab);
		unsound += !is_sound(&left) || !is_sound(&ab) || !is_sound(&a);
		n_many += left.n_args > 1 && left.tuples.many && !bc.tuples.many;
		n_tuples += left.n_args == ARGS_PER_CALL_MAX && !left.tuples.many;
	}
	ok(commutative == ROUNDS, "a + b is b + a, of any arguments and versions");
	ok(associative == ROUNDS, "(a + b) + c is a + (b + c)");
	ok(idempotent == ROUNDS, "what was joined can be joined again");
	ok(unsound == 0, "what is not many is whole");
	ok(n_many > 100 && n_tuples > 100, "%zu of these joins passed a bound, %zu had all tuples",
		n_many, n_tuples);
}

static void test_equal(void)
{
	scoped(rec_args_done) struct rec_args a = {0}, b = {0}, c = {0}, d = {0};

	add(&a, 1, 1);
	add(&a, 2, 2);
	add(&b, 1, 2);
	add(&b, 2, 1);
	ok(!rec_args_equal(&a, &b), "the same values in other tuples are not the same");
	rec_args_copy(&c, &a);
	ok(rec_args_equal(&a, &c) && a.tuples.tuples != c.tuples.tuples, "a copy is");
	ok(!rec_args_join(&a, &a) && rec_args_equal(&a, &c), "and what is joined with itself");
	rec_args_add(&d, OTHER, 2, (uint64_t[ARGS_PER_CALL_MAX]){1, 1});
	rec_args_done(&c);
	add(&c, 1, 1);
	ok(!rec_args_equal(&c, &d), "the same values of other widths are not");
}

int main(void)
{
	test_add();
	test_bounds();
	test_values();
	test_many();
	test_laws();
	test_equal();
	return tap_done();
}
