#include "syscalls.h"

#include <errno.h>
#include <linux/audit.h>
#include <seccomp.h>
#include <stdlib.h>
#include <string.h>

#include "scope.h"
#include "syscall_hash.h"

#ifndef AUDIT_ARCH_PARISC
#define AUDIT_ARCH_PARISC EM_PARISC
#endif

static const struct abi ABIS[] = {
#define ABI(name, scmp, audit, base, bits32, big_endian)                                           \
	{name, "SCMP_ARCH_" #scmp, audit, SCMP_ARCH_##scmp, base, bits32, big_endian},
#include "abis.inc"
#undef ABI
};

/*
 * What libseccomp answers for the names that it knows, as of the build: NAMES, STARTS, SLOTS and
 * NUMBERS, by row of ABIS and of NAMES (scripts/syscall_names.c).  It looks each name up for each
 * ABI, and for some compares it with fifty others first.
 */
#include "syscall_names.inc"

/*
 * Calls newer than libseccomp 2.5.4.  From 424 up the numbers are the same on every ABI above, but
 * for the base (scripts/syscall.tbl in the kernel tree since 6.11, and the table of each
 * architecture before); the release is the one whose tree has the row first.
 */
struct new_call {
	const char *name;
	uint32_t nr;
	const char *since;
};

static const struct new_call COMMON_CALLS[] = {
	{"cachestat", 451, "v6.5"},
	{"fchmodat2", 452, "v6.6"},
	{"map_shadow_stack", 453, "v6.6"},
	{"futex_wake", 454, "v6.7"},
	{"futex_wait", 455, "v6.7"},
	{"futex_requeue", 456, "v6.7"},
	{"statmount", 457, "v6.8"},
	{"listmount", 458, "v6.8"},
	{"lsm_get_self_attr", 459, "v6.8"},
	{"lsm_set_self_attr", 460, "v6.8"},
	{"lsm_list_modules", 461, "v6.8"},
	{"mseal", 462, "v6.10"},
	{"setxattrat", 463, "v6.13"},
	{"getxattrat", 464, "v6.13"},
	{"listxattrat", 465, "v6.13"},
	{"removexattrat", 466, "v6.13"},
	{"open_tree_attr", 467, "v6.15"},
	{"file_getattr", 468, "v6.17"},
	{"file_setattr", 469, "v6.17"},
};

/* arch/x86/entry/syscalls/syscall_64.tbl; these two run past seccomp (kernel/seccomp.c:
 * seccomp_uprobe_exception() since v6.14 for 335). */
static const struct new_call X86_64_CALLS[] = {
	{"uretprobe", 335, "v6.11"},
	{"uprobe", 336, "v6.18"},
};

const struct abi *abi_table(size_t *out_len)
{
	*out_len = ARRAY_LEN(ABIS);
	return ABIS;
}

const struct abi *abi_by_name(const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(ABIS); i++) {
		if (!strcmp(ABIS[i].name, name))
			return &ABIS[i];
	}
	return NULL;
}

const struct abi *abi_by_oci(const char *oci)
{
	for (size_t i = 0; i < ARRAY_LEN(ABIS); i++) {
		if (!strcmp(ABIS[i].oci, oci))
			return &ABIS[i];
	}
	return NULL;
}

bool abi_is_x32(const struct abi *abi)
{
	return abi->scmp_arch == SCMP_ARCH_X32;
}

const struct abi *abi_of_call(uint32_t audit_arch, uint32_t nr)
{
	/* Negative numbers have the bit too, but belong to no ABI more than to x86_64. */
	bool x32 = audit_arch == AUDIT_ARCH_X86_64 && (nr & X32_BIT) && !(nr >> 31);

	for (size_t i = 0; i < ARRAY_LEN(ABIS); i++) {
		if (ABIS[i].audit_arch == audit_arch && abi_is_x32(&ABIS[i]) == x32)
			return &ABIS[i];
	}
	return NULL;
}

const struct abi *abi_native(void)
{
	uint32_t native = seccomp_arch_native();

	for (size_t i = 0; i < ARRAY_LEN(ABIS); i++) {
		if (ABIS[i].scmp_arch == native)
			return &ABIS[i];
	}
	return &ABIS[0];
}

