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

/*
 * Clauses of one ABI.  A program has at most 4096 instructions (BPF_MAXINSNS) and a clause takes
 * one at the least, so more could not be loaded anyway; it bounds the time that pairs of them take.
 */
enum { POLICY_CLAUSES_MAX = 4096 };

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
	uint32_t rule; /* index into profile.rules, if n_clauses is 0 */
	uint32_t first_clause, n_clauses; /* into abi_policy.clauses: any match, else the default */
};

struct abi_policy {
	const struct abi *abi;
	struct call_policy *calls; /* sorted by nr */
	size_t n_calls;
	struct clause *clauses;
	size_t n_clauses;
};

/*
 * What a policy says that no profile can, everywhere at once.  policy_verdict() and the prover
 * honour it.  The first two are libseccomp's ways to read the same rules, docs/semantics.md §3 and
 * §4, so that a program of such an origin can be held against what its maker means; nothing is
 * compiled from such a policy.  The third is of policy_supervised(), and compiled.
 */
enum {
	POLICY_UNLISTED_THREAD = 1, /* ABIs that are not listed: KILL_THREAD */
	POLICY_NEGATIVE_ANY = 2, /* nothing is said of negative numbers: the prover skips them */
	POLICY_UNLISTED_NOTIFY = 4, /* ABIs that are not listed: NOTIFY */
};

struct policy {
	action_t default_action;
	struct abi_policy *abis; /* in the order of the profile */
	size_t n_abis;
	uint32_t deviations; /* POLICY_*, 0 from policy_resolve() */
};

/**
 * Resolve @profile.
 *
 * Errors (-EINVAL): two conditional rules of one call that can both match and say different things;
 * a rule stricter than the default with a name that no ABI has.  Such a name in any other rule is
 * told to @to.  -E2BIG: more than POLICY_CLAUSES_MAX clauses for one ABI.  -ENOMEM.
 *
 * @name: of the file, for errors.
 * @out: to be released with policy_done(); does not refer to @profile.
 */
int policy_resolve(const char *name, const struct profile *profile, struct policy *out,
	const struct notice *to, struct err *e);

/**
 * The policy of a filter under a supervisor: what @policy does not let through is asked about
 * (SECCOMP_RET_USER_NOTIF), calls of ABIs that are not listed included; all the rest is as it was,
 * so the supervisor only hears of what would be denied.
 *
 * @out: to be released with policy_done(); does not refer to @policy.
 * Errors: -ENOMEM.
 */
int policy_supervised(const struct policy *policy, struct policy *out, struct err *e);

/** Release what @policy owns; NULL and a half-built one are fine. */
void policy_done(struct policy *policy);

/** The ABI's part of a policy, or NULL if the profile does not list it. */
const struct abi_policy *policy_abi(const struct policy *policy, const struct abi *abi);

/** What the ABI's policy says about a number, or NULL: the default. */
const struct call_policy *abi_policy_call(const struct abi_policy *abi, uint32_t nr);

/** What calls of an ABI that is not listed get. */
action_t policy_unlisted(const struct policy *policy);

/** Whether a rule has two conditions on one argument, so that each is a rule of its own. */
bool rule_repeats_an_index(const struct rule *rule);

/** Whether a condition holds for an argument. */
bool condition_holds(const struct condition *cond, uint64_t arg);

/** Whether all conditions of a clause hold for a call. */
bool clause_holds(const struct clause *clause, const struct seccomp_data *call);

/**
 * The action for one call, rule by rule.
 *
 * A negative number (bit 31) is a call of no ABI: the default if any listed ABI has the token, else
 * KILL_PROCESS.
 *
 * @call: as the kernel reports it: under a 32-bit ABI only the low halves of the arguments count.
 * @out_call: what decided it, NULL if the default (or an unlisted ABI) did; may itself be NULL.
 */
action_t policy_verdict(const struct policy *policy, const struct seccomp_data *call,
	const struct call_policy **out_call);

#endif
