/* What verify is made of: libseccomp's reading of random profiles, the stub of runc. */
#include "verify.h"

#include <errno.h>
#include <linux/audit.h>

#include "policy.h"
#include "random_profile.h"
#include "scope.h"
#include "tap.h"
#include "verify_parts.h"

#define ENOSYS_RETURN BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOSYS)

static bool parse(const char *text, struct profile *out)
{
	scoped_free char *copy = strdup(text);
	struct err e = {0};

	if (!profile_parse("test", copy, strlen(copy), out, NULL, &e))
		return true;
	printf("# %s\n", e.text);
	return false;
}

static struct filter copy_of(const struct sock_filter *insns, size_t len)
{
	struct filter filter = {calloc(len, sizeof(*insns)), len};

	memcpy(filter.insns, insns, len * sizeof(*insns));
	return filter;
}

/* --- libseccomp --- */

enum { PROFILES = 1500 };

struct engine_totals {
	size_t answers[VERIFY_NONE + 1];
	size_t wrong, failed;
	char trouble[ERR_TEXT_MAX];
};

static bool differs(const struct verify_report *report, const struct profile *profile)
{
	scoped(policy_done) struct policy policy = {0};
	struct err e = {0};

	return !policy_resolve("random", profile, &policy, NULL, &e) &&
	       action_effective(policy_verdict(&policy, &report->proof.call, NULL)) ==
		       action_effective(report->proof.wanted) &&
	       action_effective(report->proof.got) != action_effective(report->proof.wanted);
}

static void ask(const struct profile *profile, struct engine_totals *totals)
{
	struct verify_subject subject = {.path = "random", .profile = profile};
	struct verify_report report;
	struct err e = {0};

	if (verify_libseccomp(&subject, &report, &e)) {
		totals->failed++;
		snprintf(totals->trouble, sizeof(totals->trouble), "%s", e.text);
		return;
	}
	totals->answers[report.answer]++;
	if (report.answer == VERIFY_DIFFERENT && !differs(&report, profile))
		totals->wrong++;
	if (report.answer == VERIFY_DIFFERENT)
		(void)proof_print(&report.proof, totals->trouble, sizeof(totals->trouble));
	if (report.answer == VERIFY_NONE)
		snprintf(totals->trouble, sizeof(totals->trouble), "%.400s", report.why);
}

static void say(const struct engine_totals *totals)
{
	printf("# %zu equal, %zu different, %zu undecided, %zu refused, %zu failed, %zu wrong; "
	       "%s\n",
		totals->answers[VERIFY_EQUAL], totals->answers[VERIFY_DIFFERENT],
		totals->answers[VERIFY_UNDECIDED], totals->answers[VERIFY_NONE], totals->failed,
		totals->wrong, totals->trouble);
}

/*
 * Rules that allow, with one condition, on argument 0 and a value below 2^32, come out right
 * (measured: none of 3000 wrong); x32 does not, whose arguments libseccomp takes for 32-bit ones.
 */
static void tame(struct profile *profile)
{
	size_t n_abis = 0;

	for (size_t i = 0; i < profile->n_abis; i++) {
		if (!abi_is_x32(profile->abis[i]))
			profile->abis[n_abis++] = profile->abis[i];
	}
	profile->n_abis = n_abis;
	profile->default_action = SECCOMP_RET_ERRNO | ENOSYS;
	for (size_t i = 0; i < profile->n_rules; i++) {
		struct rule *rule = &profile->rules[i];

		rule->action = SECCOMP_RET_ALLOW;
		rule->n_conds = rule->n_conds ? 1 : 0;
		for (size_t j = 0; j < rule->n_conds; j++) {
			rule->conds[j].index = 0;
			rule->conds[j].value &= UINT32_MAX;
			rule->conds[j].value_two &= UINT32_MAX;
		}
	}
}

static void test_random_engine(bool is_tame)
{
	struct engine_totals totals = {0};
	struct rng rng = {is_tame ? 7 : 8};

	for (int i = 0; i < PROFILES; i++) {
		scoped(profile_done) struct profile profile = {0};

		random_profile(&rng, RANDOM_X86_ONLY, &profile);
		if (is_tame)
			tame(&profile);
		ask(&profile, &totals);
	}
	if (is_tame)
		ok(totals.answers[VERIFY_EQUAL] == PROFILES, "libseccomp, tame profiles: equal");
	else
		ok(totals.wrong == 0 && totals.failed == 0 && totals.answers[VERIFY_UNDECIDED] == 0,
			"libseccomp, random profiles: decided, and every counterexample is one");
	say(&totals);
}

