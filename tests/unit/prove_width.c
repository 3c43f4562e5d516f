/*
 * The prover's parts against all there is: with words of three bits, every call of a few words can
 * be tried, so what the walk and the policy search say is compared with plain evaluation.
 */
#include <linux/audit.h>

#include "prove.h"
#include "prove_policy.h"
#include "prove_walk.h"
#include "random_profile.h"
#include "tap.h"

enum { WIDTH = 3, FULL = 7, CALLS = 1 << (4 * WIDTH) };

/* The words that vary: number, ABI, both halves of argument 0. */
static const unsigned VARYING[] = {WORD_NR, WORD_ARCH, WORD_ARGS, WORD_ARGS + 1};
static const uint32_t OFFSETS[] = {0, 4, 16, 20};

static uint32_t word_of(unsigned call, unsigned varying)
{
	return call >> (varying * WIDTH) & FULL;
}

static bool in_box(const struct box *box, unsigned call)
{
	for (unsigned i = 0; i < ARRAY_LEN(VARYING); i++) {
		if (!word_has(&box->words[VARYING[i]], word_of(call, i)))
			return false;
	}
	return true;
}

/* A second evaluator, of the reduced width, written without a look at the first. */
struct machine {
	uint32_t a, x, cells[BPF_MEMWORDS];
	unsigned call;
};

static void machine_load(struct machine *m, const struct sock_filter *insn, uint32_t *reg)
{
	switch (BPF_MODE(insn->code)) {
	case BPF_ABS:
		*reg = word_of(m->call, insn->k < 8 ? insn->k / 4 : insn->k / 4 - 2);
		break;
	case BPF_MEM:
		*reg = m->cells[insn->k];
		break;
	default:
		*reg = insn->k;
	}
}

/* False: division by zero. */
static bool machine_compute(struct machine *m, const struct sock_filter *insn)
{
	uint32_t k = BPF_SRC(insn->code) == BPF_X ? m->x : insn->k;
	const uint32_t results[16] = {
		[BPF_ADD >> 4] = m->a + k,
		[BPF_SUB >> 4] = m->a - k,
		[BPF_AND >> 4] = m->a & k,
		[BPF_OR >> 4] = m->a | k,
		[BPF_XOR >> 4] = m->a ^ k,
		[BPF_DIV >> 4] = k ? m->a / k : 0,
		[BPF_NEG >> 4] = -m->a,
	};

	if (BPF_OP(insn->code) == BPF_DIV && !k)
		return false;
	m->a = results[BPF_OP(insn->code) >> 4] & FULL;
	return true;
}

static unsigned machine_jump(const struct machine *m, const struct sock_filter *insn)
{
	uint32_t k = BPF_SRC(insn->code) == BPF_X ? m->x : insn->k;
	const bool results[16] = {
		[BPF_JEQ >> 4] = m->a == k,
		[BPF_JGT >> 4] = m->a > k,
		[BPF_JGE >> 4] = m->a >= k,
		[BPF_JSET >> 4] = (m->a & k) != 0,
	};

	if (BPF_OP(insn->code) == BPF_JA)
		return insn->k;
	return results[BPF_OP(insn->code) >> 4] ? insn->jt : insn->jf;
}

static uint32_t evaluate(const struct sock_filter *at, unsigned call)
{
	struct machine m = {.call = call};

	for (;; at++) {
		switch (BPF_CLASS(at->code)) {
		case BPF_LD:
			machine_load(&m, at, &m.a);
			break;
		case BPF_LDX:
			machine_load(&m, at, &m.x);
			break;
		case BPF_ST:
			m.cells[at->k] = m.a;
			break;
		case BPF_STX:
			m.cells[at->k] = m.x;
			break;
		case BPF_ALU:
			if (!machine_compute(&m, at))
				return 0;
			break;
		case BPF_JMP:
			at += machine_jump(&m, at);
			break;
		case BPF_RET:
			return BPF_RVAL(at->code) == BPF_A ? m.a : at->k;
		default:
			*(BPF_MISCOP(at->code) == BPF_TAX ? &m.x : &m.a) =
				BPF_MISCOP(at->code) == BPF_TAX ? m.a : m.x;
		}
	}
}

/* All boxes of one walk, laid over the calls. */
struct cover {
	const struct sock_filter *insns;
	unsigned times[CALLS];
	unsigned wrong;
};

