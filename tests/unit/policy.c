/*
 * What a profile means: what is refused, and whether a second reading, written to share nothing
 * with the first, says the same.
 */
#include "policy.h"

#include <errno.h>
#include <linux/audit.h>

#include "heard.h"
#include "random_profile.h"
#include "scope.h"
#include "tap.h"

/* Parse and resolve JSON that is written with ' in place of ". */
static int resolve(const char *text, struct policy *out, struct heard *heard, struct err *e)
{
	scoped(profile_done) struct profile profile = {0};
	scoped_free char *json = json_of(text);
	struct notice to = notice_to(heard);

	if (profile_parse("web.json", json, strlen(json), &profile, NULL, e))
		return -e->code;
	return policy_resolve("web.json", &profile, out, &to, e);
}

#define PROFILE(default_action, arches, rules)                                                     \
	"{'defaultAction': 'SCMP_ACT_" default_action "', 'architectures': [" arches               \
	"], 'syscalls': [" rules "]}"
#define RULE(name, action, args)                                                                   \
	"{'names': ['" name "'], 'action': 'SCMP_ACT_" action "', 'args': [" args "]}"
#define ARG(index, op, value) "{'index': " #index ", 'op': 'SCMP_CMP_" #op "', 'value': " #value "}"
#define MASKED(index, mask, value)                                                                 \
	"{'index': " #index ", 'op': 'SCMP_CMP_MASKED_EQ', 'value': " #mask                        \
	", 'valueTwo': " #value "}"
#define X86_64 "'SCMP_ARCH_X86_64'"
#define X86    "'SCMP_ARCH_X86'"

static const struct {
	const char *json, *says;
} REFUSED[] = {
	{PROFILE("ERRNO", X86_64,
		 RULE("read", "ALLOW", "") "," RULE("ioctl", "ALLOW", ARG(1, EQ, 5)) "," RULE(
			 "ioctl", "TRAP", ARG(1, LE, 5))),
		"web.json: $.syscalls[1] and $.syscalls[2] can both match one ioctl of x86_64, and "
		"say SCMP_ACT_ALLOW and SCMP_ACT_TRAP: engines differ"},
	{PROFILE("ERRNO", X86_64,
		 RULE("ioctl", "ALLOW", ARG(1, EQ, 5)) "," RULE("ioctl", "TRAP", ARG(0, EQ, 5))),
		"can both match one ioctl"},
	{PROFILE("ALLOW", X86_64,
		 RULE("ioctl", "ERRNO", ARG(1, GT, 7)) "," RULE("ioctl", "TRAP", ARG(1, LT, 9))),
		"can both match one ioctl"},
	{PROFILE("ALLOW", X86_64,
		 RULE("ioctl", "ERRNO", MASKED(1, 255, 16)) "," RULE(
			 "ioctl", "TRAP", MASKED(1, 65280, 256))),
		"can both match one ioctl"},
	/* One action, two errnos. */
	{"{'defaultAction': 'SCMP_ACT_ALLOW', 'architectures': [" X86_64 "], 'syscalls': ["
	 "{'names': ['ioctl'], 'action': 'SCMP_ACT_ERRNO', 'errnoRet': 1, 'args': [" ARG(
		 1, GT, 7) "]}, {'names': ['ioctl'], 'action': 'SCMP_ACT_ERRNO', 'errnoRet': 2, "
			   "'args': [" ARG(1, GT, 8) "]}]}",
		"say SCMP_ACT_ERRNO (EPERM) and SCMP_ACT_ERRNO (ENOENT)"},
	/* A repeated index is any of its conditions. */
	{PROFILE("ALLOW", X86_64,
		 RULE("ioctl", "ERRNO", ARG(1, GE, 7) "," ARG(1, LE, 9)) "," RULE(
			 "ioctl", "TRAP", ARG(1, EQ, 99))),
		"can both match one ioctl"},
	/* The second name of a rule, and the ABI that has the overlap. */
	{PROFILE("ALLOW", X86 "," X86_64,
		 RULE("read', 'socketcall", "ERRNO", ARG(1, GE, 7)) "," RULE(
			 "socketcall", "TRAP", ARG(1, EQ, 99))),
		"can both match one socketcall of i386"},
	{PROFILE("ALLOW", X86 "," X86_64,
		 RULE("ioctl", "ERRNO", ARG(1, GE, 4294967297)) "," RULE(
			 "ioctl", "TRAP", ARG(1, GE, 4294967296))),
		"can both match one ioctl of x86_64"},
	/* A name that nobody knows, where it would have to deny. */
	{PROFILE("ALLOW", X86_64, RULE("read", "ERRNO", "") "," RULE("opennat", "TRAP", "")),
		"web.json: $.syscalls[1].names[0]: no call known here is named \"opennat\", so its "
		"rule, stricter than the default, cannot be enforced; did you mean openat?"},
	{PROFILE("ALLOW", X86_64, RULE("no_such_call", "LOG", "")), "cannot be enforced"},
	{PROFILE("LOG", X86_64, RULE("no_such_call", "TRACE", "")), "cannot be enforced"},
	{PROFILE("TRACE", X86_64, RULE("no_such_call", "NOTIFY", "")), "cannot be enforced"},
	{PROFILE("NOTIFY", X86_64, RULE("no_such_call", "ERRNO", "")), "cannot be enforced"},
	{PROFILE("ERRNO", X86_64, RULE("no_such_call", "TRAP", "")), "cannot be enforced"},
	{PROFILE("TRAP", X86_64, RULE("no_such_call", "KILL", "")), "cannot be enforced"},
	{PROFILE("KILL", X86_64, RULE("no_such_call", "KILL_PROCESS", "")), "cannot be enforced"},
};

