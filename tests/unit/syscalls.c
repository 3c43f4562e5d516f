#include <ctype.h>
#include <errno.h>
#include <linux/audit.h>

#include "scope.h"
#include "syscalls.h"
#include "tap.h"

enum { NR_END = 700 }; /* above every common number, mseal and kin included */

static const struct abi *abi(const char *name)
{
	return abi_by_name(name);
}

static void test_abi_table(void)
{
	size_t len, wrong = 0;
	const struct abi *table = abi_table(&len);

	for (size_t i = 0; i < len; i++) {
		wrong += abi_by_name(table[i].name) != &table[i];
		wrong += abi_by_oci(table[i].oci) != &table[i];
		wrong += abi_of_call(table[i].audit_arch, table[i].new_base) != &table[i];
	}
	ok(len == 17 && wrong == 0, "every ABI is found by its names and its token");
	ok(!abi_by_name("x86-64") && !abi_by_name("") && !abi_by_oci("x86_64"),
		"unknown ones are not");
	ok(abi_is_x32(abi("x32")) && !abi_is_x32(abi("x86_64")), "x32 is x32");
#ifdef __x86_64__
	ok(abi_native() == abi("x86_64"), "x86_64 is at home here");
#endif
}

static const struct {
	uint32_t audit_arch, nr;
	const char *name; /* of the ABI */
	const char *claim;
} CALLS[] = {
	{AUDIT_ARCH_X86_64, 0, "x86_64", "x86_64 by its token"},
	{AUDIT_ARCH_X86_64, X32_BIT, "x32", "x32 by bit 30"},
	{AUDIT_ARCH_X86_64, X32_BIT | 5000, "x32", "whatever the number"},
	{AUDIT_ARCH_X86_64, UINT32_MAX, "x86_64", "-1 is x86_64's, although bit 30 is set"},
	{AUDIT_ARCH_X86_64, 0x80000000u, "x86_64", "so is the smallest number"},
	{AUDIT_ARCH_I386, X32_BIT, "i386", "bit 30 says nothing on other tokens"},
	{AUDIT_ARCH_AARCH64, 0, "aarch64", "aarch64"},
	{0, 0, NULL, "an unknown token has no ABI"},
	{UINT32_MAX, 0, NULL, "nor has this one"},
};

static void test_abi_of_call(void)
{
	for (size_t i = 0; i < ARRAY_LEN(CALLS); i++) {
		const struct abi *got = abi_of_call(CALLS[i].audit_arch, CALLS[i].nr);

		is_text(got ? got->name : "none", CALLS[i].name ? CALLS[i].name : "none",
			"abi_of_call: %s", CALLS[i].claim);
	}
}

/* Every name that a number has leads back to that number. */
static void test_round_trip(void)
{
	static const uint32_t bases[] = {0, 4000, 5000, 6000, X32_BIT};
	size_t len;
	const struct abi *table = abi_table(&len);

	for (size_t i = 0; i < len; i++) {
		size_t wrong = 0, named = 0, foreign = 0;

		for (size_t k = 0; k < ARRAY_LEN(bases) * NR_END; k++) {
			uint32_t nr = bases[k / NR_END] + k % NR_END, back;
			char buf[SYSCALL_NAME_MAX];
			const char *name = syscall_name(&table[i], nr, buf);

			if (!name)
				continue;
			named++;
			foreign += nr < table[i].new_base;
			wrong += syscall_number(&table[i], name, &back) || back != nr;
		}
		ok(named > 250 && wrong == 0 && foreign == 0,
			"%s: %zu names and numbers agree, none below the ABI's base", table[i].name,
			named);
	}
}

static void test_no_invented_name(void)
{
	size_t len, wrong = 0;
	const struct abi *table = abi_table(&len);
	char buf[SYSCALL_NAME_MAX];

	for (size_t i = 0; i < len; i++) {
		for (uint32_t n = 1; n < 20000; n++)
			wrong += syscall_name(&table[i], -n, buf) != NULL;
		wrong += syscall_name(&table[i], 0x80000000u, buf) != NULL;
		wrong += syscall_name(&table[i], table[i].new_base + 100000, buf) != NULL;
	}
	ok(wrong == 0, "negative and far numbers have no name on any ABI");
	ok(!syscall_name(abi("x86_64"), X32_BIT, buf), "x86_64 has no number with bit 30");
	ok(!syscall_name(abi("x32"), 0, buf), "x32 none without");
}

