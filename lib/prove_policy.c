#include "prove_policy.h"

#include "prove.h"

/*
 * All functions here look for a call on which policy and program differ, and answer as
 * policy_differs() does: BOX_EMPTY means "none", so that the first other answer ends the search.
 */
struct search {
	const struct policy *policy;
	action_t got;
	bool bits32; /* the ABI at hand reads the low halves of the arguments only */
	struct prove_budget *budget;
	struct prove_witness *out;
};

static enum box_answer found(const struct search *s, const struct box *box)
{
	return box_member(box, s->budget, s->out->values);
}

/* Any member of the box differs. */
static enum box_answer unless_wanted(const struct search *s, const struct box *box, action_t wanted)
{
	return action_effective(wanted) == s->got ? BOX_EMPTY : found(s, box);
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
	const struct search *s, const struct box *box, const struct clause *clause, unsigned next)
{
	struct arg_test parts[2];
	const struct condition *cond = &clause->conds[next];
	size_t mark = s->budget->n_nots;
	enum box_answer answer = BOX_EMPTY;
	unsigned n;

	if (next == clause->n_conds)
		return found(s, box);
	n = parts_of(s, cond, false, parts);
	for (unsigned i = 0; i < n && answer == BOX_EMPTY; i++) {
		struct box part = *box;

		answer = box_meet(&part, cond->index, &parts[i], s->budget);
		if (answer == BOX_FOUND)
			answer = clause_meets(s, &part, clause, next + 1);
		s->budget->n_nots = mark;
	}
	return answer;
}

/* The clauses that are still to be taken off a box, and how deep in that we are. */
struct clauses {
	const struct clause *next;
	size_t left;
	unsigned depth;
};

static enum box_answer uncovered(
	const struct search *s, const struct box *box, struct clauses rest);

/*
 * What is left of the box without the clause: for each condition in turn, what meets those before
 * it but not it.  These parts are disjoint.
 */
static enum box_answer clause_takes_off(const struct search *s, const struct box *box,
	const struct clause *clause, unsigned next, struct clauses rest)
{
	const struct condition *cond = &clause->conds[next];
	struct arg_test parts[2];
	size_t mark = s->budget->n_nots;
	enum box_answer answer = BOX_EMPTY;

	if (next == clause->n_conds)
		return BOX_EMPTY;
	if (++rest.depth > PROVE_DEPTH_MAX)
		return BOX_SPENT;
	for (int negate = 1; negate >= 0; negate--) {
		unsigned n = parts_of(s, cond, negate, parts);

		for (unsigned i = 0; i < n && answer == BOX_EMPTY; i++) {
			struct box part = *box;

			answer = box_meet(&part, cond->index, &parts[i], s->budget);
			if (answer == BOX_FOUND)
				answer = negate ? uncovered(s, &part, rest)
						: clause_takes_off(
							  s, &part, clause, next + 1, rest);
			s->budget->n_nots = mark;
		}
	}
	return answer;
}

/* The program says something else than the default: then some clause that says it has to match. */
static enum box_answer uncovered(const struct search *s, const struct box *box, struct clauses rest)
{
	const struct clause *clause;

	if (++rest.depth > PROVE_DEPTH_MAX || s->budget->steps == 0)
		return BOX_SPENT;
	while (rest.left > 0 && action_effective(rest.next->action) != s->got) {
		rest.next++;
		rest.left--;
	}
	if (rest.left == 0)
		return found(s, box);
	clause = rest.next++;
	rest.left--;
	return clause_takes_off(s, box, clause, 0, rest);
}

static enum box_answer call_differs(const struct search *s, const struct box *box,
	const struct abi_policy *abi, const struct call_policy *call)
{
	const struct clause *clauses;
	enum box_answer answer = BOX_EMPTY;

	if (call->n_clauses == 0)
		return unless_wanted(s, box, call->action);
	clauses = &abi->clauses[call->first_clause];
	if (action_effective(s->policy->default_action) != s->got)
		return uncovered(s, box, (struct clauses){clauses, call->n_clauses, 0});
	for (size_t i = 0; i < call->n_clauses && answer == BOX_EMPTY; i++) {
		if (action_effective(clauses[i].action) != s->got)
			answer = clause_meets(s, box, &clauses[i], 0);
	}
	return answer;
}

