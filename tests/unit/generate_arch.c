/* profile_generate() for another architecture than the one that was recorded. */
#include <errno.h>
#include <linux/seccomp.h>

#include "closure.h"
#include "generate_trial.h"
#include "scope.h"

/* Whether what was recorded as @from alone becomes @wanted, and @unwanted does not come, under
 * @arch. */
static void check_mapping(const char *from_abi, const char *from, const char *arch,
	const char *wanted, const char *unwanted)
{
	scoped(trial_done) struct trial t;

	trial_init(&t, from_abi);
	t.options.exact = true;
	t.options.arch = abi_by_name(arch);
	add_named(&t, from_abi, "execve");
	add_named(&t, from_abi, from);
	ok(!generate(&t) && t.profile.n_abis == 1 && t.profile.abis[0] == t.options.arch,
		"%s of %s is mapped to %s, which alone is listed", from, from_abi, arch);
	ok(allows(&t, wanted) && !allows(&t, unwanted) && allows(&t, "execve"),
		"%s stands for it, %s does not", wanted, unwanted);
}

static void test_mappings(void)
{
	static const struct {
		const char *from_abi, *from, *arch, *wanted, *unwanted;
	} rows[] = {
		{"x86_64", "open", "aarch64", "openat", "open"},
		{"x86_64", "openat", "aarch64", "openat", "open"},
		{"x86_64", "rename", "riscv64", "renameat2", "renameat"},
		{"aarch64", "unlinkat", "x86_64", "rmdir", "mkdir"},
		{"aarch64", "openat", "x86_64", "open", "mkdir"},
		{"x86_64", "openat", "i386", "openat", "open"}, /* both have both */
		{"x86_64", "mmap", "i386", "mmap2", "munmap"},
		{"x86_64", "connect", "i386", "socketcall", "bind"},
		{"x86_64", "semop", "i386", "ipc", "msgget"},
		{"x86_64", "clock_gettime", "arm", "clock_gettime64", "clock_settime64"},
		{"i386", "mmap2", "x86_64", "mmap", "mmap2"},
		{"i386", "getuid32", "aarch64", "getuid", "getuid32"},
		{"i386", "socketcall", "x86_64", "accept4", "socketcall"},
		{"x86_64", "rt_sigaction", "i386", "rt_sigaction", "sigaction"},
		{"x86_64", "rt_sigreturn", "i386", "sigreturn", "sigaction"},
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		check_mapping(rows[i].from_abi, rows[i].from, rows[i].arch, rows[i].wanted,
			rows[i].unwanted);
}

static void test_start(void)
{
	scoped(trial_done) struct trial t;

	trial_init(&t, "aarch64");
	add_named(&t, "aarch64", "execve");
	t.options.arch = abi_by_name("x86_64");
	ok(!generate(&t) && allows(&t, "arch_prctl"), "what programs start by there is added");
	t.options.arch = abi_by_name("aarch64");
	ok(!generate(&t) && !allows(&t, "arch_prctl") && !says(&t, "by tables"),
		"mapped to what was recorded: nothing is mapped");
	t.options.arch = NULL;
	ok(!generate(&t) && !says(&t, "by tables"), "nor without the option");
}

static void test_left_out(void)
{
	scoped(trial_done) struct trial t;

	trial_init(&t, "x86_64");
	add_named(&t, "x86_64", "execve");
	add_named(&t, "x86_64", "open");
	add_named(&t, "x86_64", "arch_prctl");
	add_named(&t, "x86_64", "iopl");
	t.options.arch = abi_by_name("aarch64");
	ok(!generate(&t) && !allows(&t, "iopl") && !allows(&t, "arch_prctl"),
		"what is not there is left out");
	ok(says(&t, "nothing has to stand for them on that architecture: arch_prctl\n"),
		"what nothing has to stand for is said");
	ok(says(&t, "what the program does there: iopl\n"), "and what nothing stands for");
	ok(says(&t, "on aarch64 for what was called under x86_64: openat\n") &&
			says(&t, ": 1 recorded, 1 for aarch64, "),
		"and what does stand for others, which is counted apart");
	ok(says(&t, "by tables, not by a recording"), "and that this is no recording");
}

static void test_implied(void)
{
	scoped(trial_done) struct trial t;

	trial_init(&t, "x86_64");
	add_named(&t, "x86_64", "execve");
	add_named(&t, "x86_64", "fork");
	t.options.arch = abi_by_name("aarch64");
	ok(!generate(&t) && allows(&t, "clone") && allows(&t, "exit") && !allows(&t, "time"),
		"what is implied follows from what is there: a thread from clone");
	t.options.portable = 1u << LIBC_GLIBC;
	ok(!generate(&t) && allows(&t, "clone3"), "and so does what other libraries call");
	t.options.default_action = SECCOMP_RET_LOG;
	ok(!generate(&t) && t.profile.n_abis == 2,
		"default log: with the 32-bit ABI of that machine");
}

static void test_nothing(void)
{
	scoped(trial_done) struct trial t;

	trial_init(&t, "x86_64");
	add_named(&t, "x86_64", "arch_prctl");
	t.options.arch = abi_by_name("aarch64");
	ok(generate(&t) == -EINVAL && strstr(t.e.text, "nothing to allow"),
		"nothing left: an error");
}

/* Every row is of use: its call is known, and so are its condition and its ABI. */
static void test_table(void)
{
	size_t len, abis, unsorted = 0, useless = 0;
	const struct closure_row *table = closure_arch(&len);
	const struct abi *known = abi_table(&abis);

	for (size_t i = 0; i < len; i++) {
		const struct closure_row *row = &table[i];
		bool is_start = abi_by_name(row->group) != NULL, used = false;
		uint32_t nr;

		for (size_t a = 0; a < abis; a++)
			used |= !syscall_number(&known[a], row->name, &nr) &&
				(!is_start || &known[a] == abi_by_name(row->group));
		useless += !used ||
			   (!strcmp(row->when, "-") != (is_start || !strcmp(row->group, "none")));
		if (i > 0)
			unsorted += strcmp(row[-1].group, row->group) > 0;
	}
	ok(len > 200 && useless == 0, "each of %zu rows names a call of its ABI", len);
	ok(unsorted == 0, "and they are sorted by group");
}

int main(void)
{
	test_mappings();
	test_start();
	test_left_out();
	test_implied();
	test_nothing();
	test_table();
	return tap_done();
}
