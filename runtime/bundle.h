/*
 * bundle.h: an OCI bundle (runtime specification 1.x, bundle.md, config.md, config-linux.md) as the
 * description of a cage and of what runs in it.
 *
 * What the bundle asks for and a cage cannot hold is an error that names the place; nothing is
 * dropped in silence.  What a key means here, and which are refused: bundle_keys of bundle_*.c.
 */
#ifndef SYSCLAMP_BUNDLE_H
#define SYSCLAMP_BUNDLE_H

#include <stdbool.h>

#include "cage.h"
#include "err.h"
#include "json.h"
#include "profile.h"

enum {
	BUNDLE_SIZE_MAX = 4 * 1024 * 1024, /* bytes of a config.json that the reader accepts */
	BUNDLE_ITEMS_MAX = 4096, /* elements in any of its lists */
};

struct bundle {
	struct cage cage;
	/* NULL-terminated; argv[0] is looked for inside, along PATH of env. */
	char **argv, **env;
	bool no_new_privs;
	bool has_profile;
	struct profile profile; /* if has_profile */
	const char *profile_where; /* what to call it in errors */
	struct json_doc doc; /* what the texts of all of the above lie in */
};

/**
 * Read DIR/config.json.
 *
 * Holds as well, though the file does not say so: a new session, the cage ends with its launcher,
 * no capabilities where none are listed, and the default devices unless /dev is a bind mount.
 *
 * @dir: of the bundle; paths in the file are relative to it.
 * @to: told what is ignored, as unknown keys (config.md, "Extensibility"), and what is weaker or
 * stronger than the file's words.
 * @out: to be released with bundle_done().
 * Errors: -EINVAL for what is wrong or cannot be enforced, "DIR/config.json: $.mounts[3].type:
 * ..."; -ENOENT, -EACCES, ... of the files; -EFBIG above BUNDLE_SIZE_MAX; -ENOMEM.
 */
int bundle_read(const char *dir, struct bundle *out, const struct notice *to, struct err *e);

/**
 * The same of a text that is there already.
 *
 * @text: @size bytes, as for json_parse(), of what would be DIR/config.json; nothing of it is kept.
 */
int bundle_parse(const char *dir, char *text, size_t size, struct bundle *out,
	const struct notice *to, struct err *e);

/** Release what @bundle owns; takes a zeroed one too. */
void bundle_done(struct bundle *bundle);

#endif