static void test_refused(void)
{
	for (size_t i = 0; i < ARRAY_LEN(REFUSED); i++) {
		struct policy policy = {.n_abis = 77};
		struct err e = {0};

		if (!ok(resolve(REFUSED[i].json, &policy, NULL, &e) == -EINVAL &&
				    strstr(e.text, REFUSED[i].says) && policy.n_abis == 77,
			    "refused: %.90s", REFUSED[i].says))
			printf("#   got: %s\n#   for: %s\n", e.text, REFUSED[i].json);
	}
}

static const struct {
	const char *claim, *json, *notices;
} ACCEPTED[] = {
	{"conditions that exclude each other",
		PROFILE("ALLOW", X86_64,
			RULE("ioctl", "ERRNO", ARG(1, EQ, 7)) "," RULE(
				"ioctl", "TRAP", ARG(1, NE, 7))),
		""},
	{"masks that exclude each other",
		PROFILE("ALLOW", X86_64,
			RULE("ioctl", "ERRNO", MASKED(1, 255, 7)) "," RULE(
				"ioctl", "TRAP", MASKED(1, 3, 0))),
		""},
	{"a mask that no value of the range has",
		PROFILE("ALLOW", X86_64,
			RULE("ioctl", "ERRNO", MASKED(1, 240, 16)) "," RULE(
				"ioctl", "TRAP", ARG(1, LT, 16))),
		""},
	{"one argument is enough to exclude",
		PROFILE("ALLOW", X86_64,
			RULE("ioctl", "ERRNO", ARG(1, EQ, 7) "," ARG(2, EQ, 1)) "," RULE(
				"ioctl", "TRAP", ARG(1, EQ, 7) "," ARG(2, EQ, 2))),
		""},
	{"a condition that never holds overlaps with nothing",
		PROFILE("ALLOW", X86_64,
			RULE("ioctl", "ERRNO", ARG(1, LT, 0)) "," RULE(
				"ioctl", "TRAP", ARG(2, EQ, 2))),
		""},
	{"the same, with the rules the other way round",
		PROFILE("ALLOW", X86_64,
			RULE("ioctl", "TRAP", ARG(2, EQ, 2)) "," RULE(
				"ioctl", "ERRNO", ARG(1, LT, 0))),
		""},
	{"an unconditional rule settles what would overlap",
		PROFILE("ALLOW", X86_64,
			RULE("ioctl", "ERRNO", ARG(1, EQ, 7)) "," RULE(
				"ioctl", "TRAP", ARG(1, EQ, 7)) "," RULE("ioctl", "LOG", "")),
		""},
	{"a void rule overlaps with nothing",
		PROFILE("TRAP", X86_64,
			RULE("ioctl", "ALLOW", ARG(1, EQ, 7)) "," RULE(
				"ioctl", "TRAP", ARG(1, EQ, 7))),
		""},
	{"values that a 32-bit ABI does not have overlap with nothing there",
		PROFILE("ALLOW", X86,
			RULE("ioctl", "ERRNO", ARG(1, GE, 4294967297)) "," RULE(
				"ioctl", "TRAP", ARG(1, GE, 4294967296))),
		""},
	{"an unknown name in a rule that allows is told, once for all ABIs; the first with the "
	 "nearest",
		PROFILE("ERRNO", X86_64 "," X86,
			RULE("read', 'opennat", "ALLOW", "") "," RULE(
				"uname', 'openatt", "LOG", "")),
		"web.json: $.syscalls[0].names[1]: no call known here is named \"opennat\": "
		"ignored; did you mean openat?\n"
		"web.json: $.syscalls[1].names[1]: no call known here is named \"openatt\": "
		"ignored\n"},
	{"another errno is not stricter",
		"{'defaultAction': 'SCMP_ACT_ERRNO', 'defaultErrnoRet': 38, 'syscalls': [{'names': "
		"['nope'], 'action': 'SCMP_ACT_ERRNO', 'errnoRet': 1}]}",
		"web.json: $.syscalls[0].names[0]: no call known here is named \"nope\": "
		"ignored\n"},
	{"an unknown name in a void rule is not mentioned",
		PROFILE("KILL", X86_64, RULE("nope", "KILL_THREAD", "")), ""},
	{"a call of another ABI is not mentioned, not even where it would be denied",
		PROFILE("ALLOW", "'SCMP_ARCH_AARCH64'", RULE("socketcall", "KILL_PROCESS", "")),
		""},
};

