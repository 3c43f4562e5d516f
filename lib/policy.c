#include "policy.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "condition.h"
#include "nearest.h"
#include "scope.h"

enum {
	NOTICES_MAX = 64,
	ACTION_TEXT_MAX = 64,
	NUMBERS_END = 512,
	SPAN_MAX = 1024, /* of numbers that are sorted by counting */
};

/* "Rule @rule speaks of number @nr". */
struct entry {
	uint32_t nr;
	uint32_t rule;
};

struct resolver {
	const char *name;
	const struct profile *profile;
	const struct notice *to;
	unsigned told;
	uint16_t *rows; /* of every name of the profile, in order: those of its syscall_key */
	/* Of the ABI at hand; room for every name of the profile, twice. */
	struct entry *entries, *sorted;
	size_t n_entries;
};

static void abi_policy_done(struct abi_policy *abi)
{
	free(abi->calls);
	free(abi->clauses);
}

void policy_done(struct policy *policy)
{
	if (!policy)
		return;
	for (size_t i = 0; i < policy->n_abis; i++)
		abi_policy_done(&policy->abis[i]);
	free(policy->abis);
	*policy = (struct policy){0};
}

/* A rule that says what is said anyway is no rule: runc and crun skip it (libseccomp refuses it).
 */
static bool rule_is_void(const struct profile *profile, const struct rule *rule)
{
	return rule->action == profile->default_action;
}

/* "; did you mean NAME?" to @hint, or "".  It looks through all names: not for each of many. */
static const char *hint_of(const char *name, char hint[2 * SYSCALL_NAME_MAX])
{
	struct nearest nearest = nearest_to(name);
	char buf[SYSCALL_NAME_MAX], best[SYSCALL_NAME_MAX];

	for (uint32_t nr = 0; nr < NUMBERS_END; nr++) {
		const char *before = nearest.name;

		if (syscall_name(abi_native(), nr, buf))
			nearest_offer(&nearest, buf);
		if (nearest.name != before)
			nearest.name = strcpy(best, buf);
	}
	return nearest_hint(&nearest, hint, 2 * SYSCALL_NAME_MAX);
}

static int refuse_unknown(
	const struct resolver *r, size_t rule, size_t index, const char *name, struct err *e)
{
	char hint[2 * SYSCALL_NAME_MAX];

	return err_set(e, EINVAL,
		"%s: $.syscalls[%zu].names[%zu]: no call known here is named \"%s\", so its rule, "
		"stricter than the default, cannot be enforced%s",
		r->name, rule, index, name, hint_of(name, hint));
}

static int name_is_unknown(struct resolver *r, size_t rule, size_t index, struct err *e)
{
	const struct rule *at = &r->profile->rules[rule];
	char hint[2 * SYSCALL_NAME_MAX];

	if (action_is_stricter(at->action, r->profile->default_action))
		return refuse_unknown(r, rule, index, at->names[index], e);
	if (r->told < NOTICES_MAX)
		notice_tell(r->to,
			"%s: $.syscalls[%zu].names[%zu]: no call known here is named \"%s\": "
			"ignored%s",
			r->name, rule, index, at->names[index],
			r->told ? "" : hint_of(at->names[index], hint));
	else if (r->told == NOTICES_MAX)
		notice_tell(r->to, "%s: more unknown names are ignored without a word", r->name);
	r->told++;
	return 0;
}

/* @rows: of the rule's names; @first: unknown ones are spoken of once, not for every ABI. */
static int add_rule(struct resolver *r, const struct abi *abi, size_t rule, const uint16_t *rows,
	bool first, struct err *e)
{
	const struct rule *at = &r->profile->rules[rule];

	for (size_t i = 0; i < at->n_names; i++) {
		const struct syscall_key key = {at->names[i], rows[i]};
		uint32_t nr;
		int code = syscall_number_of(abi, key, &nr);

		if (code == -ENOENT && first && name_is_unknown(r, rule, i, e))
			return -e->code;
		if (!code)
			r->entries[r->n_entries++] = (struct entry){nr, (uint32_t)rule};
	}
	return 0;
}

static int entry_compare(const void *a, const void *b)
{
	const struct entry *left = a, *right = b;

	if (left->nr != right->nr)
		return left->nr < right->nr ? -1 : 1;
	return left->rule < right->rule ? -1 : left->rule > right->rule;
}

