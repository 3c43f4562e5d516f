#include "prove_walk.h"

#include <stdlib.h>
#include <string.h>

#include "prove.h"

/*
 * What is known about a register or a scratch cell on a path: a constant, a word of the call with
 * some bits masked off, or something made of the words in `from` that is not followed further.
 */
struct value {
	enum { VALUE_CONST, VALUE_WORD, VALUE_MIXED } kind;
	uint32_t constant; /* CONST: the value; WORD: the mask */
	uint32_t word; /* WORD: its index */
	uint32_t from; /* a bit for each word it is made of; none for CONST */
};

struct state {
	uint32_t pc;
	struct value a, x;
	size_t n_nots; /* how many exclusions the box may refer to */
	struct box box;
	struct value scratch[BPF_MEMWORDS]; /* last: few programs have any, and it is large */
};

struct walk {
	const struct filter *filter;
	bool big_endian;
	struct prove_budget *budget;
	uint32_t full; /* a word with all bits set */
	size_t state_size; /* what of a state is copied */
	struct state *pending; /* a stack */
	size_t n_pending, room;
	walk_leaf *leaf;
	void *ctx;
};

/* The answers of a step: BOX_EMPTY is "this path has ended", BOX_FOUND "go on". */

static struct value constant(uint32_t value)
{
	return (struct value){.kind = VALUE_CONST, .constant = value};
}

static struct value mixed(const struct value *a, const struct value *b)
{
	return (struct value){.kind = VALUE_MIXED, .from = a->from | b->from};
}

/* Whether only one value is left, as far as interval and known bits say. */
static bool word_single(const struct walk *w, const struct word_set *set, uint32_t *out)
{
	if (set->low == set->high)
		*out = set->low;
	else if (set->mask == w->full)
		*out = set->value;
	else
		return false;
	return true;
}

static struct value load(const struct walk *w, const struct state *s, uint32_t offset)
{
	unsigned word = box_word(offset, w->big_endian);
	uint32_t single;

	if (word_single(w, &s->box.words[word], &single))
		return constant(single);
	return (struct value){VALUE_WORD, w->full, word, 1u << word};
}

static enum box_answer make_room(struct walk *w)
{
	if (w->n_pending == w->room) {
		size_t room = w->room ? 2 * w->room : 16;
		struct state *grown;

		if (room > PROVE_STATES_MAX)
			return BOX_SPENT;
		grown = reallocarray(w->pending, room, sizeof(*grown));
		if (!grown)
			return BOX_SPENT;
		w->pending = grown;
		w->room = room;
	}
	return BOX_FOUND;
}

/* The path continues at @pc, later, with @set for @word. */
static enum box_answer push(struct walk *w, const struct state *s, uint32_t pc, unsigned word,
	const struct word_set *set)
{
	struct state *later;

	if (make_room(w) != BOX_FOUND)
		return BOX_SPENT;
	later = &w->pending[w->n_pending++];
	memcpy(later, s, w->state_size);
	later->pc = pc;
	later->box.words[word] = *set;
	later->n_nots = w->budget->n_nots;
	return BOX_FOUND;
}

/* Later, too, if the set has a member. */
static enum box_answer push_if(struct walk *w, const struct state *s, uint32_t pc, unsigned word,
	const struct word_set *set)
{
	enum box_answer answer = set_check(set, w->budget);

	return answer == BOX_FOUND ? push(w, s, pc, word, set) : answer;
}

/*
 * A value that cannot be followed decides something: halve the domain of a word that it is made of,
 * and start over in either half.  The path is the same up to here, with more constants.
 */
static enum box_answer split(struct walk *w, struct state *s, uint32_t from)
{
	const struct box box = s->box;
	struct word_set upper, *set;
	uint32_t single, middle;
	unsigned word = 0;

	while (word < WORD_COUNT &&
		(!(from >> word & 1) || word_single(w, &box.words[word], &single)))
		word++;
	*s = (struct state){.box = box};
	if (word == WORD_COUNT)
		return BOX_FOUND; /* became constants after they were loaded: load them again */
	set = &s->box.words[word];
	upper = *set;
	middle = set->low + (set->high - set->low) / 2;
	(void)word_meet_range(&upper, middle + 1, w->full);
	if (push_if(w, s, 0, word, &upper) == BOX_SPENT)
		return BOX_SPENT;
	(void)word_meet_range(set, 0, middle);
	return set_check(set, w->budget);
}

