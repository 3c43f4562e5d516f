/*
 * merge.h: a merged profile says to every call what one of its profiles says; by evaluation at
 * random and boundary points, and, where the prover can be asked, for all calls there are.
 */
#include "merge.h"

#include <errno.h>

#include "filter.h"
#include "policy.h"
#include "prove.h"
#include "random_profile.h"
#include "same_profile.h"
#include "scope.h"
#include "tap.h"

enum { ROUNDS = 400, SET_MAX = 3, CALLS = 400 };

/* Profiles that are merged, and what each of them means. */
struct set {
	struct named_profile profiles[SET_MAX];
	struct policy policies[SET_MAX];
	size_t n;
};

static void set_done(struct set *set)
{
	for (size_t i = 0; i < set->n; i++) {
		profile_done(&set->profiles[i].profile);
		policy_done(&set->policies[i]);
	}
}

static void copy_abis(struct profile *to, const struct profile *from)
{
	free(to->abis);
	to->abis = random_alloc(calloc(from->n_abis + 1, sizeof(*to->abis)));
	if (from->n_abis)
		memcpy(to->abis, from->abis, from->n_abis * sizeof(*to->abis));
	to->n_abis = from->n_abis;
}

/* Most of one list of ABIs, and many with one default: others are refused more often than not. */
static void random_set(struct rng *rng, struct set *set)
{
	bool same_abis = rng_percent(rng, 80), same_default = rng_percent(rng, 50);
	static const char *const names[SET_MAX] = {"one.json", "two.json", "three.json"};
	struct err e;

	for (size_t n = 2 + rng_below(rng, SET_MAX - 1); set->n < n;) {
		struct named_profile *next = &set->profiles[set->n];
		struct policy *policy = &set->policies[set->n];

		next->name = names[set->n];
		random_profile(rng, RANDOM_X86_ONLY, &next->profile);
		if (set->n && same_abis)
			copy_abis(&next->profile, &set->profiles[0].profile);
		if (set->n && same_default)
			next->profile.default_action = set->profiles[0].profile.default_action;
		/* With another default another rule is void. */
		if (policy_resolve(next->name, &next->profile, policy, NULL, &e))
			profile_done(&next->profile);
		else
			set->n++;
	}
}

/* The strictness of an action, the strictest 0, as seccomp(2) lists them. */
static size_t rank_of(action_t action)
{
	static const action_t order[] = {SECCOMP_RET_KILL_PROCESS, SECCOMP_RET_KILL_THREAD,
		SECCOMP_RET_TRAP, SECCOMP_RET_ERRNO, SECCOMP_RET_USER_NOTIF, SECCOMP_RET_TRACE,
		SECCOMP_RET_LOG, SECCOMP_RET_ALLOW};
	size_t rank = 0;

	while (order[rank] != (action & SECCOMP_RET_ACTION_FULL))
		rank++;
	return rank;
}

/* What the page says: the least strict or the strictest, of equal ones the first. */
static action_t wanted_of(
	const struct set *set, enum profile_merge_mode mode, const struct seccomp_data *call)
{
	action_t wanted = policy_verdict(&set->policies[0], call, NULL);

	for (size_t i = 1; i < set->n; i++) {
		action_t next = policy_verdict(&set->policies[i], call, NULL);

		if (mode == PROFILE_UNION ? rank_of(next) > rank_of(wanted)
					  : rank_of(next) < rank_of(wanted))
			wanted = next;
	}
	return wanted;
}

/* E-rules, for those who do not read a profile as we do. */
static bool is_for_engines(const struct profile *profile)
{
	for (size_t i = 0; i < profile->n_rules; i++) {
		const struct rule *rule = &profile->rules[i];

		if (rule_repeats_an_index(rule) || rule->action == profile->default_action)
			return false;
		for (size_t j = 0; j < profile->n_rules; j++) {
			const struct rule *other = &profile->rules[j];

			/* Names are sorted, and no call has two rules if one has no conditions. */
			for (size_t k = 0; k < rule->n_names; k++) {
				if (k && strcmp(rule->names[k - 1], rule->names[k]) >= 0)
					return false;
				for (size_t l = 0; i != j && !rule->n_conds && l < other->n_names;
					l++) {
					if (!strcmp(rule->names[k], other->names[l]))
						return false;
				}
			}
		}
	}
	return profile->n_abis > 0;
}

