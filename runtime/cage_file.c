#include "cage_file.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "cage_setting.h"
#include "file.h"
#include "json.h"
#include "nearest.h"
#include "scope.h"

enum { PATH_TEXT_MAX = 256 };

struct reader {
	struct cage_request *request;
	struct cage_file *out;
};

static int copy_text(struct reader *r, const struct json_at *at, const char **out, struct err *e)
{
	const char *text;

	if (json_text(at, &text, e))
		return -e->code;
	*out = cage_text(&r->request->cage, "%s", text);
	return *out ? 0 : err_nomem(e);
}

static int read_text(struct reader *r, const struct json_at *at, void *to, struct err *e)
{
	const char *text;

	if (json_text(at, &text, e))
		return -e->code;
	return *text ? copy_text(r, at, to, e) : json_err(at, e, "a value is missing");
}

static int read_bool(struct reader *r, const struct json_at *at, void *to, struct err *e)
{
	(void)r;
	return json_bool(at, to, e);
}

static int read_profiles(struct reader *r, const struct json_at *at, void *to, struct err *e)
{
	(void)to;
	if (!json_is_array(at->value)) {
		r->out->n_profiles = 1;
		return read_text(r, at, &r->out->profiles[0], e);
	}
	if (json_expect_array(at, CAGE_FILE_PROFILES_MAX, e))
		return -e->code;
	for (size_t i = 0; i < json_len(at); i++) {
		struct json_at item = json_item(at, i);

		if (read_text(r, &item, &r->out->profiles[i], e))
			return -e->code;
	}
	r->out->n_profiles = json_len(at);
	return 0;
}

static int read_command(struct reader *r, const struct json_at *at, void *to, struct err *e)
{
	const char **words = NULL;
	size_t n = 0;

	if (json_expect_array(at, CAGE_FILE_ITEMS_MAX, e))
		return -e->code;
	if (!json_len(at))
		return json_err(at, e, "no command in it");
	for (size_t i = 0; i <= json_len(at); i++) {
		const char **word = cage_append(&r->request->cage, &words, &n, sizeof(*words));
		struct json_at item;

		if (!word)
			return err_nomem(e);
		if (i == json_len(at))
			break; /* zeroed: the end */
		item = json_item(at, i);
		if (copy_text(r, &item, word, e))
			return -e->code;
	}
	*(char ***)to = (char **)words;
	return 0;
}

/* What is no setting. */
static const struct field {
	const char *name;
	int (*read)(struct reader *r, const struct json_at *at, void *to, struct err *e);
	size_t at; /* in struct cage_file */
} FIELDS[] = {
	{"command", read_command, offsetof(struct cage_file, command)},
	{"profile", read_profiles, 0},
	{"at", read_text, offsetof(struct cage_file, at)},
	{"mode", read_text, offsetof(struct cage_file, mode)},
	{"then", read_text, offsetof(struct cage_file, then)},
	{"within", read_text, offsetof(struct cage_file, within)},
	{"new-privs", read_bool, offsetof(struct cage_file, new_privs)},
};

static const struct field *find_field(const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(FIELDS); i++) {
		if (!strcmp(FIELDS[i].name, name))
			return &FIELDS[i];
	}
	return NULL;
}

static int unknown_field(const struct json_at *at, const char *name, struct err *e)
{
	struct nearest nearest = nearest_to(name);
	char hint[128];
	size_t n;
	const struct cage_setting *settings = cage_settings(&n);

	for (size_t i = 0; i < n; i++)
		nearest_offer(&nearest, settings[i].name);
	for (size_t i = 0; i < ARRAY_LEN(FIELDS); i++)
		nearest_offer(&nearest, FIELDS[i].name);
	return json_err(
		at, e, "unknown field \"%s\"%s", name, nearest_hint(&nearest, hint, sizeof(hint)));
}

/* A value as an option would have it: a text, or an integer's digits. */
static int value_text(struct reader *r, const struct json_at *at, const char **out, struct err *e)
{
	int64_t number;

	if (!json_is_integer(at->value))
		return copy_text(r, at, out, e);
	if (json_i64(at, &number, e))
		return -e->code;
	*out = cage_text(&r->request->cage, "%lld", (long long)number);
	return *out ? 0 : err_nomem(e);
}

static int say(struct reader *r, const struct cage_setting *setting, const struct json_at *at,
	const char *text, struct err *e)
{
	char path[PATH_TEXT_MAX], where[ERR_TEXT_MAX];

	json_path(at, path, sizeof(path));
	(void)snprintf(where, sizeof(where), "%s: %s", at->doc->name, path);
	return cage_say(r->request, setting, text, where, e);
}

static int read_value(struct reader *r, const struct cage_setting *setting,
	const struct json_at *at, struct err *e)
{
	const char *text = NULL;

	return value_text(r, at, &text, e) ? -e->code : say(r, setting, at, text, e);
}

static int read_switch(struct reader *r, const struct cage_setting *setting,
	const struct json_at *at, struct err *e)
{
	bool on;

	if (json_bool(at, &on, e))
		return -e->code;
	return say(r, setting, at, on ? "true" : "false", e);
}

/* A list, or its one element. */
static int read_list(struct reader *r, const struct cage_setting *setting, const struct json_at *at,
	struct err *e)
{
	if (!json_is_array(at->value))
		return read_value(r, setting, at, e);
	if (json_expect_array(at, CAGE_FILE_ITEMS_MAX, e))
		return -e->code;
	for (size_t i = 0; i < json_len(at); i++) {
		struct json_at item = json_item(at, i);

		if (read_value(r, setting, &item, e))
			return -e->code;
	}
	return 0;
}

static int (*const READ[])(struct reader *r, const struct cage_setting *setting,
	const struct json_at *at, struct err *e) = {
	[SETTING_SWITCH] = read_switch,
	[SETTING_TEXT] = read_value,
	[SETTING_LIST] = read_list,
};

static int read_field(
	struct reader *r, const struct json_at *root, const struct json_at *at, struct err *e)
{
	const struct cage_setting *setting = cage_setting_find(at->key);
	const struct field *field = find_field(at->key);

	if (field)
		return field->read(r, at, (char *)r->out + field->at, e);
	if (setting)
		return READ[setting->kind](r, setting, at, e);
	return unknown_field(root, at->key, e);
}

static int read_root(struct reader *r, const struct json_at *root, struct err *e)
{
	const char *key;
	json_t *value;

	if (json_expect_object(root, e))
		return -e->code;
	json_object_foreach(root->value, key, value)
	{
		struct json_at at = {.doc = root->doc, .up = root, .key = key, .value = value};

		/* For editors: which schema it follows. */
		if (strcmp(key, "$schema") != 0 && read_field(r, root, &at, e))
			return -e->code;
	}
	return 0;
}

int cage_file_parse(const char *name, char *text, size_t size, struct cage_request *request,
	struct cage_file *out, struct err *e)
{
	scoped(json_doc_done) struct json_doc doc = {0};
	struct cage_file file = {0};
	struct reader reader = {request, &file};
	struct json_at root;

	if (json_parse(name, text, size, &doc, e))
		return -e->code;
	root = json_root(&doc);
	if (read_root(&reader, &root, e))
		return -e->code;
	*out = file;
	return 0;
}

int cage_file_read(
	const char *path, struct cage_request *request, struct cage_file *out, struct err *e)
{
	scoped_free char *text = NULL;
	size_t size;

	return file_read(path, CAGE_FILE_SIZE_MAX, &text, &size, e) ||
			       cage_file_parse(path, text, size, request, out, e)
		       ? -e->code
		       : 0;
}