/* What is left of a word on both ways of a jump, and whether any call takes them. */
struct branch {
	struct word_set yes, no;
	enum box_answer in_yes, in_no;
};

static enum box_answer found_if(bool left)
{
	return left ? BOX_FOUND : BOX_EMPTY;
}

/* word >= @edge, or not */
static void narrow_order(const struct walk *w, uint64_t edge, struct branch *b)
{
	b->in_yes = found_if(edge <= w->full && word_meet_range(&b->yes, (uint32_t)edge, w->full));
	b->in_no = found_if(edge > 0 && word_meet_range(&b->no, 0, (uint32_t)(edge - 1)));
}

/* (word & mask) compared with @k: narrow both ways.  The order of masked words: push_order(). */
static void narrow(const struct walk *w, uint32_t mask, uint16_t op, uint32_t k, struct branch *b)
{
	if (op == BPF_JEQ) {
		b->in_yes = found_if(word_meet_bits(&b->yes, mask, k));
		b->in_no = set_exclude(&b->no, mask, k, w->budget);
	} else if (op == BPF_JSET) {
		b->in_yes = set_exclude(&b->yes, mask & k, 0, w->budget);
		b->in_no = found_if(word_meet_bits(&b->no, mask & k, 0));
	} else {
		narrow_order(w, (uint64_t)k + (op == BPF_JGT), b);
	}
	if (b->in_yes == BOX_FOUND)
		b->in_yes = set_check(&b->yes, w->budget);
	if (b->in_no == BOX_FOUND)
		b->in_no = set_check(&b->no, w->budget);
}

/* The part of @set in which all bits @mask are 0, or (@any_set) some bit is 1. */
static enum box_answer push_bits(struct walk *w, const struct state *s, uint32_t pc, unsigned word,
	const struct word_set *set, uint32_t mask, bool any_set)
{
	struct word_set part = *set;
	enum box_answer answer = any_set ? set_exclude(&part, mask, 0, w->budget)
					 : found_if(word_meet_bits(&part, mask, 0));

	return answer == BOX_FOUND ? push_if(w, s, pc, word, &part) : answer;
}

/*
 * (word & mask) >= @edge: go down the bits that are 1 in @edge.  What has a 1 above the next one,
 * where
 * @edge has none, is larger; what has a 0 in its place is smaller; the rest goes on, and in the end
 * is equal so far and so not smaller.  One part for each bit and side, all of them for later.
 */
static enum box_answer push_order(struct walk *w, const struct state *s, const struct value *a,
	uint32_t edge, uint32_t yes_pc, uint32_t no_pc)
{
	struct word_set equal = s->box.words[a->word];
	uint32_t mask = a->constant, above = w->full;

	while (edge) {
		uint32_t bit = 1u << (31 - __builtin_clz(edge));
		uint32_t gap = mask & above & ~(bit | (bit - 1));

		if (push_bits(w, s, yes_pc, a->word, &equal, gap, true) == BOX_SPENT)
			return BOX_SPENT;
		if (!word_meet_bits(&equal, gap, 0))
			return BOX_EMPTY;
		if (push_bits(w, s, no_pc, a->word, &equal, mask & bit, false) == BOX_SPENT)
			return BOX_SPENT;
		if (!(mask & bit) || !word_meet_bits(&equal, bit, bit))
			return BOX_EMPTY;
		above = bit - 1;
		edge &= ~bit;
	}
	return push_if(w, s, yes_pc, a->word, &equal) == BOX_SPENT ? BOX_SPENT : BOX_EMPTY;
}

static bool compare(uint16_t op, uint32_t a, uint32_t b)
{
	switch (op) {
	case BPF_JEQ:
		return a == b;
	case BPF_JGT:
		return a > b;
	case BPF_JGE:
		return a >= b;
	default:
		return (a & b) != 0;
	}
}

