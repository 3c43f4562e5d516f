/*
 * The check of a program against its rules: what is right passes, what is wrong is named.  And the
 * program as text.
 */
#include "filter.h"

#include <errno.h>
#include <linux/audit.h>

#include "filter_test.h"

/* ioctl with conditions on two arguments, read and write allowed, under two ABIs. */
struct sample {
	struct clause clauses[3];
	struct call_policy calls[2][3];
	struct abi_policy abis[2];
	struct policy policy;
};

static void sample_fill(struct sample *sample)
{
	static const struct clause clauses[] = {
		{.action = SECCOMP_RET_ALLOW, .n_conds = 1, .conds = {{1, OP_EQ, 0x5401, 0}}},
		{.action = SECCOMP_RET_ALLOW,
			.n_conds = 2,
			.conds = {{1, OP_GT, 0x100000005, 0}, {0, OP_MASKED_EQ, 0x12, 0x10}}},
		{.action = SECCOMP_RET_ALLOW,
			.n_conds = 1,
			.conds = {{0, OP_MASKED_EQ, 0x80, 0x80}}},
	};
	static const uint32_t numbers[2][3] = {{0, 1, 16}, {3, 4, 54}};

	memcpy(sample->clauses, clauses, sizeof(clauses));
	for (size_t i = 0; i < 2; i++) {
		for (size_t j = 0; j < 3; j++)
			sample->calls[i][j] = (struct call_policy){.nr = numbers[i][j],
				.action = SECCOMP_RET_ALLOW,
				.n_clauses = j == 2 ? 3 : 0};
		sample->abis[i] = (struct abi_policy){abi_by_name(i ? "i386" : "x86_64"),
			sample->calls[i], 3, sample->clauses, 3};
	}
	sample->policy = (struct policy){
		.default_action = ERRNO_OF(1), .abis = sample->abis, .n_abis = 2};
}

static const char TEXT[] = "   0: a = arch\n"
			   "   1: if arch == 0xc000003e (x86_64) goto 2, else 21\n"
			   "   2: a = nr\n"
			   "   3: if nr >= 0x40000000 goto 4, else 5\n"
			   "   4: if nr >= 0x80000000 goto 31, else 32\n"
			   "   5: if nr >= 2 (open) goto 6, else 30\n"
			   "   6: if nr == 16 (ioctl) goto 7, else 31\n"
			   "   7: a = arg0.low\n"
			   "   8: a = a & 0x12\n"
			   "   9: if (arg0.low & 0x12) == 0x10 goto 10, else 17\n"
			   "  10: a = arg0.low\n"
			   "  11: if arg0.low & 0x80 goto 30, else 12\n"
			   "  12: a = arg1.high\n"
			   "  13: if arg1.high >= 0x2 goto 30, else 14\n"
			   "  14: if arg1.high == 0x0 goto 28, else 15\n"
			   "  15: a = arg1.low\n"
			   "  16: if arg1.low >= 0x6 goto 30, else 31\n"
			   "  17: a = arg0.low\n"
			   "  18: if arg0.low & 0x80 goto 30, else 19\n"
			   "  19: a = arg1.high\n"
			   "  20: if arg1.high == 0x0 goto 28, else 31\n"
			   "  21: if arch == 0x40000003 (i386) goto 22, else 32\n"
			   "  22: a = nr\n"
			   "  23: if nr >= 5 (open) goto 25, else 24\n"
			   "  24: if nr >= 3 (read) goto 30, else 31\n"
			   "  25: if nr == 54 (ioctl) goto 26, else 31\n"
			   "  26: a = arg0.low\n"
			   "  27: if arg0.low & 0x80 goto 30, else 28\n"
			   "  28: a = arg1.low\n"
			   "  29: if arg1.low == 0x5401 goto 30, else 31\n"
			   "  30: return SCMP_ACT_ALLOW\n"
			   "  31: return SCMP_ACT_ERRNO (EPERM)\n"
			   "  32: return SCMP_ACT_KILL_PROCESS\n";

