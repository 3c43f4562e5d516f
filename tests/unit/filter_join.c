/* Two programs made into one, and whether one program is within another. */
#include <errno.h>
#include <linux/audit.h>
#include <sys/syscall.h>

#include "filter_test.h"
#include "merge.h"
#include "prove.h"
#include "random_profile.h"

enum { PAIRS = 400, CALLS = 300, STACK_MAX = 4 };

/* A profile, and what becomes of it. */
struct made {
	struct profile profile;
	struct policy policy;
	struct filter filter;
};

static void made_done(struct made *made)
{
	profile_done(&made->profile);
	policy_done(&made->policy);
	filter_done(&made->filter);
}

static bool make_of(struct made *made)
{
	struct err e = {0};

	if (!policy_resolve("test", &made->profile, &made->policy, NULL, &e) &&
		!filter_compile(&made->policy, &made->filter, &e))
		return true;
	printf("# %s\n", e.text);
	return false;
}

static bool make_random(struct rng *rng, struct made *made)
{
	random_profile(rng, RANDOM_X86_ONLY, &made->profile);
	return make_of(made);
}

static bool make_text(const char *text, struct made *made)
{
	scoped_free char *copy = strdup(text);
	struct err e = {0};

	return !profile_parse("test", copy, strlen(copy), &made->profile, NULL, &e) &&
	       make_of(made);
}

static action_t answer_of(const struct filter *filters, size_t n, const struct seccomp_data *call)
{
	return action_effective(answer_of_all(filters, n, call));
}

static size_t count_wrong(struct rng *rng, const struct profile *about, const struct filter *one,
	const struct filter *filters, size_t n)
{
	size_t wrong = 0;

	for (int i = 0; i < CALLS; i++) {
		struct seccomp_data call;

		random_call(rng, about, &call);
		wrong += action_effective(filter_run(one, &call)) != answer_of(filters, n, &call);
	}
	return wrong;
}

/* Whether a program says what the profiles' intersection says, the first one counting as the
 * newest: 1, 0, or -1 if there is no such profile, or the proof is too much. */
static int says_intersection(
	const struct filter *joined, const struct made *newer, const struct made *older)
{
	const struct named_profile both[] = {{"newer", newer->profile}, {"older", older->profile}};
	scoped(made_done) struct made merged = {0};
	struct proof proof;
	struct err e = {0};

	if (profile_merge(PROFILE_INTERSECT, both, 2, &merged.profile, NULL, &e) ||
		policy_resolve("merged", &merged.profile, &merged.policy, NULL, &e) ||
		filter_prove(joined, &merged.policy, &proof, &e) ||
		proof.verdict == PROOF_UNDECIDED)
		return -1;
	return proof.verdict == PROOF_EQUAL;
}

struct join_totals {
	size_t failed, unproven, wrong, said, unsaid, not_within;
};

static bool is_within(const struct filter *inner, const struct filter *outer)
{
	struct proof proof;
	struct err e = {0};

	return !filter_within(inner, outer, &proof, &e) && proof.verdict == PROOF_EQUAL;
}

static void try_pair(struct rng *rng, struct join_totals *totals)
{
	scoped(made_done) struct made newer = {0}, older = {0};
	scoped(filter_done) struct filter joined = {0};
	struct filter both[2];
	struct proof proof = {0};
	struct err e = {0};
	int said;

	if (!make_random(rng, &newer) || !make_random(rng, &older) ||
		filter_join(&newer.filter, &older.filter, &joined, &e) ||
		filter_validate(&joined, &e)) {
		totals->failed++;
		return;
	}
	both[0] = newer.filter;
	both[1] = older.filter;
	totals->unproven += filters_prove_alike(both, 2, &joined, &proof, &e) ||
			    proof.verdict != PROOF_EQUAL;
	totals->wrong += count_wrong(rng, &newer.profile, &joined, both, 2) +
			 count_wrong(rng, &older.profile, &joined, both, 2);
	said = says_intersection(&joined, &newer, &older);
	totals->said += said == 1;
	totals->unsaid += said == 0;
	totals->not_within += !is_within(&joined, &newer.filter) ||
			      !is_within(&joined, &older.filter);
}

static void test_random_pairs(void)
{
	struct join_totals totals = {0};
	struct rng rng = {81};

	for (int i = 0; i < PAIRS; i++)
		try_pair(&rng, &totals);
	ok(totals.failed == 0, "%d random pairs join into valid programs", PAIRS);
	ok(totals.unproven == 0, "proven to answer what the two answer together");
	ok(totals.wrong == 0, "and so they do, call by call");
	ok(totals.unsaid == 0 && totals.said > PAIRS / 4,
		"and what the intersection of the profiles says, where there is one");
	ok(totals.not_within == 0, "and each is within both of its parts");
	printf("# %zu intersections\n", totals.said);
}

