#include "systemd_groups.h"

#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "bits.h"
#include "scope.h"

static const struct group_call TABLE[] = {
#include "systemd_groups.inc"
};

const struct group_call *systemd_groups(size_t *out_len)
{
	*out_len = ARRAY_LEN(TABLE);
	return TABLE;
}

/* @key: the names of a group and of a call. */
static int row_compare(const void *key, const void *member)
{
	const char *const *names = key;
	const struct group_call *row = member;
	int order = strcmp(names[0], row->group);

	return order ? order : strcmp(names[1], row->call);
}

const struct group_call *systemd_group_call(const char *group, const char *call)
{
	const char *const key[] = {group, call};

	return bsearch(key, TABLE, ARRAY_LEN(TABLE), sizeof(TABLE[0]), row_compare);
}

const char *systemd_versions(void)
{
	static const char versions[] =
#include "systemd_versions.inc"
		;

	return versions;
}

/* A group that may be used, and which of the calls it lists. */
struct candidate {
	const char *name;
	struct bits lists; /* indexes of calls */
};

/*
 * The search: groups are taken or left one after the other.  What is left to gain by the groups to
 * come is at most what each would gain by itself, so most branches are cut at once.
 */
struct search {
	const char *const *calls;
	size_t n_calls;
	struct candidate *groups;
	size_t n_groups;
	unsigned *times; /* for each call: how many of the groups taken list it */
	size_t n_listed; /* calls with times > 0 */
	bool *taken, *best;
	size_t n_taken, best_cost;
};

static void search_done(struct search *search)
{
	for (size_t i = 0; i < search->n_groups; i++)
		bits_done(&search->groups[i].lists);
	free(search->groups);
	free(search->times);
	free(search->taken);
	free(search->best);
}

void group_cover_done(struct group_cover *cover)
{
	free(cover->groups);
	free(cover->by_name);
	*cover = (struct group_cover){0};
}

static int name_compare(const void *key, const void *member)
{
	return strcmp(key, *(const char *const *)member);
}

/* The index of a call that is WANTED, so it is there. */
static size_t call_index(const struct search *search, const char *call)
{
	const char *const *at = bsearch(
		call, search->calls, search->n_calls, sizeof(*search->calls), name_compare);

	assert(at);
	return (size_t)(at - search->calls);
}

static bool is_subset(const struct bits *a, const struct bits *b)
{
	for (size_t i = bits_next(a, 0); i != SIZE_MAX; i = bits_next(a, i + 1)) {
		if (!bits_has(b, i))
			return false;
	}
	return true;
}

/* A group is worth a look if it lists two calls or more that no other one lists all of. */
static bool is_of_use(const struct search *search, const struct candidate *group)
{
	if (bits_count(&group->lists) < 2)
		return false;
	for (size_t i = 0; i < search->n_groups; i++) {
		if (is_subset(&group->lists, &search->groups[i].lists))
			return false;
	}
	return true;
}

/* Those before that are part of @group are of no use now. */
static void add_group(struct search *search, struct candidate *group)
{
	size_t kept = 0;

	for (size_t i = 0; i < search->n_groups; i++) {
		if (is_subset(&search->groups[i].lists, &group->lists))
			bits_done(&search->groups[i].lists);
		else
			search->groups[kept++] = search->groups[i];
	}
	search->groups[kept++] = *group;
	search->n_groups = kept;
	*group = (struct candidate){0};
}

/* The group of rows @begin...@end-1, if it may be used. */
static int look_at_group(struct search *search, const struct group_call *begin,
	const struct group_call *end, enum wanted (*wanted)(const void *ctx, const char *call),
	const void *ctx)
{
	struct candidate group = {.name = begin->group};
	int code = 0;

	for (const struct group_call *row = begin; row < end && !code; row++) {
		enum wanted is = wanted(ctx, row->call);

		if (is == FORBIDDEN) {
			bits_done(&group.lists);
			return 0;
		}
		if (is == WANTED && row->everywhere)
			code = bits_add(&group.lists, call_index(search, row->call));
	}
	if (!code && is_of_use(search, &group))
		add_group(search, &group);
	bits_done(&group.lists);
	return code;
}

