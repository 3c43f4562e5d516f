/*
 * syscalls.h: the ABIs through which a program can enter the kernel, and the names and numbers of
 * the system calls of each.
 *
 * libseccomp resolves what it knows, most of it when sysclamp is built; a table of ours covers what
 * is newer.  A number without a name never gets an invented one.
 */
#ifndef SYSCLAMP_SYSCALLS_H
#define SYSCLAMP_SYSCALLS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/**
 * One ABI.  x86_64 and x32 share an audit token: bit 30 of the number tells them apart
 * (arch/x86/include/uapi/asm/unistd.h: __X32_SYSCALL_BIT), and numbers of x32 are always written
 * with that bit here.
 */
struct abi {
	const char *name; /* ours, in recordings and messages: "x86_64", "i386" */
	const char *oci; /* in profiles: "SCMP_ARCH_X86_64" */
	uint32_t audit_arch; /* seccomp_data.arch: AUDIT_ARCH_*, linux/audit.h */
	uint32_t scmp_arch; /* libseccomp's token */
	uint32_t new_base; /* where the common numbers from 424 up are added to */
	bool bits32; /* a call uses the low halves of its arguments only, whatever seccomp_data has
			above */
	bool big_endian; /* decides where the halves of an argument lie in seccomp_data */
};

#define X32_BIT 0x40000000u

/* A static table; @out_len its length.  The rows live forever and may be compared by address. */
const struct abi *abi_table(size_t *out_len);

/* NULL when there is no such ABI. */
const struct abi *abi_by_name(const char *name);
const struct abi *abi_by_oci(const char *oci);

/**
 * The ABI of a call that the kernel reported: seccomp_data or PTRACE_GET_SYSCALL_INFO.
 * NULL for a token that is in no row.
 */
const struct abi *abi_of_call(uint32_t audit_arch, uint32_t nr);

/* The ABI that this program was compiled for; never NULL. */
const struct abi *abi_native(void);

/* Whether @abi is x32, whose numbers share the token of x86_64. */
bool abi_is_x32(const struct abi *abi);

enum { SYSCALL_NAME_MAX = 64, SYSCALL_ARGS = 6 };

/**
 * The number of @name under @abi.
 *
 * Returns 0, -ENOENT for a name that no ABI has as far as we know, or -ENOSYS for one that exists,
 * but not under this ABI.  socketcall and ipc are the calls of that name: "socket" is never turned
 * into a socketcall, as seccomp_rule_add(3) would.
 */
int syscall_number(const struct abi *abi, const char *name, uint32_t *out_nr);

/* A name that was looked up, for its numbers under several ABIs. */
struct syscall_key {
	const char *name; /* borrowed */
	uint16_t row; /* of what libseccomp knew */
};

struct syscall_key syscall_key(const char *name);

/** As syscall_number(). */
int syscall_number_of(const struct abi *abi, struct syscall_key key, uint32_t *out_nr);

/**
 * The name of @nr under @abi, copied to @buf (SYSCALL_NAME_MAX bytes) and returned, or NULL for a
 * number without one.
 */
const char *syscall_name(const struct abi *abi, uint32_t nr, char *buf);

/**
 * Whether @name is known to libseccomp 2.5 as well, which container engines commonly link: one that
 * is not gets dropped by such an engine (kubernetes: an allow is lost, and so is a deny).
 */
bool syscall_name_is_portable(const char *name);

#endif
