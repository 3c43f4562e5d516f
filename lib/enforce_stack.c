#include "enforce_stack.h"

#include <errno.h>
#include <linux/seccomp.h>
#include <stdlib.h>
#include <string.h>

#include "prove.h"
#include "scope.h"

void enforced_stack_done(struct enforced_stack *stack)
{
	for (size_t i = 0; i < stack->n; i++)
		enforced_done(&stack->members[i]);
	free(stack->members);
	filter_done(&stack->joined);
	*stack = (struct enforced_stack){0};
}

/* The members' programs, the newest first, as the kernel runs them. */
static void list_filters(const struct enforced_stack *stack, struct filter filters[])
{
	for (size_t i = 0; i < stack->n; i++)
		filters[i] = stack->members[stack->n - 1 - i].filter;
}

/* Each newer program in front of what those before it came to. */
static int join_all(struct enforced_stack *stack, struct err *e)
{
	const struct filter *older = &stack->members[0].filter;

	for (size_t i = 1; i < stack->n; i++) {
		struct filter joined = {0};

		if (filter_join(&stack->members[i].filter, older, &joined, e))
			return err_prefix(e, "%s with those before it: ", stack->paths[i]);
		filter_done(&stack->joined);
		stack->joined = joined;
		older = &stack->joined;
	}
	return stack->n > 1 ? enforced_stack_must_equal(stack, &stack->joined, e) : 0;
}

static uint32_t flags_of_all(const struct enforced_stack *stack)
{
	uint32_t any = 0, all = UINT32_MAX;

	for (size_t i = 0; i < stack->n; i++) {
		any |= stack->members[i].profile.flags;
		all &= stack->members[i].profile.flags;
	}
	return any & (all | ~(uint32_t)SECCOMP_FILTER_FLAG_SPEC_ALLOW);
}

int enforced_stack_read(const char *const *paths, size_t n, struct enforced_stack *out,
	const struct notice *to, struct err *e)
{
	scoped(enforced_stack_done) struct enforced_stack stack = {.paths = paths};

	if (n > ENFORCED_STACK_MAX)
		return err_set(
			e, E2BIG, "%zu profiles; %d can be loaded together", n, ENFORCED_STACK_MAX);
	stack.members = calloc(n, sizeof(*stack.members));
	if (!stack.members)
		return err_nomem(e);
	for (; stack.n < n; stack.n++) {
		if (enforced_read(paths[stack.n], &stack.members[stack.n], to, e))
			return -e->code;
	}
	if (join_all(&stack, e))
		return -e->code;
	stack.flags = flags_of_all(&stack);
	*out = stack;
	memset(&stack, 0, sizeof(stack)); /* it is the caller's now */
	return 0;
}

const struct filter *enforced_stack_filter(const struct enforced_stack *stack)
{
	return stack->n > 1 ? &stack->joined : &stack->members[0].filter;
}

int enforced_stack_can_hold(
	const struct enforced_stack *stack, const struct notice *to, struct err *e)
{
	for (size_t i = 0; i < stack->n; i++) {
		if (enforced_can_hold(stack->paths[i], &stack->members[i], to, e) ||
			enforced_can_load(stack->paths[i], &stack->members[i], e))
			return -e->code;
	}
	if (stack->flags & SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV)
		notice_tell(to, "SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV is left out: it is about "
				"calls that a supervisor answers, and there is none");
	return 0;
}

int enforced_stack_can_start(const struct enforced_stack *stack, struct err *e)
{
	for (size_t i = 0; i < stack->n; i++) {
		if (enforced_can_start(stack->paths[i], &stack->members[i], e))
			return -e->code;
	}
	return 0;
}

int enforced_stack_must_equal(
	const struct enforced_stack *stack, const struct filter *program, struct err *e)
{
	struct filter filters[ENFORCED_STACK_MAX];

	if (stack->n == 1)
		return filter_must_equal(program, &stack->members[0].policy, e);
	list_filters(stack, filters);
	return filter_must_equal_all(program, filters, stack->n, e);
}

int enforced_stack_says(
	const struct enforced_stack *stack, const struct policy *policy, struct err *e)
{
	struct filter filters[ENFORCED_STACK_MAX];

	list_filters(stack, filters);
	return filters_must_equal(filters, stack->n, policy, e);
}