/* Go on with the calls that take the jump; those that do not are for later. */
static enum box_answer take_branch(
	struct walk *w, struct state *s, const struct branch *b, uint32_t yes_pc, uint32_t no_pc)
{
	unsigned word = s->a.word;

	if (b->in_yes == BOX_SPENT || b->in_no == BOX_SPENT)
		return BOX_SPENT;
	/* If it is one way only, the test has told nothing new, and the set stays as it was. */
	if (b->in_yes == BOX_FOUND && b->in_no == BOX_FOUND) {
		if (push(w, s, no_pc, word, &b->no) != BOX_FOUND)
			return BOX_SPENT;
		s->box.words[word] = b->yes;
	}
	s->pc = b->in_yes == BOX_FOUND ? yes_pc : no_pc;
	return BOX_FOUND;
}

/* A word, masked or not, compared with a constant. */
static enum box_answer compare_word(struct walk *w, struct state *s, const struct sock_filter *insn,
	uint32_t k, uint32_t yes_pc, uint32_t no_pc)
{
	uint16_t op = BPF_OP(insn->code);
	bool orders = op == BPF_JGT || op == BPF_JGE;
	const struct word_set *set = &s->box.words[s->a.word];
	struct branch branch = {.yes = *set, .no = *set};

	if (orders && s->a.constant != w->full && (op == BPF_JGE || k != w->full))
		return push_order(w, s, &s->a, k + (op == BPF_JGT), yes_pc, no_pc);
	narrow(w, s->a.constant, op, k, &branch);
	return take_branch(w, s, &branch, yes_pc, no_pc);
}

static enum box_answer step_jump(struct walk *w, struct state *s, const struct sock_filter *insn)
{
	struct value operand = BPF_SRC(insn->code) == BPF_X ? s->x : constant(insn->k);
	uint32_t yes_pc = s->pc + 1 + insn->jt, no_pc = s->pc + 1 + insn->jf;
	uint16_t op = BPF_OP(insn->code);

	if (op == BPF_JA)
		s->pc += 1 + insn->k;
	else if (s->a.kind == VALUE_CONST && operand.kind == VALUE_CONST)
		s->pc = compare(op, s->a.constant, operand.constant) ? yes_pc : no_pc;
	else if (s->a.kind == VALUE_WORD && operand.kind == VALUE_CONST)
		return compare_word(w, s, insn, operand.constant, yes_pc, no_pc);
	else
		return split(w, s, s->a.from | operand.from);
	return BOX_FOUND;
}

/* Both operands constant; shifts as the CPU does them, by their lowest five bits at width 32. */
static uint32_t compute(const struct walk *w, uint16_t op, uint32_t a, uint32_t b)
{
	uint32_t shift = b & (w->budget->width - 1);

	switch (op) {
	case BPF_ADD:
		return (a + b) & w->full;
	case BPF_SUB:
		return (a - b) & w->full;
	case BPF_MUL:
		return (a * b) & w->full;
	case BPF_DIV:
		return a / b;
	case BPF_MOD:
		return a % b;
	case BPF_OR:
		return a | b;
	case BPF_AND:
		return a & b;
	case BPF_XOR:
		return a ^ b;
	case BPF_LSH:
		return (a << shift) & w->full;
	case BPF_RSH:
		return a >> shift;
	default: /* BPF_NEG */
		return -a & w->full;
	}
}

/* The path has ended: what the calls that took it get is the leaf's to judge. */
static enum box_answer end_path(struct walk *w, struct state *s, uint32_t returned, bool *out_ended)
{
	*out_ended = true;
	return w->leaf(w->ctx, &s->box, returned, w->budget);
}

/* What an ALU instruction computes with. */
static struct value alu_operand(const struct state *s, const struct sock_filter *insn)
{
	if (BPF_OP(insn->code) == BPF_NEG)
		return constant(0);
	return BPF_SRC(insn->code) == BPF_X ? s->x : constant(insn->k);
}

static enum box_answer step_alu(
	struct walk *w, struct state *s, const struct sock_filter *insn, bool *out_ended)
{
	struct value operand = alu_operand(s, insn);
	uint16_t op = BPF_OP(insn->code);
	bool divides = op == BPF_DIV || op == BPF_MOD;

