#include "cut.h"

#include <linux/seccomp.h>
#include <stdlib.h>
#include <string.h>

/* A new rule at the end that allows, so far nothing; NULL without memory. */
static struct rule *new_rule(struct profile *profile)
{
	struct rule *grown = reallocarray(profile->rules, profile->n_rules + 1, sizeof(*grown));

	if (!grown)
		return NULL;
	profile->rules = grown;
	grown += profile->n_rules++;
	*grown = (struct rule){.action = SECCOMP_RET_ALLOW};
	return grown;
}

static int add_name(struct rule *rule, const char *name, struct err *e)
{
	char **grown = reallocarray(rule->names, rule->n_names + 1, sizeof(*grown));

	if (!grown)
		return err_nomem(e);
	rule->names = grown;
	grown[rule->n_names] = strdup(name);
	if (!grown[rule->n_names])
		return err_nomem(e);
	rule->n_names++;
	return 0;
}

/* One rule that allows all names that are not pinned. */
static int write_plain(struct cut *cut, struct err *e)
{
	const struct allowed *allowed = &cut->allowed;
	struct rule *rule = NULL;

	for (size_t i = 0; i < allowed->n_names; i++) {
		if (allowed->names[i].n_pins > 0)
			continue;
		if (!rule)
			rule = new_rule(&cut->profile);
		if (!rule)
			return err_nomem(e);
		if (add_name(rule, allowed->names[i].name, e))
			return -e->code;
	}
	return 0;
}

/* The rule of just these conditions, made on first use; NULL without memory. */
static struct rule *rule_of_pin(struct profile *profile, const struct pin *pin)
{
	struct rule *rule;

	for (size_t i = 0; i < profile->n_rules; i++) {
		rule = &profile->rules[i];
		if (conditions_equal(rule->conds, rule->n_conds, pin->conds, pin->n_conds))
			return rule;
	}
	rule = new_rule(profile);
	if (!rule)
		return NULL;
	rule->conds = calloc(pin->n_conds, sizeof(*rule->conds));
	if (!rule->conds)
		return NULL;
	memcpy(rule->conds, pin->conds, pin->n_conds * sizeof(*rule->conds));
	rule->n_conds = pin->n_conds;
	return rule;
}

/* Any of a name's pins lets it pass: each is a rule of its own. */
static int write_pinned(struct cut *cut, const struct allowed_name *name, struct err *e)
{
	for (size_t i = 0; i < name->n_pins; i++) {
		struct rule *rule = rule_of_pin(&cut->profile, &name->pins[i]);

		if (!rule)
			return err_nomem(e);
		if (add_name(rule, name->name, e))
			return -e->code;
	}
	return 0;
}

int cut_write_rules(struct cut *cut, struct err *e)
{
	if (write_plain(cut, e))
		return -e->code;
	for (size_t i = 0; i < cut->allowed.n_names; i++) {
		if (write_pinned(cut, &cut->allowed.names[i], e))
			return -e->code;
	}
	return 0;
}
