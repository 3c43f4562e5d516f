/*
 * same_profile.h: whether two profiles are the same, field by field.
 */
#ifndef SYSCLAMP_SAME_PROFILE_H
#define SYSCLAMP_SAME_PROFILE_H

#include <stdbool.h>
#include <string.h>

#include "profile.h"

static inline bool same_text(const char *a, const char *b)
{
	return a && b ? !strcmp(a, b) : a == b;
}

static inline bool same_condition(const struct condition *a, const struct condition *b)
{
	return a->index == b->index && a->op == b->op && a->value == b->value &&
	       a->value_two == b->value_two;
}

static inline bool same_rule(const struct rule *a, const struct rule *b)
{
	bool same = a->n_names == b->n_names && a->action == b->action && a->n_conds == b->n_conds;

	for (size_t i = 0; same && i < a->n_names; i++)
		same = !strcmp(a->names[i], b->names[i]);
	for (size_t i = 0; same && i < a->n_conds; i++)
		same = same_condition(&a->conds[i], &b->conds[i]);
	return same;
}

static inline bool same_profile(const struct profile *a, const struct profile *b)
{
	bool same = a->default_action == b->default_action && a->n_abis == b->n_abis &&
		    a->n_rules == b->n_rules && a->flags == b->flags &&
		    same_text(a->listener_path, b->listener_path) &&
		    same_text(a->listener_metadata, b->listener_metadata);

	for (size_t i = 0; same && i < a->n_abis; i++)
		same = a->abis[i] == b->abis[i];
	for (size_t i = 0; same && i < a->n_rules; i++)
		same = same_rule(&a->rules[i], &b->rules[i]);
	return same;
}

#endif
