#include <errno.h>
#include <seccomp.h>
#include <stdlib.h>

#include "carried.h"
#include "scope.h"
#include "verify_parts.h"

/* A profile made from another: rules of its own, names borrowed from the other. */
struct rewrite {
	struct profile profile;
	size_t room; /* for rules */
	unsigned known;
};

static void rewrite_done(struct rewrite *rw)
{
	for (size_t i = 0; i < rw->profile.n_rules; i++) {
		free(rw->profile.rules[i].names);
		free(rw->profile.rules[i].conds);
	}
	free(rw->profile.rules);
	free(rw->profile.abis);
}

void reading_done(struct reading *reading)
{
	policy_done(&reading->policy);
}

int reading_as_written(const struct verify_subject *subject, struct reading *out, struct err *e)
{
	struct reading reading = {0};

	if (policy_resolve(subject->path, subject->profile, &reading.policy, subject->to, e))
		return -e->code;
	*out = reading;
	return 0;
}

/* An empty rule with room for @n_names and @n_conds; NULL without memory. */
static struct rule *rewrite_push(
	struct rewrite *rw, action_t action, size_t n_names, size_t n_conds)
{
	struct profile *profile = &rw->profile;
	struct rule *rule;

	if (profile->n_rules == rw->room) {
		size_t room = rw->room ? 2 * rw->room : 64;
		struct rule *rules = reallocarray(profile->rules, room, sizeof(*rules));

		if (!rules)
			return NULL;
		profile->rules = rules;
		rw->room = room;
	}
	rule = &profile->rules[profile->n_rules++];
	*rule = (struct rule){
		.action = action,
		.names = calloc(n_names + 1, sizeof(*rule->names)),
		.conds = calloc(n_conds + 1, sizeof(*rule->conds)),
	};
	return rule->names && rule->conds ? rule : NULL;
}

/*
 * A name that this libseccomp lacks, with which runc skips the rule.  Skipping a rule that is
 * stricter than the default is not granted: what it denies would pass.
 */
static bool is_skipped(const struct rewrite *rw, const struct rule *rule, const char *name)
{
	return seccomp_syscall_resolve_name(name) == __NR_SCMP_ERROR &&
	       !action_is_stricter(rule->action, rw->profile.default_action);
}

static int copy_rule(struct rewrite *rw, const struct rule *rule, struct err *e)
{
	struct rule *copy = rewrite_push(rw, rule->action, rule->n_names, rule->n_conds);
	uint32_t nr;

	if (!copy)
		return err_nomem(e);
	for (; copy->n_conds < rule->n_conds; copy->n_conds++)
		copy->conds[copy->n_conds] = rule->conds[copy->n_conds];
	for (size_t i = 0; i < rule->n_names; i++) {
		if (!is_skipped(rw, rule, rule->names[i]))
			copy->names[copy->n_names++] = rule->names[i];
		else if (syscall_number(abi_native(), rule->names[i], &nr) != -ENOENT &&
			 rule->action != rw->profile.default_action)
			rw->known |= KNOWN_UNKNOWN_NAMES;
	}
	return 0;
}

/* "carrier(number)", and of @conds those that are not on argument 0. */
static int push_carried(struct rewrite *rw, const struct rule *rule, const struct carried *row,
	const struct condition *conds, size_t n_conds, struct err *e)
{
	struct rule *made = rewrite_push(rw, rule->action, 1, n_conds + 1);

	if (!made)
		return err_nomem(e);
	made->names[made->n_names++] = (char *)(uintptr_t)row->carrier;
	made->conds[made->n_conds++] = (struct condition){
		.index = 0, .op = OP_EQ, .value = row->number};
	for (size_t i = 0; i < n_conds; i++) {
		if (conds[i].index != 0)
			made->conds[made->n_conds++] = conds[i];
	}
	rw->known |= KNOWN_MULTIPLEXED_CALLS;
	return 0;
}

static int carry_rule(
	struct rewrite *rw, const struct rule *rule, const struct carried *row, struct err *e)
{
	if (!rule_repeats_an_index(rule))
		return push_carried(rw, rule, row, rule->conds, rule->n_conds, e);
	for (size_t i = 0; i < rule->n_conds; i++) {
		if (push_carried(rw, rule, row, &rule->conds[i], 1, e))
			return -e->code;
	}
	return 0;
}

/* All rules of one call, or the one without conditions that beats them. */
static int carry_call(
	struct rewrite *rw, const struct profile *profile, const struct carried *row, struct err *e)
{
	size_t unconditional = profile->n_rules;

	for (size_t i = profile->n_rules; i-- > 0;) {
		const struct rule *rule = &profile->rules[i];

		if (rule->n_conds == 0 && rule->action != profile->default_action &&
			rule_names(rule, row->name))
			unconditional = i;
	}
	for (size_t i = 0; i < profile->n_rules; i++) {
		const struct rule *rule = &profile->rules[i];
		bool speaks = rule->action != profile->default_action &&
			      rule_names(rule, row->name);

		if (speaks && (unconditional == profile->n_rules || i == unconditional) &&
			carry_rule(rw, rule, row, e))
			return -e->code;
	}
	return 0;
}

/* The profile's ABIs; libseccomp starts with the machine's own and only adds others. */
static int copy_abis(struct rewrite *rw, const struct profile *profile, struct err *e)
{
	bool has_native = profile->n_abis == 0;

	rw->profile.abis = calloc(profile->n_abis + 1, sizeof(*rw->profile.abis));
	if (!rw->profile.abis)
		return err_nomem(e);
	for (size_t i = 0; i < profile->n_abis; i++) {
		rw->profile.abis[rw->profile.n_abis++] = profile->abis[i];
		has_native |= profile->abis[i] == abi_native();
	}
	if (!has_native) {
		rw->profile.abis[rw->profile.n_abis++] = abi_native();
		rw->known |= KNOWN_NATIVE_ABI;
	}
	return 0;
}

/* Whether some listed ABI has socketcall. */
static bool has_carriers(const struct profile *profile)
{
	uint32_t nr;

	for (size_t i = 0; i < profile->n_abis; i++) {
		if (!syscall_number(profile->abis[i], "socketcall", &nr))
			return true;
	}
	return false;
}

static int rewrite_rules(struct rewrite *rw, const struct profile *profile, struct err *e)
{
	bool carries = has_carriers(&rw->profile);
	size_t n_carried;
	const struct carried *carried = carried_table(&n_carried);

	for (size_t i = 0; i < profile->n_rules; i++) {
		if (copy_rule(rw, &profile->rules[i], e))
			return -e->code;
	}
	for (size_t i = 0; carries && i < n_carried; i++) {
		if (carry_call(rw, profile, &carried[i], e))
			return -e->code;
	}
	return 0;
}

int reading_of_libseccomp(const struct verify_subject *subject, struct reading *out, struct err *e)
{
	scoped(rewrite_done) struct rewrite rw = {
		.profile.default_action = subject->profile->default_action,
		.known = KNOWN_UNLISTED_ABI | KNOWN_NEGATIVE_NUMBERS,
	};
	struct reading reading = {0};

	if (copy_abis(&rw, subject->profile, e) || rewrite_rules(&rw, subject->profile, e) ||
		policy_resolve(subject->path, &rw.profile, &reading.policy, NULL, e))
		return -e->code;
	reading.policy.deviations = POLICY_UNLISTED_THREAD | POLICY_NEGATIVE_ANY;
	reading.known = rw.known;
	*out = reading;
	return 0;
}