static enum box_answer count_leaf(
	void *ctx, struct box *box, uint32_t returned, struct prove_budget *budget)
{
	struct cover *cover = ctx;

	(void)budget;
	for (unsigned call = 0; call < CALLS; call++) {
		if (!in_box(box, call))
			continue;
		cover->times[call]++;
		cover->wrong += evaluate(cover->insns, call) != returned;
	}
	return BOX_EMPTY;
}

/* Whether each call is in exactly one box, and that box says what evaluation says. */
static bool walk_is_exact(struct sock_filter *insns, size_t len)
{
	static struct cover cover;
	const struct filter filter = {insns, len};
	scoped(prove_budget_done) struct prove_budget budget = {.steps = 1000000, .width = WIDTH};
	const struct box start = box_all(WIDTH);

	memset(&cover, 0, sizeof(cover));
	cover.insns = insns;
	if (program_walk(&filter, &start, false, &budget, count_leaf, &cover) != BOX_EMPTY ||
		cover.wrong)
		return false;
	for (unsigned call = 0; call < CALLS; call++) {
		if (cover.times[call] != 1)
			return false;
	}
	return true;
}

static struct sock_filter random_insn(struct rng *rng, unsigned left)
{
	static const uint16_t codes[] = {BPF_LD | BPF_W | BPF_ABS, BPF_LD | BPF_W | BPF_ABS,
		BPF_LD | BPF_W | BPF_ABS, BPF_LD | BPF_IMM, BPF_LDX | BPF_IMM, BPF_LD | BPF_MEM,
		BPF_LDX | BPF_MEM, BPF_ST, BPF_STX, BPF_MISC | BPF_TAX, BPF_MISC | BPF_TXA,
		BPF_ALU | BPF_AND | BPF_K, BPF_ALU | BPF_AND | BPF_K, BPF_ALU | BPF_AND | BPF_X,
		BPF_ALU | BPF_ADD | BPF_K, BPF_ALU | BPF_SUB | BPF_X, BPF_ALU | BPF_XOR | BPF_K,
		BPF_ALU | BPF_OR | BPF_X, BPF_ALU | BPF_DIV | BPF_X, BPF_ALU | BPF_NEG,
		BPF_JMP | BPF_JEQ | BPF_K, BPF_JMP | BPF_JGT | BPF_K, BPF_JMP | BPF_JGE | BPF_K,
		BPF_JMP | BPF_JSET | BPF_K, BPF_JMP | BPF_JEQ | BPF_K, BPF_JMP | BPF_JGE | BPF_K,
		BPF_JMP | BPF_JSET | BPF_K, BPF_JMP | BPF_JEQ | BPF_X, BPF_JMP | BPF_JGT | BPF_X,
		BPF_JMP | BPF_JA, BPF_RET | BPF_K, BPF_RET | BPF_A};
	struct sock_filter insn = {.code = codes[rng_below(rng, ARRAY_LEN(codes))]};

	insn.k = (uint32_t)rng_below(rng, FULL + 1);
	if (insn.code == (BPF_LD | BPF_W | BPF_ABS))
		insn.k = OFFSETS[insn.k % ARRAY_LEN(OFFSETS)];
	if (BPF_CLASS(insn.code) == BPF_JMP) {
		insn.k = insn.code == (BPF_JMP | BPF_JA) ? (uint32_t)rng_below(rng, left) : insn.k;
		insn.jt = (uint8_t)rng_below(rng, left);
		insn.jf = (uint8_t)rng_below(rng, left);
	}
	return insn;
}

static void test_random_programs(void)
{
	enum { PROGRAMS = 12000, LEN_MAX = 16 };
	struct rng rng = {1};
	unsigned exact = 0;

	for (unsigned i = 0; i < PROGRAMS; i++) {
		struct sock_filter insns[LEN_MAX];
		unsigned len = 2 + (unsigned)rng_below(&rng, LEN_MAX - 1);

		for (unsigned at = 0; at + 1 < len; at++)
			insns[at] = random_insn(&rng, len - 1 - at);
		insns[len - 1] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_A, 0);
		exact += walk_is_exact(insns, len);
	}
	ok(exact == PROGRAMS, "the boxes of %u of %u random programs are exact", exact, PROGRAMS);
}