static char *print(const struct filter *filter, int *out_code, struct err *e)
{
	char *text = NULL;
	size_t size;
	FILE *to = open_memstream(&text, &size);

	if (!to)
		abort();
	*out_code = filter_print(filter, to, e);
	fclose(to);
	return text;
}

static void test_sample(const struct sample *sample, const struct filter *filter)
{
	struct holding holding = {.filter = filter, .policy = &sample->policy};
	struct err e = {0};

	hold_all_numbers(&holding);
	hold_ok(&holding, "the sample's numbers");
	ok(filter_check(filter, &sample->policy, &e) == 0, "the sample passes");
}

/* Arguments that tell apart all that the sample's clauses and its mutants may do. */
static void hold_arguments(struct holding *holding, uint32_t arch, uint32_t nr)
{
	static const uint32_t words[] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 0x10, 0x11, 0x12, 0x13, 0x80,
		0x90, 0x92, 0x5400, 0x5401, 0x5402, 0x5403, 0x5409, 0x5411, 0x5421, 0x5441, 0x5481,
		0x5501, 0x5601, 0x5801, 0x4401, 0x1401, 0xffffffff};
	enum { N = sizeof(words) / sizeof(words[0]) };
	struct seccomp_data call = {.arch = arch, .nr = (int)nr};

	for (uint32_t i = 0; i < N * N; i++) {
		for (uint32_t high = 0; high < (arch == AUDIT_ARCH_X86_64 ? 6 : 1); high++) {
			call.args[0] = words[i % N];
			call.args[1] = (high == 5 ? 0xffffffffULL : high) << 32 | words[i / N];
			hold_call(holding, &call);
		}
	}
}

/* Whether the mutant is as right as a thorough search can tell. */
static bool is_right(const struct sample *sample, const struct filter *mutant)
{
	struct holding holding = {.filter = mutant, .policy = &sample->policy};

	hold_numbers(&holding, abi_by_name("x86_64"));
	hold_numbers(&holding, abi_by_name("i386"));
	hold_numbers(&holding, abi_by_name("aarch64"));
	hold_arguments(&holding, AUDIT_ARCH_X86_64, 16);
	hold_arguments(&holding, AUDIT_ARCH_I386, 54);
	return holding.wrong == 0;
}

struct tally {
	size_t mutants, invalid, right, found, missed;
};

static void try_mutant(
	const struct sample *sample, const struct filter *filter, size_t at, struct tally *tally)
{
	struct err e = {0};
	int code = filter_check(filter, &sample->policy, &e);
	bool right;

	tally->mutants++;
	if (code == -EINVAL) {
		tally->invalid++;
		return;
	}
	if (code == -EPERM && strstr(e.text, ": the filter says ")) {
		tally->found++;
		return;
	}
	right = !code && is_right(sample, filter);
	tally->right += right;
	tally->missed += !right;
	if (!right)
		printf("#   missed: instruction %zu: code 0x%02x jt %u jf %u k 0x%x\n", at,
			filter->insns[at].code, filter->insns[at].jt, filter->insns[at].jf,
			filter->insns[at].k);
}

/*
 * Every instruction changed in every field.  JSET in place of a comparison is left out: bits far
 * from all values that the rules compare with are for the prover.
 */
