/* profile_generate() with a base, and profile_beyond(): profiles laid over one another. */
#include <errno.h>
#include <linux/seccomp.h>

#include "generate_trial.h"
#include "policy.h"
#include "scope.h"

/* The base of a trial, from JSON with ' in place of ". */
static struct named_profile base_of(const char *text)
{
	scoped_free char *json = json_of(text);
	struct named_profile base = {.name = "base.json"};
	struct err e;

	if (profile_parse("base.json", json, strlen(json), &base.profile, NULL, &e))
		abort();
	return base;
}

static void base_done(struct named_profile *base)
{
	profile_done(&base->profile);
}

#define BASE                                                                                       \
	"{'defaultAction': 'SCMP_ACT_ERRNO', 'defaultErrnoRet': 1,"                                \
	" 'architectures': ['SCMP_ARCH_X86_64'], 'syscalls': ["                                    \
	"{'names': ['read', 'clone'], 'action': 'SCMP_ACT_ALLOW'},"                                \
	"{'names': ['mount', 'ptrace'], 'action': 'SCMP_ACT_KILL_PROCESS'},"                       \
	"{'names': ['ioctl'], 'action': 'SCMP_ACT_ALLOW', 'args': [{'index': 1, 'value': 7,"       \
	" 'op': 'SCMP_CMP_EQ'}]},"                                                                 \
	"{'names': ['personality'], 'action': 'SCMP_ACT_ALLOW', 'args': [{'index': 0,"             \
	" 'value': 8, 'op': 'SCMP_CMP_EQ'}]},"                                                     \
	"{'names': ['socket'], 'action': 'SCMP_ACT_ERRNO', 'errnoRet': 97, 'args': [{'index': 0,"  \
	" 'value': 16, 'op': 'SCMP_CMP_EQ'}]},"                                                    \
	"{'names': ['prctl'], 'action': 'SCMP_ACT_TRAP'}]}"

static action_t verdict(const struct policy *policy, const struct abi *abi, uint32_t nr, uint64_t a)
{
	struct seccomp_data call = {
		.nr = (int)nr, .arch = abi->audit_arch, .args = {a, a, a, a, a, a}};

	return policy_verdict(policy, &call, NULL);
}

/* For every call: what the cut allows is allowed, the rest is as the base has it. */
static size_t count_wrong(const struct profile *base, const struct profile *cut,
	const struct profile *result, const struct abi *abi)
{
	static const uint64_t ARGS[] = {0, 7, 8, 16, UINT32_MAX, 7 | 1ull << 32};
	scoped(policy_done) struct policy of_base = {0}, of_cut = {0}, of_result = {0};
	struct err e;
	size_t wrong = 0;

	if (policy_resolve("base", base, &of_base, NULL, &e) ||
		policy_resolve("cut", cut, &of_cut, NULL, &e) ||
		policy_resolve("result", result, &of_result, NULL, &e))
		abort();
	for (uint32_t nr = 0; nr < 500; nr++) {
		for (size_t i = 0; i < ARRAY_LEN(ARGS); i++) {
			bool allowed = verdict(&of_cut, abi, nr, ARGS[i]) == SECCOMP_RET_ALLOW;
			action_t want = allowed ? SECCOMP_RET_ALLOW
						: verdict(&of_base, abi, nr, ARGS[i]);

			wrong += verdict(&of_result, abi, nr, ARGS[i]) != want;
		}
	}
	return wrong;
}

static void test_meaning(void)
{
	scoped(base_done) struct named_profile base = base_of(BASE);
	scoped(trial_done) struct trial t, cut;
	const struct abi *abi = abi_by_name("x86_64");

	trial_init(&t, "x86_64");
	add_named(&t, "x86_64", "execve");
	add_named(&t, "x86_64", "read");
	add_named(&t, "x86_64", "mount");
	add_named(&t, "x86_64", "ioctl");
	trial_init(&cut, "x86_64");
	if (recording_merge(&cut.rec, &t.rec, &cut.e))
		abort();
	cut.rec.complete = true;
	t.options.base = &base;
	ok(!generate(&t) && !generate(&cut), "cut with a base, and without");
	ok(count_wrong(&base.profile, &cut.profile, &t.profile, abi) == 0,
		"what the cut allows is allowed, and all else is as the base has it");
	ok(t.profile.default_action == (SECCOMP_RET_ERRNO | 1), "its default action, too");
	ok(says(&t, "added to what base.json allows: ") && says(&t, "execve") &&
			!says(&t, "execve, read") && says(&t, " of the base\n"),
		"what the base lacked is said, and how much it had is counted");
}

