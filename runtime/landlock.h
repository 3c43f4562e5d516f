/*
 * landlock.h: Landlock's rules, landlock(7): what a process and all that descends from it may do
 * with files, TCP ports, and those outside.  Needs no privileges.
 *
 * The kernel's Landlock has grown; each ABI has rights that those before it neither grant nor deny.
 * A right of those for files that the kernel lacks is denied nowhere, whatever the rules say: that
 * is told, or with rules->strict an error.  Where nothing at all of a kind of rules (paths, ports,
 * scopes) can be held, that is an error in any case: no rule that denies is dropped in silence.
 */
#ifndef SYSCLAMP_LANDLOCK_H
#define SYSCLAMP_LANDLOCK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cage.h"
#include "err.h"

enum { LANDLOCK_ABI_KNOWN = 7 }; /* the last one that brought something: Linux 6.15 */

/* The rights of paths (LANDLOCK_ACCESS_FS_*), of ports (LANDLOCK_ACCESS_NET_*), and scopes. */
enum landlock_kind { LANDLOCK_PATHS, LANDLOCK_PORTS, LANDLOCK_SCOPES, LANDLOCK_KINDS };

/** The kernel's ABI, 1 and up; 0: it has no Landlock, or it is off. */
int landlock_abi(void);

/** All rights of a kind that ABI @abi has; of a later one than we know, those that we know. */
uint64_t landlock_rights(enum landlock_kind kind, int abi);

/** "read-file" of LANDLOCK_ACCESS_FS_READ_FILE: bit @bit of the kind's rights; NULL: none. */
const char *landlock_name(enum landlock_kind kind, unsigned bit);

/**
 * The rights of a name, or of several joined with commas: those of landlock_name(), and for paths
 * the presets ro, rx, rw, rwx and all.
 *
 * @out_rights: set on success.
 * Returns 0 or -EINVAL, and @e says which name is none.
 */
int landlock_by_name(enum landlock_kind kind, char *names, uint64_t *out_rights, struct err *e);

/** The names of rights, joined with commas, or "none". */
const char *landlock_print(enum landlock_kind kind, uint64_t rights, char *text, size_t size);

/** Whether the rules hold anything at all. */
bool landlock_is_set(const struct cage_landlock *rules);

/**
 * Whether the kernel can hold to the rules, on behalf of landlock_enter(): before anything begins.
 *
 * @to: is told what the kernel lacks, unless rules->strict; may be NULL.
 * Errors: -EOPNOTSUPP.
 */
int landlock_check(const struct cage_landlock *rules, const struct notice *to, struct err *e);

/** The same of a kernel with ABI @abi. */
int landlock_check_abi(
	const struct cage_landlock *rules, int abi, const struct notice *to, struct err *e);

/**
 * Hold the calling thread, and what it starts from now on, to the rules; nothing without any.
 *
 * Paths are looked up in the caller's root, as they are now.  Directories' rights that a rule
 * grants for a file are left out: they mean nothing there.
 *
 * The caller has no_new_privs set, or CAP_SYS_ADMIN in its user namespace.
 * @to: as of landlock_check().
 * Errors: -EOPNOTSUPP; what keeps a path from being opened; -EPERM without the above.
 */
int landlock_enter(const struct cage_landlock *rules, const struct notice *to, struct err *e);

#endif
