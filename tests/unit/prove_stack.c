/* Several programs that a task carries together, against one profile. */
#include <errno.h>
#include <linux/audit.h>
#include <sys/syscall.h>

#include "filter_test.h"
#include "prove.h"
#include "random_profile.h"

static bool parse(const char *text, struct profile *out)
{
	scoped_free char *copy = strdup(text);
	struct err e = {0};

	if (!profile_parse("test", copy, strlen(copy), out, NULL, &e))
		return true;
	printf("# %s\n", e.text);
	return false;
}

enum { STACKS = 400, STACK_MAX = 3, CALLS = 300 };

struct stack {
	struct filter filters[STACK_MAX];
	size_t n;
};

static void stack_done(struct stack *stack)
{
	for (size_t i = 0; i < stack->n; i++)
		filter_done(&stack->filters[i]);
}

/* Compiled from parts of one profile and random others, so that they say the same here and there.
 */
static bool random_stack(struct rng *rng, struct stack *stack)
{
	struct err e = {0};

	for (size_t n = 1 + rng_below(rng, STACK_MAX); stack->n < n; stack->n++) {
		scoped(profile_done) struct profile profile = {0};
		scoped(policy_done) struct policy policy = {0};

		random_profile(rng, RANDOM_X86_ONLY, &profile);
		if (policy_resolve("random", &profile, &policy, NULL, &e) ||
			filter_compile(&policy, &stack->filters[stack->n], &e))
			return false;
	}
	return true;
}

struct stack_totals {
	size_t equal, different, undecided, failed, wrong;
};

/* Any proof of equality must survive random calls; any counterexample must be one. */
static void try_stack(struct rng *rng, struct stack_totals *totals)
{
	scoped(profile_done) struct profile profile = {0};
	scoped(policy_done) struct policy policy = {0};
	scoped(stack_done) struct stack stack = {0};
	struct proof proof;
	struct err e = {0};

	random_profile(rng, RANDOM_X86_ONLY, &profile);
	if (!random_stack(rng, &stack) || policy_resolve("random", &profile, &policy, NULL, &e) ||
		filters_prove(stack.filters, stack.n, &policy, &proof, &e)) {
		totals->failed++;
		return;
	}
	totals->equal += proof.verdict == PROOF_EQUAL;
	totals->different += proof.verdict == PROOF_DIFFERENT;
	totals->undecided += proof.verdict == PROOF_UNDECIDED;
	if (proof.verdict == PROOF_DIFFERENT)
		totals->wrong += action_effective(
					 answer_of_all(stack.filters, stack.n, &proof.call)) ==
				 action_effective(policy_verdict(&policy, &proof.call, NULL));
	for (int i = 0; i < CALLS; i++) {
		struct seccomp_data call;

		random_call(rng, &profile, &call);
		totals->wrong += action_effective(answer_of_all(stack.filters, stack.n, &call)) !=
				 action_effective(filters_run(stack.filters, stack.n, &call));
	}
}

static void test_random_stacks(void)
{
	struct stack_totals totals = {0};
	struct rng rng = {18};

	for (int i = 0; i < STACKS; i++)
		try_stack(&rng, &totals);
	ok(totals.failed == 0 && totals.undecided == 0 && totals.wrong == 0,
		"random stacks: decided, and every counterexample is one");
	printf("# %zu equal, %zu different, %zu undecided, %zu failed, %zu wrong\n", totals.equal,
		totals.different, totals.undecided, totals.failed, totals.wrong);
}

/*
 * A profile taken apart: each program holds some of its rules and allows the rest, and default
 * ALLOW makes all of them together say the whole.
 */
static void split_rules(
	const struct profile *profile, size_t part, size_t parts, struct profile *out)
{
	*out = *profile;
	out->rules = calloc(profile->n_rules + 1, sizeof(*out->rules));
	out->n_rules = 0;
	for (size_t i = part; i < profile->n_rules; i += parts)
		out->rules[out->n_rules++] = profile->rules[i];
}

static const char PARTED[] =
	"{\"defaultAction\": \"SCMP_ACT_ALLOW\", \"architectures\": [\"SCMP_ARCH_X86_64\"], "
	"\"syscalls\": ["
	"{\"names\": [\"read\", \"close\"], \"action\": \"SCMP_ACT_ERRNO\", \"errnoRet\": 5},"
	"{\"names\": [\"ioctl\"], \"action\": \"SCMP_ACT_KILL_PROCESS\", \"args\": "
	"[{\"index\": 1, \"value\": 7, \"op\": \"SCMP_CMP_GT\"}]},"
	"{\"names\": [\"write\"], \"action\": \"SCMP_ACT_TRAP\"},"
	"{\"names\": [\"ioctl\"], \"action\": \"SCMP_ACT_KILL_PROCESS\", \"args\": "
	"[{\"index\": 2, \"value\": 15, \"valueTwo\": 8, \"op\": \"SCMP_CMP_MASKED_EQ\"}]}]}";

static struct proof prove_parts(const struct profile *whole, size_t parts, size_t used)
{
	scoped(policy_done) struct policy policy = {0};
	scoped(stack_done) struct stack stack = {0};
	struct proof proof = {.verdict = PROOF_UNDECIDED};
	struct err e = {0};

	for (size_t i = 0; i < used; i++) {
		scoped(policy_done) struct policy part_policy = {0};
		struct profile part;

		split_rules(whole, i, parts, &part);
		ok(!policy_resolve("part", &part, &part_policy, NULL, &e) &&
				!filter_compile(&part_policy, &stack.filters[stack.n++], &e),
			"part %zu of %zu compiles", i, parts);
		free(part.rules);
	}
	if (policy_resolve("whole", whole, &policy, NULL, &e) ||
		filters_prove(stack.filters, stack.n, &policy, &proof, &e))
		printf("# %s\n", e.text);
	return proof;
}