static void test_mutants(const struct sample *sample, const struct filter *filter)
{
	static const uint16_t codes[] = {BPF_JMP | BPF_JEQ, BPF_JMP | BPF_JGT, BPF_JMP | BPF_JGE,
		BPF_RET, BPF_LD | BPF_IMM, BPF_JMP | BPF_JA};
	struct tally tally = {0};

	for (size_t at = 0; at < filter->len; at++) {
		struct sock_filter *insn = &filter->insns[at], kept = *insn;

		for (int change = 0; change < 49; change++) {
			if (change < 32)
				insn->k ^= 1u << change;
			else if (change < 34)
				insn->k += change == 32 ? 1 : -1u;
			else if (change < 37)
				insn->jt = (uint8_t)(insn->jt + change - 35);
			else if (change < 40)
				insn->jf = (uint8_t)(insn->jf + change - 38);
			else if (change < 40 + (int)ARRAY_LEN(codes))
				insn->code = codes[change - 40];
			else if (change == 48)
				*insn = (struct sock_filter){
					BPF_JMP | BPF_JEQ, kept.jf, kept.jt, kept.k};
			try_mutant(sample, filter, at, &tally);
			*insn = kept;
		}
	}
	ok(tally.missed == 0 && tally.found > 900,
		"%zu mutants: %zu invalid, %zu as right as before, %zu found wrong", tally.mutants,
		tally.invalid, tally.right, tally.found);
}

static void test_message(const struct sample *sample, const struct filter *filter)
{
	struct sock_filter allow = BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
	struct filter all = {&allow, 1};
	struct sample other = *sample;
	struct err e = {0};

	ok(filter_check(&all, &sample->policy, &e) == -EPERM, "allowing all is found wrong");
	is_text(e.text,
		"x86_64 open (2), arguments 0x0 0x0 0x0 0x0 0x0 0x0: the filter says "
		"SCMP_ACT_ALLOW, the rules say SCMP_ACT_ERRNO (EPERM)",
		"the difference is named");
	other.abis[0].calls = other.calls[0];
	other.abis[1].calls = other.calls[1];
	other.clauses[1].conds[0].value = 0x100000006;
	other.abis[0].clauses = other.abis[1].clauses = other.clauses;
	other.policy.abis = other.abis;
	ok(filter_check(filter, &other.policy, &e) == -EPERM, "a wrong bound is found");
	is_text(e.text,
		"x86_64 ioctl (16), arguments 0x10 0x100000006 0x0 0x0 0x0 0x0: the filter says "
		"SCMP_ACT_ALLOW, the rules say SCMP_ACT_ERRNO (EPERM)",
		"with the arguments that tell");
	other.policy.n_abis = 1;
	other.clauses[1].conds[0].value = 0x100000005;
	ok(filter_check(filter, &other.policy, &e) == -EPERM, "an ABI too many is found");
	is_text(e.text,
		"i386 restart_syscall (0), arguments 0x0 0x0 0x0 0x0 0x0 0x0: the filter says "
		"SCMP_ACT_ERRNO (EPERM), the rules say SCMP_ACT_KILL_PROCESS",
		"by its name");
}

static void test_no_filter(const struct sample *sample)
{
	struct sock_filter jump = BPF_STMT(BPF_JMP | BPF_JA, 0);
	struct filter invalid = {&jump, 1};
	struct err e = {0};
	int code = 0;
	scoped_free char *text = NULL;

	ok(filter_check(&invalid, &sample->policy, &e) == -EINVAL, "what is no filter is not run");
	text = print(&invalid, &code, &e);
	ok(code == -EINVAL && text[0] == '\0', "nor printed");
}

/* Too many boundary values to combine. */
static void test_combinations(void)
{
	enum { CLAUSES = 24 };
	struct clause clauses[CLAUSES];
	struct small_policy small;
	scoped(filter_done) struct filter filter = {0};
	struct err e = {0};

	for (unsigned i = 0; i < CLAUSES; i++) {
		clauses[i] = (struct clause){.action = SECCOMP_RET_ALLOW, .n_conds = 6};
		for (uint8_t arg = 0; arg < 6; arg++)
			clauses[i].conds[arg] = (struct condition){arg, OP_GE, 100 * i + arg, 0};
	}
	small_policy_fill(&small, abi_by_name("x86_64"), 16, clauses, 4);
	ok(!filter_compile(&small.policy, &filter, &e) && !filter_check(&filter, &small.policy, &e),
		"four clauses over six arguments are checked");
	filter_done(&filter);
	small_policy_fill(&small, abi_by_name("x86_64"), 16, clauses, CLAUSES);
	ok(!filter_compile(&small.policy, &filter, &e) &&
			filter_check(&filter, &small.policy, &e) == -E2BIG,
		"24 clauses over six arguments are not");
	is_text(e.text,
		"x86_64 ioctl (16): its conditions have 15312500000 combinations of boundary "
		"values, and 1048576 are checked at most; use fewer conditions for this call",
		"it says why and what to do");
}

