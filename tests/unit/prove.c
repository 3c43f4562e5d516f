/* The prover against compiled programs, their mutations, and programs written to mislead it. */
#include <errno.h>
#include <glob.h>
#include <linux/audit.h>
#include <sys/resource.h>
#include <sys/syscall.h>

#include "profile.h"
#include "prove.h"
#include "random_profile.h"
#include "scope.h"
#include "tap.h"

struct compiled {
	struct profile profile;
	struct policy policy;
	struct filter filter;
};

static void compiled_done(struct compiled *c)
{
	filter_done(&c->filter);
	policy_done(&c->policy);
	profile_done(&c->profile);
}

static bool compile(struct compiled *c)
{
	struct err e = {0};

	if (!policy_resolve("test", &c->profile, &c->policy, NULL, &e) &&
		!filter_compile(&c->policy, &c->filter, &e))
		return true;
	printf("# %s\n", e.text);
	return false;
}

static bool compile_text(const char *text, struct compiled *c)
{
	scoped_free char *copy = strdup(text);
	struct err e = {0};

	*c = (struct compiled){0};
	if (!profile_parse("test", copy, strlen(copy), &c->profile, NULL, &e))
		return compile(c);
	printf("# %s\n", e.text);
	return false;
}

static struct proof prove(const struct filter *filter, const struct policy *policy)
{
	struct proof proof = {.verdict = PROOF_UNDECIDED};
	struct err e = {0};

	if (filter_prove(filter, policy, &proof, &e))
		printf("# %s\n", e.text);
	return proof;
}

static void test_random_profiles(void)
{
	enum { PROFILES = 10000 };
	unsigned equal = 0;
	uint64_t most = 0;

	for (unsigned seed = 1; seed <= PROFILES; seed++) {
		struct rng rng = {seed};
		struct compiled c = {0};
		struct proof proof;

		random_profile(&rng, 0, &c.profile);
		if (compile(&c)) {
			proof = prove(&c.filter, &c.policy);
			equal += proof.verdict == PROOF_EQUAL;
			most = proof.steps > most ? proof.steps : most;
			if (proof.verdict != PROOF_EQUAL)
				printf("# seed %u: verdict %d\n", seed, proof.verdict);
		}
		compiled_done(&c);
	}
	ok(equal == PROFILES, "%u of %u random profiles compile to what is proven equal", equal,
		PROFILES);
	printf("# most steps for one: %llu\n", (unsigned long long)most);
}

static void test_runtime_default(void)
{
	struct compiled c = {0};
	struct err e = {0};

	ok(!profile_read("profiles/runtime-default.json", &c.profile, NULL, &e) && compile(&c) &&
			prove(&c.filter, &c.policy).verdict == PROOF_EQUAL,
		"profiles/runtime-default.json is proven equal");
	compiled_done(&c);
}

/* The profiles of the other tests: what generate writes, and what the table of verdicts is about.
 */
static void test_files(void)
{
	glob_t files;
	unsigned equal = 0, profiles = 0;

	glob("tests/golden/generate/*.out", 0, NULL, &files);
	glob("tests/sim/*.json", GLOB_APPEND, NULL, &files);
	for (size_t i = 0; i < files.gl_pathc; i++) {
		struct compiled c = {0};
		struct err e = {0};

		/* Some golden outputs are programs and messages. */
		if (!profile_read(files.gl_pathv[i], &c.profile, NULL, &e)) {
			profiles++;
			equal += compile(&c) && prove(&c.filter, &c.policy).verdict == PROOF_EQUAL;
		}
		compiled_done(&c);
	}
	globfree(&files);
	ok(profiles > 20 && equal == profiles, "%u of %u profiles of other tests are proven equal",
		equal, profiles);
}

/* 64 rules of one call, each with two conditions: still decided. */
static void test_many_rules(void)
{
	scoped_free char *text = NULL;
	struct compiled c;
	struct rng rng = {64};
	size_t size;
	FILE *out = open_memstream(&text, &size);

	fputs("{\"defaultAction\":\"SCMP_ACT_ERRNO\",\"syscalls\":[", out);
	for (unsigned i = 0; i < 64; i++)
		fprintf(out,
			"%s{\"names\":[\"ioctl\"],\"action\":\"SCMP_ACT_ALLOW\",\"args\":["
			"{\"index\":1,\"value\":%llu,\"valueTwo\":%llu,\"op\":\"SCMP_CMP_MASKED_"
			"EQ\"},"
			"{\"index\":%u,\"value\":%llu,\"op\":\"SCMP_CMP_%s\"}]}",
			i ? "," : "", (unsigned long long)rng_next(&rng),
			(unsigned long long)rng_next(&rng), (unsigned)(2 + i % 3),
			(unsigned long long)rng_next(&rng), i % 2 ? "LE" : "GT");
	fputs("]}", out);
	fclose(out);
	ok(compile_text(text, &c) && prove(&c.filter, &c.policy).verdict == PROOF_EQUAL,
		"64 masked and ordered rules of one call are proven equal");
	compiled_done(&c);
}

