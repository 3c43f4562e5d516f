#include "systemd_groups.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "scope.h"
#include "tap.h"

enum { CALLS = 12, GROUPS = 9, ROWS_MAX = CALLS * GROUPS, ROUNDS = 3000 };

static const char *const CALL_NAMES[CALLS] = {
	"a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k", "l"};
static const char *const GROUP_NAMES[GROUPS] = {
	"@a", "@b", "@c", "@d", "@e", "@f", "@g", "@h", "@i"};

/* A table at random, and what is to be listed. */
struct sample {
	struct group_call rows[ROWS_MAX];
	size_t n_rows;
	enum wanted wanted[CALLS];
	const char *calls[CALLS];
	size_t n_calls;
};

static uint64_t state = 1;

static unsigned any(unsigned below)
{
	state = state * 6364136223846793005u + 1442695040888963407u;
	return (unsigned)(state >> 33) % below;
}

static enum wanted sample_wanted(const void *ctx, const char *call)
{
	const struct sample *sample = ctx;

	return sample->wanted[call[0] - 'a'];
}

static void draw(struct sample *sample)
{
	unsigned density = 2 + any(4);

	*sample = (struct sample){0};
	for (size_t i = 0; i < CALLS; i++) {
		sample->wanted[i] = any(8) == 0 ? FORBIDDEN : any(6) == 0 ? HARMLESS : WANTED;
		if (sample->wanted[i] == WANTED)
			sample->calls[sample->n_calls++] = CALL_NAMES[i];
	}
	for (size_t g = 0; g < GROUPS; g++) {
		for (size_t i = 0; i < CALLS; i++) {
			struct group_call *row;

			if (any(density))
				continue;
			row = &sample->rows[sample->n_rows++];
			strcpy(row->group, GROUP_NAMES[g]);
			strcpy(row->call, CALL_NAMES[i]);
			row->everywhere = any(10) != 0;
		}
	}
}

/* Whether @group may be used, and which of the calls it lists, as bits. */
static bool group_lists(const struct sample *sample, const char *group, unsigned *out_calls)
{
	*out_calls = 0;
	for (size_t i = 0; i < sample->n_rows; i++) {
		const struct group_call *row = &sample->rows[i];

		if (strcmp(row->group, group))
			continue;
		if (sample_wanted(sample, row->call) == FORBIDDEN)
			return false;
		if (sample_wanted(sample, row->call) == WANTED && row->everywhere)
			*out_calls |= 1u << (row->call[0] - 'a');
	}
	return true;
}

/* The least cost, by trying all sets of groups. */
static size_t least_cost(const struct sample *sample)
{
	size_t best = SIZE_MAX;

	for (unsigned set = 0; set < 1u << GROUPS; set++) {
		unsigned listed = 0, calls;
		bool fits = true;
		size_t cost;

		for (size_t g = 0; g < GROUPS && fits; g++) {
			if (!(set >> g & 1))
				continue;
			fits = group_lists(sample, GROUP_NAMES[g], &calls);
			listed |= calls;
		}
		cost = (size_t)__builtin_popcount(set) + sample->n_calls -
		       (size_t)__builtin_popcount(listed);
		if (fits && cost < best)
			best = cost;
	}
	return best;
}

/* Whether the cover lists the calls, all of them, and nothing that is forbidden. */
static bool is_cover(const struct sample *sample, const struct group_cover *cover)
{
	unsigned listed = 0, calls;
	size_t n_by_name = 0;

	for (size_t i = 0; i < cover->n_groups; i++) {
		if (!group_lists(sample, cover->groups[i], &calls))
			return false;
		listed |= calls;
	}
	for (size_t i = 0; i < sample->n_calls; i++) {
		bool is_listed = listed >> (sample->calls[i][0] - 'a') & 1;

		n_by_name += cover->by_name[i];
		if (cover->by_name[i] == is_listed)
			return false;
	}
	return n_by_name == cover->n_by_name;
}

static void test_least(void)
{
	struct sample sample;
	size_t wrong = 0, longer = 0, grouped = 0;

	for (int round = 0; round < ROUNDS; round++) {
		scoped(group_cover_done) struct group_cover cover = {0};
		struct err e;

		draw(&sample);
		if (group_cover(sample.rows, sample.n_rows, sample.calls, sample.n_calls,
			    sample_wanted, &sample, &cover, &e)) {
			wrong++;
			continue;
		}
		wrong += !is_cover(&sample, &cover);
		longer += cover.n_groups + cover.n_by_name != least_cost(&sample);
		grouped += cover.n_groups > 1;
	}
	ok(wrong == 0,
		"%d random tables: the calls are listed, and nothing forbidden is (%zu wrong)",
		ROUNDS, wrong);
	ok(longer == 0, "no other choice of groups is shorter (%zu are)", longer);
	ok(grouped > ROUNDS / 10, "%zu of the answers have several groups", grouped);
}

static void test_table(void)
{
	size_t len;
	const struct group_call *table = systemd_groups(&len);
	size_t unsorted = 0;

	for (size_t i = 1; i < len; i++) {
		int order = strcmp(table[i - 1].group, table[i].group);

		unsorted += order > 0 ||
			    (order == 0 && strcmp(table[i - 1].call, table[i].call) >= 0);
	}
	ok(len > 1000 && unsorted == 0, "the table of %zu rows is sorted", len);
	ok(systemd_group_call("@default", "execve") &&
			systemd_group_call("@default", "execve")->everywhere,
		"execve is in @default");
	ok(systemd_group_call("@default", "seccomp") &&
			!systemd_group_call("@default", "seccomp")->everywhere,
		"seccomp is, in newer versions only");
	ok(!systemd_group_call("@default", "ptrace"), "ptrace is not");
	ok(strstr(systemd_versions(), "252 (") != NULL, "the versions are named");
}

static enum wanted known_wanted(const void *ctx, const char *call)
{
	(void)ctx;
	return systemd_group_call("@known", call) ? WANTED : HARMLESS;
}

/*
 * All that any version knows: the group of all, with what not all versions have in it.  Some of
 * that is everywhere in another group.
 */
static void test_all(void)
{
	scoped(group_cover_done) struct group_cover cover = {0};
	size_t len, n = 0;
	const struct group_call *table = systemd_groups(&len);
	scoped_free const char **calls = calloc(len, sizeof(*calls));
	struct err e;

	for (size_t i = 0; i < len; i++) {
		if (!strcmp(table[i].group, "@known"))
			calls[n++] = table[i].call;
	}
	ok(!group_cover(table, len, calls, n, known_wanted, NULL, &cover, &e), "all calls");
	ok(cover.n_groups > 0 && cover.n_groups <= 3 && !strcmp(cover.groups[0], "@known") &&
			cover.n_by_name < 30,
		"%zu calls: %zu groups and %zu names", n, cover.n_groups, cover.n_by_name);
}

int main(void)
{
	test_least();
	test_table();
	test_all();
	return tap_done();
}
