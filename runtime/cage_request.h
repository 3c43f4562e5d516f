/*
 * cage_request.h: what was said about a cage, word by word, until it is a whole description.
 *
 * Options and files say the same words (cage_setting.h); what they imply, and what hangs on several
 * of them, is settled at the end (cage_complete.h).
 */
#ifndef SYSCLAMP_CAGE_REQUEST_H
#define SYSCLAMP_CAGE_REQUEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cage.h"

/* A switch that has a default. */
enum cage_switch { SWITCH_UNSAID, SWITCH_OFF, SWITCH_ON };

/* A value that stays text until the end; NULL where nothing was said. */
struct cage_said {
	char *text;
	const char *where; /* as in cage.h */
};

struct cage_request {
	struct cage cage; /* what is settled already; the arena holds everything */
	bool said; /* anything was */
	bool caged; /* something was said that takes a cage */

	struct cage_said user, group; /* of the command */
	struct cage_said *groups; /* beside its first one */
	size_t n_groups;
	enum cage_switch init_groups, keep_groups;
	uint64_t cap_add, cap_drop;
	bool cap_add_all, cap_drop_all;

	struct cage_said namespaces[CAGE_NS_COUNT];
	enum cage_switch unshare_all;

	/* They are mounted before what the user names, whenever they were asked for. */
	enum cage_switch private_proc, private_dev, private_tmp;
	enum cage_switch read_only;

	enum cage_switch new_session, init, with_parent, terminal, landlock_strict;

	enum cage_switch clear_env;
	const char **unset_env, **set_env; /* NAME; NAME=VALUE, or NAME for the caller's value */
	size_t n_unset_env, n_set_env;
};

/** Release what the request and its cage own; takes a zeroed one too. */
static inline void cage_request_done(struct cage_request *request)
{
	cage_done(&request->cage);
	*request = (struct cage_request){0};
}

#endif
