#include <errno.h>
#include <linux/seccomp.h>
#include <stdlib.h>
#include <string.h>

#include "profiler.h"
#include "scope.h"

bool profile_names(const struct profile *profile, const char *name)
{
	for (size_t i = 0; i < profile->n_rules; i++) {
		if (rule_names(&profile->rules[i], name))
			return true;
	}
	return false;
}

/* An unconditional rule beats conditional ones, and of two the first counts. */
static bool profile_allows(const struct profile *profile, const char *name)
{
	for (size_t i = 0; i < profile->n_rules; i++) {
		const struct rule *rule = &profile->rules[i];

		if (rule->n_conds == 0 && rule_names(rule, name))
			return rule->action == SECCOMP_RET_ALLOW;
	}
	return false;
}

typedef bool (*takes_t)(const struct profile *profile, const char *name);

/* Take out of a rule the names that the other profile takes. */
static void rule_remove(struct rule *rule, const struct profile *other, takes_t takes)
{
	size_t kept = 0;

	for (size_t n = 0; n < rule->n_names; n++) {
		if (takes(other, rule->names[n]))
			free(rule->names[n]);
		else
			rule->names[kept++] = rule->names[n];
	}
	rule->n_names = kept;
}

static void rule_done(struct rule *rule)
{
	free(rule->names);
	free(rule->conds);
}

/* Rules without names are none. */
static void rules_remove(struct profile *profile, const struct profile *other, takes_t takes)
{
	size_t kept = 0;

	for (size_t i = 0; i < profile->n_rules; i++) {
		rule_remove(&profile->rules[i], other, takes);
		if (profile->rules[i].n_names > 0)
			profile->rules[kept++] = profile->rules[i];
		else
			rule_done(&profile->rules[i]);
	}
	profile->n_rules = kept;
}

static bool has_abi(const struct profile *profile, const struct abi *abi)
{
	for (size_t i = 0; i < profile->n_abis; i++) {
		if (profile->abis[i] == abi)
			return true;
	}
	return false;
}

/* None listed stands for the native one, which is in @with. */
static int abis_add(struct profile *base, const struct profile *with, struct err *e)
{
	const struct abi **grown = reallocarray(
		base->abis, base->n_abis + with->n_abis, sizeof(*grown));

	if (!grown)
		return err_nomem(e);
	base->abis = grown;
	for (size_t i = 0; i < with->n_abis; i++) {
		if (!has_abi(base, with->abis[i]))
			base->abis[base->n_abis++] = with->abis[i];
	}
	return 0;
}

static int rule_copy(const struct rule *from, struct rule *out, struct err *e)
{
	*out = (struct rule){.action = from->action};
	out->names = calloc(from->n_names, sizeof(*out->names));
	if (!out->names)
		return err_nomem(e);
	for (size_t n = 0; n < from->n_names; n++) {
		out->names[n] = strdup(from->names[n]);
		if (!out->names[n])
			return err_nomem(e);
		out->n_names++;
	}
	return 0;
}

static int rules_append(struct profile *base, const struct profile *with, struct err *e)
{
	struct rule *grown = reallocarray(
		base->rules, base->n_rules + with->n_rules, sizeof(*grown));

	if (!grown)
		return err_nomem(e);
	base->rules = grown;
	for (size_t i = 0; i < with->n_rules; i++) {
		/* Counted first: what is half a copy is released too. */
		if (rule_copy(&with->rules[i], &base->rules[base->n_rules++], e))
			return -e->code;
	}
	return 0;
}

int profile_extend(struct profile *base, const struct profile *with, struct err *e)
{
	rules_remove(base, with, profile_names);
	if (abis_add(base, with, e))
		return -e->code;
	/* A rule that says what the default says is none. */
	if (base->default_action == SECCOMP_RET_ALLOW)
		return 0;
	return rules_append(base, with, e);
}

void profile_beyond(struct profile *profile, const struct profile *base)
{
	rules_remove(profile, base, profile_allows);
}
