#include "prove_policy.h"

#include <linux/audit.h>

#include "prove.h"
#include "scope.h"

/*
 * All functions here look for a call on which policy and program differ, and answer as
 * policy_differs() does: BOX_EMPTY means "none", so that the first other answer ends the search.
 * What they narrow of the box they put back.
 */
struct search {
	const struct policy *policy;
	action_t got; /* effective */
	bool gaps_agree; /* it is what the default does */
	bool bits32; /* the ABI at hand reads the low halves of the arguments only */
	struct prove_budget *budget;
	struct prove_witness *out;
};

static enum box_answer found(const struct search *s, const struct box *box)
{
	return box_member(box, s->budget, s->out->values);
}

static bool is_wanted(const struct search *s, action_t wanted)
{
	/* What is effective is so as it stands: most often there is nothing to work out. */
	return wanted == s->got || action_effective(wanted) == s->got;
}

/* Any member of the box differs. */
static enum box_answer unless_wanted(const struct search *s, const struct box *box, action_t wanted)
{
	return is_wanted(s, wanted) ? BOX_EMPTY : found(s, box);
}

/* Whether a test on a half holds for zero. */
static bool holds_for_zero(const struct half_test *test)
{
	switch (test->kind) {
	case HALF_RANGE:
		return test->a == 0;
	case HALF_BITS:
		return test->b == 0;
	case HALF_NOT:
		return test->b != 0;
	default:
		return true;
	}
}

/*
 * condition_split(), where a 32-bit ABI takes an argument for its low half whatever stands in the
 * upper one: x86 hands that over as it is in the register (int 0x80 of a 64-bit program).
 */
static unsigned parts_of(
	const struct search *s, const struct condition *cond, bool negate, struct arg_test parts[2])
{
	unsigned n = condition_split(cond, negate, s->budget->width, parts), kept = 0;

	for (unsigned i = 0; i < n && s->bits32; i++) {
		if (!holds_for_zero(&parts[i].high))
			continue;
		parts[kept] = parts[i];
		parts[kept++].high = (struct half_test){HALF_ANY, 0, 0};
	}
	return s->bits32 ? kept : n;
}

/* The program says the default: then no clause may match.  Conditions from @next on are to be met.
 */
static enum box_answer clause_meets(
	const struct search *s, struct box *box, const struct clause *clause, unsigned next)
{
	struct arg_test parts[2];
	const struct condition *cond = &clause->conds[next];
	enum box_answer answer = BOX_EMPTY;
	unsigned n;

	if (next == clause->n_conds)
		return found(s, box);
	n = parts_of(s, cond, false, parts);
	for (unsigned i = 0; i < n && answer == BOX_EMPTY; i++) {
		scoped(box_restore) struct box_mark mark = box_mark(
			box, box_arg(cond->index), s->budget);

		answer = box_meet(box, cond->index, &parts[i], s->budget);
		if (answer == BOX_FOUND)
			answer = clause_meets(s, box, clause, next + 1);
	}
	return answer;
}

/* The clauses that are still to be taken off a box, and how deep in that we are. */
struct clauses {
	const struct clause *next;
	size_t left;
	unsigned depth;
};

static enum box_answer uncovered(const struct search *s, struct box *box, struct clauses rest);

/*
 * What is left of the box without the clause: for each condition in turn, what meets those before
 * it but not it.  These parts are disjoint.
 */