struct totals {
	size_t merged, by_abi, by_size, calls, wrong, unfit, unread;
	size_t proven, undecided, different;
};

/* The text, read again, is the profile. */
static bool is_read_back(const struct profile *profile)
{
	scoped(profile_done) struct profile back = {0};
	scoped_free char *text = NULL;
	struct err e;
	size_t size;

	return !profile_emit(profile, &text, &size, &e) &&
	       !profile_parse("back", text, size, &back, NULL, &e) && same_profile(profile, &back);
}

static void hold_calls(struct rng *rng, const struct set *set, enum profile_merge_mode mode,
	const struct profile *merged, struct totals *totals)
{
	scoped(policy_done) struct policy policy = {0};
	struct err e;

	if (policy_resolve("merged", merged, &policy, NULL, &e)) {
		totals->wrong++;
		return;
	}
	for (size_t i = 0; i < CALLS; i++) {
		size_t from = rng_below(rng, set->n + 1);
		struct seccomp_data call;

		random_call(rng, from < set->n ? &set->profiles[from].profile : merged, &call);
		totals->calls++;
		totals->wrong += policy_verdict(&policy, &call, NULL) !=
				 wanted_of(set, mode, &call);
	}
}

static void count_refusal(const struct err *e, struct totals *totals)
{
	totals->by_size += e->code == E2BIG;
	totals->by_abi += e->code == EINVAL && (strstr(e->text, "one profile cannot say") ||
						       strstr(e->text, "no architecture"));
	totals->wrong += e->code != E2BIG && e->code != EINVAL;
}

/* What an intersection means is what the kernel makes of all the filters together. */
static void prove_stack(const struct set *set, const struct profile *merged, struct totals *totals)
{
	struct filter filters[SET_MAX] = {{0}};
	scoped(policy_done) struct policy policy = {0};
	struct proof proof = {.verdict = PROOF_UNDECIDED};
	struct err e = {0};
	bool compiled = !policy_resolve("merged", merged, &policy, NULL, &e);

	for (size_t i = 0; compiled && i < set->n; i++)
		compiled = !filter_compile(&set->policies[i], &filters[i], &e);
	if (compiled && !filters_prove(filters, set->n, &policy, &proof, &e)) {
		totals->proven += proof.verdict == PROOF_EQUAL;
		totals->different += proof.verdict == PROOF_DIFFERENT;
		totals->undecided += proof.verdict == PROOF_UNDECIDED;
	}
	for (size_t i = 0; i < set->n; i++)
		filter_done(&filters[i]);
}

static void try_set(struct rng *rng, enum profile_merge_mode mode, struct totals *totals)
{
	scoped(set_done) struct set set = {.n = 0};
	scoped(profile_done) struct profile merged = {0};
	struct err e = {0};

	random_set(rng, &set);
	if (profile_merge(mode, set.profiles, set.n, &merged, NULL, &e)) {
		count_refusal(&e, totals);
		return;
	}
	totals->merged++;
	totals->unfit += !is_for_engines(&merged);
	totals->unread += !is_read_back(&merged);
	hold_calls(rng, &set, mode, &merged, totals);
	if (mode == PROFILE_INTERSECT)
		prove_stack(&set, &merged, totals);
}