static void test_accepted(void)
{
	for (size_t i = 0; i < ARRAY_LEN(ACCEPTED); i++) {
		scoped(policy_done) struct policy policy = {0};
		struct heard heard = {0};
		struct err e = {0};

		if (!ok(!resolve(ACCEPTED[i].json, &policy, &heard, &e), "accepted: %s",
			    ACCEPTED[i].claim))
			printf("#   got: %s\n", e.text);
		is_text(heard.text, ACCEPTED[i].notices, "notices: %s", ACCEPTED[i].claim);
	}
}

/* A profile with one rule of @n_names times @name and @n_conds conditions on one index. */
static void profile_fill(struct profile *out, const char *name, size_t n_names, size_t n_conds)
{
	char **names = random_alloc(calloc(n_names, sizeof(*names)));
	struct rule *rule;

	for (size_t i = 0; i < n_names; i++)
		names[i] = (char *)name;
	*out = (struct profile){.default_action = SECCOMP_RET_ERRNO | 1};
	rule = random_rule_add(out, names, n_names, SECCOMP_RET_ALLOW);
	for (size_t i = 0; i < n_conds; i++)
		random_condition_add(rule, (struct condition){.op = OP_EQ, .value = i});
	free(names);
}

static void test_limits(void)
{
	scoped(profile_done) struct profile unknown, repeated, large;
	scoped(policy_done) struct policy first = {0}, second = {0}, third = {0};
	struct heard heard = {0};
	struct notice to = notice_to(&heard);
	struct err e = {0};

	profile_fill(&unknown, "no_such_call", 4000, 0);
	ok(!policy_resolve("p", &unknown, &first, &to, &e) && heard.lines < 100 &&
			first.abis[0].n_calls == 0,
		"4000 unknown names are no 4000 notices");
	profile_fill(&repeated, "read", 4000, 0);
	ok(!policy_resolve("p", &repeated, &second, &to, &e) && second.abis[0].n_calls == 1,
		"a name said 4000 times is said once");
	profile_fill(&large, "read", 1, POLICY_CLAUSES_MAX);
	ok(!policy_resolve("p", &large, &third, NULL, &e) &&
			third.abis[0].n_clauses == POLICY_CLAUSES_MAX,
		"as many clauses as are accepted");
	random_condition_add(
		large.rules, (struct condition){.op = OP_EQ, .value = POLICY_CLAUSES_MAX});
	ok(policy_resolve("p", &large, &third, NULL, &e) == -E2BIG &&
			strstr(e.text, "p: more than 4096 argument checks"),
		"one clause too many: %s", e.text);
}

