/*
 * effective.h: the one profile that several come to for a process that is held to all of them.
 */
#ifndef SYSCLAMP_EFFECTIVE_H
#define SYSCLAMP_EFFECTIVE_H

#include <stddef.h>

#include "enforce_stack.h"

/**
 * The text of that profile: calls by name, whatever the rules of the profiles looked like.  Written
 * only if it is proven to say what the filters say together.
 *
 * @out_text: heap, owned by the caller.
 * Errors: those of profile_merge() (PROFILE_INTERSECT), naming the call that no profile can say, or
 * the profiles that name two listeners; those of enforced_from_profile() and enforced_stack_says();
 * -ENOMEM.
 */
int profile_effective(
	const struct enforced_stack *stack, char **out_text, size_t *out_size, struct err *e);

#endif