/* Every program "load; op; op; return A" over an alphabet of instructions. */
static void test_all_small_programs(void)
{
	struct sock_filter alphabet[64], insns[4];
	unsigned n = 0, exact = 0, programs = 0;

	for (unsigned k = 0; k <= FULL; k += 3) {
		static const uint16_t codes[] = {BPF_ALU | BPF_AND | BPF_K,
			BPF_ALU | BPF_ADD | BPF_K, BPF_ALU | BPF_DIV | BPF_X, BPF_MISC | BPF_TAX,
			BPF_JMP | BPF_JEQ | BPF_K, BPF_JMP | BPF_JGT | BPF_K,
			BPF_JMP | BPF_JGE | BPF_K, BPF_JMP | BPF_JSET | BPF_K,
			BPF_JMP | BPF_JGE | BPF_X, BPF_RET | BPF_K};

		for (unsigned c = 0; c < ARRAY_LEN(codes); c++)
			alphabet[n++] = (struct sock_filter){.code = codes[c], .k = k};
	}
	for (unsigned i = 0; i < ARRAY_LEN(OFFSETS); i++)
		alphabet[n++] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, OFFSETS[i]);
	insns[0] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 16);
	insns[3] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_A, 0);
	for (unsigned first = 0; first < n; first++) {
		for (unsigned second = 0; second < n; second++) {
			insns[1] = alphabet[first];
			insns[2] = alphabet[second];
			insns[1].jt = 1;
			programs++;
			exact += walk_is_exact(insns, 4);
		}
	}
	ok(exact == programs, "the boxes of all %u programs of four instructions are exact",
		programs);
}

/* Every test of a word that was masked twice. */
static void test_all_masks(void)
{
	static const uint16_t tests[] = {BPF_JEQ, BPF_JGT, BPF_JGE, BPF_JSET};
	unsigned exact = 0, programs = 0;

	for (unsigned bits = 0; bits < 1 << 3 * WIDTH; bits++) {
		for (unsigned test = 0; test < ARRAY_LEN(tests); test++) {
			struct sock_filter insns[] = {
				BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 16),
				BPF_STMT(BPF_ALU | BPF_AND | BPF_K, bits & FULL),
				BPF_STMT(BPF_ALU | BPF_AND | BPF_K, bits >> WIDTH & FULL),
				BPF_JUMP(BPF_JMP | tests[test] | BPF_K, bits >> 2 * WIDTH, 0, 1),
				BPF_STMT(BPF_RET | BPF_K, 1),
				BPF_STMT(BPF_RET | BPF_K, 2),
			};

			programs++;
			exact += walk_is_exact(insns, ARRAY_LEN(insns));
		}
	}
	ok(exact == programs, "the boxes of all %u tests of a word masked twice are exact",
		programs);
}

/* Two ABIs of the reduced width: tokens 1 and 2, the second with arguments of one word. */
static const struct abi ABIS[] = {
	{"wide", "WIDE", 1, 0, 0, false, false},
	{"narrow", "NARROW", 2, 0, 0, true, false},
};

static struct condition small_condition(struct rng *rng)
{
	struct condition cond = {.op = (uint8_t)rng_below(rng, OP_COUNT),
		.value = rng_below(rng, (FULL + 1) * (FULL + 1)),
		.value_two = rng_below(rng, (FULL + 1) * (FULL + 1))};

	if (cond.op != OP_MASKED_EQ)
		cond.value_two = 0;
	return cond;
}

/* Numbers 0...3; some with one action, some with clauses of one action. */
static void random_policy(struct rng *rng, struct policy *policy, struct abi_policy abis[2],
	struct call_policy calls[2][4], struct clause clauses[2][16])
{
	static const action_t actions[] = {
		SECCOMP_RET_ALLOW, SECCOMP_RET_LOG, SECCOMP_RET_ERRNO | 1};

	*policy = (struct policy){actions[rng_below(rng, 3)], abis, 1 + rng_below(rng, 2), 0};
	for (unsigned i = 0; i < policy->n_abis; i++) {
		abis[i] = (struct abi_policy){
			.abi = &ABIS[i], .calls = calls[i], .clauses = clauses[i]};
		for (uint32_t nr = 0; nr < 4; nr++) {
			struct call_policy *call = &calls[i][abis[i].n_calls];
			action_t action = actions[rng_below(rng, 3)];

			if (action == policy->default_action)
				continue;
			abis[i].n_calls++;
			*call = (struct call_policy){.nr = nr, .action = action};
			call->first_clause = abis[i].n_clauses;
			call->n_clauses = rng_below(rng, 4);
			for (size_t c = 0; c < call->n_clauses; c++) {
				struct clause *clause = &clauses[i][abis[i].n_clauses++];

				*clause = (struct clause){.action = action, .n_conds = 1};
				clause->conds[0] = small_condition(rng);
			}
		}
	}
}

