/*
 * condition.h: conditions of one argument, decided exactly.
 */
#ifndef SYSCLAMP_CONDITION_H
#define SYSCLAMP_CONDITION_H

#include <stdbool.h>
#include <stdint.h>

#include "profile.h"

/**
 * Whether there is a value 0...@max for which both conditions hold.  Exact for all operators.
 *
 * @a, @b: conditions of one argument; @b may be NULL.
 * @max: 2^64-1, or 2^32-1 for an argument of a 32-bit ABI.
 */
bool condition_pair_satisfiable(const struct condition *a, const struct condition *b, uint64_t max);

#endif
