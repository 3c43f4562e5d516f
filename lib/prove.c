#include "prove.h"

#include <errno.h>
#include <inttypes.h>
#include <linux/audit.h>
#include <stdlib.h>
#include <string.h>

#include "prove_policy.h"
#include "prove_walk.h"
#include "scope.h"

struct question {
	const struct policy *policy; /* what the programs are held against: this, */
	const struct filter *one; /* or this program */
	bool big_endian;
	uint32_t answer; /* that of the programs to the calls at hand */
	struct prove_witness witness;
};

/* The one program's answer to calls that the others have answered. */
static enum box_answer compare(
	void *ctx, struct box *box, uint32_t returned, struct prove_budget *budget)
{
	struct question *q = ctx;

	return action_effective(returned) == action_effective(q->answer)
		       ? BOX_EMPTY
		       : box_member(box, budget, q->witness.values);
}

static enum box_answer judge(
	struct question *q, struct box *box, uint32_t answer, struct prove_budget *budget)
{
	if (q->policy)
		return policy_differs(q->policy, box, answer, q->big_endian, budget, &q->witness);
	q->answer = answer;
	return program_walk(q->one, box, q->big_endian, budget, compare, q);
}

/* The programs still to be walked with the calls that those before answered alike. */
struct stack {
	struct question *question;
	const struct filter *filters;
	size_t n;
	uint32_t answer; /* of those before */
};

/* kernel/seccomp.c: seccomp_run_filters(), which compares the actions as signed numbers. */
static uint32_t stricter(uint32_t first, uint32_t second)
{
	return (int32_t)(second & SECCOMP_RET_ACTION_FULL) <
			       (int32_t)(first & SECCOMP_RET_ACTION_FULL)
		       ? second
		       : first;
}

static enum box_answer walk_next(
	void *ctx, struct box *box, uint32_t returned, struct prove_budget *budget)
{
	const struct stack *above = ctx;
	struct question *q = above->question;
	struct stack rest = {
		.question = q,
		.filters = above->filters + 1,
		.n = above->n - 1,
		.answer = stricter(above->answer, returned),
	};

	if (rest.n == 0)
		return judge(q, box, rest.answer, budget);
	return program_walk(rest.filters, box, q->big_endian, budget, walk_next, &rest);
}

uint32_t filters_run(const struct filter *filters, size_t n, const struct seccomp_data *call)
{
	uint32_t answer = SECCOMP_RET_ALLOW;

	for (size_t i = 0; i < n; i++)
		answer = stricter(answer, filter_run(&filters[i], call));
	return answer;
}

static struct seccomp_data call_of(const struct prove_witness *witness)
{
	const uint32_t *v = witness->values;
	struct seccomp_data call = {
		.nr = (int)v[WORD_NR],
		.arch = v[WORD_ARCH],
		.instruction_pointer = (uint64_t)v[WORD_IP_HIGH] << 32 | v[WORD_IP_LOW],
	};

	for (unsigned i = 0; i < SYSCALL_ARGS; i++)
		call.args[i] = (uint64_t)v[WORD_ARGS + 2 * i + 1] << 32 | v[WORD_ARGS + 2 * i];
	return call;
}

/* A counterexample counts only if evaluation agrees that it is one. */
static void confirm(
	const struct filter *filters, size_t n, const struct question *q, struct proof *proof)
{
	proof->call = call_of(&q->witness);
	proof->got = filters_run(filters, n, &proof->call);
	if (q->policy) {
		proof->wanted = policy_verdict(q->policy, &proof->call, &proof->rule);
	} else {
		proof->wanted = action_effective(proof->got);
		proof->got = filter_run(q->one, &proof->call);
	}
	proof->verdict = action_effective(proof->got) != action_effective(proof->wanted)
				 ? PROOF_DIFFERENT
				 : PROOF_UNDECIDED;
}

/*
 * The calls that a machine of a byte order can make: the kernel marks the ABIs of little-endian
 * ones in their token (linux/audit.h: __AUDIT_ARCH_LE).
 */
static struct box calls_of_order(bool big_endian)
{
	struct box box = box_all(32);

	(void)word_meet_bits(
		&box.words[WORD_ARCH], __AUDIT_ARCH_LE, big_endian ? 0 : __AUDIT_ARCH_LE);
	return box;
}

static int validate_all(const struct filter *filters, size_t n, size_t n_max, struct err *e)
{
	if (n > n_max)
		return err_set(e, E2BIG, "%zu filters; no more than %zu can be looked at together",
			n, n_max);
	for (size_t i = 0; i < n; i++) {
		if (filter_validate(&filters[i], e))
			return -e->code;
	}
	return 0;
}