/*
 * Sort entries with numbers of @low...@low + @span - 1 and, of one number, in the order of the file
 * as they are.  Numbers lie close together, and qsort(3) took longer than all else here.
 */
static void count_entries(struct resolver *r, uint32_t low, uint32_t span)
{
	uint32_t starts[SPAN_MAX + 1] = {0};
	struct entry *unsorted = r->entries;

	for (size_t i = 0; i < r->n_entries; i++)
		starts[unsorted[i].nr - low + 1]++;
	for (uint32_t i = 0; i < span; i++)
		starts[i + 1] += starts[i];
	for (size_t i = 0; i < r->n_entries; i++)
		r->sorted[starts[unsorted[i].nr - low]++] = unsorted[i];
	r->entries = r->sorted;
	r->sorted = unsorted;
}

/* Sort by number, then by place in the file; a rule that names a call twice speaks once. */
static void sort_entries(struct resolver *r)
{
	uint32_t low = UINT32_MAX, high = 0;
	size_t kept = 0;

	for (size_t i = 0; i < r->n_entries; i++) {
		low = r->entries[i].nr < low ? r->entries[i].nr : low;
		high = r->entries[i].nr > high ? r->entries[i].nr : high;
	}
	if (r->n_entries > 0 && high - low < SPAN_MAX)
		count_entries(r, low, high - low + 1);
	else
		qsort(r->entries, r->n_entries, sizeof(*r->entries), entry_compare);
	for (size_t i = 0; i < r->n_entries; i++) {
		if (kept > 0 && !entry_compare(&r->entries[kept - 1], &r->entries[i]))
			continue;
		r->entries[kept++] = r->entries[i];
	}
	r->n_entries = kept;
}

/* Doubled from a power of two on: no field for the room is needed. */
static int clauses_grow(const struct resolver *r, struct abi_policy *abi, struct err *e)
{
	size_t used = abi->n_clauses;
	struct clause *grown;

	if (used == POLICY_CLAUSES_MAX)
		return err_set(e, E2BIG,
			"%s: more than %d argument checks for %s; no filter can hold so many",
			r->name, POLICY_CLAUSES_MAX, abi->abi->name);
	if (used & (used - 1))
		return 0;
	grown = reallocarray(abi->clauses, used ? 2 * used : 1, sizeof(*grown));
	if (!grown)
		return err_nomem(e);
	abi->clauses = grown;
	return 0;
}

static int add_clause(const struct resolver *r, struct abi_policy *abi, size_t rule,
	const struct condition *conds, size_t n_conds, struct err *e)
{
	struct clause *clause;

	if (clauses_grow(r, abi, e))
		return -e->code;
	clause = &abi->clauses[abi->n_clauses++];
	*clause = (struct clause){
		.action = r->profile->rules[rule].action,
		.rule = rule,
		.n_conds = (uint8_t)n_conds,
	};
	memcpy(clause->conds, conds, n_conds * sizeof(*conds));
	return 0;
}

bool rule_repeats_an_index(const struct rule *rule)
{
	unsigned seen = 0;

	for (size_t i = 0; i < rule->n_conds; i++) {
		unsigned bit = 1u << rule->conds[i].index;

		if (seen & bit)
			return true;
		seen |= bit;
	}
	return false;
}

static int add_rule_clauses(
	const struct resolver *r, struct abi_policy *abi, size_t rule, struct err *e)
{
	const struct rule *at = &r->profile->rules[rule];

	if (!rule_repeats_an_index(at))
		return add_clause(r, abi, rule, at->conds, at->n_conds, e);
	for (size_t i = 0; i < at->n_conds; i++) {
		if (add_clause(r, abi, rule, &at->conds[i], 1, e))
			return -e->code;
	}
	return 0;
}

static const struct condition *clause_condition(const struct clause *clause, unsigned index)
{
	for (size_t i = 0; i < clause->n_conds; i++) {
		if (clause->conds[i].index == index)
			return &clause->conds[i];
	}
	return NULL;
}

