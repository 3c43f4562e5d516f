/*
 * 10,000 random profiles from a fixed seed: compiled, and held against the rules at random calls
 * near what the rules speak of; every tenth by filter_check() too.
 */
#include "filter.h"

#include <errno.h>

#include "filter_test.h"
#include "random_profile.h"

enum { PROFILES = 10000, CALLS = 250, CHECK_EVERY = 10 };

struct totals {
	struct holding holding;
	size_t resolved, compiled, valid, checked, insns, most;
	size_t check_many; /* more combinations than filter_check() tries */
	char trouble[TEXT_LEN];
};

static void trouble(struct totals *totals, uint64_t seed, const char *text)
{
	if (!totals->trouble[0])
		snprintf(totals->trouble, TEXT_LEN, "seed %" PRIu64 ": %.400s", seed, text);
}

static void check(struct totals *totals, uint64_t seed, const struct filter *filter,
	const struct policy *policy)
{
	struct err e = {0};
	int code = filter_check(filter, policy, &e);

	totals->checked += code == 0;
	totals->check_many += code == -E2BIG;
	if (code && code != -E2BIG)
		trouble(totals, seed, e.text);
}

static void try_seed(struct totals *totals, uint64_t seed)
{
	struct rng rng = {seed};
	scoped(profile_done) struct profile profile = {0};
	scoped(policy_done) struct policy policy = {0};
	scoped(filter_done) struct filter filter = {0};
	struct seccomp_data call;
	struct err e = {0};
	size_t wrong = totals->holding.wrong;

	random_profile(&rng, 0, &profile);
	if (policy_resolve("random", &profile, &policy, NULL, &e)) {
		trouble(totals, seed, e.text);
		return;
	}
	totals->resolved++;
	if (filter_compile(&policy, &filter, &e) || filter_validate(&filter, &e)) {
		trouble(totals, seed, e.text);
		return;
	}
	totals->compiled++;
	totals->insns += filter.len;
	totals->most = filter.len > totals->most ? filter.len : totals->most;
	totals->holding.filter = &filter;
	totals->holding.policy = &policy;
	for (int i = 0; i < CALLS; i++) {
		random_call(&rng, &profile, &call);
		hold_call(&totals->holding, &call);
	}
	if (totals->holding.wrong > wrong)
		trouble(totals, seed, totals->holding.first);
	if (seed % CHECK_EVERY == 0)
		check(totals, seed, &filter, &policy);
}

int main(void)
{
	static struct totals totals;

	for (uint64_t seed = 1; seed <= PROFILES; seed++)
		try_seed(&totals, seed);
	ok(totals.resolved == PROFILES && totals.compiled == PROFILES,
		"%zu random profiles compile: %zu instructions on average, %zu at most",
		totals.compiled, totals.insns / PROFILES, totals.most);
	hold_ok(&totals.holding, "they are held to at random calls");
	ok(totals.checked + totals.check_many == PROFILES / CHECK_EVERY &&
			totals.check_many < PROFILES / CHECK_EVERY / 50,
		"filter_check() finds %zu right; %zu have too many combinations for it",
		totals.checked, totals.check_many);
	is_text(totals.trouble, "", "no trouble");
	return tap_done();
}
