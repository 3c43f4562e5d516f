#include "merge.h"

#include <errno.h>
#include <linux/seccomp.h>
#include <stdlib.h>
#include <string.h>

#include "clauses.h"
#include "policy.h"
#include "scope.h"

enum { ACTION_TEXT_MAX = 64 };

/* "Under these conditions this name gets clause.action." */
struct said {
	struct clause clause;
	const char *name; /* of a rule of one of the profiles */
};

/* Profiles while they are being merged. */
struct merge {
	const struct named_profile *profiles;
	size_t n;
	choose_action choose;
	struct policy *policies; /* heap: n of them */
	const char **names; /* heap: of all rules, sorted, each once */
	size_t n_names;
	struct said *said; /* heap */
	size_t n_said;
	struct profile profile;
};

static void merge_done(struct merge *merge)
{
	for (size_t i = 0; merge->policies && i < merge->n; i++)
		policy_done(&merge->policies[i]);
	free(merge->policies);
	free(merge->names);
	free(merge->said);
	profile_done(&merge->profile);
}

static action_t less_strict(action_t first, action_t second)
{
	return action_is_stricter(first, second) ? second : first;
}

static action_t stricter(action_t first, action_t second)
{
	return action_is_stricter(second, first) ? second : first;
}

static bool same_text(const char *a, const char *b)
{
	return a && b ? !strcmp(a, b) : a == b;
}

/* Flags and listeners are no answers: there is nothing to choose from. */
static int check_loading(const struct merge *merge, struct err *e)
{
	const struct named_profile *first = &merge->profiles[0];

	for (size_t i = 1; i < merge->n; i++) {
		const struct named_profile *other = &merge->profiles[i];
		const char *what = NULL;

		if (first->profile.flags != other->profile.flags)
			what = "flags";
		else if (!same_text(first->profile.listener_path, other->profile.listener_path))
			what = "listenerPath";
		else if (!same_text(first->profile.listener_metadata,
				 other->profile.listener_metadata))
			what = "listenerMetadata";
		if (what)
			return err_set(e, EINVAL,
				"%s and %s differ in %s, and one profile cannot have both; make "
				"them the same first",
				first->name, other->name, what);
	}
	return 0;
}

static int resolve_all(struct merge *merge, const struct notice *to, struct err *e)
{
	merge->policies = calloc(merge->n, sizeof(*merge->policies));
	if (!merge->policies)
		return err_nomem(e);
	for (size_t i = 0; i < merge->n; i++) {
		const struct named_profile *from = &merge->profiles[i];

		if (policy_resolve(from->name, &from->profile, &merge->policies[i], to, e))
			return -e->code;
	}
	return 0;
}

/* The default action, and whose it is where errnos differ. */
static void choose_default(struct merge *merge, const struct notice *to)
{
	size_t chosen = 0;
	char text[2][ACTION_TEXT_MAX];

	for (size_t i = 1; i < merge->n; i++) {
		action_t own = merge->policies[chosen].default_action;
		action_t other = merge->policies[i].default_action;

		if (merge->choose(own, other) != own)
			chosen = i;
	}
	merge->profile.default_action = merge->policies[chosen].default_action;
	for (size_t i = 0; i < merge->n; i++) {
		action_t own = merge->profile.default_action;
		action_t other = merge->policies[i].default_action;

		if (other == own || action_is_stricter(own, other) ||
			action_is_stricter(other, own))
			continue;
		notice_tell(to, "what is not named gets %s, as in %s, and not %s, as in %s",
			action_print(own, text[0], sizeof(text[0])), merge->profiles[chosen].name,
			action_print(other, text[1], sizeof(text[1])), merge->profiles[i].name);
		return;
	}
}

static bool lists(const struct policy *policy, const struct abi *abi)
{
	return policy_abi(policy, abi) != NULL;
}

/* In a union the ABIs of any, in an intersection those of all: what is not listed is killed. */
static bool abi_is_kept(const struct merge *merge, const struct abi *abi)
{
	bool any = merge->choose == less_strict;

	for (size_t i = 0; i < merge->n; i++) {
		if (lists(&merge->policies[i], abi) == any)
			return any;
	}
	return !any;
}