/* The ways to change one instruction of a program.  Returns false past the last. */
static bool mutate(struct sock_filter *insns, size_t len, size_t at, unsigned way)
{
	struct sock_filter *insn = &insns[at], swap;

	switch (way) {
	case 0:
		insn->k ^= 1;
		return true;
	case 1:
		insn->k += 4;
		return true;
	case 2:
		insn->k ^= 0x80000000;
		return true;
	case 3:
		insn->jt++;
		return true;
	case 4:
		insn->jf++;
		return true;
	case 5:
		insn->jt ^= insn->jf;
		insn->jf ^= insn->jt;
		insn->jt ^= insn->jf;
		return true;
	case 6: /* another test */
		insn->code ^= BPF_JEQ ^ BPF_JGE;
		return true;
	case 7: /* swapped with the next */
		if (at + 1 < len) {
			swap = insns[at];
			insns[at] = insns[at + 1];
			insns[at + 1] = swap;
		}
		return true;
	case 8: /* dropped */
		*insn = (struct sock_filter)BPF_STMT(BPF_JMP | BPF_JA, 0);
		return true;
	case 9: /* another return */
		insn->k = BPF_CLASS(insn->code) == BPF_RET ? SECCOMP_RET_ALLOW : insn->k - 1;
		return true;
	default:
		return false;
	}
}

struct tally {
	unsigned equal, different, invalid, bad;
};

/*
 * One mutant.  Bad is: called equal while evaluation finds a difference, called different without a
 * call that shows it, or undecided.
 */
static void judge_mutant(
	const struct filter *mutant, const struct policy *policy, struct tally *tally)
{
	struct proof proof;
	struct err e = {0};

	if (filter_validate(mutant, &e)) {
		tally->invalid++;
		return;
	}
	proof = prove(mutant, policy);
	if (proof.verdict == PROOF_EQUAL) {
		tally->equal++;
		tally->bad += filter_check(mutant, policy, &e) != 0;
	} else if (proof.verdict == PROOF_DIFFERENT) {
		tally->different++;
		tally->bad += action_effective(filter_run(mutant, &proof.call)) ==
			      action_effective(policy_verdict(policy, &proof.call, NULL));
	} else {
		tally->bad++;
	}
}

static void mutants_of(const struct compiled *c, struct tally *tally)
{
	size_t size = c->filter.len * sizeof(*c->filter.insns);
	scoped_free struct sock_filter *copy = malloc(size);

	for (size_t at = 0; at < c->filter.len; at++) {
		for (unsigned way = 0;; way++) {
			const struct filter mutant = {copy, c->filter.len};

			memcpy(copy, c->filter.insns, size);
			if (!mutate(copy, c->filter.len, at, way))
				break;
			judge_mutant(&mutant, &c->policy, tally);
		}
	}
}

static void test_mutations(void)
{
	struct tally tally = {0};
	unsigned mutants;

	for (unsigned seed = 1; seed <= 24; seed++) {
		struct rng rng = {seed};
		struct compiled c = {0};

		random_profile(&rng, RANDOM_X86_ONLY, &c.profile);
		if (compile(&c) && c.filter.len < 120)
			mutants_of(&c, &tally);
		compiled_done(&c);
	}
	mutants = tally.equal + tally.different + tally.invalid;
	ok(tally.bad == 0 && tally.different > 500,
		"of %u mutants %u are different, shown by a call, %u invalid, %u equal; evaluation "
		"agrees",
		mutants, tally.different, tally.invalid, tally.equal);
}

/* Programs for "getppid answers EPERM, the rest is allowed, on x86-64", written in odd ways. */
#define PROFILE                                                                                    \
	"{\"defaultAction\":\"SCMP_ACT_ALLOW\",\"architectures\":[\"SCMP_ARCH_X86_64\"],"          \
	"\"syscalls\":[{\"names\":[\"getppid\"],\"action\":\"SCMP_ACT_ERRNO\",\"errnoRet\":1}]}"

