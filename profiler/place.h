/*
 * place.h: a file below a directory that others may write to as well: opened name by name, no
 * symbolic link followed, never changed once it is there.
 */
#ifndef SYSCLAMP_PLACE_H
#define SYSCLAMP_PLACE_H

#include <stdbool.h>
#include <stddef.h>

#include "err.h"

enum { PLACE_HASH_LEN = 8 }; /* hex digits in a file's name */

/* Which file: <root>/<dirs>/<stem>-<hash>.json */
struct place {
	const char *root; /* must exist; may be, or lead through, a symbolic link */
	const char *dirs; /* one or more components, none of them "." or ".." */
	const char *stem; /* one component */
	const char *hash; /* of the content: PLACE_HASH_LEN hex digits */
};

enum placed { PLACED_NEW, PLACED_BEFORE };

/**
 * Put @size bytes in place, with mode 0644; directories on the way are made, with mode 0755.
 *
 * Takes turns with others that do the same in that directory, and removes what of theirs was left
 * half-written under the same stem.
 *
 * @look_only: make and write nothing.
 * @out_placed: whether it was there already, with the same bytes.
 * Errors: -ENOENT no root; -ELOOP a symbolic link; -EEXIST there with other bytes.
 */
int place_file(const struct place *place, const void *bytes, size_t size, bool look_only,
	enum placed *out_placed, struct err *e);

#endif
