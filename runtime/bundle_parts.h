/*
 * bundle_parts.h: what the readers of a bundle's objects share.  Others include bundle.h.
 *
 * An object is a table of keys: how each is read, or why it is not.  A reader of a value fills what
 * its row's offset points to in the item that is being read.
 */
#ifndef SYSCLAMP_BUNDLE_PARTS_H
#define SYSCLAMP_BUNDLE_PARTS_H

#include <stddef.h>

#include "bundle.h"

struct bundle_reader {
	struct bundle *out;
	struct cage *cage; /* of @out */
	const struct notice *to;
	const char *dir; /* of the bundle: absolute */
	unsigned told; /* notices so far */
	bool rules_devices; /* linux.resources.devices denies all devices but these: */
	struct bundle_device_rule *allowed;
	size_t n_allowed;
	const char *rules_where;
};

/* Of what a device cgroup would allow to read and to write. */
struct bundle_device_rule {
	char type; /* 'a', 'b', 'c' */
	int64_t major, minor; /* -1: any */
};

enum bundle_key_kind {
	BUNDLE_KEY_READ,
	BUNDLE_KEY_REFUSED, /* unless its value says nothing */
	BUNDLE_KEY_IGNORED, /* with a notice, unless its value says nothing */
	BUNDLE_KEY_LATER, /* read with another key of the same object */
};

struct bundle_key {
	const char *name; /* NULL ends the table */
	enum bundle_key_kind kind;
	int (*read)(struct bundle_reader *r, const struct json_at *at, void *to, struct err *e);
	size_t offset; /* in the item, of what @read fills */
	const char *why; /* refused or ignored */
};

#define BUNDLE_READ(key, reader, type, member)                                                     \
	{                                                                                          \
		key, BUNDLE_KEY_READ, reader, offsetof(type, member), NULL                         \
	}
#define BUNDLE_READ_WHOLE(key, reader)                                                             \
	{                                                                                          \
		key, BUNDLE_KEY_READ, reader, 0, NULL                                              \
	}
#define BUNDLE_REFUSED(key, why)                                                                   \
	{                                                                                          \
		key, BUNDLE_KEY_REFUSED, NULL, 0, why                                              \
	}
#define BUNDLE_IGNORED(key, why)                                                                   \
	{                                                                                          \
		key, BUNDLE_KEY_IGNORED, NULL, 0, why                                              \
	}
#define BUNDLE_LATER(key)                                                                          \
	{                                                                                          \
		key, BUNDLE_KEY_LATER, NULL, 0, NULL                                               \
	}
#define BUNDLE_KEYS_END                                                                            \
	{                                                                                          \
		NULL, BUNDLE_KEY_LATER, NULL, 0, NULL                                              \
	}

/*
 * Read the object @at by its table, in the table's order.  @item: what the rows' offsets are in.
 *
 * Errors: not an object; a refused key; a known key in another case, which Go programs read; what
 * a row's reader says.
 */
int bundle_object(struct bundle_reader *r, const struct json_at *at, const struct bundle_key *keys,
	void *item, struct err *e);

/* Read each element of the array @at. */
int bundle_each(struct bundle_reader *r, const struct json_at *at,
	int (*read)(struct bundle_reader *r, const struct json_at *at, void *item, struct err *e),
	void *item, struct err *e);

/* Whether a value asks for nothing: null, false, "", [], {}, and an object of such values. */
bool bundle_says_nothing(const json_t *value);

/* How errors of later name what stands at @at; in the cage's arena, NULL without memory. */
const char *bundle_where(struct bundle_reader *r, const struct json_at *at);

/* The same into *@out, with an error. */
int bundle_set_where(
	struct bundle_reader *r, const struct json_at *at, const char **out, struct err *e);

/* Readers of single values; @to is named by its type. */
int bundle_bool(struct bundle_reader *r, const struct json_at *at, void *to_bool, struct err *e);
/* A text that is not empty. */
int bundle_text(struct bundle_reader *r, const struct json_at *at, void *to_text, struct err *e);
int bundle_u32(struct bundle_reader *r, const struct json_at *at, void *to_u32, struct err *e);
/* A user or group: below 2^32 - 1, which means "none" to system calls. */
int bundle_id(struct bundle_reader *r, const struct json_at *at, void *to_u32, struct err *e);
/* A path that begins with "/". */
int bundle_absolute(
	struct bundle_reader *r, const struct json_at *at, void *to_text, struct err *e);
/* An array of texts as a NULL-terminated vector in the arena. */
int bundle_texts(struct bundle_reader *r, const struct json_at *at, void *to_vector, struct err *e);
/* The same of "NAME=VALUE": of several of one name the last one counts. */
int bundle_env(struct bundle_reader *r, const struct json_at *at, void *to_vector, struct err *e);

/* What a text may be. */
struct bundle_name {
	const char *name;
	int value;
};

/* The value of the text @at in a table; an error that may know what was meant.  @what: "limit". */
int bundle_name(const struct json_at *at, const struct bundle_name *names, size_t n,
	const char *what, int *out_value, struct err *e);

/* Readers of the parts of config.json; @to is not used. */
int bundle_process(struct bundle_reader *r, const struct json_at *at, void *to, struct err *e);
int bundle_capabilities(struct bundle_reader *r, const struct json_at *at, void *to, struct err *e);
int bundle_mounts(struct bundle_reader *r, const struct json_at *at, void *to, struct err *e);
int bundle_linux(struct bundle_reader *r, const struct json_at *at, void *to, struct err *e);
int bundle_devices(struct bundle_reader *r, const struct json_at *at, void *to, struct err *e);
int bundle_resources(struct bundle_reader *r, const struct json_at *at, void *to, struct err *e);
int bundle_namespaces(struct bundle_reader *r, const struct json_at *at, void *to, struct err *e);
int bundle_uid_maps(struct bundle_reader *r, const struct json_at *at, void *to, struct err *e);
int bundle_gid_maps(struct bundle_reader *r, const struct json_at *at, void *to, struct err *e);
int bundle_clocks(struct bundle_reader *r, const struct json_at *at, void *to, struct err *e);
int bundle_sysctls(struct bundle_reader *r, const struct json_at *at, void *to, struct err *e);
int bundle_hooks(struct bundle_reader *r, const struct json_at *at, void *to, struct err *e);
int bundle_annotations(struct bundle_reader *r, const struct json_at *at, void *to, struct err *e);

/* What $.linux.namespaces[].type calls it. */
const char *bundle_space_name(enum cage_ns ns);

/* Read the options of the mount that begins as @mount says: its target is known. */
int bundle_mount_options(struct bundle_reader *r, const struct json_at *at,
	struct cage_mount *mount, bool *bound, struct err *e);

/* What can be told only when all is read: what needs a namespace of its own, and so on. */
int bundle_check(struct bundle_reader *r, struct err *e);

/* An error about what stands at @path, "$.hostname", when all is read. */
int bundle_err(struct bundle_reader *r, struct err *e, const char *path, const char *format, ...)
	__attribute__((format(printf, 4, 5), cold));

/* Hold the cage to the device rules, if there are any. */
int bundle_hold_devices(struct bundle_reader *r, struct err *e);

#endif