#define LOAD(offset)	  BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offset)
#define JUMP(op, k, t, f) BPF_JUMP(BPF_JMP | (op) | BPF_K, k, t, f)
#define RETURN(k)	  BPF_STMT(BPF_RET | BPF_K, k)
#define KILL		  RETURN(SECCOMP_RET_KILL_PROCESS)
#define ALLOW		  RETURN(SECCOMP_RET_ALLOW)
#define DENY		  RETURN(SECCOMP_RET_ERRNO | 1)
#define ARCH_CHECK	  LOAD(4), JUMP(BPF_JEQ, AUDIT_ARCH_X86_64, 1, 0), KILL

static struct sock_filter PLAIN[] = {ARCH_CHECK, LOAD(0), JUMP(BPF_JEQ, 110, 4, 0),
	JUMP(BPF_JGE, 0x80000000, 2, 0), JUMP(BPF_JGE, 0x40000000, 0, 1), KILL, ALLOW, DENY};
/* x32's numbers are told by their bit. */
static struct sock_filter BIT[] = {ARCH_CHECK, LOAD(0), JUMP(BPF_JEQ, 110, 4, 0),
	JUMP(BPF_JSET, 0x80000000, 2, 0), JUMP(BPF_JSET, 0x40000000, 0, 1), KILL, ALLOW, DENY};
/* Through a scratch cell and X. */
static struct sock_filter SCRATCH[] = {ARCH_CHECK, LOAD(0), BPF_STMT(BPF_ST, 3),
	BPF_STMT(BPF_LD | BPF_IMM, 7), BPF_STMT(BPF_LDX | BPF_MEM, 3),
	BPF_STMT(BPF_MISC | BPF_TXA, 0), JUMP(BPF_JEQ, 110, 4, 0), JUMP(BPF_JGE, 0x80000000, 2, 0),
	JUMP(BPF_JGE, 0x40000000, 0, 1), KILL, ALLOW, DENY};
/* The number compared with X. */
static struct sock_filter WITH_X[] = {ARCH_CHECK, LOAD(0), BPF_STMT(BPF_LDX | BPF_IMM, 110),
	BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_X, 0, 4, 0), JUMP(BPF_JGE, 0x80000000, 2, 0),
	JUMP(BPF_JGE, 0x40000000, 0, 1), KILL, ALLOW, DENY};
/* The answer is computed. */
static struct sock_filter RETURN_A[] = {ARCH_CHECK, LOAD(0), JUMP(BPF_JEQ, 110, 4, 0),
	JUMP(BPF_JGE, 0x80000000, 2, 0), JUMP(BPF_JGE, 0x40000000, 0, 1), KILL, ALLOW,
	BPF_STMT(BPF_LD | BPF_IMM, SECCOMP_RET_ERRNO), BPF_STMT(BPF_ALU | BPF_OR | BPF_K, 1),
	BPF_STMT(BPF_RET | BPF_A, 0)};
/* Dividing by a zero in X ends the program with 0, KILL_THREAD. */
static struct sock_filter DIVIDE[] = {ARCH_CHECK, LOAD(0), JUMP(BPF_JEQ, 110, 4, 0),
	JUMP(BPF_JGE, 0x80000000, 2, 0), JUMP(BPF_JGE, 0x40000000, 0, 1), KILL, ALLOW,
	BPF_STMT(BPF_LDX | BPF_IMM, 0), BPF_STMT(BPF_ALU | BPF_DIV | BPF_X, 0), DENY};
/* x32 is let through. */
static struct sock_filter NO_X32[] = {ARCH_CHECK, LOAD(0), JUMP(BPF_JEQ, 110, 1, 0), ALLOW, DENY};
/* Another ABI is let through. */
static struct sock_filter NO_ARCH[] = {LOAD(0), JUMP(BPF_JEQ, 110, 4, 0),
	JUMP(BPF_JGE, 0x80000000, 2, 0), JUMP(BPF_JGE, 0x40000000, 0, 1), KILL, ALLOW, DENY};
/* One instruction pointer in 2^64 is let through. */
static struct sock_filter BY_IP[] = {ARCH_CHECK, LOAD(0), JUMP(BPF_JEQ, 110, 4, 0),
	JUMP(BPF_JGE, 0x80000000, 2, 0), JUMP(BPF_JGE, 0x40000000, 0, 1), KILL, ALLOW, LOAD(8),
	JUMP(BPF_JEQ, 0x12345678, 0, 2), LOAD(12), JUMP(BPF_JEQ, 0x9abcdef0, 1, 0), DENY, ALLOW};
