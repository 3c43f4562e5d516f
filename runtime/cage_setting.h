/*
 * cage_setting.h: everything that can be said about a cage in words: one table, which the options
 * of `run` and the fields of its file (cage_file.h) are both made of.
 */
#ifndef SYSCLAMP_CAGE_SETTING_H
#define SYSCLAMP_CAGE_SETTING_H

#include <stddef.h>

#include "cage_request.h"
#include "err.h"

enum cage_setting_kind {
	SETTING_SWITCH, /* said, or with "true" or "false" */
	SETTING_TEXT, /* said once; the last one counts */
	SETTING_LIST, /* each one counts */
};

/* What a setting is about, for lists of them. */
enum cage_setting_group {
	SETTING_USER,
	SETTING_PROCESS,
	SETTING_ENV, /* takes no cage */
	SETTING_SPACES,
	SETTING_FILES,
	SETTING_LANDLOCK,
	SETTING_GROUPS,
};

struct cage_setting {
	const char *name; /* of the option, behind "--", and of the field */
	enum cage_setting_kind kind;
	enum cage_setting_group group;
	const char *value; /* what help calls it: "USER[:GROUP]"; NULL for a switch */
	const char *help;
	int (*take)(struct cage_request *request, const struct cage_setting *setting,
		const struct cage_said *said, struct err *e);
	size_t at; /* in the request, of what a general @take fills */
};

/** The table. */
const struct cage_setting *cage_settings(size_t *len);

/** The row of that name; NULL if there is none. */
const struct cage_setting *cage_setting_find(const char *name);

/**
 * Say one of them.
 *
 * @text: the value; "true" or "false" for a switch.  Copied.
 * @where: as in cage.h.  Copied.
 * Errors (-EINVAL): "@where: what is wrong with it".
 */
int cage_say(struct cage_request *request, const struct cage_setting *setting, const char *text,
	const char *where, struct err *e);

/** What a group is called in help. */
const char *cage_setting_group_name(enum cage_setting_group group);

#endif
