/* The closure of implied calls: its rows, and when one follows. */
#include <errno.h>

#include "closure.h"
#include "profiler.h"
#include "scope.h"
#include "tap.h"

/* No name is known under any ABI. */
static bool is_unknown(const char *name)
{
	size_t len;
	const struct abi *table = abi_table(&len);
	uint32_t nr;

	for (size_t i = 0; i < len; i++) {
		if (!syscall_number(&table[i], name, &nr))
			return false;
	}
	return true;
}

static size_t unknown_in(const char *when)
{
	char text[256], *rest = text, *name;
	size_t unknown = 0;

	snprintf(text, sizeof(text), "%s", when);
	while ((name = strsep(&rest, "|")))
		unknown += strcmp(name, "-") && strcmp(name, "late") && is_unknown(name);
	return unknown;
}

static void check_table(const char *label, const struct closure_row *table, size_t len)
{
	size_t unknown = 0, unsorted = 0, silent = 0;

	for (size_t i = 0; i < len; i++) {
		const struct closure_row *row = &table[i], *next = row + 1;
		int order = i + 1 < len ? strcmp(row->group, next->group) : -1;

		unknown += is_unknown(row->name) + unknown_in(row->when);
		unsorted += order > 0 || (!order && strcmp(row->name, next->name) >= 0);
		silent += !*row->reason || !*row->source;
	}
	ok(len > 20 && unknown == 0, "%s: every name and condition of %zu rows is a call", label,
		len);
	ok(unsorted == 0, "%s: rows are sorted by group and name: a group is in one piece", label);
	ok(silent == 0, "%s: each row has a reason and a source", label);
}

static void test_tables(void)
{
	size_t len, strange = 0;
	const struct closure_row *table = closure_implied(&len);
	enum libc libc;

	check_table("implied", table, len);
	table = closure_portable(&len);
	check_table("portable", table, len);
	for (size_t i = 0; i < len; i++)
		strange += libc_by_name(table[i].group, &libc) != 0 ||
			   closure_names_itself(&table[i]);
	ok(strange == 0, "portable: each row is of a known library, and follows from other calls");
	ok(libc_by_name("uclibc", &libc) == -ENOENT && libc_by_name("", &libc) == -ENOENT,
		"other libraries are unknown");
}

static void test_follows(void)
{
	static const struct closure_row always = {"a", "-", "", "", ""};
	static const struct closure_row one = {"a", "read", "", "", ""};
	static const struct closure_row any = {"a", "open|openat|read", "", "", ""};
	static const struct closure_row none = {"a", "rea|readv|open", "", "", ""};
	scoped(allowed_done) struct allowed set = {0};
	struct err e;

	allowed_add(&set, "read", BY_RECORDING, &e);
	allowed_add(&set, "openat", BY_BASE, &e);
	ok(closure_follows(&always, &set, BY_RECORDING), "- is always");
	ok(closure_follows(&one, &set, BY_RECORDING) && closure_follows(&any, &set, BY_RECORDING),
		"one name that is there is enough, the last of several too");
	ok(!closure_follows(&none, &set, BY_RECORDING | BY_BASE), "names are compared whole");
	ok(!closure_follows(&one, &set, BY_BASE) && closure_follows(&any, &set, BY_BASE),
		"only names that are there for one of the reasons count");
	ok(closure_names_itself(&(struct closure_row){"brk", "mmap|brk", "", "", ""}) &&
			!closure_names_itself(
				&(struct closure_row){"brk", "mmap|brk2", "", "", ""}) &&
			!closure_names_itself(&always),
		"a row may name its own call");
	ok(closure_names_late(&(struct closure_row){"exit", "clone|late", "", "", ""}) &&
			!closure_names_late(&(struct closure_row){"exit", "clone", "", "", ""}) &&
			!closure_names_late(&always),
		"and that it holds for a start that was not seen");
}

int main(void)
{
	test_tables();
	test_follows();
	return tap_done();
}
