/*
 * The profiles that engines ship: every number and edge, every argument boundary, and how long the
 * programs are.
 */
#include "filter.h"

#include "filter_test.h"
#include "podman_profile.h"

/* The numbers that the kernel knows to be allowed are those that the rules allow at any arguments.
 */
static void hold_const_allow(
	const char *name, const struct filter *filter, const struct policy *policy)
{
	size_t wrong = 0, allowed = 0;

	for (size_t i = 0; i < policy->n_abis; i++) {
		const struct abi_policy *abi = &policy->abis[i];

		for (size_t j = 0; j < abi->n_calls; j++) {
			const struct call_policy *call = &abi->calls[j];
			bool always = !call->n_clauses && call->action == SECCOMP_RET_ALLOW;

			wrong += const_allow(filter, abi->abi->audit_arch, call->nr) != always;
			allowed += always;
		}
	}
	ok(allowed > 250 && wrong == 0, "%s: the kernel knows the %zu allowed numbers as such",
		name, allowed);
}

/* @most: instructions. */
static void test_profile(const char *name, const struct profile *profile, size_t most)
{
	scoped(policy_done) struct policy policy = {0};
	scoped(filter_done) struct filter filter = {0};
	struct holding holding = {.filter = &filter, .policy = &policy};
	struct err e = {0};

	if (!ok(!policy_resolve(name, profile, &policy, NULL, &e) &&
			    !filter_compile(&policy, &filter, &e) && !filter_validate(&filter, &e),
		    "%s: compiles", name)) {
		printf("#   %s\n", e.text);
		return;
	}
	hold_all_numbers(&holding);
	hold_ok(&holding, "%s: every number of every ABI", name);
	ok(!filter_check(&filter, &policy, &e), "%s: every argument boundary", name);
	if (e.code)
		printf("#   %s\n", e.text);
	ok(filter.len <= most, "%s: %zu instructions, at most %zu", name, filter.len, most);
	hold_const_allow(name, &filter, &policy);
}

static void test_runtime_default(void)
{
	static const char path[] = "profiles/runtime-default.json";
	scoped(profile_done) struct profile profile = {0};
	struct err e = {0};

	if (!ok(!profile_read(path, &profile, NULL, &e), "%s is read", path)) {
		printf("#   %s\n", e.text);
		return;
	}
	test_profile("runtime-default.json", &profile, 300);
	profile.n_abis = 1;
	if (ok(profile.abis[0] == abi_by_name("x86_64"), "x86_64 is listed first"))
		test_profile("runtime-default.json, x86_64 alone", &profile, 100);
}

static void test_podman(bool subarchitectures, const char *name, size_t most)
{
	scoped(profile_done) struct profile profile = {0};

	if (!podman_profile_read(subarchitectures, &profile))
		tap_skip("engines", name, PODMAN_PROFILE " is not installed");
	else
		test_profile(name, &profile, most);
}

int main(void)
{
	test_runtime_default();
	test_podman(false, "podman's default, x86_64 alone", 80);
	test_podman(true, "podman's default", 230);
	return tap_done();
}
