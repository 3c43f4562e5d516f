#include "args.h"

#include <stdbool.h>
#include <string.h>

#include "scope.h"

/* The same rows as a 64-bit ABI and as a 32-bit ABI has them. */
static const struct arg_row ROWS[] = {
#define ARG(call, index, bits, class, mask, source) {call, index, bits, class, mask, source},
#include "args.inc"
#undef ARG
};

static const struct arg_row ROWS_32[] = {
#define ARG(call, index, bits, class, mask, source)                                                \
	{call, index, 32, class, (uint32_t)(mask), source},
#include "args.inc"
#undef ARG
};

/*
 * Calls that take their arguments elsewhere under some ABIs: an offset of 64 bits lies in two
 * registers, everything in memory behind the only argument, or the order is another.
 */
struct elsewhere {
	const char *call;
	const char *abi; /* NULL: all with bits32 */
	const char *source;
};

static const struct elsewhere ELSEWHERE[] = {
	{"clone", "s390", "arch/s390/Kconfig: CLONE_BACKWARDS2"},
	{"clone", "s390x", "arch/s390/Kconfig: CLONE_BACKWARDS2"},
	{"fadvise64", NULL, "arch/x86/kernel/sys_ia32.c: ia32_fadvise64"},
	{"fadvise64", "mips", "arch/mips/kernel/linux32.c: sys32_fadvise64_64"},
	{"fadvise64", "mipsel", "arch/mips/kernel/linux32.c: sys32_fadvise64_64"},
	{"mmap", "i386", "arch/x86/kernel/sys_ia32.c: ia32_mmap"},
	{"mmap", "s390", "arch/s390/kernel/syscall.c: mmap2"},
	{"mmap", "s390x", "arch/s390/kernel/syscall.c: mmap2"},
	{"mmap2", "s390", "arch/s390/kernel/syscall.c: mmap2"},
	{"preadv2", "x32", "fs/read_write.c: preadv64v2"},
	{"ptrace", "x32", "kernel/ptrace.c: compat_sys_ptrace, whose request has 32 bits"},
	{"pwritev2", "x32", "fs/read_write.c: pwritev64v2"},
	{"sync_file_range", NULL, "arch/x86/kernel/sys_ia32.c: ia32_sync_file_range"},
	{"sync_file_range", "mips", "arch/mips/kernel/linux32.c: sys32_sync_file_range"},
	{"sync_file_range", "mipsel", "arch/mips/kernel/linux32.c: sys32_sync_file_range"},
};

static bool is_elsewhere(const struct abi *abi, const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(ELSEWHERE); i++) {
		const struct elsewhere *row = &ELSEWHERE[i];

		if (!strcmp(row->call, name) &&
			(row->abi ? !strcmp(row->abi, abi->name) : abi->bits32))
			return true;
	}
	return false;
}

const struct arg_row *args_table(size_t *out_len)
{
	*out_len = ARRAY_LEN(ROWS);
	return ROWS;
}

/* The index of the first row that is not before @name. */
static size_t row_position(const char *name)
{
	size_t low = 0, high = ARRAY_LEN(ROWS);

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (strcmp(ROWS[middle].call, name) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

size_t args_of_call(const struct abi *abi, const char *name, const struct arg_row **out_first)
{
	const struct arg_row *rows = abi->bits32 ? ROWS_32 : ROWS;
	size_t first = row_position(name), end = first;

	while (end < ARRAY_LEN(ROWS) && !strcmp(rows[end].call, name))
		end++;
	if (first == end || is_elsewhere(abi, name))
		return 0;
	*out_first = &rows[first];
	return end - first;
}

/* The last word of the source is the parameter's name. */
const char *arg_name(const char *call, unsigned index)
{
	for (size_t i = row_position(call); i < ARRAY_LEN(ROWS) && !strcmp(ROWS[i].call, call);
		i++) {
		if (ROWS[i].index == index)
			return strrchr(ROWS[i].source, ' ') + 1;
	}
	return NULL;
}

uint64_t arg_cut(uint64_t value, unsigned bits)
{
	return bits == 32 ? (uint32_t)value : value;
}