static void test_abis(void)
{
	scoped(base_done) struct named_profile base = base_of(BASE);
	scoped(trial_done) struct trial t;
	struct profile plain = base.profile;
	const struct abi *both[] = {abi_by_name("x86_64"), abi_by_name("i386")};

	trial_init(&t, "x86_64");
	add_named(&t, "i386", "execve");
	t.options.base = &base;
	ok(!generate(&t) && t.profile.n_abis == 2, "the ABIs of both are listed");
	plain.abis = both;
	plain.n_abis = 2;
	ok(count_wrong(&plain, &t.profile, &t.profile, both[1]) == 0,
		"and the base's rules hold under each");
	t.options.base = NULL;
	t.options.arch = abi_by_name("s390x");
	t.options.base = &base;
	ok(generate(&t) == -EINVAL && strstr(t.e.text, "base.json: is for x86_64"),
		"another byte order is refused");
}

/* Under a default that logs a cut lists all that the machine runs; a base has decided on that. */
static void test_logging(void)
{
	scoped(base_done) struct named_profile base = base_of(
		"{'defaultAction': 'SCMP_ACT_LOG', 'architectures': ['SCMP_ARCH_X86_64']}");
	scoped(trial_done) struct trial t, alone;

	trial_init(&t, "x86_64");
	add_named(&t, "x86_64", "execve");
	t.options.base = &base;
	ok(!generate(&t) && t.profile.n_abis == 1, "a base that logs: no ABI more than it has");
	trial_init(&alone, "x86_64");
	add_named(&alone, "x86_64", "execve");
	alone.options.default_action = SECCOMP_RET_LOG;
	ok(!generate(&alone) && alone.profile.n_abis == 3, "without a base: all are listed");
}

static void test_refused(void)
{
	scoped(base_done) struct named_profile allow = base_of(
		"{'defaultAction': 'SCMP_ACT_ALLOW', 'syscalls': []}");
	scoped(trial_done) struct trial t;

	trial_init(&t, "x86_64");
	add_named(&t, "x86_64", "execve");
	t.options.base = &allow;
	ok(generate(&t) == -EINVAL &&
			strstr(t.e.text, "base.json: its default action is SCMP_ACT_ALLOW"),
		"a base that allows by default is refused");
	ok(t.profile.n_rules == 0, "and the output untouched");
}

static void test_nothing_new(void)
{
	scoped(base_done) struct named_profile base = base_of(BASE);
	scoped(trial_done) struct trial t;

	trial_init(&t, "x86_64");
	add_named(&t, "x86_64", "read");
	t.options.exact = true;
	t.options.base = &base;
	ok(!generate(&t) && says(&t, "base.json allows all of it already"), "nothing to add: said");
	ok(count_wrong(&base.profile, &base.profile, &t.profile, abi_by_name("x86_64")) == 0,
		"and the result means what the base means");
}

static void test_beyond(void)
{
	scoped(base_done) struct named_profile base = base_of(BASE);
	scoped(base_done) struct named_profile cut = base_of(
		"{'defaultAction': 'SCMP_ACT_ERRNO', 'syscalls': ["
		"{'names': ['clone', 'execve', 'mount'], 'action': 'SCMP_ACT_ALLOW'},"
		"{'names': ['ioctl', 'read'], 'action': 'SCMP_ACT_ALLOW', 'args': [{'index': 1,"
		" 'value': 9, 'op': 'SCMP_CMP_EQ'}]},"
		"{'names': ['read'], 'action': 'SCMP_ACT_ALLOW', 'args': [{'index': 1,"
		" 'value': 5, 'op': 'SCMP_CMP_EQ'}]}]}");

	profile_beyond(&cut.profile, &base.profile);
	ok(cut.profile.n_rules == 2 && cut.profile.rules[0].n_names == 2 &&
			!strcmp(cut.profile.rules[0].names[0], "execve") &&
			!strcmp(cut.profile.rules[0].names[1], "mount"),
		"what the base allows is taken out, what it denies by name is not");
	ok(cut.profile.rules[1].n_names == 1 && !strcmp(cut.profile.rules[1].names[0], "ioctl") &&
			cut.profile.rules[1].n_conds == 1,
		"what it allows under conditions stays, and a rule without names goes");
}

int main(void)
{
	test_meaning();
	test_abis();
	test_logging();
	test_refused();
	test_nothing_new();
	test_beyond();
	return tap_done();
}