static int list_abis(struct merge *merge, struct err *e)
{
	size_t n_rows;
	const struct abi *rows = abi_table(&n_rows);
	struct profile *profile = &merge->profile;

	profile->abis = calloc(n_rows, sizeof(*profile->abis));
	if (!profile->abis)
		return err_nomem(e);
	for (size_t i = 0; i < n_rows; i++) {
		if (abi_is_kept(merge, &rows[i]))
			profile->abis[profile->n_abis++] = &rows[i];
	}
	if (profile->n_abis == 0)
		return err_set(
			e, EINVAL, "no architecture is listed in all of them; list one in common");
	return 0;
}

/*
 * What calls get that no rule names, chosen among the profiles that @counts finds to have a default
 * for them; the others kill.
 */
static action_t unnamed(const struct merge *merge,
	bool (*counts)(const struct policy *policy, const struct abi *abi), const struct abi *abi)
{
	action_t chosen = 0;

	for (size_t i = 0; i < merge->n; i++) {
		const struct policy *policy = &merge->policies[i];
		action_t own = counts(policy, abi) ? policy->default_action
						   : policy_unlisted(policy);

		chosen = i ? merge->choose(chosen, own) : own;
	}
	return chosen;
}

/* Negative numbers are of no ABI, but have its token. */
static bool has_token(const struct policy *policy, const struct abi *abi)
{
	for (size_t i = 0; i < policy->n_abis; i++) {
		if (policy->abis[i].abi->audit_arch == abi->audit_arch)
			return true;
	}
	return false;
}

static int refuse_default(
	const struct merge *merge, const struct abi *abi, action_t wanted, struct err *e)
{
	char text[2][ACTION_TEXT_MAX];

	return err_set(e, EINVAL,
		"under %s what is not named should get %s, and elsewhere %s, which one profile "
		"cannot say; list the same architectures in all of the profiles, or give them one "
		"defaultAction",
		abi->oci, action_print(wanted, text[0], sizeof(text[0])),
		action_print(merge->profile.default_action, text[1], sizeof(text[1])));
}

/* A profile has one default, for all its ABIs. */
static int check_defaults(const struct merge *merge, struct err *e)
{
	const struct profile *profile = &merge->profile;
	size_t n_rows;
	const struct abi *rows = abi_table(&n_rows);

	for (size_t i = 0; i < profile->n_abis; i++) {
		action_t wanted = unnamed(merge, lists, profile->abis[i]);

		if (wanted != profile->default_action)
			return refuse_default(merge, profile->abis[i], wanted, e);
	}
	for (size_t i = 0; i < n_rows; i++) {
		action_t wanted = unnamed(merge, has_token, &rows[i]);
		action_t got = SECCOMP_RET_KILL_PROCESS;

		for (size_t j = 0; j < profile->n_abis; j++) {
			if (profile->abis[j]->audit_arch == rows[i].audit_arch)
				got = profile->default_action;
		}
		if (wanted != got)
			return refuse_default(merge, &rows[i], wanted, e);
	}
	return 0;
}

