/*
 * cage_words.h: how the value of each setting is read; for cage_setting.c.
 */
#ifndef SYSCLAMP_CAGE_WORDS_H
#define SYSCLAMP_CAGE_WORDS_H

#include "cage_setting.h"

/* Of all: @said is in the arena, and its text is this function's to change. */
#define CAGE_WORD(name)                                                                            \
	int name(struct cage_request *request, const struct cage_setting *setting,                 \
		const struct cage_said *said, struct err *e)

/* General: fill what setting->at points to. */
CAGE_WORD(word_switch); /* enum cage_switch */
CAGE_WORD(word_said); /* struct cage_said; the text is not empty */
CAGE_WORD(word_text); /* const char *, likewise */

/* word_user.c */
CAGE_WORD(word_group_add);
CAGE_WORD(word_cap_add);
CAGE_WORD(word_cap_drop);
CAGE_WORD(word_map); /* struct cage_maps */

/* word_process.c */
CAGE_WORD(word_umask);
CAGE_WORD(word_limit);
CAGE_WORD(word_oom);
CAGE_WORD(word_workdir);
CAGE_WORD(word_env);
CAGE_WORD(word_unset_env);
CAGE_WORD(word_descriptor);
CAGE_WORD(word_sysctl);
CAGE_WORD(word_clock); /* struct cage_clock */

/* word_files.c */
CAGE_WORD(word_root);
CAGE_WORD(word_propagation);
CAGE_WORD(word_volume);
CAGE_WORD(word_mount);
CAGE_WORD(word_tmpfs);
CAGE_WORD(word_device);
CAGE_WORD(word_mask_path);
CAGE_WORD(word_read_only_path);

/* word_landlock.c */
CAGE_WORD(word_landlock);
CAGE_WORD(word_landlock_tcp);
CAGE_WORD(word_landlock_scope);

/* word_part.c: the pieces of a value. */

/*
 * Cut the next field off *@at, which then stands behind its separator, or is NULL when it was the
 * last.  Of "\:" and "\\" the second character alone is part of the field, which is changed in
 * place.  @separator is ':', ',' or '='.
 */
char *word_cut(char **at, char separator);

/* As word_cut(), without anything that escapes. */
char *word_cut_plain(char **at, char separator);

/* An error about @said: "WHERE: ..."; returns -EINVAL. */
int word_err(const struct cage_said *said, struct err *e, const char *format, ...)
	__attribute__((format(printf, 3, 4), cold));

/* Whether a path that is meant inside begins with "/". */
int word_check_inside(const struct cage_said *said, const char *path, struct err *e);

/* An absolute path for one that is meant outside, in the arena. */
int word_outside(struct cage_request *request, const struct cage_said *said, const char *path,
	const char **out, struct err *e);

#endif
