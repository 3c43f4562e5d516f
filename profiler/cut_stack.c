#include "cut.h"

#include <errno.h>
#include <linux/seccomp.h>
#include <stdlib.h>
#include <string.h>

#include "merge.h"
#include "scope.h"

bool cut_lists_abi(const struct profile *profile, const struct abi *abi)
{
	if (profile->n_abis == 0)
		return abi == abi_native();
	for (size_t i = 0; i < profile->n_abis; i++) {
		if (profile->abis[i] == abi)
			return true;
	}
	return false;
}

/* Make @profile list the ABIs of both. */
static int list_both(struct profile *profile, const struct profile *other, struct err *e)
{
	size_t len, n = 0;
	const struct abi *table = abi_table(&len);
	const struct abi **abis = calloc(len, sizeof(*abis));

	if (!abis)
		return err_nomem(e);
	for (size_t i = 0; i < len; i++) {
		if (cut_lists_abi(profile, &table[i]) || cut_lists_abi(other, &table[i]))
			abis[n++] = &table[i];
	}
	free(profile->abis);
	profile->abis = abis;
	profile->n_abis = n;
	return 0;
}

static int check_base(const struct cut *cut, const struct named_profile *base, struct err *e)
{
	const struct abi *abi = cut->profile.abis[0];
	const struct abi *other = base->profile.n_abis ? base->profile.abis[0] : abi_native();

	if (base->profile.default_action == SECCOMP_RET_ALLOW)
		return err_set(e, EINVAL,
			"%s: its default action is SCMP_ACT_ALLOW, so that what is added would "
			"only "
			"undo what it denies; take a base that denies by default",
			base->name);
	if (abi->big_endian != other->big_endian)
		return err_set(e, EINVAL,
			"%s: is for %s, the recording for %s, and no engine takes a profile of "
			"both byte orders",
			base->name, other->name, abi->name);
	return 0;
}

/* The names that a profile allows, be it under conditions. */
static int add_allowed(struct cut *cut, const struct profile *base, struct err *e)
{
	for (size_t i = 0; i < base->n_rules; i++) {
		const struct rule *rule = &base->rules[i];

		for (size_t n = 0; n < rule->n_names && rule->action == SECCOMP_RET_ALLOW; n++) {
			if (allowed_add(&cut->allowed, rule->names[n], BY_PROFILE, e))
				return -e->code;
		}
	}
	return 0;
}

/*
 * What the base says stays, but for what the cut allows: so the cut must say less than any rule of
 * the base wherever it does not allow, which is what the strictest default does in a union.
 */
static int unite(struct cut *cut, struct named_profile *base, struct err *e)
{
	struct named_profile both[2] = {*base, {cut->name, cut->profile}};
	struct profile united = {0};

	both[1].profile.default_action = SECCOMP_RET_KILL_PROCESS;
	both[1].profile.flags = base->profile.flags;
	if (profile_merge(PROFILE_UNION, both, ARRAY_LEN(both), &united, cut->to, e))
		return -e->code;
	profile_done(&cut->profile);
	cut->profile = united;
	return 0;
}

int cut_stack(struct cut *cut, struct err *e)
{
	struct named_profile base = {0};
	const struct named_profile *given = cut->options->base;
	int code;

	if (!given)
		return 0;
	if (check_base(cut, given, e) ||
		profile_merge(PROFILE_UNION, given, 1, &base.profile, NULL, e))
		return -e->code;
	base.name = given->name;
	code = list_both(&cut->profile, &base.profile, e);
	if (!code)
		code = list_both(&base.profile, &cut->profile, e);
	if (!code)
		code = unite(cut, &base, e);
	if (!code)
		code = add_allowed(cut, &base.profile, e);
	profile_done(&base.profile);
	return code;
}
