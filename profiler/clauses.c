#include "clauses.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "argument_sets.h"
#include "scope.h"

/* What is left to be spent by one operation. */
struct budget {
	uint64_t steps;
};

static void clauses_done(struct clauses *clauses)
{
	free(clauses->list);
	*clauses = (struct clauses){0};
}

void verdicts_done(struct verdicts *verdicts)
{
	clauses_done(&verdicts->clauses);
}

static const struct condition *condition_at(const struct clause *clause, unsigned index)
{
	for (size_t i = 0; i < clause->n_conds; i++) {
		if (clause->conds[i].index == index)
			return &clause->conds[i];
	}
	return NULL;
}

/* Whether all values of @a are values of @b. */
static bool clause_is_within(const struct clause *a, const struct clause *b)
{
	for (size_t i = 0; i < b->n_conds; i++) {
		const struct condition *cond = condition_at(a, b->conds[i].index);

		if (!cond || !condition_implies(cond, &b->conds[i]))
			return false;
	}
	return true;
}

/* Drop from @clauses what says no more than @clause does. */
static void drop_within(struct clauses *clauses, const struct clause *clause)
{
	size_t kept = 0;

	for (size_t i = 0; i < clauses->n; i++) {
		const struct clause *old = &clauses->list[i];

		if (old->action != clause->action || !clause_is_within(old, clause))
			clauses->list[kept++] = *old;
	}
	clauses->n = kept;
}

static int append(struct clauses *clauses, const struct clause *clause)
{
	size_t n = clauses->n;

	if (n == CLAUSES_MAX)
		return -E2BIG;
	if ((n & (n - 1)) == 0) {
		struct clause *grown = reallocarray(clauses->list, n ? 2 * n : 1, sizeof(*grown));

		if (!grown)
			return -ENOMEM;
		clauses->list = grown;
	}
	clauses->list[clauses->n++] = *clause;
	return 0;
}

/* Add @clause, unless others of its action say it already. */
static int add(struct clauses *clauses, const struct clause *clause, struct budget *budget)
{
	if (budget->steps < 2 * clauses->n)
		return -E2BIG;
	budget->steps -= 2 * clauses->n;
	for (size_t i = 0; i < clauses->n; i++) {
		const struct clause *old = &clauses->list[i];

		if (old->action == clause->action && clause_is_within(clause, old))
			return 0;
	}
	drop_within(clauses, clause);
	return append(clauses, clause);
}

/* Conditions stand in the order of their indexes. */
static void insert_condition(struct clause *clause, const struct condition *cond)
{
	size_t at = clause->n_conds++;

	for (; at > 0 && clause->conds[at - 1].index > cond->index; at--)
		clause->conds[at] = clause->conds[at - 1];
	clause->conds[at] = *cond;
}

/* Add to @to what of @clause satisfies @cond too. */
static int add_restricted(struct clauses *to, const struct clause *clause,
	const struct condition *cond, struct budget *budget)
{
	const struct condition *own = condition_at(clause, cond->index);
	struct condition both[CONDITIONS_MAX];
	struct clause restricted = *clause;
	int code = 0;
	size_t n;

	if (!own) {
		insert_condition(&restricted, cond);
		return add(to, &restricted, budget);
	}
	n = condition_meet(own, cond, both);
	for (size_t i = 0; !code && i < n; i++) {
		restricted.conds[own - clause->conds] = both[i];
		code = add(to, &restricted, budget);
	}
	return code;
}

/* Keep of @clauses what satisfies @cond. */
static int restrict_all(
	struct clauses *clauses, const struct condition *cond, struct budget *budget)
{
	scoped(clauses_done) struct clauses old = *clauses;
	int code = 0;

	*clauses = (struct clauses){0};
	for (size_t i = 0; !code && i < old.n; i++)
		code = add_restricted(clauses, &old.list[i], cond, budget);
	return code;
}

/* Add what @a and @b have in common, under @action. */
static int add_meet(struct clauses *to, const struct clause *a, const struct clause *b,
	action_t action, struct budget *budget)
{
	scoped(clauses_done) struct clauses met = {0};
	int code = append(&met, a);

	for (size_t i = 0; !code && i < b->n_conds; i++)
		code = restrict_all(&met, &b->conds[i], budget);
	for (size_t i = 0; !code && i < met.n; i++) {
		met.list[i].action = action;
		code = add(to, &met.list[i], budget);
	}
	return code;
}

