#include "enforce.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "features.h"
#include "prove.h"
#include "scope.h"
#include "syscalls.h"

void enforced_done(struct enforced *enforced)
{
	if (!enforced)
		return;
	filter_done(&enforced->filter);
	policy_done(&enforced->policy);
	profile_done(&enforced->profile);
}

static const char *display_name(const char *path)
{
	return strcmp(path, "-") ? path : "standard input";
}

static int compile(const char *name, const struct policy *policy, struct filter *out, struct err *e)
{
	scoped(filter_done) struct filter work = {0};

	if (filter_compile(policy, &work, e) || filter_must_equal(&work, policy, e))
		return err_prefix(e, "%s: ", name);
	*out = work;
	work = (struct filter){0};
	return 0;
}

int enforced_from_profile(const char *path, struct profile *profile, struct enforced *out,
	const struct notice *to, struct err *e)
{
	scoped(enforced_done) struct enforced work = {0};
	const char *name = display_name(path);

	if (policy_resolve(name, profile, &work.policy, to, e) ||
		compile(name, &work.policy, &work.filter, e))
		return -e->code;
	work.profile = *profile;
	*profile = (struct profile){0};
	*out = work;
	memset(&work, 0, sizeof(work)); /* it is the caller's now */
	return 0;
}

int enforced_read(const char *path, struct enforced *out, const struct notice *to, struct err *e)
{
	scoped(profile_done) struct profile profile = {0};

	if (profile_read(path, &profile, to, e))
		return -e->code;
	return enforced_from_profile(path, &profile, out, to, e);
}

/* Of the actions that there are: more would be the same ones again. */
enum { USED_MAX = 16 };

/* What a policy answers, without data. */
struct used {
	action_t actions[USED_MAX];
	size_t n;
};

static bool used_has(const struct used *used, action_t action)
{
	for (size_t i = 0; i < used->n; i++) {
		if (used->actions[i] == action)
			return true;
	}
	return false;
}

static void used_add(struct used *used, action_t answer)
{
	action_t action = answer & SECCOMP_RET_ACTION_FULL;

	if (!used_has(used, action) && used->n < USED_MAX)
		used->actions[used->n++] = action;
}

static struct used actions_of(const struct policy *policy)
{
	struct used used = {0};

	used_add(&used, policy->default_action);
	for (size_t i = 0; i < policy->n_abis; i++) {
		const struct abi_policy *abi = &policy->abis[i];

		for (size_t j = 0; j < abi->n_calls; j++) {
			if (!abi->calls[j].n_clauses)
				used_add(&used, abi->calls[j].action);
		}
		for (size_t j = 0; j < abi->n_clauses; j++)
			used_add(&used, abi->clauses[j].action);
	}
	return used;
}

int enforced_can_load(const char *path, const struct enforced *enforced, struct err *e)
{
	const struct used used = actions_of(&enforced->policy);
	size_t n;
	const struct feature *actions = features_actions(&n);

	for (size_t i = 0; i < n; i++) {
		if (used_has(&used, actions[i].value) && features_need_action(actions[i].value, e))
			return err_prefix(e, "%s: ", display_name(path));
	}
	if (features_need_flags(enforced->profile.flags, e))
		return err_prefix(e, "%s: $.flags: ", display_name(path));
	return 0;
}

/* Conditions on the arguments are left to who knows these: runtime/sandbox.c. */
static bool may_exec(const struct policy *policy, const struct abi_policy *abi)
{
	const struct call_policy *call;
	uint32_t nr;

	if (syscall_number(abi->abi, "execve", &nr))
		return false;
	call = abi_policy_call(abi, nr);
	if (!call)
		return action_lets_through(policy->default_action);
	return call->n_clauses || action_lets_through(call->action);
}

static int check_unsupervised(const char *name, const struct policy *policy, struct err *e)
{
	const struct used used = actions_of(policy);

	if (!used_has(&used, SECCOMP_RET_USER_NOTIF))
		return 0;
	return err_set(e, EPERM,
		"%s: SCMP_ACT_NOTIFY needs a supervisor that answers, and there is none; choose "
		"another action",
		name);
}

int enforced_can_hold(
	const char *path, const struct enforced *enforced, const struct notice *to, struct err *e)
{
	const struct policy *policy = &enforced->policy;
	const struct used used = actions_of(policy);
	const char *name = display_name(path);

	if (!policy_abi(policy, abi_native()))
		return err_set(e, EPERM,
			"%s: $.architectures: programs of this machine are %s, which is not "
			"listed; add it",
			name, abi_native()->oci);
	if (check_unsupervised(name, policy, e))
		return -e->code;
	if (used_has(&used, SECCOMP_RET_TRACE))
		notice_tell(to,
			"%s: SCMP_ACT_TRACE: without a tracer such a call fails with ENOSYS", name);
	return 0;
}

int enforced_can_start(const char *path, const struct enforced *enforced, struct err *e)
{
	const struct abi_policy *abi = policy_abi(&enforced->policy, abi_native());

	if (abi && may_exec(&enforced->policy, abi))
		return 0;
	return err_set(e, EPERM,
		"%s: execve is not allowed, so no command can start under it; add it to a rule "
		"with "
		"SCMP_ACT_ALLOW, or load the filter behind it (--at exec, --at main)",
		display_name(path));
}

int enforced_supervise(const char *path, struct enforced *enforced, struct err *e)
{
	scoped(policy_done) struct policy supervised = {0};
	struct filter filter = {0};
	const char *name = display_name(path);

	if (check_unsupervised(name, &enforced->policy, e) ||
		policy_supervised(&enforced->policy, &supervised, e) ||
		compile(name, &supervised, &filter, e))
		return -e->code;
	filter_done(&enforced->filter);
	enforced->filter = filter;
	return 0;
}