/* Copy libseccomp's name of @nr; false when it has none. */
static bool libseccomp_name(const struct abi *abi, uint32_t nr, char *buf)
{
	scoped_free char *name = seccomp_syscall_resolve_num_arch(abi->scmp_arch, (int)nr);

	if (!name || strlen(name) >= SYSCALL_NAME_MAX)
		return false;
	strcpy(buf, name);
	return true;
}

/*
 * libseccomp answers a negative pseudo number for a call that an ABI lacks, and also for those that
 * the ABI offers through socketcall and ipc, even where they have a number of their own.  These
 * are the numbers of their own: arch/x86/entry/syscalls/syscall_32.tbl, and syscalls/syscall.tbl
 * below arch/s390/kernel, arch/powerpc/kernel and arch/mips/kernel (syscall_o32.tbl).
 */
enum family { FAMILY_I386, FAMILY_S390, FAMILY_PPC, FAMILY_MIPS_O32, FAMILIES };

static const struct {
	uint32_t scmp_arch;
	enum family family;
} MULTIPLEXING[] = {
	{SCMP_ARCH_X86, FAMILY_I386},
	{SCMP_ARCH_S390, FAMILY_S390},
	{SCMP_ARCH_S390X, FAMILY_S390},
	{SCMP_ARCH_PPC, FAMILY_PPC},
	{SCMP_ARCH_PPC64, FAMILY_PPC},
	{SCMP_ARCH_PPC64LE, FAMILY_PPC},
	{SCMP_ARCH_MIPS, FAMILY_MIPS_O32},
	{SCMP_ARCH_MIPSEL, FAMILY_MIPS_O32},
};

static const struct {
	const char *name;
	uint16_t nr[FAMILIES]; /* without new_base; 0 where there is none */
	bool bits64; /* only on the ABIs that are not 32 bits wide */
} DEMULTIPLEXED[] = {
	{"accept", {0, 0, 330, 168}, false},
	{"accept4", {364, 364, 344, 334}, false},
	{"bind", {361, 361, 327, 169}, false},
	{"connect", {362, 362, 328, 170}, false},
	{"getpeername", {368, 368, 332, 171}, false},
	{"getsockname", {367, 367, 331, 172}, false},
	{"getsockopt", {365, 365, 340, 173}, false},
	{"listen", {363, 363, 329, 174}, false},
	{"msgctl", {402, 402, 402, 402}, false},
	{"msgget", {399, 399, 399, 399}, false},
	{"msgrcv", {401, 401, 401, 401}, false},
	{"msgsnd", {400, 400, 400, 400}, false},
	{"recv", {0, 0, 336, 175}, false},
	{"recvfrom", {371, 371, 337, 176}, false},
	{"recvmmsg", {337, 357, 343, 335}, false},
	{"recvmsg", {372, 372, 342, 177}, false},
	{"semctl", {394, 394, 394, 394}, false},
	{"semget", {393, 393, 393, 393}, false},
	{"semtimedop", {0, 392, 392, 0}, true},
	{"send", {0, 0, 334, 178}, false},
	{"sendmmsg", {345, 358, 349, 343}, false},
	{"sendmsg", {370, 370, 341, 179}, false},
	{"sendto", {369, 369, 335, 180}, false},
	{"setsockopt", {366, 366, 339, 181}, false},
	{"shmat", {397, 397, 397, 397}, false},
	{"shmctl", {396, 396, 396, 396}, false},
	{"shmdt", {398, 398, 398, 398}, false},
	{"shmget", {395, 395, 395, 395}, false},
	{"shutdown", {373, 373, 338, 182}, false},
	{"socket", {359, 359, 326, 183}, false},
	{"socketpair", {360, 360, 333, 184}, false},
};

static enum family family_of(const struct abi *abi)
{
	for (size_t i = 0; i < ARRAY_LEN(MULTIPLEXING); i++) {
		if (MULTIPLEXING[i].scmp_arch == abi->scmp_arch)
			return MULTIPLEXING[i].family;
	}
	return FAMILIES;
}