static int by_text(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* The names of all rules, sorted, each once. */
static int list_names(struct merge *merge, struct err *e)
{
	size_t n = 0, kept = 0;

	for (size_t i = 0; i < merge->n; i++) {
		const struct profile *profile = &merge->profiles[i].profile;

		for (size_t j = 0; j < profile->n_rules; j++)
			n += profile->rules[j].n_names;
	}
	merge->names = calloc(n + 1, sizeof(*merge->names));
	if (!merge->names)
		return err_nomem(e);
	n = 0;
	for (size_t i = 0; i < merge->n; i++) {
		const struct profile *profile = &merge->profiles[i].profile;

		for (size_t j = 0; j < profile->n_rules; j++) {
			memcpy(merge->names + n, profile->rules[j].names,
				profile->rules[j].n_names * sizeof(*merge->names));
			n += profile->rules[j].n_names;
		}
	}
	qsort(merge->names, n, sizeof(*merge->names), by_text);
	for (size_t i = 0; i < n; i++) {
		if (kept == 0 || strcmp(merge->names[kept - 1], merge->names[i]) != 0)
			merge->names[kept++] = merge->names[i];
	}
	merge->n_names = kept;
	return 0;
}

static int refuse_size(const char *name, int code, struct err *e)
{
	if (code == -ENOMEM)
		return err_nomem(e);
	return err_set(e, E2BIG,
		"%s: its argument rules come to more than %d together, which no profile should "
		"have; allow or deny it in one of the profiles without args",
		name, CLAUSES_MAX);
}

/* What all the policies together say to a number. */
static int combine_all(const struct merge *merge, const char *name, const struct abi *abi,
	uint32_t nr, struct verdicts *out, struct err *e)
{
	int code = verdicts_of(&merge->policies[0], abi, nr, out);

	for (size_t i = 1; !code && i < merge->n; i++) {
		scoped(verdicts_done) struct verdicts next = {.rest = 0};

		code = verdicts_of(&merge->policies[i], abi, nr, &next);
		if (!code)
			code = verdicts_combine(out, &next, merge->choose);
	}
	return code ? refuse_size(name, code, e) : 0;
}

static int refuse_abis(const char *name, const struct abi *a, const struct abi *b, struct err *e)
{
	return err_set(e, EINVAL,
		"%s should be answered in one way under %s and in another under %s, which one "
		"profile cannot say; list the same architectures in all of the profiles",
		name, a->oci, b->oci);
}

/*
 * What a name gets, which must be the same under all ABIs that have it.
 *
 * @out_known: whether there is one.
 */
static int verdicts_of_name(const struct merge *merge, const char *name, struct verdicts *out,
	bool *out_known, struct err *e)
{
	const struct profile *profile = &merge->profile;
	const struct abi *first = NULL;

	for (size_t i = 0; i < profile->n_abis; i++) {
		scoped(verdicts_done) struct verdicts next = {.rest = 0};
		const struct abi *abi = profile->abis[i];
		bool same = true;
		uint32_t nr;
		int code;

		if (syscall_number(abi, name, &nr))
			continue;
		if (combine_all(merge, name, abi, nr, first ? &next : out, e))
			return -e->code;
		code = first ? verdicts_equal(out, &next, &same) : 0;
		if (code)
			return refuse_size(name, code, e);
		if (!same)
			return refuse_abis(name, first, abi, e);
		first = first ? first : abi;
	}
	*out_known = first != NULL;
	return 0;
}

/* Grown by powers of two. */
static int say(struct merge *merge, const char *name, const struct clause *clause, struct err *e)
{
	size_t n = merge->n_said;

	if ((n & (n - 1)) == 0) {
		struct said *grown = reallocarray(merge->said, n ? 2 * n : 1, sizeof(*grown));

		if (!grown)
			return err_nomem(e);
		merge->said = grown;
	}
	merge->said[merge->n_said++] = (struct said){*clause, name};
	return 0;
}

static int say_verdicts(
	struct merge *merge, const char *name, struct verdicts *verdicts, struct err *e)
{
	const struct clause whole = {.action = verdicts->rest};
	int code;

	if (verdicts->clauses.n == 0)
		return verdicts->rest == merge->profile.default_action
			       ? 0
			       : say(merge, name, &whole, e);
	code = verdicts_set_rest(verdicts, merge->profile.default_action);
	if (code)
		return refuse_size(name, code, e);
	for (size_t i = 0; i < verdicts->clauses.n; i++) {
		if (say(merge, name, &verdicts->clauses.list[i], e))
			return -e->code;
	}
	return 0;
}

static int say_all(struct merge *merge, struct err *e)
{
	for (size_t i = 0; i < merge->n_names; i++) {
		scoped(verdicts_done) struct verdicts verdicts = {.rest = 0};
		bool known = false;

		if (verdicts_of_name(merge, merge->names[i], &verdicts, &known, e) ||
			(known && say_verdicts(merge, merge->names[i], &verdicts, e)))
			return -e->code;
	}
	return 0;
}

/* What stands in one rule: the same action under the same conditions. */
static int rule_compare(const struct said *a, const struct said *b)
{
	bool a_plain = a->clause.n_conds == 0, b_plain = b->clause.n_conds == 0;

	if (a_plain != b_plain)
		return a_plain ? -1 : 1;
	if (a->clause.action != b->clause.action)
		return a->clause.action > b->clause.action ? -1 : 1;
	return clause_conditions_compare(&a->clause, &b->clause);
}

static int by_rule(const void *a, const void *b)
{
	const struct said *x = a, *y = b;
	int order = rule_compare(x, y);

	return order ? order : strcmp(x->name, y->name);
}

static int write_rule(struct merge *merge, const struct said *said, size_t n, struct err *e)
{
	struct rule *rule = &merge->profile.rules[merge->profile.n_rules++];
	const struct clause *clause = &said->clause;

	rule->action = clause->action;
	rule->names = calloc(n, sizeof(*rule->names));
	rule->conds = calloc(SYSCALL_ARGS, sizeof(*rule->conds));
	if (!rule->names || !rule->conds)
		return err_nomem(e);
	memcpy(rule->conds, clause->conds, clause->n_conds * sizeof(*rule->conds));
	rule->n_conds = clause->n_conds;
	for (size_t i = 0; i < n; i++) {
		rule->names[i] = strdup(said[i].name);
		if (!rule->names[i])
			return err_nomem(e);
		rule->n_names++;
	}
	return 0;
}

static int write_rules(struct merge *merge, struct err *e)
{
	if (merge->n_said > 0)
		qsort(merge->said, merge->n_said, sizeof(*merge->said), by_rule);
	merge->profile.rules = calloc(merge->n_said + 1, sizeof(*merge->profile.rules));
	if (!merge->profile.rules)
		return err_nomem(e);
	for (size_t i = 0, end; i < merge->n_said; i = end) {
		for (end = i + 1; end < merge->n_said; end++) {
			if (rule_compare(&merge->said[i], &merge->said[end]))
				break;
		}
		if (write_rule(merge, &merge->said[i], end - i, e))
			return -e->code;
	}
	if (merge->profile.n_rules > PROFILE_RULES_MAX)
		return err_set(e, E2BIG,
			"together they come to %zu rules, and a profile has at most %d; merge "
			"fewer of them",
			merge->profile.n_rules, PROFILE_RULES_MAX);
	return 0;
}

static int copy_loading(struct merge *merge, struct err *e)
{
	const struct profile *from = &merge->profiles[0].profile;
	struct profile *profile = &merge->profile;

	profile->flags = from->flags;
	if (from->listener_path)
		profile->listener_path = strdup(from->listener_path);
	if (from->listener_metadata)
		profile->listener_metadata = strdup(from->listener_metadata);
	if (!profile->listener_path != !from->listener_path ||
		!profile->listener_metadata != !from->listener_metadata)
		return err_nomem(e);
	return 0;
}

/* Nothing goes out that would not be read. */
static int check_result(const struct merge *merge, struct err *e)
{
	scoped(policy_done) struct policy policy = {.n_abis = 0};

	return policy_resolve("the merged profile", &merge->profile, &policy, NULL, e);
}

/* What is wrong with them together. */
static int refuse_together(const struct named_profile *all, size_t n, struct err *e)
{
	if (n == 2)
		return err_prefix(e, "%s and %s: ", all[0].name, all[1].name);
	return err_prefix(e, "%s%s: ", all[0].name, n > 1 ? " and others" : "");
}

int profile_merge(enum profile_merge_mode mode, const struct named_profile *profiles, size_t n,
	struct profile *out, const struct notice *to, struct err *e)
{
	scoped(merge_done) struct merge merge = {
		.profiles = profiles,
		.n = n,
		.choose = mode == PROFILE_UNION ? less_strict : stricter,
	};

	if (check_loading(&merge, e) || resolve_all(&merge, to, e))
		return -e->code;
	choose_default(&merge, to);
	if (list_abis(&merge, e) || check_defaults(&merge, e) || list_names(&merge, e) ||
		say_all(&merge, e) || write_rules(&merge, e) || copy_loading(&merge, e) ||
		check_result(&merge, e))
		return refuse_together(profiles, n, e);
	*out = merge.profile;
	merge.profile = (struct profile){0};
	return 0;
}