/* What the policy says about one call, without anything of the prover's. */
static action_t verdict(const struct policy *policy, unsigned call)
{
	uint32_t nr = word_of(call, 0), arch = word_of(call, 1);
	uint64_t arg = word_of(call, 3) << WIDTH | word_of(call, 2);
	const struct abi_policy *abi = NULL;

	for (size_t i = 0; i < policy->n_abis; i++) {
		if (policy->abis[i].abi->audit_arch == arch)
			abi = &policy->abis[i];
	}
	if (!abi)
		return SECCOMP_RET_KILL_PROCESS;
	if (abi->abi->bits32)
		arg &= FULL;
	for (size_t i = 0; i < abi->n_calls; i++) {
		const struct call_policy *about = &abi->calls[i];

		if (about->nr != nr)
			continue;
		if (!about->n_clauses)
			return about->action;
		for (size_t c = 0; c < about->n_clauses; c++) {
			const struct clause *clause = &abi->clauses[about->first_clause + c];

			if (condition_holds(&clause->conds[0], arg))
				return clause->action;
		}
	}
	return policy->default_action;
}

/* A few random tests on the words that vary. */
static struct box random_box(struct rng *rng, struct prove_budget *budget)
{
	struct box box = box_all(WIDTH);

	for (unsigned i = 0; i < ARRAY_LEN(VARYING); i++) {
		struct word_set *set = &box.words[VARYING[i]];
		uint32_t a = (uint32_t)rng_below(rng, FULL + 1),
			 b = (uint32_t)rng_below(rng, FULL + 1);

		if (rng_percent(rng, 30))
			(void)word_meet_range(set, a < b ? a : b, a < b ? b : a);
		if (rng_percent(rng, 30))
			(void)word_meet_bits(set, a, a & b);
		if (rng_percent(rng, 50))
			(void)set_exclude(set, b, a & b, budget);
	}
	return box;
}

static bool search_is_exact(struct rng *rng)
{
	struct policy policy;
	struct abi_policy abis[2];
	struct call_policy calls[2][4];
	struct clause clauses[2][16];
	scoped(prove_budget_done) struct prove_budget budget = {.steps = 1000000, .width = WIDTH};
	struct box box = random_box(rng, &budget), before;
	struct prove_witness witness;
	enum box_answer answer;
	bool differs = false, witness_differs = false;
	size_t n_nots;
	action_t got;

	random_policy(rng, &policy, abis, calls, clauses);
	/* What holds for most of the box, so that both answers come up. */
	got = rng_percent(rng, 50) ? policy.default_action : (action_t)SECCOMP_RET_ALLOW;
	if (rng_percent(rng, 70))
		(void)word_meet_range(&box.words[WORD_ARCH], 1, 2);
	before = box;
	n_nots = budget.n_nots;
	answer = policy_differs(&policy, &box, got, false, &budget, &witness);
	if (memcmp(&box, &before, sizeof(box)) != 0 || budget.n_nots != n_nots)
		return false;
	for (unsigned call = 0; call < CALLS; call++) {
		bool at_witness = true;

		if (!in_box(&box, call) || verdict(&policy, call) == got)
			continue;
		differs = true;
		for (unsigned i = 0; i < ARRAY_LEN(VARYING) && answer == BOX_FOUND; i++)
			at_witness &= witness.values[VARYING[i]] == word_of(call, i);
		witness_differs |= at_witness;
	}
	return answer == (differs ? BOX_FOUND : BOX_EMPTY) && witness_differs == differs;
}

static void test_policy_search(void)
{
	enum { SEARCHES = 20000 };
	struct rng rng = {7};
	unsigned exact = 0;

	for (unsigned i = 0; i < SEARCHES; i++)
		exact += search_is_exact(&rng);
	ok(exact == SEARCHES,
		"%u of %u searches of random boxes agree with trying every call and put "
		"the box back",
		exact, SEARCHES);
}

int main(void)
{
	test_all_small_programs();
	test_all_masks();
	test_random_programs();
	test_policy_search();
	return tap_done();
}
