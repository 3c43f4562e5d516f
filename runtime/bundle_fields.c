#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "bundle_parts.h"
#include "nearest.h"

static bool holds_nothing(const json_t *object)
{
	const char *key;
	json_t *value;

	json_object_foreach((json_t *)object, key, value)
	{
		if (!bundle_says_nothing(value))
			return false;
	}
	return true;
}

bool bundle_says_nothing(const json_t *value)
{
	return json_is_null(value) || json_is_false(value) ||
	       (json_is_string(value) && json_string_length(value) == 0) ||
	       (json_is_array(value) && json_array_size(value) == 0) ||
	       (json_is_object(value) && holds_nothing(value));
}

static const struct bundle_key *key_find(const struct bundle_key *keys, const char *name)
{
	for (const struct bundle_key *row = keys; row->name; row++) {
		if (!strcmp(row->name, name))
			return row;
	}
	return NULL;
}

static int unknown_key(struct bundle_reader *r, const struct json_at *at,
	const struct bundle_key *keys, const char *name, struct err *e)
{
	struct nearest nearest = nearest_to(name);
	char hint[128];

	for (const struct bundle_key *row = keys; row->name; row++) {
		if (json_keys_fold(row->name, name))
			return json_err(at, e,
				"\"%s\" is read by some runtimes and dropped by others; write "
				"\"%s\"",
				name, row->name);
		nearest_offer(&nearest, row->name);
	}
	json_notice_few(at, r->to, &r->told, "unknown key \"%s\" ignored%s", name,
		nearest_hint(&nearest, hint, sizeof(hint)));
	return 0;
}

static int check_unknown(struct bundle_reader *r, const struct json_at *at,
	const struct bundle_key *keys, struct err *e)
{
	const char *name;
	json_t *value;

	json_object_foreach(at->value, name, value)
	{
		if (!key_find(keys, name) && unknown_key(r, at, keys, name, e))
			return -e->code;
	}
	return 0;
}

static int read_key(struct bundle_reader *r, const struct json_at *at, const struct bundle_key *row,
	void *item, struct err *e)
{
	if (row->kind == BUNDLE_KEY_READ)
		return row->read(r, at, (char *)item + row->offset, e);
	if (row->kind == BUNDLE_KEY_LATER || bundle_says_nothing(at->value))
		return 0;
	if (row->kind == BUNDLE_KEY_REFUSED)
		return json_err(at, e, "%s", row->why);
	json_notice_few(at, r->to, &r->told, "%s", row->why);
	return 0;
}

int bundle_object(struct bundle_reader *r, const struct json_at *at, const struct bundle_key *keys,
	void *item, struct err *e)
{
	struct json_at child;

	if (json_expect_object(at, e) || check_unknown(r, at, keys, e))
		return -e->code;
	for (const struct bundle_key *row = keys; row->name; row++) {
		if (json_get(at, row->name, &child) && read_key(r, &child, row, item, e))
			return -e->code;
	}
	return 0;
}

int bundle_each(struct bundle_reader *r, const struct json_at *at,
	int (*read)(struct bundle_reader *r, const struct json_at *at, void *item, struct err *e),
	void *item, struct err *e)
{
	if (json_expect_array(at, BUNDLE_ITEMS_MAX, e))
		return -e->code;
	for (size_t i = 0; i < json_len(at); i++) {
		struct json_at element = json_item(at, i);

		if (read(r, &element, item, e))
			return -e->code;
	}
	return 0;
}

const char *bundle_where(struct bundle_reader *r, const struct json_at *at)
{
	char path[128];

	json_path(at, path, sizeof(path));
	return cage_text(r->cage, "%s: %s", at->doc->name, path);
}

int bundle_set_where(
	struct bundle_reader *r, const struct json_at *at, const char **out, struct err *e)
{
	*out = bundle_where(r, at);
	return *out ? 0 : err_nomem(e);
}

int bundle_bool(struct bundle_reader *r, const struct json_at *at, void *to_bool, struct err *e)
{
	(void)r;
	return json_bool(at, to_bool, e);
}

