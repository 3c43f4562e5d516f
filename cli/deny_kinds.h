/*
 * deny_kinds.h: how often which kind of denial was met.  A kind is a program, a call and an answer.
 * All memory is taken at once; what has no room is counted, but not told apart.
 */
#ifndef SYSCLAMP_DENY_KINDS_H
#define SYSCLAMP_DENY_KINDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "deny.h"

enum { DENY_KINDS_MAX = 4096, DENY_KINDS_TEXT = 256 * 1024 /* bytes of program paths */ };

struct deny_kinds {
	struct deny_kind *slots; /* heap: a hash table */
	char *programs; /* heap: texts one behind the other */
	size_t programs_size;
	size_t n;
	uint64_t total; /* denials */
	uint64_t crowded; /* of these, of kinds for which there was no room */
};

/** Errors: -ENOMEM. */
int deny_kinds_init(struct deny_kinds *kinds, struct err *e);
void deny_kinds_done(struct deny_kinds *kinds);

/** Count one; returns whether it is the first of its kind, as far as can be told. */
bool deny_kinds_count(struct deny_kinds *kinds, const struct deny_call *call);

#endif
