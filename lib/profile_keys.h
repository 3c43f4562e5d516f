/*
 * profile_keys.h: which keys a profile's objects may have, for the readers of profiles.
 */
#ifndef SYSCLAMP_PROFILE_KEYS_H
#define SYSCLAMP_PROFILE_KEYS_H

#include <stdbool.h>

#include "err.h"
#include "json.h"

struct profile_reader {
	const struct notice *to;
	unsigned told; /* notices so far: a hostile file must not cause millions of them */
	bool docker; /* the keys of Docker's dialect are read, not refused */
	const void *ctx; /* the dialect's own */
};

enum profile_object {
	PROFILE_KEYS_ROOT,
	PROFILE_KEYS_RULE,
	PROFILE_KEYS_CONDITION,
	PROFILE_KEYS_SCOPE, /* of Docker's dialect: includes, excludes */
	PROFILE_KEYS_ARCH_MAP, /* of Docker's dialect: an element of archMap */
};

/**
 * Check that @at is an object with keys that all engines read in the same way.
 *
 * Errors (-EINVAL): a key that only docker, podman and CRI-O read, unless its value says nothing or
 * r->docker; a known key in another case, which Go programs read and others drop.  Other unknown
 * keys are told to the reader's notice.
 */
int profile_check_keys(struct profile_reader *r, const struct json_at *at,
	enum profile_object object, struct err *e);

#endif