int bundle_text(struct bundle_reader *r, const struct json_at *at, void *to_text, struct err *e)
{
	const char *text;

	(void)r;
	if (json_text(at, &text, e))
		return -e->code;
	if (!*text)
		return json_err(at, e, "empty; remove it or give it a value");
	*(const char **)to_text = text;
	return 0;
}

static int read_u32(const struct json_at *at, uint32_t max, uint32_t *out, struct err *e)
{
	uint64_t value;

	if (json_u64(at, max, &value, e))
		return -e->code;
	*out = (uint32_t)value;
	return 0;
}

int bundle_u32(struct bundle_reader *r, const struct json_at *at, void *to_u32, struct err *e)
{
	(void)r;
	return read_u32(at, UINT32_MAX, to_u32, e);
}

int bundle_id(struct bundle_reader *r, const struct json_at *at, void *to_u32, struct err *e)
{
	(void)r;
	return read_u32(at, UINT32_MAX - 1, to_u32, e);
}

int bundle_absolute(struct bundle_reader *r, const struct json_at *at, void *to_text, struct err *e)
{
	const char *text = "";

	if (bundle_text(r, at, &text, e))
		return -e->code;
	if (*text != '/')
		return json_err(at, e, "\"%s\" is relative; write a path that begins with /", text);
	*(const char **)to_text = text;
	return 0;
}

/* An empty vector with room for the texts of @at; NULL: an error. */
static char **vector_make(struct bundle_reader *r, const struct json_at *at, struct err *e)
{
	char **vector;

	if (json_expect_array(at, BUNDLE_ITEMS_MAX, e))
		return NULL;
	vector = arena_take(&r->cage->arena, (json_len(at) + 1) * sizeof(*vector));
	if (vector)
		*vector = NULL;
	else
		(void)err_nomem(e);
	return vector;
}

/* execve(2) takes no constant texts, but changes none. */
static char *as_argument(const char *text)
{
	return (char *)text;
}

int bundle_texts(struct bundle_reader *r, const struct json_at *at, void *to_vector, struct err *e)
{
	char **vector = vector_make(r, at, e);

	if (!vector)
		return -e->code;
	for (size_t i = 0; i < json_len(at); i++) {
		struct json_at item = json_item(at, i);
		const char *text;

		if (json_text(&item, &text, e))
			return -e->code;
		vector[i] = as_argument(text);
		vector[i + 1] = NULL;
	}
	*(char ***)to_vector = vector;
	return 0;
}

/* The place of the variable that @setting sets: one that is there already, or the end. */
static char **env_place(char **vector, const char *setting)
{
	size_t len = strcspn(setting, "=") + 1;

	while (*vector && strncmp(*vector, setting, len) != 0)
		vector++;
	return vector;
}

static int env_add(const struct json_at *at, char **vector, struct err *e)
{
	const char *text;
	char **place;
	bool is_new;

	if (json_text(at, &text, e))
		return -e->code;
	if (*text == '=' || !strchr(text, '='))
		return json_err(at, e, "\"%s\" is not NAME=VALUE", text);
	place = env_place(vector, text);
	is_new = !*place;
	*place = as_argument(text);
	if (is_new)
		place[1] = NULL;
	return 0;
}

int bundle_env(struct bundle_reader *r, const struct json_at *at, void *to_vector, struct err *e)
{
	char **vector = vector_make(r, at, e);

	if (!vector)
		return -e->code;
	for (size_t i = 0; i < json_len(at); i++) {
		struct json_at item = json_item(at, i);

		if (env_add(&item, vector, e))
			return -e->code;
	}
	*(char ***)to_vector = vector;
	return 0;
}

int bundle_name(const struct json_at *at, const struct bundle_name *names, size_t n,
	const char *what, int *out_value, struct err *e)
{
	struct nearest nearest;
	const char *text;
	char hint[128];

	if (json_text(at, &text, e))
		return -e->code;
	nearest = nearest_to(text);
	for (size_t i = 0; i < n; i++) {
		if (!strcmp(names[i].name, text)) {
			*out_value = names[i].value;
			return 0;
		}
		nearest_offer(&nearest, names[i].name);
	}
	return json_err(at, e, "unknown %s \"%s\"%s", what, text,
		nearest_hint(&nearest, hint, sizeof(hint)));
}