/* One value of the errno differs. */
static struct sock_filter ERRNO[] = {ARCH_CHECK, LOAD(0), JUMP(BPF_JEQ, 110, 4, 0),
	JUMP(BPF_JGE, 0x80000000, 2, 0), JUMP(BPF_JGE, 0x40000000, 0, 1), KILL, ALLOW,
	RETURN(SECCOMP_RET_ERRNO | 2)};
/* Data of ALLOW and an action that does not exist mean nothing else than ALLOW and KILL_PROCESS. */
static struct sock_filter LOOSE[] = {LOAD(4), JUMP(BPF_JEQ, AUDIT_ARCH_X86_64, 1, 0),
	RETURN(0x12340000), LOAD(0), JUMP(BPF_JEQ, 110, 4, 0), JUMP(BPF_JGE, 0x80000000, 2, 0),
	JUMP(BPF_JGE, 0x40000000, 0, 1), KILL, RETURN(SECCOMP_RET_ALLOW | 5), DENY};

#define ROW(name, verdict)                                                                         \
	{                                                                                          \
#name, name, ARRAY_LEN(name), verdict                                              \
	}
static const struct {
	const char *name;
	struct sock_filter *insns;
	size_t len;
	enum proof_verdict verdict;
} PROGRAMS[] = {
	ROW(PLAIN, PROOF_EQUAL),
	ROW(BIT, PROOF_EQUAL),
	ROW(SCRATCH, PROOF_EQUAL),
	ROW(WITH_X, PROOF_EQUAL),
	ROW(RETURN_A, PROOF_EQUAL),
	ROW(LOOSE, PROOF_EQUAL),
	ROW(DIVIDE, PROOF_DIFFERENT),
	ROW(NO_X32, PROOF_DIFFERENT),
	ROW(NO_ARCH, PROOF_DIFFERENT),
	ROW(BY_IP, PROOF_DIFFERENT),
	ROW(ERRNO, PROOF_DIFFERENT),
};

static void test_programs(void)
{
	struct compiled c;
	char text[512];

	ok(compile_text(PROFILE, &c), "the profile of the odd programs compiles");
	for (size_t i = 0; i < ARRAY_LEN(PROGRAMS); i++) {
		const struct filter filter = {PROGRAMS[i].insns, PROGRAMS[i].len};
		struct proof proof = prove(&filter, &c.policy);

		ok(proof.verdict == PROGRAMS[i].verdict, "%s is %s", PROGRAMS[i].name,
			PROGRAMS[i].verdict == PROOF_EQUAL ? "equal" : "different");
		if (proof.verdict == PROOF_DIFFERENT)
			printf("# %s\n", proof_print(&proof, text, sizeof(text)));
	}
	compiled_done(&c);
}

static void test_invalid(void)
{
	struct sock_filter no_return[] = {LOAD(0)};
	const struct filter filter = {no_return, 1};
	struct compiled c;
	struct proof proof;
	struct err e = {0};

	ok(compile_text(PROFILE, &c) && filter_prove(&filter, &c.policy, &proof, &e) == -EINVAL &&
			e.code == EINVAL,
		"a program that the kernel would refuse is invalid: %s", e.text);
	compiled_done(&c);
}

/* Multiplication is not followed: halving the words it depends on cannot end within the budget. */
static void test_budget(void)
{
	struct sock_filter insns[] = {ARCH_CHECK, BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 16),
		BPF_STMT(BPF_MISC | BPF_TAX, 0), BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 24),
		BPF_STMT(BPF_ALU | BPF_MUL | BPF_X, 0), JUMP(BPF_JEQ, 0x12345677, 0, 1), KILL,
		ALLOW};
	const struct filter filter = {insns, ARRAY_LEN(insns)};
	struct rusage before, after;
	struct compiled c;
	struct proof proof;

	compile_text("{\"defaultAction\":\"SCMP_ACT_ALLOW\"}", &c);
	getrusage(RUSAGE_SELF, &before);
	proof = prove(&filter, &c.policy);
	getrusage(RUSAGE_SELF, &after);
	ok(proof.verdict != PROOF_EQUAL && proof.steps <= PROVE_STEPS,
		"a program that multiplies words is not called equal, within the budget");
	ok(after.ru_maxrss - before.ru_maxrss < 16 * 1024, "and takes less than 16 MiB: %ld KiB",
		after.ru_maxrss - before.ru_maxrss);
	compiled_done(&c);
}

int main(void)
{
	test_programs();
	test_invalid();
	test_runtime_default();
	test_files();
	test_many_rules();
	test_mutations();
	test_random_profiles();
	test_budget();
	return tap_done();
}