static void test_parts(void)
{
	scoped(profile_done) struct profile profile = {0};
	struct proof proof;

	if (!ok(parse(PARTED, &profile), "a profile to take apart"))
		return;
	ok(prove_parts(&profile, 2, 2).verdict == PROOF_EQUAL, "two halves say the whole");
	ok(prove_parts(&profile, 3, 3).verdict == PROOF_EQUAL, "three parts say the whole");
	proof = prove_parts(&profile, 3, 2);
	ok(proof.verdict == PROOF_DIFFERENT && proof.call.nr == SYS_write &&
			proof.got == SECCOMP_RET_ALLOW,
		"without the third: write is allowed");
	proof = prove_parts(&profile, 2, 1);
	ok(proof.verdict == PROOF_DIFFERENT, "one half alone does not");
}

/* The same with whole calls for parts, so that any profile can be taken apart. */
static void split_calls(
	const struct profile *profile, size_t part, size_t parts, struct profile *out)
{
	*out = *profile;
	out->rules = calloc(profile->n_rules + 1, sizeof(*out->rules));
	for (size_t i = 0; i < profile->n_rules; i++) {
		const struct rule *rule = &profile->rules[i];
		struct rule *copy = &out->rules[i];

		*copy = *rule;
		copy->names = calloc(rule->n_names + 1, sizeof(*copy->names));
		copy->n_names = 0;
		for (size_t j = 0; j < rule->n_names; j++) {
			size_t last = strlen(rule->names[j]) - 1;

			if ((size_t)rule->names[j][last] % parts == part)
				copy->names[copy->n_names++] = rule->names[j];
		}
	}
}

static bool compile_part(
	const struct profile *profile, size_t part, size_t parts, struct filter *out)
{
	scoped(policy_done) struct policy policy = {0};
	struct profile split;
	struct err e = {0};
	bool done;

	split_calls(profile, part, parts, &split);
	done = !policy_resolve("part", &split, &policy, NULL, &e) &&
	       !filter_compile(&policy, out, &e);
	for (size_t i = 0; i < split.n_rules; i++)
		free(split.rules[i].names);
	free(split.rules);
	return done;
}

/* PROOF_*, or -1. */
static int prove_calls(const struct profile *profile, size_t parts)
{
	scoped(policy_done) struct policy policy = {0};
	scoped(stack_done) struct stack stack = {0};
	struct proof proof;
	struct err e = {0};

	for (; stack.n < parts; stack.n++) {
		if (!compile_part(profile, stack.n, parts, &stack.filters[stack.n]))
			return -1;
	}
	if (policy_resolve("whole", profile, &policy, NULL, &e) ||
		filters_prove(stack.filters, stack.n, &policy, &proof, &e))
		return -1;
	return (int)proof.verdict;
}

static void test_random_parts(void)
{
	struct rng rng = {19};
	size_t wrong = 0;

	for (int i = 0; i < STACKS; i++) {
		scoped(profile_done) struct profile profile = {0};

		random_profile(&rng, 0, &profile);
		profile.default_action = SECCOMP_RET_ALLOW;
		wrong += prove_calls(&profile, 1 + (size_t)i % STACK_MAX) != PROOF_EQUAL;
	}
	ok(wrong == 0, "%d random profiles taken apart by calls: their parts say the whole",
		STACKS);
}

static void test_precedence(void)
{
	static const uint32_t actions[] = {SECCOMP_RET_KILL_PROCESS, SECCOMP_RET_KILL_THREAD,
		SECCOMP_RET_TRAP, SECCOMP_RET_ERRNO | 2, SECCOMP_RET_USER_NOTIF, SECCOMP_RET_TRACE,
		SECCOMP_RET_LOG, SECCOMP_RET_ALLOW};
	const struct seccomp_data call = {.arch = AUDIT_ARCH_X86_64};
	struct sock_filter insns[2];
	struct filter pair[2] = {{&insns[0], 1}, {&insns[1], 1}};
	size_t wrong = 0;

	for (size_t i = 0; i < ARRAY_LEN(actions); i++) {
		for (size_t j = 0; j < ARRAY_LEN(actions); j++) {
			insns[0] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, actions[i]);
			insns[1] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, actions[j]);
			wrong += filters_run(pair, 2, &call) != actions[i < j ? i : j];
		}
	}
	ok(wrong == 0, "two filters: the action that stands first in seccomp(2)");
	insns[0] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | 3);
	insns[1] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | 4);
	ok(filters_run(pair, 2, &call) == (SECCOMP_RET_ERRNO | 3),
		"two errnos: the newer filter's");
}

static void test_too_many(void)
{
	struct sock_filter allow = BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
	struct filter many[PROVE_FILTERS_MAX + 1];
	struct policy policy = {SECCOMP_RET_ALLOW, NULL, 0, 0};
	struct proof proof;
	struct err e = {0};

	for (size_t i = 0; i < ARRAY_LEN(many); i++)
		many[i] = (struct filter){&allow, 1};
	ok(!filters_prove(many, PROVE_FILTERS_MAX, &policy, &proof, &e) &&
			proof.verdict == PROOF_DIFFERENT,
		"as many filters as are looked at");
	ok(filters_prove(many, PROVE_FILTERS_MAX + 1, &policy, &proof, &e) == -E2BIG,
		"one more is an error");
}

int main(void)
{
	test_precedence();
	test_too_many();
	test_parts();
	test_random_parts();
	test_random_stacks();
	return tap_done();
}
