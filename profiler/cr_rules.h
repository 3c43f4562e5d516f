/*
 * cr_rules.h: the rules of a SeccompProfile.  Internal to emit_seccompprofile.c, whose head says
 * what such a profile can say.
 */
#ifndef SYSCLAMP_CR_RULES_H
#define SYSCLAMP_CR_RULES_H

#include "by_name.h"
#include "emit_parts.h"

/**
 * Rules that mean under a default without an errno of its own what @names means.
 *
 * @out_default: that default.
 * @out_rules: @out_n of them, heap, as of struct profile.
 * Errors: -EINVAL for what cannot be said; -ENOMEM.
 */
int cr_rules(const struct by_name *names, const struct emit_context *ctx, action_t *out_default,
	struct rule **out_rules, size_t *out_n, struct err *e);

#endif