static enum box_answer clause_takes_off(const struct search *s, struct box *box,
	const struct clause *clause, unsigned next, struct clauses rest)
{
	const struct condition *cond = &clause->conds[next];
	struct arg_test parts[2];
	enum box_answer answer = BOX_EMPTY;

	if (next == clause->n_conds)
		return BOX_EMPTY;
	if (++rest.depth > PROVE_DEPTH_MAX)
		return BOX_SPENT;
	for (int negate = 1; negate >= 0; negate--) {
		unsigned n = parts_of(s, cond, negate, parts);

		for (unsigned i = 0; i < n && answer == BOX_EMPTY; i++) {
			scoped(box_restore) struct box_mark mark = box_mark(
				box, box_arg(cond->index), s->budget);

			answer = box_meet(box, cond->index, &parts[i], s->budget);
			if (answer == BOX_FOUND)
				answer = negate ? uncovered(s, box, rest)
						: clause_takes_off(s, box, clause, next + 1, rest);
		}
	}
	return answer;
}

/* The program says something else than the default: then some clause that says it has to match. */
static enum box_answer uncovered(const struct search *s, struct box *box, struct clauses rest)
{
	const struct clause *clause;

	if (++rest.depth > PROVE_DEPTH_MAX || s->budget->steps == 0)
		return BOX_SPENT;
	while (rest.left > 0 && !is_wanted(s, rest.next->action)) {
		rest.next++;
		rest.left--;
	}
	if (rest.left == 0)
		return found(s, box);
	clause = rest.next++;
	rest.left--;
	return clause_takes_off(s, box, clause, 0, rest);
}

/* A call with conditions; its number is the box's only one. */
static enum box_answer clauses_differ(
	const struct search *s, struct box *box, const struct clause *clauses, size_t n)
{
	enum box_answer answer = BOX_EMPTY;

	if (!s->gaps_agree)
		return uncovered(s, box, (struct clauses){clauses, n, 0});
	for (size_t i = 0; i < n && answer == BOX_EMPTY; i++) {
		if (!is_wanted(s, clauses[i].action))
			answer = clause_meets(s, box, &clauses[i], 0);
	}
	return answer;
}

/* A number that the box has. */
static enum box_answer call_differs(const struct search *s, struct box *box,
	const struct abi_policy *abi, const struct call_policy *call)
{
	scoped(box_restore) struct box_mark mark = box_mark(box, WORD_NR, s->budget);

	(void)word_meet_range(&box->words[WORD_NR], call->nr, call->nr);
	if (call->n_clauses == 0)
		return unless_wanted(s, box, call->action);
	return clauses_differ(s, box, &abi->clauses[call->first_clause], call->n_clauses);
}

/* What can be said of most numbers at once. */
static bool call_agrees(const struct search *s, const struct call_policy *call)
{
	return call->n_clauses == 0 && is_wanted(s, call->action);
}

/* Numbers @low...@high, about which the policy says nothing. */
static enum box_answer gap_differs(
	const struct search *s, struct box *box, uint32_t low, uint32_t high)
{
	scoped(box_restore) struct box_mark mark = box_mark(box, WORD_NR, s->budget);

	if (low > high || !word_meet_range(&box->words[WORD_NR], low, high))
		return BOX_EMPTY;
	return unless_wanted(s, box, s->policy->default_action);
}

