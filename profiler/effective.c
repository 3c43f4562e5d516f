#include "effective.h"

#include "merge.h"
#include "scope.h"

static const char TOGETHER[] = "the profiles together";

/* One that names a listener, or NULL. */
static const struct profile *find_listener(const struct enforced_stack *stack)
{
	for (size_t i = 0; i < stack->n; i++) {
		if (stack->members[i].profile.listener_path)
			return &stack->members[i].profile;
	}
	return NULL;
}

/*
 * What merging takes for what profiles are loaded with is the same in all of them, unless they name
 * two listeners, of which a process can have one (seccomp(2), EBUSY).
 */
static int merge(const struct enforced_stack *stack, struct profile *out, struct err *e)
{
	const struct profile *listener = find_listener(stack);
	struct named_profile named[ENFORCED_STACK_MAX];

	/* The first profile's errno counts there; here that is the newest one's. */
	for (size_t i = 0; i < stack->n; i++) {
		size_t at = stack->n - 1 - i;
		struct profile *profile = &named[i].profile;

		named[i] = (struct named_profile){stack->paths[at], stack->members[at].profile};
		profile->flags = stack->flags;
		if (listener && !profile->listener_path) {
			profile->listener_path = listener->listener_path;
			profile->listener_metadata = listener->listener_metadata;
		}
	}
	return profile_merge(PROFILE_INTERSECT, named, stack->n, out, NULL, e);
}

int profile_effective(
	const struct enforced_stack *stack, char **out_text, size_t *out_size, struct err *e)
{
	scoped(profile_done) struct profile profile = {0};
	scoped(enforced_done) struct enforced enforced = {0};

	if (merge(stack, &profile, e) ||
		enforced_from_profile(TOGETHER, &profile, &enforced, NULL, e))
		return -e->code;
	if (enforced_stack_says(stack, &enforced.policy, e))
		return err_prefix(e, "%s: ", TOGETHER);
	return profile_emit(&enforced.profile, out_text, out_size, e);
}
