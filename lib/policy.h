/*
 * policy.h: what a profile means: for every ABI and number, either one action or a list of
 * conditional ones.  The rules are those of docs/semantics.md.
 *
 * This is the one reading of a profile in the house: the compiler compiles it, the checks and
 * the prover hold programs against it.  policy_verdict() is as naive as it can be on purpose.
 */
#ifndef SYSCLAMP_POLICY_H
#define SYSCLAMP_POLICY_H

#include <linux/seccomp.h>
#include <stddef.h>
#include <stdint.h>

#include "err.h"
#include "profile.h"

/* A conjunction: all of @conds must hold.  Each index occurs once at most. */
struct clause {
	action_t action;
	size_t rule; /* index into profile.rules of the rule that says so */
	uint8_t n_conds; /* 1...6 */
	struct condition conds[SYSCALL_ARGS];
};

/* A number for which the profile says something other than the default. */
struct call_policy {
	uint32_t nr;
	action_t action; /* if n_clauses is 0 */
	size_t rule; /* index into profile.rules, if n_clauses is 0 */
	size_t first_clause, n_clauses; /* into abi_policy.clauses: any match, else the default */
};

struct abi_policy {
	const struct abi *abi;
	struct call_policy *calls; /* sorted by nr */
	size_t n_calls;
	struct clause *clauses;
	size_t n_clauses;
};

struct policy {
	action_t default_action;
	struct abi_policy *abis; /* in the order of the profile */
	size_t n_abis;
};

/**
 * Resolve @profile.
 *
 * Errors (-EINVAL): two conditional rules of one call that can both match and say different things;
 * a rule stricter than the default with a name unknown here.  A name unknown in a rule that allows
 * is told to @to.
 *
 * @name: of the file, for errors.
 */
int policy_resolve(const char *name, const struct profile *profile, struct policy *out,
	const struct notice *to, struct err *e);
void policy_done(struct policy *policy);

/** The ABI's part of a policy, or NULL if the profile does not list it. */
const struct abi_policy *policy_abi(const struct policy *policy, const struct abi *abi);

/** What the ABI's policy says about a number, or NULL: the default. */
const struct call_policy *abi_policy_call(const struct abi_policy *abi, uint32_t nr);

/** Whether a condition holds for an argument. */
bool condition_holds(const struct condition *cond, uint64_t arg);

/**
 * The action for one call, rule by rule.
 *
 * @out_call: what decided it, NULL if the default (or an unlisted ABI) did; may itself be NULL.
 */
action_t policy_verdict(const struct policy *policy, const struct seccomp_data *call,
	const struct call_policy **out_call);

#endif