static bool clauses_meet(const struct clause *a, const struct clause *b)
{
	for (size_t i = 0; i < a->n_conds; i++) {
		const struct condition *other = condition_at(b, a->conds[i].index);

		if (other && !condition_pair_satisfiable(&a->conds[i], other, UINT64_MAX))
			return false;
	}
	return true;
}

/* Add what of @a is not in @b: for each condition of @b, what breaks it. */
static int add_difference(
	struct clauses *to, const struct clause *a, const struct clause *b, struct budget *budget)
{
	struct condition broken[CONDITIONS_MAX];
	int code = 0;

	if (!clauses_meet(a, b))
		return add(to, a, budget);
	for (size_t i = 0; i < b->n_conds; i++) {
		size_t n = condition_negate(&b->conds[i], broken);

		for (size_t j = 0; !code && j < n; j++)
			code = add_restricted(to, a, &broken[j], budget);
	}
	return code;
}

static int subtract(struct clauses *from, const struct clause *clause, struct budget *budget)
{
	scoped(clauses_done) struct clauses old = *from;
	int code = 0;

	*from = (struct clauses){0};
	for (size_t i = 0; !code && i < old.n; i++)
		code = add_difference(from, &old.list[i], clause, budget);
	return code;
}

/* Add @clause without conditions that always hold; nothing, if one never does. */
static int add_plain(struct clauses *to, const struct clause *clause, struct budget *budget)
{
	struct clause plain = {.action = clause->action};

	for (size_t i = 0; i < clause->n_conds; i++) {
		const struct condition *cond = &clause->conds[i];

		if (!condition_pair_satisfiable(cond, NULL, UINT64_MAX))
			return 0;
		if (!condition_always_holds(cond))
			insert_condition(&plain, cond);
	}
	return add(to, &plain, budget);
}

/* A clause without conditions leaves no rest, and no room for other actions. */
static void take_whole(struct verdicts *verdicts)
{
	for (size_t i = 0; i < verdicts->clauses.n; i++) {
		if (verdicts->clauses.list[i].n_conds > 0)
			continue;
		verdicts->rest = verdicts->clauses.list[i].action;
		clauses_done(&verdicts->clauses);
		return;
	}
}

int verdicts_of(
	const struct policy *policy, const struct abi *abi, uint32_t nr, struct verdicts *out)
{
	const struct abi_policy *listed = policy_abi(policy, abi);
	const struct call_policy *call = listed ? abi_policy_call(listed, nr) : NULL;
	struct verdicts verdicts = {.rest = policy->default_action};
	struct budget budget = {CLAUSES_STEPS};
	int code = 0;

	if (!listed)
		verdicts.rest = policy_unlisted(policy);
	else if (call && call->n_clauses == 0)
		verdicts.rest = call->action;
	for (size_t i = 0; !code && call && i < call->n_clauses; i++)
		code = add_plain(
			&verdicts.clauses, &listed->clauses[call->first_clause + i], &budget);
	if (code) {
		verdicts_done(&verdicts);
		return code;
	}
	take_whole(&verdicts);
	*out = verdicts;
	return 0;
}

/* One of two functions that are combined, and how: what is chosen for its actions. */
struct operand {
	const struct verdicts *verdicts;
	choose_action choose;
	bool second; /* it is the second argument of choose */
};

static action_t choice(const struct operand *own, action_t mine, action_t theirs)
{
	return own->second ? own->choose(theirs, mine) : own->choose(mine, theirs);
}

/* Where @clause of @own meets the rest of the @other. */
static int add_against_rest(struct verdicts *to, const struct operand *own,
	const struct clause *clause, const struct verdicts *other, struct budget *budget)
{
	scoped(clauses_done) struct clauses left = {0};
	action_t action = choice(own, clause->action, other->rest);
	int code;

	if (action == to->rest)
		return 0;
	code = append(&left, clause);
	for (size_t i = 0; !code && i < other->clauses.n; i++) {
		const struct clause *theirs = &other->clauses.list[i];

		/* Where the choice is the same, there is nothing to be kept apart. */
		if (choice(own, clause->action, theirs->action) != action)
			code = subtract(&left, theirs, budget);
	}
	for (size_t i = 0; !code && i < left.n; i++) {
		left.list[i].action = action;
		code = add(&to->clauses, &left.list[i], budget);
	}
	return code;
}

static int add_all_against_rest(struct verdicts *to, const struct operand *own,
	const struct verdicts *other, struct budget *budget)
{
	const struct clauses *clauses = &own->verdicts->clauses;
	int code = 0;

	for (size_t i = 0; !code && i < clauses->n; i++)
		code = add_against_rest(to, own, &clauses->list[i], other, budget);
	return code;
}

