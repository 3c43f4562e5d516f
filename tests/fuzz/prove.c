/*
 * Any profile, and a program that is almost right or any: the prover's answer agrees with
 * evaluation.
 */
#include "bytes.h"

#include "prove.h"

#include "fuzz.h"
#include "random_filter.h"

enum { LEN_MAX = 48, LEN_MIN = 12, CALLS = 32 };

/* Calls that the rest of the input chooses. */
static void check_equal(struct rng *rng, const struct profile *profile, const struct filter *filter,
	const struct policy *policy)
{
	for (int i = 0; i < CALLS; i++) {
		struct seccomp_data call;

		random_call(rng, profile, &call);
		must(action_effective(filter_run(filter, &call)) ==
				action_effective(policy_verdict(policy, &call, NULL)),
			"called equal, but not for call %d", call.nr);
	}
}

static void check_different(
	const struct proof *proof, const struct filter *filter, const struct policy *policy)
{
	must(action_effective(filter_run(filter, &proof->call)) == action_effective(proof->got),
		"not what the program answers");
	must(policy_verdict(policy, &proof->call, NULL) == proof->wanted, "not what the rules say");
	must(action_effective(proof->got) != action_effective(proof->wanted), "no difference");
}

/*
 * Whether the program computes with what it reads, compares two of such values, or returns one.
 * That is decided by going through the values, which may take the whole budget, seconds an input:
 * the random programs of tests/unit/prove*.c are for these.
 */
static bool computes(const struct filter *filter)
{
	for (size_t i = 0; i < filter->len; i++) {
		uint16_t code = filter->insns[i].code;

		if ((BPF_CLASS(code) == BPF_ALU && BPF_OP(code) != BPF_AND) ||
			(BPF_CLASS(code) == BPF_JMP && BPF_SRC(code) == BPF_X) ||
			(BPF_CLASS(code) == BPF_RET && BPF_RVAL(code) == BPF_A))
			return true;
	}
	return false;
}

/* Any program, with returns in places. */
static void take_any(struct rng *rng, struct filter *out)
{
	out->len = LEN_MIN + rng_below(rng, LEN_MAX - LEN_MIN);
	out->insns = random_alloc(calloc(out->len, sizeof(*out->insns)));
	random_filter(rng, out->insns, (uint32_t)out->len);
	for (size_t i = 0; i < out->len; i++) {
		if (i + 1 == out->len || rng_percent(rng, 25))
			out->insns[i] = (struct sock_filter)BPF_STMT(
				BPF_RET | BPF_K, random_action(rng));
	}
}

/* Any program, or one that is right but for a few instructions.  Whether there is one. */
static bool take_filter(struct rng *rng, const struct policy *policy, struct filter *out)
{
	struct err e = {0};

	if (rng_percent(rng, 30))
		take_any(rng, out);
	else if (filter_compile(policy, out, &e))
		return false;
	for (uint64_t left = rng_below(rng, 4); left > 0; left--)
		random_damage(rng, &out->insns[rng_below(rng, out->len)]);
	return !filter_validate(out, &e) && !computes(out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct rng rng = {data, size};
	scoped(profile_done) struct profile profile = {0};
	scoped(policy_done) struct policy policy = {0};
	scoped(filter_done) struct filter filter = {0};
	struct proof proof = {0};
	struct err e = {0};

	random_profile(&rng, RANDOM_X86_ONLY, &profile);
	if (policy_resolve("input", &profile, &policy, NULL, &e) ||
		!take_filter(&rng, &policy, &filter))
		return 0;
	must(!filter_prove(&filter, &policy, &proof, &e), "no answer: %s", e.text);
	if (proof.verdict == PROOF_EQUAL)
		check_equal(&rng, &profile, &filter, &policy);
	else if (proof.verdict == PROOF_DIFFERENT)
		check_different(&proof, &filter, &policy);
	return 0;
}