/* @asked: what the programs are held against. */
static void prove(
	const struct filter *filters, size_t n, const struct question *asked, struct proof *out)
{
	static const enum proof_verdict verdicts[] = {
		[BOX_EMPTY] = PROOF_EQUAL,
		[BOX_FOUND] = PROOF_DIFFERENT,
		[BOX_SPENT] = PROOF_UNDECIDED,
	};
	scoped(prove_budget_done) struct prove_budget budget = {.steps = PROVE_STEPS, .width = 32};
	struct proof proof = {.verdict = PROOF_EQUAL};

	/* A machine has one byte order, so a program that may be loaded on both is two questions.
	 */
	for (int big_endian = 0; big_endian <= 1 && proof.verdict == PROOF_EQUAL; big_endian++) {
		struct question q = *asked;
		struct stack all = {&q, filters, n, SECCOMP_RET_ALLOW};
		const struct box start = calls_of_order(big_endian);

		q.big_endian = big_endian;
		proof.verdict = verdicts[program_walk(
			filters, &start, big_endian, &budget, walk_next, &all)];
		if (proof.verdict == PROOF_DIFFERENT)
			confirm(filters, n, &q, &proof);
	}
	/* Nothing rests on a search that ran out, wherever it did. */
	if (proof.verdict == PROOF_EQUAL && budget.steps == 0)
		proof.verdict = PROOF_UNDECIDED;
	proof.steps = PROVE_STEPS - budget.steps;
	*out = proof;
}

int filters_prove(const struct filter *filters, size_t n, const struct policy *policy,
	struct proof *out, struct err *e)
{
	const struct question question = {.policy = policy};

	if (validate_all(filters, n, PROVE_FILTERS_MAX, e))
		return -e->code;
	prove(filters, n, &question, out);
	return 0;
}

int filters_prove_alike(const struct filter *filters, size_t n, const struct filter *one,
	struct proof *out, struct err *e)
{
	const struct question question = {.one = one};

	if (validate_all(filters, n, PROVE_FILTERS_MAX - 1, e) || filter_validate(one, e))
		return -e->code;
	prove(filters, n, &question, out);
	return 0;
}

int filter_within(
	const struct filter *inner, const struct filter *outer, struct proof *out, struct err *e)
{
	const struct filter both[] = {*inner, *outer};

	return filters_prove_alike(both, ARRAY_LEN(both), inner, out, e);
}

int filter_prove(
	const struct filter *filter, const struct policy *policy, struct proof *out, struct err *e)
{
	return filters_prove(filter, 1, policy, out, e);
}

const char *proof_print(const struct proof *proof, char *buf, size_t size)
{
	const struct abi *abi = abi_of_call(proof->call.arch, (uint32_t)proof->call.nr);
	char name[SYSCALL_NAME_MAX], got[64], wanted[64];
	const __u64 *a = proof->call.args;

	if (!abi || !syscall_name(abi, (uint32_t)proof->call.nr, name))
		(void)snprintf(name, sizeof(name), "%" PRId32, proof->call.nr);
	(void)snprintf(buf, size,
		"%s %s(%#llx, %#llx, %#llx, %#llx, %#llx, %#llx): the program answers %s, "
		"the rules say %s",
		abi ? abi->name : "unknown ABI", name, a[0], a[1], a[2], a[3], a[4], a[5],
		action_print(action_effective(proof->got), got, sizeof(got)),
		action_print(proof->wanted, wanted, sizeof(wanted)));
	return buf;
}

enum { WHOSE_MAX = SYSCALL_NAME_MAX + 32 };

/* Whose conditions are the many ones; @policy may be NULL. */
static const char *print_busiest(const struct policy *policy, char buf[WHOSE_MAX])
{
	char name[SYSCALL_NAME_MAX];
	size_t most = 0;

	strcpy(buf, "the call that has most of them");
	for (size_t i = 0; policy && i < policy->n_abis; i++) {
		const struct abi_policy *abi = &policy->abis[i];

		for (size_t j = 0; j < abi->n_calls; j++) {
			const struct call_policy *call = &abi->calls[j];

			if (call->n_clauses <= most || !syscall_name(abi->abi, call->nr, name))
				continue;
			most = call->n_clauses;
			strcpy(buf, name);
		}
	}
	return buf;
}

/* @proof: of a filter that may be loaded if it is equal to @what. */
static int must_be_equal(
	const struct proof *proof, const struct policy *policy, const char *what, struct err *e)
{
	char text[ERR_TEXT_MAX / 2], whose[WHOSE_MAX];

	switch (proof->verdict) {
	case PROOF_EQUAL:
		return 0;
	case PROOF_DIFFERENT:
		return err_set(e, EPERM, "the filter does not say what %s: %s", what,
			proof_print(proof, text, sizeof(text)));
	default:
		return err_set(e, E2BIG,
			"the filter could not be proven to say what %s within the budget; split "
			"or simplify the conditions of %s",
			what, print_busiest(policy, whose));
	}
}

int filters_must_equal(
	const struct filter *filters, size_t n, const struct policy *policy, struct err *e)
{
	struct proof proof;

	if (filters_prove(filters, n, policy, &proof, e))
		return -e->code;
	return must_be_equal(&proof, policy, "the rules say", e);
}

int filter_must_equal(const struct filter *filter, const struct policy *policy, struct err *e)
{
	return filters_must_equal(filter, 1, policy, e);
}

int filter_must_equal_all(
	const struct filter *filter, const struct filter *filters, size_t n, struct err *e)
{
	struct proof proof;

	if (filters_prove_alike(filters, n, filter, &proof, e))
		return -e->code;
	return must_be_equal(&proof, NULL, "the profiles say together", e);
}
