/* The table of arguments, as it was compiled in. */
#include "args.h"

#include "scope.h"
#include "tap.h"

/* Names, in the kernel, of parameters that are never recorded. */
static const char *const NEVER[] = {"addr", "address", "start", "buf", "ptr", "len", "length",
	"size", "count", "offset", "pos", "fd", "dfd", "ufd", "epfd", "dirfd", "pid", "tgid", "uid",
	"gid", "user", "group", "sig", "signum", "time", "timeout", "arg", "arg2", "vlen", "nfds"};

static bool is_never(const char *parameter)
{
	for (size_t i = 0; i < ARRAY_LEN(NEVER); i++) {
		if (!strcmp(parameter, NEVER[i]))
			return true;
	}
	return strchr(parameter, '*') != NULL;
}

/* "net/socket.c: int family" */
static bool source_is_sound(const struct arg_row *row)
{
	const char *colon = strstr(row->source, ".c: "), *parameter = strrchr(row->source, ' ');
	bool is_long = strstr(row->source, " long ") || strstr(row->source, "size_t ");

	return colon && parameter > colon + 3 && strchr(row->source, '/') &&
	       !strcmp(arg_name(row->call, row->index), parameter + 1) &&
	       !is_never(parameter + 1) && row->bits == (is_long ? 64 : 32);
}

static bool mask_is_sound(const struct arg_row *row)
{
	return arg_cut(row->mask, row->bits) == row->mask && (row->mask || row->class == ARG_MASK);
}

static bool has_number(const char *name)
{
	size_t len;
	const struct abi *abis = abi_table(&len);
	uint32_t nr;

	for (size_t i = 0; i < len; i++) {
		if (!syscall_number(&abis[i], name, &nr))
			return true;
	}
	return false;
}

static void test_rows(void)
{
	size_t len;
	const struct arg_row *rows = args_table(&len);

	for (size_t i = 0; i < len; i++) {
		if (!has_number(rows[i].call) || rows[i].index > ARGS_INDEX_MAX ||
			rows[i].class > ARG_RANGE || !mask_is_sound(&rows[i]) ||
			!source_is_sound(&rows[i]))
			ok(false, "%s %u (%s) is sound", rows[i].call, rows[i].index,
				rows[i].source);
	}
	is_text(arg_name("openat", 2), "flags", "an argument has the kernel's name");
	ok(!arg_name("openat", 1) && !arg_name("opena", 2) && !arg_name("zzz", 0),
		"one that is not in the table has none");
	ok(len > 150, "%zu arguments: calls that exist, widths of the types, nothing unpinnable",
		len);
}

static void test_order(void)
{
	size_t len, unsorted = 0, too_many = 0;
	const struct arg_row *rows = args_table(&len);

	for (size_t i = 1; i < len; i++) {
		int order = strcmp(rows[i - 1].call, rows[i].call);

		unsorted += order > 0 || (order == 0 && rows[i - 1].index >= rows[i].index);
		too_many += i >= ARGS_PER_CALL_MAX &&
			    !strcmp(rows[i - ARGS_PER_CALL_MAX].call, rows[i].call);
	}
	ok(unsorted == 0, "sorted by call and index, each once");
	ok(too_many == 0, "at most %d of a call", ARGS_PER_CALL_MAX);
}

static void test_lookup(void)
{
	const struct abi *abi = abi_by_name("x86_64");
	size_t len, wrong = 0;
	const struct arg_row *rows = args_table(&len), *first = NULL;

	for (size_t i = 0; i < len; i++) {
		size_t n = args_of_call(abi, rows[i].call, &first);

		wrong += n == 0 || first > &rows[i] || first + n <= &rows[i] ||
			 strcmp(first[0].call, first[n - 1].call) != 0;
	}
	ok(wrong == 0, "every row is found by its call");
	first = NULL;
	ok(!args_of_call(abi, "read", &first) && !args_of_call(abi, "", &first) &&
			!args_of_call(abi, "zzz", &first) && !args_of_call(abi, "sock", &first) &&
			!args_of_call(abi, "socket2", &first) && !first,
		"no other call has any");
}

/* What the issue with 32-bit arguments is about, and what differs between ABIs. */
static const struct {
	const char *abi, *call;
	size_t n;
	unsigned index, bits;
	uint64_t mask; /* of the first row */
} WANTED[] = {
	{"x86_64", "ioctl", 1, 1, 32, 0xffffffff},
	{"x86_64", "socket", 3, 0, 32, 0xffffffff},
	{"x86_64", "clone", 1, 0, 64, 0x7e020000},
	{"i386", "clone", 1, 0, 32, 0x7e020000},
	{"s390x", "clone", 0, 0, 0, 0},
	{"x86_64", "mmap", 2, 2, 64, 4},
	{"i386", "mmap", 0, 0, 0, 0},
	{"i386", "mmap2", 2, 2, 32, 4},
	{"s390", "mmap2", 0, 0, 0, 0},
	{"x86_64", "ptrace", 1, 0, 64, UINT64_MAX},
	{"i386", "ptrace", 1, 0, 32, UINT32_MAX},
	{"i386", "fcntl64", 1, 1, 32, 0xffffffff},
	{"x86_64", "fadvise64", 1, 3, 32, 0xffffffff},
	{"i386", "fadvise64", 0, 0, 0, 0},
	{"mipsel", "sync_file_range", 0, 0, 0, 0},
	{"x32", "preadv2", 0, 0, 0, 0},
	{"x86_64", "futex", 1, 1, 32, 0xfffffe7f},
};

static void test_abis(void)
{
	for (size_t i = 0; i < ARRAY_LEN(WANTED); i++) {
		const struct arg_row *row = NULL;
		size_t n = args_of_call(abi_by_name(WANTED[i].abi), WANTED[i].call, &row);

		ok(n == WANTED[i].n && (n == 0 || (row->index == WANTED[i].index &&
							  row->bits == WANTED[i].bits &&
							  row->mask == WANTED[i].mask)),
			"%s of %s: %zu arguments", WANTED[i].call, WANTED[i].abi, WANTED[i].n);
	}
}

static void test_cut(void)
{
	/* TIOCGPTN as glibc and as musl pass it on. */
	ok(arg_cut(UINT64_C(0xffffffff80045430), 32) == 0x80045430 &&
			arg_cut(0x80045430, 32) == 0x80045430,
		"a sign extension is cut off");
	ok(arg_cut(UINT64_MAX, 64) == UINT64_MAX, "of a long nothing is");
}

int main(void)
{
	test_rows();
	test_order();
	test_lookup();
	test_abis();
	test_cut();
	return tap_done();
}
