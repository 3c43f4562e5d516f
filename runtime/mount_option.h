/*
 * mount_option.h: the words behind mount's -o, for whoever reads them (mount(8); OCI runtime
 * specification, config.md, "Linux mount options"; mount_setattr(2)).
 */
#ifndef SYSCLAMP_MOUNT_OPTION_H
#define SYSCLAMP_MOUNT_OPTION_H

#include <stdbool.h>

#include "cage.h"

enum mount_option_kind {
	MOUNT_OPTION_OURS, /* applied */
	MOUNT_OPTION_DATA, /* none that is known: one of the file system's own */
	MOUNT_OPTION_REFUSED,
};

struct mount_told {
	struct cage_mount *mount;
	bool bound; /* it is a bind mount */
};

/**
 * Apply one option to what those before it have made.
 *
 * What an option takes back is what another one before it has said: a bind mount keeps what its
 * source has (read-only, nosuid, ...), whatever "rw" or "suid" say, so that nothing that the host
 * has closed is opened (as runc 1.1).  Access times are the exception, and the recursive options,
 * which say so.
 *
 * @out_why: for MOUNT_OPTION_REFUSED, why.
 */
enum mount_option_kind mount_option_apply(
	struct mount_told *told, const char *name, const char **out_why);

/** The names of the attributes, "ro,nosuid", into @text; "" for none. */
const char *mount_attr_print(uint64_t attr, char *text, size_t size);

#endif
