/*
 * The policy of a filter under a supervisor: whatever is let through stays, and whatever is not is
 * asked about.  Random profiles, held at random calls of every ABI, listed or not; and their
 * filters are proven.
 */
#include <errno.h>
#include <linux/audit.h>

#include "enforce.h"
#include "filter_test.h"
#include "profile.h"
#include "prove.h"
#include "random_profile.h"

enum { PROFILES = 1000, CALLS = 200 };

struct totals {
	size_t profiles, calls, asked, wrong, unproven;
};

static action_t wanted(const struct policy *policy, const struct seccomp_data *call)
{
	action_t action = policy_verdict(policy, call, NULL);

	return action_lets_through(action) ? action : SECCOMP_RET_USER_NOTIF;
}

static void try_calls(struct totals *totals, struct rng *rng, const struct profile *profile,
	const struct enforced *enforced, const struct filter *supervised)
{
	for (size_t i = 0; i < CALLS; i++) {
		struct seccomp_data call;
		action_t want, got;

		random_call(rng, profile, &call);
		want = wanted(&enforced->policy, &call);
		got = action_effective(filter_run(supervised, &call));
		totals->calls++;
		totals->asked += got == SECCOMP_RET_USER_NOTIF;
		totals->wrong += got != want;
	}
}

static void try_seed(struct totals *totals, uint64_t seed)
{
	struct rng rng = {seed};
	scoped(enforced_done) struct enforced enforced = {0};
	scoped(profile_done) struct profile profile = {0};
	struct err e = {0};

	random_profile(&rng, 0, &profile);
	if (enforced_from_profile("random", &profile, &enforced, NULL, &e))
		return;
	if (enforced_supervise("random", &enforced, &e)) {
		/* Profiles that count on another supervisor are refused. */
		totals->unproven += e.code != EPERM || !strstr(e.text, "SCMP_ACT_NOTIFY");
		return;
	}
	totals->profiles++;
	try_calls(totals, &rng, &enforced.profile, &enforced, &enforced.filter);
}

static void test_random(void)
{
	struct totals totals = {0};

	for (uint64_t seed = 1; seed <= PROFILES; seed++)
		try_seed(&totals, seed);
	ok(totals.profiles > PROFILES / 4, "%zu of %d random profiles can be supervised",
		totals.profiles, PROFILES);
	ok(totals.asked > totals.calls / 10 && totals.asked < totals.calls,
		"of %zu calls %zu are asked about", totals.calls, totals.asked);
	ok(totals.wrong == 0 && totals.unproven == 0,
		"all others get what the profile says, and every filter is proven: %zu, %zu",
		totals.wrong, totals.unproven);
}

static action_t action_of(const struct enforced *enforced, uint32_t arch, int nr)
{
	const struct seccomp_data call = {.nr = nr, .arch = arch};

	return filter_run(&enforced->filter, &call);
}

/* A deny-list allows by default, but not what comes by another ABI. */
static void test_unlisted(void)
{
	scoped(enforced_done) struct enforced enforced = {0};
	scoped(profile_done) struct profile profile = {.default_action = SECCOMP_RET_ALLOW};
	const uint32_t native = abi_native()->audit_arch;
	struct err e = {0};

	ok(!enforced_from_profile("list", &profile, &enforced, NULL, &e) &&
			!enforced_supervise("list", &enforced, &e),
		"a profile that allows by default");
	ok(action_of(&enforced, native, 1) == SECCOMP_RET_ALLOW &&
			action_of(&enforced, native, -1) == SECCOMP_RET_ALLOW,
		"its own ABI is allowed");
	ok(action_of(&enforced, AUDIT_ARCH_I386, 1) == SECCOMP_RET_USER_NOTIF &&
			action_of(&enforced, AUDIT_ARCH_PPC64, 1) == SECCOMP_RET_USER_NOTIF,
		"another one is asked about, as it would be killed");
	if (native == AUDIT_ARCH_X86_64)
		ok(action_of(&enforced, native, (int)X32_BIT) == SECCOMP_RET_USER_NOTIF,
			"and so is x32");
}

static void test_notify(void)
{
	scoped(enforced_done) struct enforced enforced = {0};
	scoped(profile_done) struct profile profile = {.default_action = SECCOMP_RET_USER_NOTIF};
	struct err e = {0};

	ok(!enforced_from_profile("list", &profile, &enforced, NULL, &e), "NOTIFY by default");
	ok(enforced_supervise("list", &enforced, &e) == -EPERM && strstr(e.text, "list: "),
		"is refused: it counts on another supervisor: %s", e.text);
}

int main(void)
{
	test_random();
	test_unlisted();
	test_notify();
	return tap_done();
}