/*
 * The second reading: from the profile itself, rule by rule, names compared as texts, comparisons
 * through the sign of a difference.
 */
static bool second_condition(const struct condition *cond, uint64_t arg)
{
	__int128 difference = (__int128)arg - (__int128)cond->value;
	uint64_t off = (arg ^ cond->value_two) & cond->value;
	const bool holds[OP_COUNT] = {
		[OP_NE] = difference != 0,
		[OP_LT] = difference<0,
			[OP_LE] = difference<1, [OP_EQ] = difference == 0, [OP_GE] = difference> -
				  1,
			[OP_GT] = difference> 0,
		[OP_MASKED_EQ] = off == 0,
	};

	return holds[cond->op];
}

static bool second_rule_matches(const struct rule *rule, const uint64_t *args)
{
	size_t holding = 0, n_of_index[SYSCALL_ARGS] = {0};
	bool repeats = false;

	for (size_t i = 0; i < rule->n_conds; i++) {
		const struct condition *cond = &rule->conds[i];

		holding += second_condition(cond, args[cond->index]);
		repeats |= ++n_of_index[cond->index] > 1;
	}
	return repeats ? holding > 0 : holding == rule->n_conds;
}

static bool second_rule_names(const struct rule *rule, const char *name)
{
	for (size_t i = 0; i < rule->n_names; i++) {
		if (!strcmp(rule->names[i], name))
			return true;
	}
	return false;
}

/* The listed ABI of a call: NULL if there is none. */
static const struct abi *second_abi(const struct profile *profile, uint32_t arch, uint32_t nr)
{
	const struct abi *native = abi_native();
	const struct abi **abis = profile->n_abis ? profile->abis : &native;
	size_t n_abis = profile->n_abis ? profile->n_abis : 1;
	bool x32 = arch == AUDIT_ARCH_X86_64 && nr >= 0x40000000;

	for (size_t i = 0; i < n_abis; i++) {
		bool negative = nr >= 0x80000000;

		if (abis[i]->audit_arch == arch &&
			(negative || !strcmp(abis[i]->name, "x32") == x32))
			return abis[i];
	}
	return NULL;
}

/* @out_agree: whether all rules that decide say the same. */
static action_t second_verdict(
	const struct profile *profile, const struct seccomp_data *call, bool *out_agree)
{
	const struct abi *abi = second_abi(profile, call->arch, (uint32_t)call->nr);
	action_t decided = profile->default_action;
	const char *name = NULL;
	char buf[SYSCALL_NAME_MAX];

	*out_agree = true;
	if (!abi)
		return SECCOMP_RET_KILL_PROCESS;
	if (call->nr >= 0)
		name = syscall_name(abi, (uint32_t)call->nr, buf);
	for (size_t i = profile->n_rules; name && i-- > 0;) {
		const struct rule *rule = &profile->rules[i];

		if (rule->action == profile->default_action || !second_rule_names(rule, name) ||
			!second_rule_matches(rule, (const uint64_t *)call->args))
			continue;
		*out_agree &= decided == profile->default_action || decided == rule->action;
		decided = rule->action;
	}
	/* An unconditional one, the first of them, has the last word. */
	for (size_t i = 0; name && i < profile->n_rules; i++) {
		const struct rule *rule = &profile->rules[i];

		if (rule->action != profile->default_action && rule->n_conds == 0 &&
			second_rule_names(rule, name)) {
			*out_agree = true;
			return rule->action;
		}
	}
	return decided;
}