/* Numbers @low...@high, about which the policy says nothing. */
static enum box_answer gap_differs(
	const struct search *s, const struct box *box, uint32_t low, uint32_t high)
{
	struct box part = *box;

	if (low > high || !word_meet_range(&part.words[WORD_NR], low, high))
		return BOX_EMPTY;
	return unless_wanted(s, &part, s->policy->default_action);
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
static enum box_answer abi_differs(const struct search *s, const struct box *box,
	const struct abi_policy *abi, uint32_t low, uint32_t high)
{
	const struct word_set *nrs = &box->words[WORD_NR];
	uint32_t gap = low > nrs->low ? low : nrs->low;
	enum box_answer answer = BOX_EMPTY;

	high = high < nrs->high ? high : nrs->high;
	for (size_t i = first_call(abi, gap); i < abi->n_calls && answer == BOX_EMPTY; i++) {
		const struct call_policy *call = &abi->calls[i];
		struct box part;

		if (call->nr > high)
			break;
		answer = call->nr > gap ? gap_differs(s, box, gap, call->nr - 1) : BOX_EMPTY;
		gap = call->nr + 1;
		if (answer != BOX_EMPTY || !word_has(nrs, call->nr))
			continue;
		part = *box;
		(void)word_meet_range(&part.words[WORD_NR], call->nr, call->nr);
		answer = call_differs(s, &part, abi, call);
	}
	return answer == BOX_EMPTY ? gap_differs(s, box, gap, high) : answer;
}

/* The numbers of a token are three ranges: plain ones, x32's, negative ones. */
static enum box_answer range_differs(const struct search *s, const struct box *box,
	const struct abi_policy *abi, uint32_t low, uint32_t high)
{
	struct search here = *s;
	struct box part = *box;

	if (!word_meet_range(&part.words[WORD_NR], low, high))
		return BOX_EMPTY;
	if (!abi)
		return unless_wanted(s, &part, policy_unlisted(s->policy));
	here.bits32 = abi->abi->bits32;
	return abi_differs(&here, &part, abi, low, high);
}

static enum box_answer token_differs(const struct search *s, const struct box *box, uint32_t token)
{
	uint32_t full = word_all(s->budget->width).high;
	uint32_t negative = full - full / 2; /* the sign bit */
	uint32_t x32 = negative / 2; /* X32_BIT */
	const struct abi_policy *low = NULL, *high = NULL;
	struct box part = *box;
	enum box_answer answer;
	bool has_x32 = false;

	if (!word_has(&box->words[WORD_ARCH], token))
		return BOX_EMPTY;
	(void)word_meet_range(&part.words[WORD_ARCH], token, token);
	for (size_t i = 0; i < s->policy->n_abis; i++) {
		const struct abi_policy *abi = &s->policy->abis[i];

		if (abi->abi->audit_arch != token)
			continue;
		if (abi_is_x32(abi->abi))
			high = abi;
		else
			low = abi;
	}
	has_x32 = token == abi_by_name("x32")->audit_arch;
	answer = range_differs(s, &part, low, 0, has_x32 ? x32 - 1 : negative - 1);
	if (answer == BOX_EMPTY && has_x32)
		answer = range_differs(s, &part, high, x32, negative - 1);
	if (answer == BOX_EMPTY && !(s->policy->deviations & POLICY_NEGATIVE_ANY) &&
		word_meet_range(&part.words[WORD_NR], negative, full))
		answer = unless_wanted(s, &part, s->policy->default_action);
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

enum box_answer policy_differs(const struct policy *policy, const struct box *box, action_t got,
	bool big_endian, struct prove_budget *budget, struct prove_witness *out)
{
	const struct search s = {
		.policy = policy, .got = action_effective(got), .budget = budget, .out = out};
	struct box rest = *box;
	size_t mark = budget->n_nots;
	enum box_answer answer = BOX_EMPTY;

	for (size_t i = 0; i < policy->n_abis && answer == BOX_EMPTY; i++) {
		uint32_t token = policy->abis[i].abi->audit_arch;
		enum box_answer left;

		if (token_is_done(policy, i))
			continue;
		if (policy->abis[i].abi->big_endian == big_endian)
			answer = token_differs(&s, box, token);
		left = box_exclude(&rest, WORD_ARCH, word_all(budget->width).high, token, budget);
		if (left != BOX_FOUND && answer == BOX_EMPTY) {
			budget->n_nots = mark;
			return left;
		}
	}
	if (answer == BOX_EMPTY)
		answer = unless_wanted(&s, &rest, policy_unlisted(policy));
	budget->n_nots = mark;
	return answer;
}
