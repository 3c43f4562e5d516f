#include "cr_rules.h"

#include <errno.h>
#include <inttypes.h>
#include <linux/seccomp.h>
#include <stdlib.h>
#include <string.h>

#include "scope.h"

struct cr {
	const struct by_name *names;
	const struct emit_context *ctx;
	action_t was, is; /* the default of the profile, and of the SeccompProfile */
	struct profile rules; /* nothing but rules */
	struct name_row conditional; /* calls whose other arguments get another errno */
	size_t n_expanded;
};

static void cr_done(struct cr *cr)
{
	profile_done(&cr->rules);
}

/* What the default becomes: ERRNO and TRACE without a number of their own say EPERM. */
static int set_default(struct cr *cr, struct err *e)
{
	cr->was = cr->is = cr->names->policy.default_action;
	if (!action_has_data(cr->was))
		return 0;
	cr->is = action_kind(cr->was) | EPERM;
	if (cr->is == cr->was || action_kind(cr->was) == SECCOMP_RET_ERRNO)
		return 0;
	return emit_refuse(cr->ctx, e,
		"$.defaultErrnoRet: a SeccompProfile has none, and for SCMP_ACT_TRACE nothing can "
		"stand for it");
}

static struct rule *new_rule(struct cr *cr, action_t action)
{
	struct profile *to = &cr->rules;
	struct rule *grown;

	if (!(to->n_rules & (to->n_rules - 1))) {
		grown = reallocarray(to->rules, to->n_rules ? 2 * to->n_rules : 1, sizeof(*grown));
		if (!grown)
			return NULL;
		to->rules = grown;
	}
	grown = &to->rules[to->n_rules++];
	*grown = (struct rule){.action = action};
	return grown;
}

/* The rule for calls that @action and @clause are said of, made if need be; NULL: no memory. */
static struct rule *rule_for(struct cr *cr, action_t action, const struct clause *clause)
{
	struct rule *rule;

	for (size_t i = 0; i < cr->rules.n_rules; i++) {
		rule = &cr->rules.rules[i];
		if (rule->action == action && conditions_equal(rule->conds, rule->n_conds,
						      clause->conds, clause->n_conds))
			return rule;
	}
	rule = new_rule(cr, action);
	if (!rule || clause->n_conds == 0)
		return rule;
	rule->conds = calloc(clause->n_conds, sizeof(*rule->conds));
	if (!rule->conds)
		return NULL;
	memcpy(rule->conds, clause->conds, clause->n_conds * sizeof(*rule->conds));
	rule->n_conds = clause->n_conds;
	return rule;
}

static int check_action(const struct cr *cr, const char *name, action_t action, struct err *e)
{
	if (!action_has_data(action) || action & SECCOMP_RET_DATA)
		return 0;
	return emit_refuse(cr->ctx, e,
		"%s: a SeccompProfile cannot say errnoRet 0: the operator drops it, and that means "
		"EPERM",
		name);
}

static int check_clause(
	const struct cr *cr, const char *name, const struct clause *clause, struct err *e)
{
	for (size_t i = 0; i < clause->n_conds; i++) {
		const struct condition *cond = &clause->conds[i];
		uint64_t value = cond->value > INT64_MAX ? cond->value : cond->value_two;

		if (value > INT64_MAX)
			return emit_refuse(cr->ctx, e,
				"%s: argument %u: a SeccompProfile cannot say %" PRIu64
				", its largest number is 2^63-1",
				name, cond->index, value);
	}
	return 0;
}

/* A name goes into a rule once, whatever number of clauses say the same of it. */
static int add_name(struct rule *rule, const char *name, struct err *e)
{
	char **names = rule->names;

	if (rule->n_names > 0 && !strcmp(names[rule->n_names - 1], name))
		return 0;
	if (!(rule->n_names & (rule->n_names - 1))) {
		names = reallocarray(names, rule->n_names ? 2 * rule->n_names : 1, sizeof(*names));
		if (!names)
			return err_nomem(e);
		rule->names = names;
	}
	names[rule->n_names] = strdup(name);
	if (!names[rule->n_names])
		return err_nomem(e);
	rule->n_names++;
	return 0;
}

static int say(struct cr *cr, const char *name, action_t action, const struct clause *clause,
	struct err *e)
{
	struct rule *rule;

	/* A rule that says the default is none, for every engine. */
	if (action == cr->is)
		return 0;
	if (check_action(cr, name, action, e) || check_clause(cr, name, clause, e))
		return -e->code;
	rule = rule_for(cr, action, clause);
	return rule ? add_name(rule, name, e) : err_nomem(e);
}

static int add_call(struct cr *cr, const struct named_call *call, struct err *e)
{
	static const struct clause always = {.n_conds = 0};

	if (call->n_clauses == 0) {
		cr->n_expanded += call->action == cr->was && cr->was != cr->is;
		return say(cr, call->name, call->action, &always, e);
	}
	if (cr->was != cr->is)
		name_row_add(&cr->conditional, call->name);
	for (size_t i = 0; i < call->n_clauses; i++) {
		if (say(cr, call->name, call->clauses[i].action, &call->clauses[i], e))
			return -e->code;
	}
	return 0;
}

static int tell_default(struct cr *cr, struct err *e)
{
	if (cr->was == cr->is)
		return 0;
	notice_tell(cr->ctx->to,
		"%s: a SeccompProfile has no defaultErrnoRet: %zu calls are denied by a rule of "
		"their own; numbers that have no name here get EPERM",
		cr->ctx->input, cr->n_expanded);
	return emit_lose_names(cr->ctx, &cr->conditional,
		"a SeccompProfile has no defaultErrnoRet: with arguments that no rule allows, "
		"these fail with EPERM (as all would with a default of EPERM)",
		e);
}

int cr_rules(const struct by_name *names, const struct emit_context *ctx, action_t *out_default,
	struct rule **out_rules, size_t *out_n, struct err *e)
{
	scoped(cr_done) struct cr cr = {.names = names, .ctx = ctx};

	if (set_default(&cr, e))
		return -e->code;
	for (size_t i = 0; i < names->n_calls; i++) {
		if (add_call(&cr, &names->calls[i], e))
			return -e->code;
	}
	if (tell_default(&cr, e))
		return -e->code;
	*out_default = cr.is;
	*out_rules = cr.rules.rules;
	*out_n = cr.rules.n_rules;
	cr.rules = (struct profile){0};
	return 0;
}
