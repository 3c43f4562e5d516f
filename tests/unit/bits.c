#include <errno.h>

#include "bits.h"
#include "scope.h"
#include "tap.h"

/* Under AddressSanitizer an allocation that cannot be had answers NULL, as without it. */
const char *__asan_default_options(void);
const char *__asan_default_options(void)
{
	return "allocator_may_return_null=1";
}

static void test_empty(void)
{
	struct bits set = {0};

	ok(bits_count(&set) == 0 && bits_next(&set, 0) == SIZE_MAX, "a zeroed set is empty");
	ok(!bits_has(&set, 0) && !bits_has(&set, SIZE_MAX), "and has no member");
	bits_done(&set);
	ok(!set.words && set.n_words == 0, "done leaves an empty set");
	bits_done(&set);
}

static void test_edges(void)
{
	static const size_t members[] = {0, 1, 63, 64, 127, 128, 1000, 65535};
	scoped(bits_done) struct bits set = {0};
	size_t at = 0;
	bool in_order = true;

	for (size_t i = ARRAY_LEN(members); i > 0; i--)
		ok(bits_add(&set, members[i - 1]) == 0, "%zu is added", members[i - 1]);
	for (size_t i = 0; i < ARRAY_LEN(members); i++) {
		in_order &= bits_next(&set, at) == members[i] && bits_has(&set, members[i]);
		at = members[i] + 1;
	}
	ok(in_order, "bits_next visits the members in order");
	ok(bits_next(&set, at) == SIZE_MAX, "and ends behind the last");
	ok(bits_next(&set, SIZE_MAX) == SIZE_MAX, "nothing is found from SIZE_MAX on");
	ok(!bits_has(&set, 2) && !bits_has(&set, 65) && !bits_has(&set, 65536),
		"neighbours are no members");
	ok(bits_count(&set) == ARRAY_LEN(members), "they are counted");
	ok(bits_add(&set, 63) == 0 && bits_count(&set) == ARRAY_LEN(members),
		"a member is added once");
}

static void test_against_model(void)
{
	enum { RANGE = 500, ROUNDS = 2000 };
	scoped(bits_done) struct bits set = {0};
	bool model[RANGE] = {false};
	unsigned seed = 7, wrong = 0;
	size_t members = 0;

	for (int i = 0; i < ROUNDS; i++) {
		size_t n = (seed = seed * 1103515245u + 12345u) >> 16;

		n = n % RANGE * n % RANGE;
		wrong += bits_has(&set, n) != model[n] || bits_add(&set, n) != 0;
		members += !model[n];
		model[n] = true;
		wrong += bits_count(&set) != members;
	}
	for (size_t from = 0; from < RANGE; from++) {
		size_t next = from;

		while (next < RANGE && !model[next])
			next++;
		wrong += bits_next(&set, from) != (next == RANGE ? SIZE_MAX : next);
	}
	ok(wrong == 0, "%d random additions behave as an array of flags does", ROUNDS);
}

static void test_no_memory(void)
{
	scoped(bits_done) struct bits set = {0};

	bits_add(&set, 5);
	ok(bits_add(&set, SIZE_MAX) == -ENOMEM, "a set that cannot be had is -ENOMEM");
	ok(bits_count(&set) == 1 && bits_has(&set, 5), "and the set is as it was");
}

static void test_equal(void)
{
	scoped(bits_done) struct bits a = {0}, b = {0};

	ok(bits_equal(&a, &b), "empty sets are equal");
	bits_add(&a, 70);
	ok(!bits_equal(&a, &b) && !bits_equal(&b, &a), "a member makes a difference");
	bits_add(&b, 70);
	bits_add(&a, 3);
	ok(!bits_equal(&a, &b), "one more, too");
	bits_add(&b, 3);
	ok(bits_equal(&a, &b), "the same members make equal sets");
	bits_add(&b, 700);
	b.words[b.n_words - 1] = 0;
	ok(bits_equal(&a, &b) && bits_equal(&b, &a), "whatever room there is besides");
}

int main(void)
{
	test_empty();
	test_edges();
	test_against_model();
	test_no_memory();
	test_equal();
	return tap_done();
}
