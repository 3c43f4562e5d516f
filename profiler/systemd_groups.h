/*
 * systemd_groups.h: systemd's groups of calls, and the smallest way to list calls with them.
 *
 * The rows are profiles/systemd-groups.tsv, compiled in.  Versions of systemd differ in what is in
 * a group, so a group is used only if what any of the measured versions has in it is wanted, and
 * only for what all of them have in it.
 */
#ifndef SYSCLAMP_SYSTEMD_GROUPS_H
#define SYSCLAMP_SYSTEMD_GROUPS_H

#include <stdbool.h>
#include <stddef.h>

#include "err.h"

/* Texts in place, here as in the other large tables: a pointer in a position-independent program is
 * set at each start, of every command, and takes a page that is no longer shared. */
struct group_call {
	char group[24]; /* "@aio" */
	char call[32];
	bool everywhere; /* in all versions measured */
};

/** The table, sorted by group and call; @out_len its length. */
const struct group_call *systemd_groups(size_t *out_len);

/** The row of a call in a group, or NULL: it is in it in no version. */
const struct group_call *systemd_group_call(const char *group, const char *call);

/** The versions measured: "252 (252.38-1~deb12u1); 257 (...)". */
const char *systemd_versions(void);

/** What of a call decides whether a group with it may be used. */
enum wanted {
	WANTED, /* it is to be listed */
	HARMLESS, /* a group with it may be used: it does not exist, or is allowed or taken out
			anyway */
	FORBIDDEN,
};

struct group_cover {
	const char **groups; /* heap, in the order of the table; the names are the table's */
	size_t n_groups;
	bool *by_name; /* heap: for each of the calls: whether it stands by itself */
	size_t n_by_name;
};

void group_cover_done(struct group_cover *cover);

/**
 * The least number of groups and names that together are the calls, and none that is FORBIDDEN.
 *
 * @table: @len rows as of systemd_groups().
 * @calls: @n_calls to be listed, sorted.
 * @wanted: says what a call of the table is; of @calls it says WANTED.
 * @out: to be released with group_cover_done().  Of several that are equally short always the same.
 * Errors: -ENOMEM.
 */
int group_cover(const struct group_call *table, size_t len, const char *const *calls,
	size_t n_calls, enum wanted (*wanted)(const void *ctx, const char *call), const void *ctx,
	struct group_cover *out, struct err *e);

#endif