static const struct {
	const char *abi, *name;
	int code;
	uint32_t nr;
} KNOWN[] = {
	{"x86_64", "read", 0, 0},
	{"x86_64", "mseal", 0, 462},
	{"x86_64", "file_setattr", 0, 469},
	{"x86_64", "uretprobe", 0, 335},
	{"x86_64", "uprobe", 0, 336},
	{"x86_64", "socketcall", -ENOSYS, 0},
	{"x86_64", "recv", -ENOSYS, 0},
	{"i386", "uretprobe", -ENOSYS, 0},
	{"i386", "socket", 0, 359},
	{"i386", "accept4", 0, 364},
	{"i386", "accept", -ENOSYS, 0},
	{"i386", "socketcall", 0, 102},
	{"i386", "ipc", 0, 117},
	{"i386", "shmget", 0, 395},
	{"i386", "semtimedop", -ENOSYS, 0},
	{"i386", "semop", -ENOSYS, 0},
	{"i386", "mseal", 0, 462},
	{"ppc64le", "recv", 0, 336},
	{"ppc64le", "semtimedop", 0, 392},
	{"ppc", "semtimedop", -ENOSYS, 0},
	{"s390x", "socket", 0, 359},
	{"s390x", "recvmmsg", 0, 357},
	{"mips", "socket", 0, 4183},
	{"mips64", "mseal", 0, 5462},
	{"aarch64", "open", -ENOSYS, 0},
	{"aarch64", "socket", 0, 198},
	{"x32", "read", 0, X32_BIT},
	{"x32", "mseal", 0, X32_BIT | 462},
	{"x86_64", "frobnicate", -ENOENT, 0},
	{"x86_64", "", -ENOENT, 0},
	{"x86_64", "READ", -ENOENT, 0},
	{"x86_64", "read ", -ENOENT, 0},
};

static void test_known(void)
{
	for (size_t i = 0; i < ARRAY_LEN(KNOWN); i++) {
		uint32_t nr = 42;
		int code = syscall_number(abi(KNOWN[i].abi), KNOWN[i].name, &nr);

		ok(code == KNOWN[i].code && nr == (code ? 42 : KNOWN[i].nr), "%s: \"%s\" is %d",
			KNOWN[i].abi, KNOWN[i].name,
			KNOWN[i].code ? KNOWN[i].code : (int)KNOWN[i].nr);
	}
}

static void test_portable(void)
{
	ok(syscall_name_is_portable("read") && syscall_name_is_portable("socketcall") &&
			syscall_name_is_portable("set_mempolicy_home_node"),
		"what libseccomp 2.5 knows is portable, on whichever ABI it exists");
	ok(!syscall_name_is_portable("mseal") && !syscall_name_is_portable("uretprobe"),
		"what is newer is not");
	ok(!syscall_name_is_portable("frobnicate"), "nor is what does not exist");
}

/* "#define __NR_name 12" or "... (__X32_SYSCALL_BIT + 12)". */
static bool read_define(const char *line, char *name, uint32_t *out_nr)
{
	const char *digits;

	if (sscanf(line, "#define __NR_%63s ", name) != 1)
		return false;
	digits = strstr(line, name) + strlen(name);
	while (*digits && !isdigit((unsigned char)*digits))
		digits = *digits == 'X' ? digits + strlen("X32_SYSCALL_BIT") : digits + 1;
	*out_nr = (uint32_t)strtoul(digits, NULL, 10);
	return *digits != '\0';
}

/* Where the compiler finds <asm/...> on Debian, and elsewhere. */
static FILE *open_header(const char *header)
{
	static const char *const folders[] = {
		"/usr/include/x86_64-linux-gnu/asm", "/usr/include/asm"};
	FILE *file = NULL;
	char path[128];

	for (size_t i = 0; !file && i < ARRAY_LEN(folders); i++) {
		snprintf(path, sizeof(path), "%s/%s", folders[i], header);
		file = fopen(path, "re");
	}
	return file;
}

static const struct {
	const char *header, *abi;
	size_t at_least;
} HEADERS[] = {
	{"unistd_64.h", "x86_64", 350},
	{"unistd_32.h", "i386", 420},
	{"unistd_x32.h", "x32", 330},
};

static void test_header(const char *header, const struct abi *of, size_t at_least)
{
	scoped_file FILE *file = open_header(header);
	size_t seen = 0, wrong = 0;
	char line[256], name[64];

	if (!file) {
		tap_skip("headers", header, "the kernel's header is not installed");
		return;
	}
	while (fgets(line, sizeof(line), file)) {
		char buf[SYSCALL_NAME_MAX];
		uint32_t nr, got = 0;

		if (!read_define(line, name, &nr))
			continue;
		nr += of->new_base;
		seen++;
		if (syscall_number(of, name, &got) || got != nr || !syscall_name(of, nr, buf) ||
			strcmp(buf, name) != 0) {
			printf("#   %s is %u, here %u\n", name, nr, got);
			wrong++;
		}
	}
	ok(seen >= at_least && wrong == 0, "%s: all %zu names and numbers are ours", header, seen);
}

int main(void)
{
	test_abi_table();
	test_abi_of_call();
	test_round_trip();
	test_no_invented_name();
	test_known();
	test_portable();
	for (size_t i = 0; i < ARRAY_LEN(HEADERS); i++)
		test_header(HEADERS[i].header, abi(HEADERS[i].abi), HEADERS[i].at_least);
	return tap_done();
}
