#include "prove.h"

#include <errno.h>
#include <inttypes.h>
#include <linux/audit.h>
#include <stdlib.h>

#include "prove_policy.h"
#include "prove_walk.h"
#include "scope.h"

struct question {
	const struct policy *policy;
	bool big_endian;
	struct prove_witness witness;
};

static enum box_answer judge(
	void *ctx, struct box *box, uint32_t returned, struct prove_budget *budget)
{
	struct question *q = ctx;

	return policy_differs(q->policy, box, returned, q->big_endian, budget, &q->witness);
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
	proof->wanted = policy_verdict(q->policy, &proof->call, &proof->rule);
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

static int validate_all(const struct filter *filters, size_t n, struct err *e)
{
	if (n > PROVE_FILTERS_MAX)
		return err_set(e, E2BIG, "%zu filters; no more than %d can be looked at together",
			n, PROVE_FILTERS_MAX);
	for (size_t i = 0; i < n; i++) {
		if (filter_validate(&filters[i], e))
			return -e->code;
	}
	return 0;
}

int filters_prove(const struct filter *filters, size_t n, const struct policy *policy,
	struct proof *out, struct err *e)
{
	static const enum proof_verdict verdicts[] = {
		[BOX_EMPTY] = PROOF_EQUAL,
		[BOX_FOUND] = PROOF_DIFFERENT,
		[BOX_SPENT] = PROOF_UNDECIDED,
	};
	scoped(prove_budget_done) struct prove_budget budget = {.steps = PROVE_STEPS, .width = 32};
	struct proof proof = {.verdict = PROOF_EQUAL};

	if (validate_all(filters, n, e))
		return -e->code;
	/* A machine has one byte order, so a program that may be loaded on both is two questions.
	 */
	for (int big_endian = 0; big_endian <= 1 && proof.verdict == PROOF_EQUAL; big_endian++) {
		struct question q = {.policy = policy, .big_endian = big_endian};
		struct stack all = {&q, filters, n, SECCOMP_RET_ALLOW};
		const struct box start = calls_of_order(big_endian);

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
	return 0;
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

int filter_must_equal(const struct filter *filter, const struct policy *policy, struct err *e)
{
	char text[ERR_TEXT_MAX / 2];
	struct proof proof;

	if (filter_prove(filter, policy, &proof, e))
		return -e->code;
	switch (proof.verdict) {
	case PROOF_EQUAL:
		return 0;
	case PROOF_DIFFERENT:
		return err_set(e, EPERM, "the filter does not say what the rules say: %s",
			proof_print(&proof, text, sizeof(text)));
	default:
		return err_set(e, E2BIG,
			"the filter could not be proven equal to the rules within the budget; "
			"split "
			"or simplify the conditions of the call that has most of them");
	}
}