static size_t cost(const struct search *search)
{
	return search->n_taken + search->n_calls - search->n_listed;
}

/* How many calls more would be listed with this group. */
static size_t gain(const struct search *search, const struct candidate *group)
{
	size_t n = 0;

	for (size_t i = bits_next(&group->lists, 0); i != SIZE_MAX;
		i = bits_next(&group->lists, i + 1))
		n += search->times[i] == 0;
	return n;
}

static void take(struct search *search, size_t at, bool is_taken)
{
	const struct bits *lists = &search->groups[at].lists;

	search->taken[at] = is_taken;
	search->n_taken = is_taken ? search->n_taken + 1 : search->n_taken - 1;
	for (size_t i = bits_next(lists, 0); i != SIZE_MAX; i = bits_next(lists, i + 1)) {
		if (is_taken)
			search->n_listed += search->times[i]++ == 0;
		else
			search->n_listed -= --search->times[i] == 0;
	}
}

/* Decide about group @at and those behind it. */
static void search_from(struct search *search, size_t at)
{
	size_t least = cost(search);

	if (least < search->best_cost) {
		search->best_cost = least;
		memcpy(search->best, search->taken, search->n_groups * sizeof(*search->best));
	}
	for (size_t i = at; i < search->n_groups; i++) {
		size_t more = gain(search, &search->groups[i]);

		/* The gains overlap: they may be more than there is to gain. */
		if (more > 1)
			least = least > more - 1 ? least - (more - 1) : 0;
	}
	if (at == search->n_groups || least >= search->best_cost)
		return;
	take(search, at, true);
	search_from(search, at + 1);
	take(search, at, false);
	search_from(search, at + 1);
}

/* Which calls the groups of the best answer leave over. */
static int cover_from(struct search *search, struct group_cover *out, struct err *e)
{
	scoped(group_cover_done) struct group_cover cover = {0};

	cover.groups = calloc(search->n_groups + 1, sizeof(*cover.groups));
	cover.by_name = malloc((search->n_calls + 1) * sizeof(*cover.by_name));
	if (!cover.groups || !cover.by_name)
		return err_nomem(e);
	for (size_t i = 0; i < search->n_groups; i++) {
		if (!search->best[i])
			continue;
		cover.groups[cover.n_groups++] = search->groups[i].name;
		take(search, i, true);
	}
	for (size_t i = 0; i < search->n_calls; i++) {
		cover.by_name[i] = search->times[i] == 0;
		cover.n_by_name += cover.by_name[i];
	}
	*out = cover;
	memset(&cover, 0, sizeof(cover)); /* it is the caller's now */
	return 0;
}

int group_cover(const struct group_call *table, size_t len, const char *const *calls,
	size_t n_calls, enum wanted (*wanted)(const void *ctx, const char *call), const void *ctx,
	struct group_cover *out, struct err *e)
{
	scoped(search_done) struct search search = {.calls = calls, .n_calls = n_calls};

	search.groups = calloc(len + 1, sizeof(*search.groups));
	search.times = calloc(n_calls + 1, sizeof(*search.times));
	if (!search.groups || !search.times)
		return err_nomem(e);
	for (size_t i = 0, end; i < len; i = end) {
		for (end = i + 1; end < len && !strcmp(table[end].group, table[i].group);)
			end++;
		if (look_at_group(&search, &table[i], &table[end], wanted, ctx))
			return err_nomem(e);
	}
	search.taken = calloc(search.n_groups + 1, sizeof(*search.taken));
	search.best = calloc(search.n_groups + 1, sizeof(*search.best));
	if (!search.taken || !search.best)
		return err_nomem(e);
	search.best_cost = SIZE_MAX;
	search_from(&search, 0);
	return cover_from(&search, out, e);
}