static void test_random(enum profile_merge_mode mode, const char *name)
{
	struct rng rng = {mode};
	struct totals totals = {0};

	for (int i = 0; i < ROUNDS; i++)
		try_set(&rng, mode, &totals);
	ok(totals.wrong == 0,
		"%s: %zu of %d random sets are merged, and answer %zu calls as they do", name,
		totals.merged, ROUNDS, totals.calls);
	ok(totals.unfit == 0, "%s: no call has two kinds of rules, no rule an index twice", name);
	ok(totals.unread == 0, "%s: what is written is read back", name);
	ok(totals.merged + totals.by_abi + totals.by_size == ROUNDS,
		"%s: %zu refused for what one profile cannot say, %zu for their size", name,
		totals.by_abi, totals.by_size);
	ok(totals.merged > ROUNDS / 3 && totals.by_size < ROUNDS / 6,
		"%s: most that could be merged are", name);
	if (mode == PROFILE_UNION)
		return;
	ok(totals.different == 0 && totals.proven > totals.merged * 9 / 10,
		"%s: %zu proven to be what the kernel makes of their filters together, %zu "
		"undecided",
		name, totals.proven, totals.undecided);
}

static int merge_two(enum profile_merge_mode mode, const struct profile *a, const struct profile *b,
	struct profile *out)
{
	const struct named_profile both[] = {{"a", *a}, {"b", *b}};
	struct err e;

	return profile_merge(mode, both, 2, out, NULL, &e);
}

/* Whether two profiles mean the same, for all calls. */
static bool mean_the_same(const struct profile *a, const struct profile *b)
{
	scoped(policy_done) struct policy left = {0}, right = {0};
	scoped(filter_done) struct filter filter = {0};
	struct proof proof = {.verdict = PROOF_UNDECIDED};
	struct err e;

	return !policy_resolve("a", a, &left, NULL, &e) &&
	       !policy_resolve("b", b, &right, NULL, &e) && !filter_compile(&left, &filter, &e) &&
	       !filter_prove(&filter, &right, &proof, &e) && proof.verdict != PROOF_DIFFERENT;
}

struct laws {
	size_t tried, idempotent, absorbed, associated;
};

/* @p with itself; @p with what it has in common with @q; and the order of grouping. */
static void try_laws(enum profile_merge_mode mode, const struct profile *p, const struct profile *q,
	const struct profile *r, struct laws *broken)
{
	enum profile_merge_mode other = mode == PROFILE_UNION ? PROFILE_INTERSECT : PROFILE_UNION;
	scoped(profile_done) struct profile pp = {0}, pq = {0}, ppq = {0}, pq_r = {0};
	scoped(profile_done) struct profile qr = {0}, p_qr = {0};

	if (!merge_two(mode, p, p, &pp))
		broken->idempotent += !mean_the_same(&pp, p);
	if (merge_two(other, p, q, &pq) || merge_two(mode, p, &pq, &ppq))
		return;
	broken->tried++;
	broken->absorbed += !mean_the_same(&ppq, p);
	if (merge_two(other, &pq, r, &pq_r) || merge_two(other, q, r, &qr) ||
		merge_two(other, p, &qr, &p_qr))
		return;
	broken->associated += !mean_the_same(&pq_r, &p_qr);
}

static void test_laws(void)
{
	struct rng rng = {99};
	struct laws broken = {0};

	for (int i = 0; i < ROUNDS / 5; i++) {
		scoped(set_done) struct set set = {.n = 0};

		random_set(&rng, &set);
		try_laws(i % 2 ? PROFILE_UNION : PROFILE_INTERSECT, &set.profiles[0].profile,
			&set.profiles[1].profile, &set.profiles[set.n - 1].profile, &broken);
	}
	ok(broken.idempotent == 0, "a profile with itself is that profile, by proof");
	ok(broken.absorbed == 0 && broken.tried > ROUNDS / 20,
		"p with what it has in common with q is p, by proof (%zu times)", broken.tried);
	ok(broken.associated == 0, "the grouping does not matter, by proof");
}

int main(void)
{
	test_laws();
	test_random(PROFILE_UNION, "union");
	test_random(PROFILE_INTERSECT, "intersection");
	return tap_done();
}