/* Several, each joined to what those before it came to. */
static bool try_stack(struct rng *rng, size_t n)
{
	struct made made[STACK_MAX] = {0};
	struct filter filters[STACK_MAX], joined = {0};
	bool right = true;
	struct err e = {0};

	for (size_t i = 0; i < n; i++)
		right &= make_random(rng, &made[n - 1 - i]);
	for (size_t i = 0; i < n; i++)
		filters[i] = made[i].filter; /* the newest first */
	for (size_t i = n - 1; right && i-- > 0;) {
		struct filter next = {0};
		const struct filter *older = joined.len ? &joined : &filters[n - 1];

		right = !filter_join(&filters[i], older, &next, &e);
		filter_done(&joined);
		joined = next;
	}
	right = right && !filter_must_equal_all(&joined, filters, n, &e) &&
		count_wrong(rng, &made[0].profile, &joined, filters, n) == 0;
	filter_done(&joined);
	for (size_t i = 0; i < n; i++)
		made_done(&made[i]);
	return right;
}

static void test_random_stacks(void)
{
	struct rng rng = {82};
	size_t wrong = 0;

	for (int i = 0; i < PAIRS / 4; i++)
		wrong += !try_stack(&rng, 3 + (size_t)i % 2);
	ok(wrong == 0, "three and four joined one after the other answer what all of them do");
}

/* For this machine only: nothing of the program is about calls that the other one kills. */
static bool make_random_native(struct rng *rng, struct made *made)
{
	random_profile(rng, RANDOM_X86_ONLY, &made->profile);
	made->profile.n_abis = 0;
	return make_of(made);
}

/* One instruction of a joined program is changed: what is still proven must hold. */
static void test_faults(void)
{
	struct rng rng = {83};
	size_t noticed = 0, equal = 0, wrong = 0, bad = 0;

	for (int i = 0; i < PAIRS; i++) {
		scoped(made_done) struct made newer = {0}, older = {0};
		scoped(filter_done) struct filter joined = {0};
		struct filter both[2];
		struct proof proof;
		struct err e = {0};

		if (!make_random_native(&rng, &newer) || !make_random_native(&rng, &older) ||
			filter_join(&newer.filter, &older.filter, &joined, &e))
			continue;
		joined.insns[rng_below(&rng, joined.len)].k ^= 1u << rng_below(&rng, 3);
		both[0] = newer.filter;
		both[1] = older.filter;
		if (filters_prove_alike(both, 2, &joined, &proof, &e))
			continue; /* no valid program any more */
		noticed += proof.verdict == PROOF_DIFFERENT;
		equal += proof.verdict == PROOF_EQUAL;
		if (proof.verdict == PROOF_EQUAL)
			wrong += count_wrong(&rng, &newer.profile, &joined, both, 2);
		if (proof.verdict == PROOF_DIFFERENT)
			bad += action_effective(filter_run(&joined, &proof.call)) ==
			       answer_of(both, 2, &proof.call);
	}
	ok(noticed > PAIRS / 4 && bad == 0, "a changed program: a call that shows it");
	ok(wrong == 0, "and where it is still proven, it is the same");
	printf("# %zu noticed, %zu the same\n", noticed, equal);
}

static void test_shrinks(void)
{
	scoped(made_done) struct made kill = {0}, some = {0};
	scoped(filter_done) struct filter joined = {0};
	struct err e = {0};

	if (!ok(make_text("{\"defaultAction\": \"SCMP_ACT_KILL_PROCESS\"}", &kill) &&
			    make_text("{\"defaultAction\": \"SCMP_ACT_ERRNO\", \"syscalls\": "
				      "[{\"names\": [\"read\", \"write\"], \"action\": "
				      "\"SCMP_ACT_ALLOW\"}]}",
				    &some),
		    "profiles"))
		return;
	ok(!filter_join(&kill.filter, &some.filter, &joined, &e) && joined.len == 1,
		"behind what kills for everything nothing is left of the older one");
	filter_done(&joined);
	ok(!filter_join(&some.filter, &kill.filter, &joined, &e) && joined.len == 1,
		"nor of the newer one in front of it");
}

