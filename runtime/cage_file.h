/*
 * cage_file.h: a command and all that holds it as a file of our own: sysclamp-sandbox(5).
 *
 * A field is a setting (cage_setting.h), under the same name and with the same values as the
 * option; beside them it has the command, and how it is held to profiles.
 */
#ifndef SYSCLAMP_CAGE_FILE_H
#define SYSCLAMP_CAGE_FILE_H

#include <stdbool.h>
#include <stddef.h>

#include "cage_request.h"
#include "err.h"

enum {
	CAGE_FILE_SIZE_MAX = 1024 * 1024, /* bytes that the reader accepts */
	CAGE_FILE_ITEMS_MAX = 4096, /* elements in any of its lists */
	CAGE_FILE_PROFILES_MAX = 16,
};

/* Everything points into the arena of the request that was filled.  NULL: the file has it not. */
struct cage_file {
	char **command; /* NULL-terminated */
	const char *profiles[CAGE_FILE_PROFILES_MAX];
	size_t n_profiles;
	const char *at, *mode, *then, *within; /* as the options of these names */
	bool new_privs;
};

/**
 * Read a file, "-" for standard input.
 *
 * @request: is told what the settings say, as if they were the first options.
 * @out: set on success.
 * Errors (-EINVAL), strict: an unknown field, with the nearest one; what is wrong in a value:
 * "web.json: $.ulimit[1]: ..."; those of file_read().
 */
int cage_file_read(
	const char *path, struct cage_request *request, struct cage_file *out, struct err *e);

/**
 * The same of a text that is there already.
 *
 * @name: what errors call it.
 * @text: @size bytes, as for json_parse(); nothing of it is kept.
 */
int cage_file_parse(const char *name, char *text, size_t size, struct cage_request *request,
	struct cage_file *out, struct err *e);

#endif
