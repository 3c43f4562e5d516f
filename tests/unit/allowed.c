/* The sorted names of a profile that is being cut, and names in a row. */
#include "allowed.h"
#include "scope.h"
#include "tap.h"

/* 600 names, each added twice, in an order that is neither up nor down. */
static void test_set(void)
{
	enum { NAMES = 600, STEP = 7 };
	scoped(allowed_done) struct allowed set = {0};
	char name[SYSCALL_NAME_MAX];
	struct err e;
	size_t wrong = 0;

	for (unsigned i = 0; i < 2 * NAMES; i++) {
		snprintf(name, sizeof(name), "call%03u", i * STEP % NAMES);
		wrong += allowed_has(&set, name) != (i >= NAMES);
		wrong += allowed_add(&set, name, i < NAMES ? BY_BASE : BY_RECORDING, &e) != 0;
		wrong += !allowed_has(&set, name);
	}
	ok(wrong == 0 && set.n_names == NAMES, "every name is there once it was added, and once");
	for (size_t i = 1; i < set.n_names; i++)
		wrong += strcmp(set.names[i - 1].name, set.names[i].name) >= 0;
	ok(wrong == 0, "in order");
	ok(!allowed_has(&set, "call") && !allowed_has(&set, "zzz") && !allowed_has(&set, ""),
		"and others are not");
}

static void test_reasons(void)
{
	scoped(allowed_done) struct allowed set = {0};
	struct err e;

	allowed_add(&set, "a", BY_IMPLIED, &e);
	allowed_add(&set, "a", BY_BASE, &e);
	allowed_add(&set, "b", BY_IMPLIED, &e);
	allowed_add(&set, "c", BY_IMPLIED, &e);
	allowed_add(&set, "c", BY_RECORDING, &e);
	ok(allowed_count(&set, BY_RECORDING) == 1 && allowed_count(&set, BY_BASE) == 1 &&
			allowed_count(&set, BY_IMPLIED) == 1,
		"each name counts for the first of its reasons, whatever order they came in");
	allowed_add(&set, "d", BY_RECORDING, &e);
	ok(!allowed_may_be_pinned(&set.names[1]) && !allowed_may_be_pinned(&set.names[2]) &&
			allowed_may_be_pinned(&set.names[3]),
		"only what the recording alone put in may be pinned");
}

static void test_row(void)
{
	struct name_row row = {0};
	char name[SYSCALL_NAME_MAX];

	memset(name, 'x', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	is_text(name_row_text(&row), "", "an empty row is an empty text");
	for (int i = 0; i < 100; i++)
		name_row_add(&row, name);
	name_row_add(&row, "y");
	ok(row.n_names == 101 && !strstr(name_row_text(&row), "y"),
		"behind the first name that does not fit, none is shown");
	ok(strlen(row.text) < sizeof(row.text) && strstr(row.text, " more"),
		"and the end of the row says so");
	snprintf(name, sizeof(name), "%s", strstr(row.text, " and "));
	is_text(strstr(name_row_text(&row), " and "), name, "asked twice, the text is the same");
}

int main(void)
{
	test_set();
	test_reasons();
	test_row();
	return tap_done();
}
