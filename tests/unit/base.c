/* The base sets: their names, and the measured table as it was compiled in. */
#include <errno.h>

#include "base.h"
#include "scope.h"
#include "syscalls.h"
#include "tap.h"

static void test_runtimes(void)
{
	static const char *const names[] = {"none", "runc", "crun", "any"};
	enum base_runtime runtime;

	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		ok(!base_runtime_by_name(names[i], &runtime) && runtime == (enum base_runtime)i,
			"runtime %s is known by name", names[i]);
	runtime = BASE_CRUN;
	ok(base_runtime_by_name("docker", &runtime) == -ENOENT && runtime == BASE_CRUN,
		"another runtime is -ENOENT and the output untouched");
}

static bool row_is_sound(const struct base_call *row)
{
	uint32_t nr;

	return (!strcmp(row->runtime, "runc") || !strcmp(row->runtime, "crun")) &&
	       (!strcmp(row->nnp, "yes") || !strcmp(row->nnp, "no")) &&
	       !syscall_number(abi_by_name("x86_64"), row->name, &nr) &&
	       strstr(row->source, row->runtime);
}

static void test_table(void)
{
	size_t len, unsound = 0, execve = 0;
	const struct base_call *table = base_table(&len);

	for (size_t i = 0; i < len; i++) {
		unsound += !row_is_sound(&table[i]);
		execve += !strcmp(table[i].name, "execve");
	}
	ok(unsound == 0,
		"every row has a known runtime, yes or no, a call that exists, and a source");
	ok(execve == 4, "each of the four sets has execve: without it no container starts");
}

static void test_needed(void)
{
	static const struct base_call row = {"runc", "no", "setuid", ""};

	ok(base_call_needed(&row, BASE_RUNC, false) && base_call_needed(&row, BASE_ANY, false),
		"a row counts for its runtime and for any");
	ok(!base_call_needed(&row, BASE_CRUN, false) && !base_call_needed(&row, BASE_NONE, false),
		"and for no other");
	ok(!base_call_needed(&row, BASE_RUNC, true) && !base_call_needed(&row, BASE_ANY, true),
		"and not for the other setting of no_new_privs");
}

int main(void)
{
	test_runtimes();
	test_table();
	test_needed();
	return tap_done();
}
