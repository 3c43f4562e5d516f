#include "json.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <string.h>

struct json_at json_root(const struct json_doc *doc)
{
	return (struct json_at){.doc = doc, .value = &doc->root};
}

static bool is_of(const struct json_at *at, enum json_kind kind)
{
	return at->value->kind == kind;
}

bool json_get(const struct json_at *at, const char *key, struct json_at *out_child)
{
	size_t len = strlen(key);

	for (size_t i = 0; is_of(at, JSON_OF_MEMBERS) && i < at->value->n; i++) {
		const struct json_value *member = &at->value->items[2 * i];

		if (member->n != len || memcmp(member->text, key, len))
			continue;
		if (member[1].kind == JSON_NOTHING)
			return false;
		*out_child = (struct json_at){
			.doc = at->doc, .up = at, .key = key, .value = &member[1]};
		return true;
	}
	return false;
}

int json_need(const struct json_at *at, const char *key, struct json_at *out_child, struct err *e)
{
	if (!json_get(at, key, out_child))
		return json_err(at, e, "\"%s\" is missing", key);
	return 0;
}

struct json_at json_item(const struct json_at *at, size_t index)
{
	return (struct json_at){
		.doc = at->doc, .up = at, .index = index, .value = &at->value->items[index]};
}

size_t json_len(const struct json_at *at)
{
	return is_of(at, JSON_OF_ITEMS) ? at->value->n : 0;
}

const char *json_member(const struct json_at *at, size_t index, const struct json_value **out_value)
{
	if (!is_of(at, JSON_OF_MEMBERS) || index >= at->value->n)
		return NULL;
	*out_value = &at->value->items[2 * index + 1];
	return at->value->items[2 * index].text;
}

/* Append the way from the root to @at ("$.syscalls[3]"); what does not fit is cut. */
static void path_print(const struct json_at *at, char *text, size_t size)
{
	size_t used;

	if (!at->up) {
		(void)snprintf(text, size, "$");
		return;
	}
	path_print(at->up, text, size);
	used = strlen(text);
	if (at->key)
		(void)snprintf(text + used, size - used, ".%s", at->key);
	else
		(void)snprintf(text + used, size - used, "[%zu]", at->index);
}

int json_err(const struct json_at *at, struct err *e, const char *format, ...)
{
	char path[128], what[ERR_TEXT_MAX];
	va_list args;

	va_start(args, format);
	(void)vsnprintf(what, sizeof(what), format, args);
	va_end(args);
	path_print(at, path, sizeof(path));
	return err_set(e, EINVAL, "%s: %s: %s", at->doc->name, path, what);
}

void json_notice(const struct json_at *at, const struct notice *to, const char *format, ...)
{
	char path[128], what[ERR_TEXT_MAX];
	va_list args;

	va_start(args, format);
	(void)vsnprintf(what, sizeof(what), format, args);
	va_end(args);
	path_print(at, path, sizeof(path));
	notice_tell(to, "%s: %s: %s", at->doc->name, path, what);
}

static int refuse_type(const struct json_at *at, const char *wanted, struct err *e)
{
	static const char names[][40] = {
		[JSON_OF_MEMBERS] = "an object",
		[JSON_OF_ITEMS] = "an array",
		[JSON_TEXT] = "a string",
		[JSON_UNSIGNED] = "an integer",
		[JSON_NEGATIVE] = "an integer",
		[JSON_FRACTION] = "a number with a fraction or exponent",
		[JSON_YES] = "true",
		[JSON_NO] = "false",
		[JSON_NOTHING] = "null",
	};

	return json_err(at, e, "%s expected, this is %s", wanted, names[at->value->kind]);
}

int json_expect_object(const struct json_at *at, struct err *e)
{
	return is_of(at, JSON_OF_MEMBERS) ? 0 : refuse_type(at, "an object", e);
}

int json_expect_array(const struct json_at *at, size_t max, struct err *e)
{
	if (!is_of(at, JSON_OF_ITEMS))
		return refuse_type(at, "an array", e);
	if (json_len(at) > max)
		return json_err(at, e, "%zu elements, at most %zu are accepted", json_len(at), max);
	return 0;
}