/* What is never reached is written all the same, and must not be where the program starts. */
static void test_dead_code(void)
{
	struct sock_filter skips[] = {BPF_STMT(BPF_JMP | BPF_JA, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | 9),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)};
	struct sock_filter traps[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 5, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_TRAP),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)};
	const struct filter both[] = {{skips, ARRAY_LEN(skips)}, {traps, ARRAY_LEN(traps)}};
	scoped(filter_done) struct filter joined = {0};
	struct err e = {0};

	ok(!filter_join(&both[0], &both[1], &joined, &e) &&
			!filter_must_equal_all(&joined, both, 2, &e),
		"a program with an instruction that is never reached");
}

static void test_refused(void)
{
	struct sock_filter allow = BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
	struct sock_filter computed[] = {
		BPF_STMT(BPF_LD | BPF_IMM, SECCOMP_RET_ALLOW), BPF_STMT(BPF_RET | BPF_A, 0)};
	struct sock_filter compared[] = {BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_X, 0, 0, 0), allow};
	const struct filter plain = {&allow, 1}, a = {computed, 2}, x = {compared, 2};
	struct filter out = {0};
	struct err e = {0};

	ok(filter_join(&plain, &a, &out, &e) == -EINVAL &&
			filter_join(&a, &plain, &out, &e) == -EINVAL,
		"a return of the accumulator is refused");
	ok(filter_join(&plain, &x, &out, &e) == -EINVAL &&
			filter_join(&x, &plain, &out, &e) == -EINVAL,
		"a comparison with X is refused");
	ok(!out.insns, "and nothing is handed out");
}

/* Answers a number each, so that none shrinks. */
static void fill_long(struct sock_filter *insns, size_t len, uint32_t first)
{
	insns[0] = (struct sock_filter)BPF_STMT(
		BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr));
	for (size_t i = 1; i + 2 < len; i += 2) {
		insns[i] = (struct sock_filter)BPF_JUMP(
			BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)i + first, 0, 1);
		insns[i + 1] = (struct sock_filter)BPF_STMT(
			BPF_RET | BPF_K, SECCOMP_RET_ERRNO | (uint32_t)(i % 4000));
	}
	insns[len - 1] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
}

static void test_too_long(void)
{
	static struct sock_filter long_one[2000], other[2200];
	const struct filter a = {long_one, ARRAY_LEN(long_one)}, b = {other, ARRAY_LEN(other)};
	struct filter out = {0};
	struct err e = {0};

	fill_long(long_one, ARRAY_LEN(long_one), 0);
	fill_long(other, ARRAY_LEN(other), 10000);
	ok(filter_join(&a, &b, &out, &e) == -E2BIG && strstr(e.text, "the kernel accepts 4096"),
		"more than the kernel takes: %s", e.text);
}

#define P(default_action, rules)                                                                   \
	"{\"defaultAction\": \"SCMP_ACT_" default_action "\", \"architectures\": "                 \
	"[\"SCMP_ARCH_X86_64\"], \"syscalls\": [" rules "]}"
#define ALLOWED(names) "{\"names\": [" names "], \"action\": \"SCMP_ACT_ALLOW\"}"
#define ALLOWED_IF(name, op, value)                                                                \
	"{\"names\": [\"" name "\"], \"action\": \"SCMP_ACT_ALLOW\", \"args\": [{\"index\": 0, "   \
	"\"op\": \"SCMP_CMP_" op "\", \"value\": " value "}]}"

