/*
 * argument_sets.h: conditions of one argument as sets of its values.
 *
 * What a set operation makes of two conditions is in general no condition but a union of several.
 * All is exact, and over 64 bits.
 */
#ifndef SYSCLAMP_ARGUMENT_SETS_H
#define SYSCLAMP_ARGUMENT_SETS_H

#include <stdbool.h>
#include <stddef.h>

#include "condition.h"

/* A range inside of 64 bits is at most 126 blocks; two of them and a remainder are not reached. */
enum { CONDITIONS_MAX = 256 };

/** Whether @cond holds for all values. */
bool condition_always_holds(const struct condition *cond);

/** Whether @b holds wherever @a does, which holds for some value. */
bool condition_implies(const struct condition *a, const struct condition *b);

/** Where @cond does not hold: any of @out, of which it returns how many there are; 0: nowhere. */
size_t condition_negate(const struct condition *cond, struct condition out[CONDITIONS_MAX]);

/**
 * Where both hold: as above.
 *
 * @a, @b: of one argument; each holds for some values, and not for all.
 */
size_t condition_meet(
	const struct condition *a, const struct condition *b, struct condition out[CONDITIONS_MAX]);

#endif