static void test_text(const struct filter *filter)
{
	struct err e = {0};
	int code;
	scoped_free char *text = print(filter, &code, &e);

	is_text(text, TEXT, "a program as text");
}

/* Every kind of instruction. */
static void test_all_text(void)
{
	struct sock_filter insns[] = {BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 8), BPF_STMT(BPF_ST, 3),
		BPF_STMT(BPF_LDX | BPF_MEM, 3), BPF_STMT(BPF_STX, 4), BPF_STMT(BPF_LD | BPF_MEM, 4),
		BPF_STMT(BPF_LD | BPF_W | BPF_LEN, 0), BPF_STMT(BPF_LDX | BPF_IMM, 9),
		BPF_STMT(BPF_ALU | BPF_ADD | BPF_X, 0), BPF_STMT(BPF_ALU | BPF_RSH | BPF_K, 3),
		BPF_STMT(BPF_ALU | BPF_NEG, 0), BPF_STMT(BPF_MISC | BPF_TAX, 0),
		BPF_STMT(BPF_MISC | BPF_TXA, 0), BPF_JUMP(BPF_JMP | BPF_JSET | BPF_X, 0, 0, 1),
		BPF_STMT(BPF_JMP | BPF_JA, 0), BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 36),
		BPF_JUMP(BPF_JMP | BPF_JGT | BPF_K, 7, 0, 1), BPF_STMT(BPF_RET | BPF_A, 0),
		BPF_STMT(BPF_RET | BPF_K, 0x12345678)};
	struct filter filter = {insns, ARRAY_LEN(insns)};
	struct err e = {0};
	int code;
	scoped_free char *text = print(&filter, &code, &e);

	is_text(text,
		"   0: a = ip.low\n"
		"   1: cell 3 = a\n"
		"   2: x = cell 3\n"
		"   3: cell 4 = x\n"
		"   4: a = cell 4\n"
		"   5: a = 64\n"
		"   6: x = 0x9\n"
		"   7: a = a + x\n"
		"   8: a = a >> 0x3\n"
		"   9: a = -a\n"
		"  10: x = a\n"
		"  11: a = x\n"
		"  12: if a & x goto 13, else 14\n"
		"  13: goto 14\n"
		"  14: a = arg2.high\n"
		"  15: if arg2.high > 0x7 goto 16, else 17\n"
		"  16: return a\n"
		"  17: return 0x12345678\n",
		"every kind of instruction as text");
}

static void test_broken_output(const struct filter *filter)
{
	FILE *full = fopen("/dev/full", "w");
	struct err e = {0};

	ok(full && filter_print(filter, full, &e) == -ENOSPC, "a full disk is told");
	printf("#   %s\n", e.text);
	if (full)
		fclose(full);
}

int main(void)
{
	struct sample sample;
	scoped(filter_done) struct filter filter = {0};
	struct err e = {0};

	sample_fill(&sample);
	if (!ok(filter_compile(&sample.policy, &filter, &e) == 0, "the sample compiles"))
		return tap_done();
	test_sample(&sample, &filter);
	test_mutants(&sample, &filter);
	test_message(&sample, &filter);
	test_no_filter(&sample);
	test_combinations();
	test_text(&filter);
	test_all_text();
	test_broken_output(&filter);
	return tap_done();
}