static const struct {
	const char *name, *inner, *outer;
	bool within;
	long nr; /* of the call that shows it */
	uint32_t inner_says, both_say;
} WITHIN[] = {
	{"fewer calls", P("ERRNO", ALLOWED("\"read\"")), P("ERRNO", ALLOWED("\"read\", \"write\"")),
		true, 0, 0, 0},
	{"the same", P("ERRNO", ALLOWED("\"read\"")), P("ERRNO", ALLOWED("\"read\"")), true, 0, 0,
		0},
	{"another call", P("ERRNO", ALLOWED("\"read\", \"dup\"")),
		P("ERRNO", ALLOWED("\"read\", \"write\"")), false, SYS_dup, SECCOMP_RET_ALLOW,
		SECCOMP_RET_ERRNO | 1},
	{"fewer values", P("ERRNO", ALLOWED_IF("dup", "EQ", "3")),
		P("ERRNO", ALLOWED_IF("dup", "LT", "9")), true, 0, 0, 0},
	{"more values", P("ERRNO", ALLOWED_IF("dup", "LT", "10")),
		P("ERRNO", ALLOWED_IF("dup", "LT", "9")), false, SYS_dup, SECCOMP_RET_ALLOW,
		SECCOMP_RET_ERRNO | 1},
	{"a call without its conditions", P("ERRNO", ALLOWED("\"dup\"")),
		P("ERRNO", ALLOWED_IF("dup", "LT", "9")), false, SYS_dup, SECCOMP_RET_ALLOW,
		SECCOMP_RET_ERRNO | 1},
	{"denied with its own errno",
		"{\"defaultAction\": \"SCMP_ACT_ERRNO\", \"defaultErrnoRet\": 38, "
		"\"architectures\": [\"SCMP_ARCH_X86_64\"], \"syscalls\": [" ALLOWED(
			"\"read\"") "]}",
		P("ERRNO", ALLOWED("\"read\"")), true, 0, 0, 0},
	{"denied more mildly than outside", P("ERRNO", ALLOWED("\"read\"")),
		P("KILL_PROCESS", ALLOWED("\"read\"")), false, -1, SECCOMP_RET_ERRNO | 1,
		SECCOMP_RET_KILL_PROCESS},
	{"denied more strictly", P("KILL_PROCESS", ALLOWED("\"read\"")),
		P("ERRNO", ALLOWED("\"read\"")), true, 0, 0, 0},
	{"logged outside", P("ERRNO", ALLOWED("\"read\"")),
		P("ERRNO", "{\"names\": [\"read\"], \"action\": \"SCMP_ACT_LOG\"}"), false,
		SYS_read, SECCOMP_RET_ALLOW, SECCOMP_RET_LOG},
};

static void test_within(void)
{
	for (size_t i = 0; i < ARRAY_LEN(WITHIN); i++) {
		scoped(made_done) struct made inner = {0}, outer = {0};
		struct proof proof = {0};
		struct err e = {0};
		bool right = make_text(WITHIN[i].inner, &inner) &&
			     make_text(WITHIN[i].outer, &outer) &&
			     !filter_within(&inner.filter, &outer.filter, &proof, &e);

		if (WITHIN[i].within)
			right &= proof.verdict == PROOF_EQUAL;
		else
			right &= proof.verdict == PROOF_DIFFERENT &&
				 (WITHIN[i].nr < 0 || proof.call.nr == WITHIN[i].nr) &&
				 proof.got == WITHIN[i].inner_says &&
				 proof.wanted == WITHIN[i].both_say && !proof.rule;
		ok(right, "%s: %s", WITHIN[i].name, WITHIN[i].within ? "within" : "not within");
	}
}

static void test_random_within(void)
{
	struct rng rng = {84};
	size_t within = 0, not_within = 0, wrong = 0;

	for (int i = 0; i < PAIRS; i++) {
		scoped(made_done) struct made inner = {0}, outer = {0};
		struct filter both[2];
		struct proof proof;
		struct err e = {0};

		if (!make_random(&rng, &inner) || !make_random(&rng, &outer) ||
			filter_within(&inner.filter, &outer.filter, &proof, &e)) {
			wrong++;
			continue;
		}
		both[0] = inner.filter;
		both[1] = outer.filter;
		within += proof.verdict == PROOF_EQUAL;
		not_within += proof.verdict == PROOF_DIFFERENT;
		if (proof.verdict == PROOF_EQUAL)
			wrong += count_wrong(&rng, &outer.profile, &inner.filter, both, 2) > 0;
		else
			wrong += action_effective(filter_run(&inner.filter, &proof.call)) ==
				 answer_of(both, 2, &proof.call);
	}
	ok(wrong == 0, "random pairs: within or not, as evaluation has it");
	printf("# %zu within, %zu not\n", within, not_within);
}

static void test_limit(void)
{
	struct sock_filter allow = BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
	struct filter many[PROVE_FILTERS_MAX];
	struct proof proof;
	struct err e = {0};

	for (size_t i = 0; i < ARRAY_LEN(many); i++)
		many[i] = (struct filter){&allow, 1};
	ok(!filters_prove_alike(many, PROVE_FILTERS_MAX - 1, &many[0], &proof, &e) &&
			proof.verdict == PROOF_EQUAL,
		"as many programs as are looked at, with the one");
	ok(filters_prove_alike(many, PROVE_FILTERS_MAX, &many[0], &proof, &e) == -E2BIG,
		"one more is an error");
}

int main(void)
{
	test_random_pairs();
	test_random_stacks();
	test_faults();
	test_shrinks();
	test_dead_code();
	test_refused();
	test_too_long();
	test_within();
	test_random_within();
	test_limit();
	return tap_done();
}