	if (divides && operand.kind != VALUE_CONST)
		return split(w, s, operand.from);
	/* net/core/filter.c, bpf_convert_filter(): the program ends and returns 0. */
	if (divides && operand.constant == 0)
		return end_path(w, s, 0, out_ended);
	s->pc++;
	if (s->a.kind == VALUE_CONST && operand.kind == VALUE_CONST)
		s->a = constant(compute(w, op, s->a.constant, operand.constant));
	else if (s->a.kind == VALUE_WORD && operand.kind == VALUE_CONST && op == BPF_AND)
		s->a.constant &= operand.constant;
	else
		s->a = mixed(&s->a, &operand);
	return BOX_FOUND;
}

/* LD and LDX: the rest of what seccomp allows (kernel/seccomp.c: seccomp_check_filter). */
static struct value loaded(
	const struct walk *w, const struct state *s, const struct sock_filter *insn)
{
	switch (BPF_MODE(insn->code)) {
	case BPF_ABS:
		return load(w, s, insn->k);
	case BPF_MEM:
		return s->scratch[insn->k];
	case BPF_LEN:
		return constant(sizeof(struct seccomp_data));
	default: /* BPF_IMM */
		return constant(insn->k);
	}
}

/* One instruction.  @out_ended: it returned; the answer is then the leaf's. */
static enum box_answer step(struct walk *w, struct state *s, bool *out_ended)
{
	const struct sock_filter *insn = &w->filter->insns[s->pc];

	switch (BPF_CLASS(insn->code)) {
	case BPF_JMP:
		return step_jump(w, s, insn);
	case BPF_ALU:
		return step_alu(w, s, insn, out_ended);
	case BPF_RET:
		if (BPF_RVAL(insn->code) == BPF_A && s->a.kind != VALUE_CONST)
			return split(w, s, s->a.from);
		return end_path(
			w, s, BPF_RVAL(insn->code) == BPF_A ? s->a.constant : insn->k, out_ended);
	case BPF_LD:
		s->a = loaded(w, s, insn);
		break;
	case BPF_LDX:
		s->x = loaded(w, s, insn);
		break;
	case BPF_ST:
		s->scratch[insn->k] = s->a;
		break;
	case BPF_STX:
		s->scratch[insn->k] = s->x;
		break;
	default: /* BPF_MISC */
		if (BPF_MISCOP(insn->code) == BPF_TAX)
			s->x = s->a;
		else
			s->a = s->x;
	}
	s->pc++;
	return BOX_FOUND;
}

/* Follow one path to its end; what branches off is pending. */
static enum box_answer follow(struct walk *w, struct state *s)
{
	bool ended = false;

	w->budget->n_nots = s->n_nots;
	while (!ended) {
		enum box_answer answer;

		if (w->budget->steps == 0)
			return BOX_SPENT;
		w->budget->steps--;
		answer = step(w, s, &ended);
		if (ended || answer != BOX_FOUND)
			return answer;
	}
	return BOX_EMPTY;
}

static bool uses_scratch(const struct filter *filter)
{
	for (size_t i = 0; i < filter->len; i++) {
		uint16_t class = BPF_CLASS(filter->insns[i].code);

		if (class == BPF_ST || class == BPF_STX)
			return true;
	}
	return false;
}

enum box_answer program_walk(const struct filter *filter, const struct box *start, bool big_endian,
	struct prove_budget *budget, walk_leaf *leaf, void *ctx)
{
	struct walk w = {
		.filter = filter,
		.big_endian = big_endian,
		.budget = budget,
		.full = word_all(budget->width).high,
		.state_size = uses_scratch(filter) ? sizeof(struct state)
						   : offsetof(struct state, scratch),
		.leaf = leaf,
		.ctx = ctx,
	};
	struct state s = {.box = *start};
	enum box_answer answer = push(&w, &s, 0, 0, &s.box.words[0]);

	while (w.n_pending > 0 && answer != BOX_SPENT) {
		memcpy(&s, &w.pending[--w.n_pending], w.state_size);
		answer = follow(&w, &s);
		if (answer == BOX_FOUND)
			break;
	}
	free(w.pending);
	return answer;
}