/* The index of the first call whose number is at least @nr. */
static size_t first_call(const struct abi_policy *abi, uint32_t nr)
{
	size_t low = 0, high = abi->n_calls;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (abi->calls[middle].nr < nr)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* A range of numbers of one ABI of the policy. */
static enum box_answer abi_differs(const struct search *s, struct box *box,
	const struct abi_policy *abi, uint32_t low, uint32_t high)
{
	const struct word_set *nrs = &box->words[WORD_NR];
	uint32_t gap = low > nrs->low ? low : nrs->low;
	enum box_answer answer = BOX_EMPTY;

	high = high < nrs->high ? high : nrs->high;
	for (size_t i = first_call(abi, gap); i < abi->n_calls && answer == BOX_EMPTY; i++) {
		const struct call_policy *call = &abi->calls[i];

		if (call->nr > high)
			break;
		if (call->nr > gap && !s->gaps_agree)
			answer = gap_differs(s, box, gap, call->nr - 1);
		gap = call->nr + 1;
		if (answer == BOX_EMPTY && !call_agrees(s, call) && word_has(nrs, call->nr))
			answer = call_differs(s, box, abi, call);
	}
	return answer == BOX_EMPTY ? gap_differs(s, box, gap, high) : answer;
}

/* The numbers of a token are three ranges: plain ones, x32's, negative ones. */
static enum box_answer range_differs(const struct search *s, struct box *box,
	const struct abi_policy *abi, uint32_t low, uint32_t high)
{
	scoped(box_restore) struct box_mark mark = box_mark(box, WORD_NR, s->budget);
	struct search here = *s;

	if (!word_meet_range(&box->words[WORD_NR], low, high))
		return BOX_EMPTY;
	if (!abi)
		return unless_wanted(s, box, policy_unlisted(s->policy));
	here.bits32 = abi->abi->bits32;
	return abi_differs(&here, box, abi, low, high);
}

static enum box_answer token_differs(const struct search *s, struct box *box, uint32_t token)
{
	scoped(box_restore) struct box_mark mark = box_mark(box, WORD_ARCH, s->budget);
	uint32_t full = word_all(s->budget->width).high;
	uint32_t negative = full - full / 2; /* the sign bit */
	uint32_t x32 = negative / 2; /* X32_BIT */
	const struct abi_policy *low = NULL, *high = NULL;
	enum box_answer answer;
	bool has_x32 = false;

	if (!word_has(&box->words[WORD_ARCH], token))
		return BOX_EMPTY;
	(void)word_meet_range(&box->words[WORD_ARCH], token, token);
	for (size_t i = 0; i < s->policy->n_abis; i++) {
		const struct abi_policy *abi = &s->policy->abis[i];

		if (abi->abi->audit_arch != token)
			continue;
		if (abi_is_x32(abi->abi))
			high = abi;
		else
			low = abi;
	}
	has_x32 = token == AUDIT_ARCH_X86_64;
	answer = range_differs(s, box, low, 0, has_x32 ? x32 - 1 : negative - 1);
	if (answer == BOX_EMPTY && has_x32)
		answer = range_differs(s, box, high, x32, negative - 1);
	if (answer == BOX_EMPTY && !(s->policy->deviations & POLICY_NEGATIVE_ANY) &&
		word_meet_range(&box->words[WORD_NR], negative, full))
		answer = unless_wanted(s, box, s->policy->default_action);
	return answer;
}

/* Whether an earlier ABI of the policy has the same token. */
static bool token_is_done(const struct policy *policy, size_t index)
{
	for (size_t i = 0; i < index; i++) {
		if (policy->abis[i].abi->audit_arch == policy->abis[index].abi->audit_arch)
			return true;
	}
	return false;
}

enum box_answer policy_differs(const struct policy *policy, struct box *box, action_t got,
	bool big_endian, struct prove_budget *budget, struct prove_witness *out)
{
	scoped(box_restore) struct box_mark mark = box_mark(box, WORD_ARCH, budget);
	const action_t effective = action_effective(got);
	const struct search s = {
		.policy = policy,
		.got = effective,
		.gaps_agree = action_effective(policy->default_action) == effective,
		.budget = budget,
		.out = out,
	};
	enum box_answer answer = BOX_EMPTY;

	for (size_t i = 0; i < policy->n_abis && answer == BOX_EMPTY; i++) {
		uint32_t token = policy->abis[i].abi->audit_arch;
		enum box_answer left;

		if (token_is_done(policy, i))
			continue;
		if (policy->abis[i].abi->big_endian == big_endian)
			answer = token_differs(&s, box, token);
		left = set_exclude(
			&box->words[WORD_ARCH], word_all(budget->width).high, token, budget);
		if (left != BOX_FOUND && answer == BOX_EMPTY)
			return left;
	}
	return answer == BOX_EMPTY ? unless_wanted(&s, box, policy_unlisted(policy)) : answer;
}
