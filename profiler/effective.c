#include "effective.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "merge.h"
#include "scope.h"

static const char TOGETHER[] = "the profiles together";

/* What the filters answer; how they are loaded is for effective_loading() to say. */
static int merge_answers(const struct enforced_stack *stack, struct profile *out, struct err *e)
{
	struct named_profile named[ENFORCED_STACK_MAX];

	/* The first profile's errno counts there; here that is the newest one's. */
	for (size_t i = 0; i < stack->n; i++) {
		size_t at = stack->n - 1 - i;

		named[i] = (struct named_profile){stack->paths[at], stack->members[at].profile};
		named[i].profile.flags = 0;
		named[i].profile.listener_path = NULL;
		named[i].profile.listener_metadata = NULL;
	}
	return profile_merge(PROFILE_INTERSECT, named, stack->n, out, NULL, e);
}

static bool same_text(const char *a, const char *b)
{
	return a && b ? !strcmp(a, b) : a == b;
}

/* The one listener that is named; two cannot be (seccomp(2): EBUSY). */
static int find_listener(
	const struct enforced_stack *stack, const struct profile **out_named, struct err *e)
{
	const struct profile *named = NULL;

	for (size_t i = 0; i < stack->n; i++) {
		const struct profile *profile = &stack->members[i].profile;

		if (!profile->listener_path)
			continue;
		if (named &&
			(!same_text(named->listener_path, profile->listener_path) ||
				!same_text(named->listener_metadata, profile->listener_metadata)))
			return err_set(e, EINVAL,
				"%s: $.listenerPath: another profile names another listener, and "
				"a process can have one; make them the same",
				stack->paths[i]);
		named = profile;
	}
	*out_named = named;
	return 0;
}

static int copy_text(const char *text, char **out, struct err *e)
{
	*out = text ? strdup(text) : NULL;
	return text && !*out ? err_nomem(e) : 0;
}

static int effective_loading(
	const struct enforced_stack *stack, struct profile *profile, struct err *e)
{
	const struct profile *named = NULL;

	profile->flags = stack->flags;
	if (find_listener(stack, &named, e))
		return -e->code;
	if (named && (copy_text(named->listener_path, &profile->listener_path, e) ||
			     copy_text(named->listener_metadata, &profile->listener_metadata, e)))
		return -e->code;
	return 0;
}

int profile_effective(
	const struct enforced_stack *stack, char **out_text, size_t *out_size, struct err *e)
{
	scoped(profile_done) struct profile profile = {0};
	scoped(enforced_done) struct enforced enforced = {0};

	if (merge_answers(stack, &profile, e) || effective_loading(stack, &profile, e) ||
		enforced_from_profile(TOGETHER, &profile, &enforced, NULL, e))
		return -e->code;
	if (enforced_stack_says(stack, &enforced.policy, e))
		return err_prefix(e, "%s: ", TOGETHER);
	return profile_emit(&enforced.profile, out_text, out_size, e);
}