/* Arguments are independent of each other, so one at a time is exact. */
static bool clauses_overlap(const struct clause *a, const struct clause *b, uint64_t arg_max)
{
	for (unsigned index = 0; index < SYSCALL_ARGS; index++) {
		const struct condition *left = clause_condition(a, index);
		const struct condition *right = clause_condition(b, index);

		if (!left) {
			left = right;
			right = NULL;
		}
		if (left && !condition_pair_satisfiable(left, right, arg_max))
			return false;
	}
	return true;
}

static int refuse_overlap(const struct resolver *r, const struct abi_policy *abi, uint32_t nr,
	const struct clause *a, const struct clause *b, struct err *e)
{
	char call[SYSCALL_NAME_MAX], says[2][ACTION_TEXT_MAX];

	if (!syscall_name(abi->abi, nr, call))
		(void)snprintf(call, sizeof(call), "call %u", nr);
	return err_set(e, EINVAL,
		"%s: $.syscalls[%zu] and $.syscalls[%zu] can both match one %s of %s, and say %s "
		"and %s: engines differ in which of them wins; make their args exclude each other",
		r->name, a->rule, b->rule, call, abi->abi->name,
		action_print(a->action, says[0], sizeof(says[0])),
		action_print(b->action, says[1], sizeof(says[1])));
}

static int check_overlaps(const struct resolver *r, const struct abi_policy *abi,
	const struct call_policy *call, struct err *e)
{
	const struct clause *clauses = &abi->clauses[call->first_clause];
	uint64_t arg_max = abi->abi->bits32 ? UINT32_MAX : UINT64_MAX;

	for (size_t i = 0; i < call->n_clauses; i++) {
		for (size_t j = i + 1; j < call->n_clauses; j++) {
			const struct clause *a = &clauses[i], *b = &clauses[j];

			if (a->action != b->action && clauses_overlap(a, b, arg_max))
				return refuse_overlap(r, abi, call->nr, a, b, e);
		}
	}
	return 0;
}

/* What the @n_entries rules about one number, in the order of the file, come to. */
static int resolve_call(const struct resolver *r, struct abi_policy *abi,
	const struct entry *entries, size_t n_entries, struct err *e)
{
	struct call_policy *call = &abi->calls[abi->n_calls];

	*call = (struct call_policy){.nr = entries->nr, .first_clause = (uint32_t)abi->n_clauses};
	for (size_t i = 0; i < n_entries; i++) {
		const struct rule *rule = &r->profile->rules[entries[i].rule];

		if (rule->n_conds == 0) {
			call->rule = entries[i].rule;
			call->action = rule->action;
			abi->n_calls++;
			return 0;
		}
	}
	for (size_t i = 0; i < n_entries; i++) {
		if (add_rule_clauses(r, abi, entries[i].rule, e))
			return -e->code;
	}
	call->n_clauses = (uint32_t)abi->n_clauses - call->first_clause;
	abi->n_calls++;
	return check_overlaps(r, abi, call, e);
}

static int resolve_abi(struct resolver *r, struct abi_policy *abi, bool first, struct err *e)
{
	const uint16_t *rows = r->rows;

	r->n_entries = 0;
	for (size_t i = 0; i < r->profile->n_rules; i++) {
		if (!rule_is_void(r->profile, &r->profile->rules[i]) &&
			add_rule(r, abi->abi, i, rows, first, e))
			return -e->code;
		rows += r->profile->rules[i].n_names;
	}
	sort_entries(r);
	abi->calls = reallocarray(NULL, r->n_entries + 1, sizeof(*abi->calls));
	if (!abi->calls)
		return err_nomem(e);
	for (size_t i = 0, end; i < r->n_entries; i = end) {
		for (end = i + 1; end < r->n_entries; end++) {
			if (r->entries[end].nr != r->entries[i].nr)
				break;
		}
		if (resolve_call(r, abi, &r->entries[i], end - i, e))
			return -e->code;
	}
	return 0;
}

static int resolve_abis(struct resolver *r, struct policy *policy, struct err *e)
{
	const struct abi *native = abi_native();
	const struct abi **abis = r->profile->n_abis ? r->profile->abis : &native;
	size_t n_abis = r->profile->n_abis ? r->profile->n_abis : 1;

	policy->abis = calloc(n_abis, sizeof(*policy->abis));
	if (!policy->abis)
		return err_nomem(e);
	for (size_t i = 0; i < n_abis; i++) {
		policy->n_abis++;
		policy->abis[i].abi = abis[i];
		if (resolve_abi(r, &policy->abis[i], i == 0, e))
			return -e->code;
	}
	return 0;
}