/* --- runc's stub --- */

/* As runc 1.1 writes it for x86_64 and i386 with largest numbers 300 and 350; then a program. */
static const struct sock_filter STUBBED[] = {
	BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 4),
	BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, AUDIT_ARCH_I386, 2, 0),
	BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, AUDIT_ARCH_X86_64, 4, 0),
	BPF_STMT(BPF_JMP | BPF_JA, 9),
	BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 0),
	BPF_JUMP(BPF_JMP | BPF_JGT | BPF_K, 350, 6, 0),
	BPF_STMT(BPF_JMP | BPF_JA, 6),
	BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 0),
	BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, 0x40000000, 2, 0),
	BPF_JUMP(BPF_JMP | BPF_JGT | BPF_K, 300, 2, 0),
	BPF_STMT(BPF_JMP | BPF_JA, 2),
	BPF_STMT(BPF_JMP | BPF_JA, 1),
	ENOSYS_RETURN,
	BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 4),
	BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
};
enum { STUB_LEN = 13 };

static bool stub_found(const struct filter *filter)
{
	size_t len = 0;

	return runc_stub_find(filter, &len) && len == STUB_LEN;
}

/* Changes that make it something else: one instruction each. */
static void test_not_a_stub(void)
{
	static const struct {
		const char *claim;
		size_t at;
		struct sock_filter insn;
	} rows[] = {
		{"another errno", 12, BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM)},
		{"another answer", 6, BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)},
		{"a jump into the rest", 10, BPF_STMT(BPF_JMP | BPF_JA, 3)},
		{"a look at an argument", 7, BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 16)},
		{"arithmetic", 7, BPF_STMT(BPF_ALU | BPF_AND | BPF_K, 255)},
		{"the number first", 0, BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 0)},
		{"a rest that does not load first", 13, BPF_STMT(BPF_MISC | BPF_TAX, 0)},
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		scoped(filter_done) struct filter filter = copy_of(STUBBED, ARRAY_LEN(STUBBED));

		filter.insns[rows[i].at] = rows[i].insn;
		ok(!stub_found(&filter), "no stub of runc: %s", rows[i].claim);
	}
}

static bool keeps_off(const struct filter *filter, const char *abis, const char *name)
{
	scoped(profile_done) struct profile profile = {0};
	scoped(policy_done) struct policy policy = {0};
	struct err e = {0};
	char text[256];

	snprintf(text, sizeof(text),
		"{\"defaultAction\": \"SCMP_ACT_ERRNO\", \"architectures\": [%s], \"syscalls\": "
		"[{\"names\": [\"%s\"], \"action\": \"SCMP_ACT_ALLOW\"}]}",
		abis, name);
	return parse(text, &profile) && !policy_resolve("test", &profile, &policy, NULL, &e) &&
	       runc_stub_keeps_off(filter, STUB_LEN, &policy);
}

static void test_stub(void)
{
	scoped(filter_done) struct filter filter = copy_of(STUBBED, ARRAY_LEN(STUBBED));
	const char *x86_64 = "\"SCMP_ARCH_X86_64\"", *i386 = "\"SCMP_ARCH_X86\"";

	ok(stub_found(&filter), "the stub of runc is found");
	ok(keeps_off(&filter, x86_64, "read"), "it keeps off small numbers");
	ok(keeps_off(&filter, x86_64, "fanotify_init"), "and off number 300");
	ok(!keeps_off(&filter, x86_64, "prlimit64"), "but not off 302");
	ok(keeps_off(&filter, i386, "getcpu"), "under i386 it keeps off 318");
	ok(!keeps_off(&filter, i386, "renameat2"), "but not off 353");
	filter.insns[9].k = 2;
	ok(stub_found(&filter) && !keeps_off(&filter, x86_64, "fanotify_init"),
		"one that answers small numbers is no addition");
	test_not_a_stub();
}

int main(void)
{
	test_stub();
	if (abi_native() == abi_by_name("x86_64")) {
		test_random_engine(true);
		test_random_engine(false);
	} else {
		tap_skip("x86_64", "libseccomp", "the random profiles are for x86-64");
	}
	return tap_done();
}
