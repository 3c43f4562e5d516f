/*
 * enforce_stack.h: several profiles at once, and one filter that holds a process to all of them.
 *
 * A process that loads one filter after the other gets, for each call, the strictest of their
 * answers, of equally strict ones that of the filter it loaded last (seccomp(2)).  The one filter
 * says the same, so that nothing has to be allowed to load the second one behind the first.
 */
#ifndef SYSCLAMP_ENFORCE_STACK_H
#define SYSCLAMP_ENFORCE_STACK_H

#include <stddef.h>
#include <stdint.h>

#include "enforce.h"

/* One more program is asked about with them: the joined one. */
enum { ENFORCED_STACK_MAX = 16 };

struct enforced_stack {
	const char *const *paths; /* the caller's */
	struct enforced *members; /* heap: as if loaded in this order */
	size_t n;
	struct filter joined; /* of all; empty if there is one member only */
	/*
	 * SECCOMP_FILTER_FLAG_* as the kernel would have them of all: what any asks for, but
	 * SPEC_ALLOW, which a single filter without it voids (kernel/seccomp.c:
	 * seccomp_assign_mode()).
	 */
	uint32_t flags;
};

void enforced_stack_done(struct enforced_stack *stack);

/**
 * Read, resolve, compile and prove each profile, join the filters, and prove that the joined one
 * answers every call as all of them together.
 *
 * @paths: @n of them, 1...ENFORCED_STACK_MAX, "-" (once) for standard input; must stay.
 * @out: to be released with enforced_stack_done().
 * @to: as for enforced_read().
 * Errors: those of enforced_read(), filter_join() and filter_must_equal_all().
 */
int enforced_stack_read(const char *const *paths, size_t n, struct enforced_stack *out,
	const struct notice *to, struct err *e);

/** The filter to load. */
const struct filter *enforced_stack_filter(const struct enforced_stack *stack);

/**
 * Whether each of them, and so all together, can hold a command on this kernel with nobody there to
 * answer or trace it: enforced_can_hold(), enforced_can_load().
 *
 * @to: told also that a flag about notifications says nothing then.
 */
int enforced_stack_can_hold(
	const struct enforced_stack *stack, const struct notice *to, struct err *e);

/** Whether a command can be started behind them: enforced_can_start(). */
int enforced_stack_can_start(const struct enforced_stack *stack, struct err *e);

/**
 * Whether a program from elsewhere answers every call as all the profiles together.
 * Errors: those of filter_must_equal_all().
 */
int enforced_stack_must_equal(
	const struct enforced_stack *stack, const struct filter *program, struct err *e);

/** Whether the policy of a profile, made of them, says what they say together: -EPERM if not. */
int enforced_stack_says(
	const struct enforced_stack *stack, const struct policy *policy, struct err *e);

#endif