static void look_up_names(const struct profile *profile, uint16_t *rows)
{
	for (size_t i = 0; i < profile->n_rules; i++) {
		const struct rule *rule = &profile->rules[i];

		for (size_t k = 0; k < rule->n_names; k++)
			*rows++ = syscall_key(rule->names[k]).row;
	}
}

int policy_resolve(const char *name, const struct profile *profile, struct policy *out,
	const struct notice *to, struct err *e)
{
	scoped(policy_done) struct policy policy = {.default_action = profile->default_action};
	struct resolver r = {.name = name, .profile = profile, .to = to};
	scoped_free uint16_t *rows = NULL;
	scoped_free struct entry *entries = NULL;
	size_t n_names = 0;

	for (size_t i = 0; i < profile->n_rules; i++)
		n_names += profile->rules[i].n_names;
	rows = reallocarray(NULL, n_names + 1, sizeof(*rows));
	entries = reallocarray(NULL, n_names + 1, 2 * sizeof(*entries));
	if (!rows || !entries)
		return err_nomem(e);
	look_up_names(profile, rows);
	r.rows = rows;
	r.entries = entries;
	r.sorted = entries + n_names;
	if (resolve_abis(&r, &policy, e))
		return -e->code;
	*out = policy;
	policy = (struct policy){0};
	return 0;
}

const struct abi_policy *policy_abi(const struct policy *policy, const struct abi *abi)
{
	for (size_t i = 0; i < policy->n_abis; i++) {
		if (policy->abis[i].abi == abi)
			return &policy->abis[i];
	}
	return NULL;
}

static int call_compare(const void *key, const void *member)
{
	uint32_t nr = *(const uint32_t *)key, other = ((const struct call_policy *)member)->nr;

	return nr < other ? -1 : nr > other;
}

const struct call_policy *abi_policy_call(const struct abi_policy *abi, uint32_t nr)
{
	return bsearch(&nr, abi->calls, abi->n_calls, sizeof(*abi->calls), call_compare);
}

bool clause_holds(const struct clause *clause, const struct seccomp_data *call)
{
	for (size_t i = 0; i < clause->n_conds; i++) {
		const struct condition *cond = &clause->conds[i];

		if (!condition_holds(cond, call->args[cond->index]))
			return false;
	}
	return true;
}

static bool policy_has_token(const struct policy *policy, uint32_t audit_arch)
{
	for (size_t i = 0; i < policy->n_abis; i++) {
		if (policy->abis[i].abi->audit_arch == audit_arch)
			return true;
	}
	return false;
}

action_t policy_unlisted(const struct policy *policy)
{
	if (policy->deviations & POLICY_UNLISTED_NOTIFY)
		return SECCOMP_RET_USER_NOTIF;
	return policy->deviations & POLICY_UNLISTED_THREAD ? SECCOMP_RET_KILL_THREAD
							   : SECCOMP_RET_KILL_PROCESS;
}

action_t policy_verdict(const struct policy *policy, const struct seccomp_data *call,
	const struct call_policy **out_call)
{
	uint32_t nr = (uint32_t)call->nr;
	const struct abi *abi = abi_of_call(call->arch, nr);
	const struct abi_policy *listed = abi ? policy_abi(policy, abi) : NULL;
	struct seccomp_data seen = *call;
	const struct call_policy *about;

	if (out_call)
		*out_call = NULL;
	if (nr >> 31 && policy_has_token(policy, call->arch))
		return policy->default_action;
	if (!listed)
		return policy_unlisted(policy);
	about = abi_policy_call(listed, nr);
	if (!about)
		return policy->default_action;
	if (out_call)
		*out_call = about;
	if (about->n_clauses == 0)
		return about->action;
	for (size_t i = 0; listed->abi->bits32 && i < SYSCALL_ARGS; i++)
		seen.args[i] = (uint32_t)seen.args[i];
	for (size_t i = 0; i < about->n_clauses; i++) {
		const struct clause *clause = &listed->clauses[about->first_clause + i];

		if (clause_holds(clause, &seen))
			return clause->action;
	}
	if (out_call)
		*out_call = NULL;
	return policy->default_action;
}
