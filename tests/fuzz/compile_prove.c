/*
 * Any profile: it is refused, or what is compiled from it is valid, answers as the rules do, and is
 * proven equal; never undecided.
 */
#include "bytes.h"

#include <errno.h>

#include "fuzz.h"
#include "prove.h"
#include "random_profile.h"

enum { CALLS = 16 };

/* Calls that the rest of the input chooses. */
static void check_calls(struct rng *rng, const struct profile *profile, const struct filter *filter,
	const struct policy *policy)
{
	for (int i = 0; i < CALLS; i++) {
		struct seccomp_data call;
		uint32_t got;
		action_t wanted;

		random_call(rng, profile, &call);
		got = filter_run(filter, &call);
		wanted = policy_verdict(policy, &call, NULL);
		must(got == wanted, "call %d: 0x%08x, not 0x%08x", call.nr, got, wanted);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct rng rng = {data, size};
	scoped(profile_done) struct profile profile = {0};
	scoped(policy_done) struct policy policy = {0};
	scoped(filter_done) struct filter filter = {0};
	struct proof proof = {0};
	struct err e = {0};
	char text[ERR_TEXT_MAX];
	int code;

	random_profile(&rng, (unsigned)rng_below(&rng, 8), &profile);
	if (policy_resolve("input", &profile, &policy, NULL, &e))
		return 0;
	code = filter_compile(&policy, &filter, &e);
	must(!code || code == -E2BIG, "not compiled: %s", e.text);
	if (code)
		return 0;
	must(!filter_validate(&filter, &e), "not valid: %s", e.text);
	check_calls(&rng, &profile, &filter, &policy);
	must(!filter_prove(&filter, &policy, &proof, &e), "not proven: %s", e.text);
	must(proof.verdict != PROOF_UNDECIDED, "undecided");
	must(proof.verdict == PROOF_EQUAL, "different: %s",
		proof_print(&proof, text, sizeof(text)));
	return 0;
}