/* Whether both readings say the same about @calls random calls. */
static bool readings_agree(
	struct rng *rng, const struct profile *profile, const struct policy *policy, int calls)
{
	for (; calls > 0; calls--) {
		const struct call_policy *about;
		struct seccomp_data call;
		action_t first, second;
		bool agree;

		random_call(rng, profile, &call);
		first = policy_verdict(policy, &call, &about);
		second = second_verdict(profile, &call, &agree);
		if (first == second && agree && (!about || about->nr == (uint32_t)call.nr))
			continue;
		printf("#   arch %x nr %x: %x, by the second reading %x\n", call.arch,
			(unsigned)call.nr, first, second);
		return false;
	}
	return true;
}

static void test_readings_agree(unsigned options, const char *claim)
{
	enum { PROFILES = 3000, CALLS = 200 };
	size_t wrong = 0, refused = 0;

	for (uint64_t seed = 1; seed <= PROFILES; seed++) {
		scoped(profile_done) struct profile profile;
		scoped(policy_done) struct policy policy = {0};
		struct rng rng = {seed};
		struct err e = {0};

		random_profile(&rng, options, &profile);
		if (policy_resolve("p", &profile, &policy, NULL, &e)) {
			refused++;
			if (!(options & RANDOM_CONFLICTS))
				printf("#   seed %d: %s\n", (int)seed, e.text);
		} else if (!readings_agree(&rng, &profile, &policy, CALLS)) {
			printf("#   seed %d\n", (int)seed);
			wrong++;
		}
	}
	ok(wrong == 0 && (refused == 0) == !(options & RANDOM_CONFLICTS) &&
			refused < PROFILES * 9 / 10,
		"%s: both readings of %d random profiles say the same (%zu refused)", claim,
		PROFILES, refused);
}

static void test_lookups(void)
{
	scoped(policy_done) struct policy policy = {0};
	const struct abi *x86_64 = abi_by_name("x86_64"), *i386 = abi_by_name("i386");
	const struct call_policy *about;
	const struct abi_policy *abi;
	struct seccomp_data call = {.arch = AUDIT_ARCH_X86_64, .nr = 16, .args = {0, 7}};
	struct err e = {0};

	if (!ok(!resolve(PROFILE("TRAP", X86_64,
				 RULE("ioctl", "ALLOW", ARG(1, EQ, 7) "," ARG(0, EQ, 0)) "," RULE(
					 "uname", "LOG", "")),
			&policy, NULL, &e),
		    "a policy to look into"))
		return;
	abi = policy_abi(&policy, x86_64);
	if (!ok(abi && abi->abi == x86_64 && abi->n_calls == 2 && !policy_abi(&policy, i386),
		    "the ABI that is listed, and no other"))
		return;
	ok(abi->calls[0].nr == 16 && abi->calls[0].n_clauses == 1 &&
			abi->clauses[abi->calls[0].first_clause].n_conds == 2 &&
			abi->clauses[abi->calls[0].first_clause].rule == 0,
		"a conditional call");
	ok(abi_policy_call(abi, 63) == &abi->calls[1] && abi->calls[1].rule == 1 &&
			abi->calls[1].action == SECCOMP_RET_LOG && !abi_policy_call(abi, 62) &&
			!abi_policy_call(abi, 64),
		"an unconditional call");
	ok(policy_verdict(&policy, &call, &about) == SECCOMP_RET_ALLOW && about == abi->calls,
		"the verdict names what decided");
	call.args[1] = 8;
	ok(policy_verdict(&policy, &call, &about) == SECCOMP_RET_TRAP && !about,
		"and nothing where the default did");
}

int main(void)
{
	test_refused();
	test_accepted();
	test_limits();
	test_lookups();
	test_readings_agree(0, "no overlaps");
	test_readings_agree(RANDOM_CONFLICTS | RANDOM_UNKNOWN_NAMES, "overlaps refused");
	return tap_done();
}