static int demultiplexed_number(const struct abi *abi, const char *name, uint32_t *out_nr)
{
	enum family family = family_of(abi);

	if (family == FAMILIES)
		return -ENOSYS;
	for (size_t i = 0; i < ARRAY_LEN(DEMULTIPLEXED); i++) {
		if (strcmp(DEMULTIPLEXED[i].name, name))
			continue;
		if (!DEMULTIPLEXED[i].nr[family] || (DEMULTIPLEXED[i].bits64 && abi->bits32))
			return -ENOSYS;
		*out_nr = abi->new_base + DEMULTIPLEXED[i].nr[family];
		return 0;
	}
	return -ENOSYS;
}

static const struct new_call *new_call_find(
	const struct new_call *table, size_t len, const char *name, uint32_t nr)
{
	for (size_t i = 0; i < len; i++) {
		if (name ? !strcmp(table[i].name, name) : table[i].nr == nr)
			return &table[i];
	}
	return NULL;
}

static int new_call_number(const struct abi *abi, const char *name, uint32_t *out_nr)
{
	const struct new_call *row;

	row = new_call_find(COMMON_CALLS, ARRAY_LEN(COMMON_CALLS), name, 0);
	if (row) {
		*out_nr = abi->new_base + row->nr;
		return 0;
	}
	row = new_call_find(X86_64_CALLS, ARRAY_LEN(X86_64_CALLS), name, 0);
	if (!row)
		return -ENOENT;
	if (abi->scmp_arch != SCMP_ARCH_X86_64)
		return -ENOSYS;
	*out_nr = row->nr;
	return 0;
}

struct syscall_key syscall_key(const char *name)
{
	for (uint32_t at = syscall_hash(name);; at++) {
		uint16_t row = SLOTS[at % SYSCALL_SLOTS];

		if (row == SYSCALL_NO_ROW || !strcmp(NAMES + STARTS[row], name))
			return (struct syscall_key){name, row};
	}
}

int syscall_number_of(const struct abi *abi, struct syscall_key key, uint32_t *out_nr)
{
	int nr = key.row == SYSCALL_NO_ROW
			 ? seccomp_syscall_resolve_name_arch(abi->scmp_arch, key.name)
			 : NUMBERS[abi - ABIS][key.row];

	if (nr >= 0) {
		*out_nr = (uint32_t)nr;
		return 0;
	}
	if (nr != __NR_SCMP_ERROR)
		return demultiplexed_number(abi, key.name, out_nr);
	return new_call_number(abi, key.name, out_nr);
}

int syscall_number(const struct abi *abi, const char *name, uint32_t *out_nr)
{
	return syscall_number_of(abi, syscall_key(name), out_nr);
}

const char *syscall_name(const struct abi *abi, uint32_t nr, char *buf)
{
	const struct new_call *row = NULL;
	uint32_t back;

	/*
	 * libseccomp also names its negative pseudo numbers, and numbers of x32 and MIPS without
	 * their base.
	 */
	if (nr >> 31 || nr < abi->new_base || abi_of_call(abi->audit_arch, nr) != abi)
		return NULL;
	if (libseccomp_name(abi, nr, buf))
		return buf;
	row = new_call_find(COMMON_CALLS, ARRAY_LEN(COMMON_CALLS), NULL, nr - abi->new_base);
	if (!row && abi->scmp_arch == SCMP_ARCH_X86_64)
		row = new_call_find(X86_64_CALLS, ARRAY_LEN(X86_64_CALLS), NULL, nr);
	/* Where libseccomp knows the name but not for this ABI, it is right: map_shadow_stack is
	 * not in x32's table. */
	if (!row || syscall_number(abi, row->name, &back) || back != nr)
		return NULL;
	return strcpy(buf, row->name);
}

bool syscall_name_is_portable(const char *name)
{
	uint32_t nr;

	return !new_call_find(COMMON_CALLS, ARRAY_LEN(COMMON_CALLS), name, 0) &&
	       !new_call_find(X86_64_CALLS, ARRAY_LEN(X86_64_CALLS), name, 0) &&
	       syscall_number(abi_native(), name, &nr) != -ENOENT;
}