/* Where a clause meets a clause. */
static int add_meets(struct verdicts *to, const struct verdicts *a, const struct verdicts *b,
	choose_action choose, struct budget *budget)
{
	for (size_t i = 0; i < a->clauses.n; i++) {
		for (size_t j = 0; j < b->clauses.n; j++) {
			const struct clause *left = &a->clauses.list[i];
			const struct clause *right = &b->clauses.list[j];
			action_t action = choose(left->action, right->action);
			int code = 0;

			if (action != to->rest && clauses_meet(left, right))
				code = add_meet(&to->clauses, left, right, action, budget);
			if (code)
				return code;
		}
	}
	return 0;
}

int verdicts_combine(struct verdicts *into, const struct verdicts *with, choose_action choose)
{
	struct budget budget = {CLAUSES_STEPS};
	struct verdicts out = {.rest = choose(into->rest, with->rest)};
	const struct operand first = {into, choose, false}, second = {with, choose, true};
	int code = add_meets(&out, into, with, choose, &budget);

	if (!code)
		code = add_all_against_rest(&out, &first, with, &budget);
	if (!code)
		code = add_all_against_rest(&out, &second, into, &budget);
	if (code) {
		verdicts_done(&out);
		return code;
	}
	take_whole(&out);
	verdicts_done(into);
	*into = out;
	return 0;
}

/* All values that no clause has. */
static int find_rest(const struct clauses *clauses, struct clauses *out, struct budget *budget)
{
	const struct clause any = {.n_conds = 0};
	int code = append(out, &any);

	for (size_t i = 0; !code && i < clauses->n; i++)
		code = subtract(out, &clauses->list[i], budget);
	return code;
}

int verdicts_set_rest(struct verdicts *verdicts, action_t rest)
{
	struct budget budget = {CLAUSES_STEPS};
	scoped(clauses_done) struct clauses left = {0};
	struct clauses *clauses = &verdicts->clauses;
	size_t kept = 0;
	int code;

	if (verdicts->rest == rest || clauses->n == 0)
		return 0;
	code = find_rest(clauses, &left, &budget);
	for (size_t i = 0; i < clauses->n; i++) {
		if (clauses->list[i].action != rest)
			clauses->list[kept++] = clauses->list[i];
	}
	clauses->n = kept;
	for (size_t i = 0; !code && i < left.n; i++) {
		left.list[i].action = verdicts->rest;
		code = add(clauses, &left.list[i], &budget);
	}
	verdicts->rest = rest;
	return code;
}

/* Whether all that @a says by clauses is what @b says. */
static int is_said_by(const struct verdicts *a, const struct verdicts *b, bool *out_said)
{
	struct budget budget = {CLAUSES_STEPS};

	for (size_t i = 0; *out_said && i < a->clauses.n; i++) {
		scoped(clauses_done) struct clauses left = {0};
		const struct clause *clause = &a->clauses.list[i];
		int code = append(&left, clause);

		for (size_t j = 0; !code && j < b->clauses.n; j++) {
			if (b->clauses.list[j].action == clause->action)
				code = subtract(&left, &b->clauses.list[j], &budget);
		}
		if (code)
			return code;
		*out_said = left.n == 0;
	}
	return 0;
}

static bool same_lists(const struct clauses *a, const struct clauses *b)
{
	bool same = a->n == b->n;

	for (size_t i = 0; same && i < a->n; i++)
		same = a->list[i].action == b->list[i].action &&
		       !clause_conditions_compare(&a->list[i], &b->list[i]);
	return same;
}

int verdicts_equal(const struct verdicts *a, const struct verdicts *b, bool *out_same)
{
	int code;

	*out_same = a->rest == b->rest;
	if (!*out_same || same_lists(&a->clauses, &b->clauses))
		return 0;
	code = is_said_by(a, b, out_same);
	return code ? code : is_said_by(b, a, out_same);
}

static int order_u64(uint64_t a, uint64_t b)
{
	return a < b ? -1 : a > b;
}

static int condition_compare(const struct condition *a, const struct condition *b)
{
	int order = (int)a->index - (int)b->index;

	if (!order)
		order = (int)a->op - (int)b->op;
	if (!order)
		order = order_u64(a->value, b->value);
	return order ? order : order_u64(a->value_two, b->value_two);
}

int clause_conditions_compare(const struct clause *a, const struct clause *b)
{
	int order = 0;

	for (size_t i = 0; !order && i < a->n_conds && i < b->n_conds; i++)
		order = condition_compare(&a->conds[i], &b->conds[i]);
	return order ? order : (int)a->n_conds - (int)b->n_conds;
}