int json_text(const struct json_at *at, const char **out_text, struct err *e)
{
	if (!is_of(at, JSON_TEXT))
		return refuse_type(at, "a string", e);
	*out_text = at->value->text;
	return 0;
}

int json_u64(const struct json_at *at, uint64_t max, uint64_t *out_value, struct err *e)
{
	uint64_t number = at->value->number;

	if (is_of(at, JSON_NEGATIVE))
		return json_err(at, e, "-%" PRIu64 " is negative", number);
	if (!is_of(at, JSON_UNSIGNED))
		return refuse_type(at, "a plain integer", e);
	if (number > max)
		return json_err(at, e, "%" PRIu64 " is larger than %" PRIu64, number, max);
	*out_value = number;
	return 0;
}

int json_i64(const struct json_at *at, int64_t *out_value, struct err *e)
{
	uint64_t number = at->value->number;

	if (!is_of(at, JSON_NEGATIVE) && !is_of(at, JSON_UNSIGNED))
		return refuse_type(at, "a plain integer", e);
	if (number > INT64_MAX)
		return json_err(at, e, "larger than %" PRId64, INT64_MAX);
	*out_value = is_of(at, JSON_NEGATIVE) ? -(int64_t)number : (int64_t)number;
	return 0;
}

int json_bool(const struct json_at *at, bool *out_value, struct err *e)
{
	if (!is_of(at, JSON_YES) && !is_of(at, JSON_NO))
		return refuse_type(at, "true or false", e);
	*out_value = is_of(at, JSON_YES);
	return 0;
}

/* Where @key stands in @known, looked for from @hint on first; NULL if nowhere. */
static const char *const *known_find(
	const char *key, const char *const *known, const char *const *hint)
{
	for (const char *const *at = hint; *at; at++) {
		if (!strcmp(key, *at))
			return at;
	}
	for (const char *const *at = known; at < hint; at++) {
		if (!strcmp(key, *at))
			return at;
	}
	return NULL;
}

const char *json_unknown_key(const struct json_at *at, const char *const *known)
{
	/* Our own writer keeps the order of the list: then one comparison a key is enough. */
	const char *const *hint = known;
	const struct json_value *value;
	const char *key;

	for (size_t i = 0; (key = json_member(at, i, &value)); i++) {
		const char *const *found = known_find(key, known, hint);

		if (!found)
			return key;
		hint = found + 1;
	}
	return NULL;
}

int json_check_keys(const struct json_at *at, const char *const *known, struct err *e)
{
	const char *unknown = json_unknown_key(at, known);

	return unknown ? json_err(at, e, "unknown key \"%s\"", unknown) : 0;
}

int json_need_object(const struct json_at *at, const char *key, const char *const *known,
	struct json_at *out_child, struct err *e)
{
	if (json_need(at, key, out_child, e) || json_expect_object(out_child, e))
		return -e->code;
	return json_check_keys(out_child, known, e);
}

int json_need_array(const struct json_at *at, const char *key, size_t max,
	struct json_at *out_child, struct err *e)
{
	if (json_need(at, key, out_child, e))
		return -e->code;
	return json_expect_array(out_child, max, e);
}

int json_need_text(const struct json_at *at, const char *key, const char **out_text, struct err *e)
{
	struct json_at child = {0};

	if (json_need(at, key, &child, e))
		return -e->code;
	return json_text(&child, out_text, e);
}

int json_need_u64(const struct json_at *at, const char *key, uint64_t *out_value, struct err *e)
{
	struct json_at child = {0};

	if (json_need(at, key, &child, e))
		return -e->code;
	return json_u64(&child, UINT64_MAX, out_value, e);
}

int json_need_bool(const struct json_at *at, const char *key, bool *out_value, struct err *e)
{
	struct json_at child = {0};

	if (json_need(at, key, &child, e))
		return -e->code;
	return json_bool(&child, out_value, e);
}
