#include "json_scan.h"

#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>

enum { NOTICES_MAX = 16 };

/*
 * Documents are read and let go as a whole.  Their many small pieces come from an arena: to
 * allocate and to free them one by one took a quarter of the time that it takes to read a
 * recording.
 */
static _Thread_local struct arena *filling; /* by jansson, in this thread, at the moment */

static void *take(size_t size)
{
	return filling ? arena_take(filling, size) : malloc(size);
}

static void give_back(void *memory)
{
	if (!filling)
		free(memory);
}

/*
 * jansson's hash tables are not to be foreseen by who writes a document.  By itself it would open
 * /dev/urandom for that; these bytes are as random, and the process has them (getauxval(3)).
 * Folded: they serve the stack protector as well, and are not to be had back from an order of keys.
 */
static size_t hash_seed(void)
{
	uint32_t words[4] = {0}; /* 16 bytes */
	unsigned long random = getauxval(AT_RANDOM);

	if (random)
		memcpy(words, (const void *)random, sizeof(words));
	/* 0: jansson's own way. */
	return words[0] ^ words[1] ^ words[2] ^ words[3];
}

static void set_up_jansson(void)
{
	json_set_alloc_funcs(take, give_back);
	json_object_seed(hash_seed());
}

struct text {
	const char *at, *end;
};

static const char *skip_indentation(const char *at, const char *end)
{
	while (at < end && (*at == ' ' || *at == '\t'))
		at++;
	return at;
}

/*
 * The text without what its lines are indented by, which is a third of a profile: jansson takes one
 * character at a time.  Within a string no line ends, or jansson says so.
 */
static size_t read_on(void *buffer, size_t room, void *data)
{
	struct text *text = data;
	size_t used = 0;

	while (text->at < text->end && used < room) {
		size_t left = (size_t)(text->end - text->at);
		size_t most = left < room - used ? left : room - used;
		const char *line_end = memchr(text->at, '\n', most);
		size_t size = line_end ? (size_t)(line_end - text->at) + 1 : most;

		memcpy((char *)buffer + used, text->at, size);
		used += size;
		text->at += size;
		if (line_end)
			text->at = skip_indentation(text->at, text->end);
	}
	return used;
}

/* How far line number @line is indented, if it was read without that. */
static int indentation(const char *text, size_t size, int line)
{
	const char *at = text, *end = text + size;

	for (int i = 1; at && i < line; i++) {
		at = memchr(at, '\n', (size_t)(end - at));
		at = at ? at + 1 : NULL;
	}
	return at && line > 1 ? (int)(skip_indentation(at, end) - at) : 0;
}

static json_t *load(const char *text, size_t size, struct arena *arena, json_error_t *error)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	struct text left = {text, text + size};
	json_t *root;

	(void)pthread_once(&once, set_up_jansson);
	filling = arena;
	root = json_load_callback(read_on, &left, JSON_REJECT_DUPLICATES, error);
	filling = NULL;
	if (!root)
		error->column += indentation(text, size, error->line);
	return root;
}

int json_parse(const char *name, char *text, size_t size, struct json_doc *out, struct err *e)
{
	struct json_doc doc = {.name = name};
	json_error_t error;

	if (json_scan(name, text, size, &doc, e)) {
		json_doc_done(&doc);
		return -e->code;
	}
	doc.root = load(text, size, &doc.arena, &error);
	if (!doc.root) {
		json_doc_done(&doc);
		return err_set(e, EINVAL, "%s:%d:%d: not valid JSON: %s", name, error.line,
			error.column, error.text);
	}
	*out = doc;
	return 0;
}

void json_doc_done(struct json_doc *doc)
{
	if (!doc)
		return;
	arena_done(&doc->arena);
	free(doc->big);
	*doc = (struct json_doc){.name = doc->name};
}

struct json_at json_root(const struct json_doc *doc)
{
	return (struct json_at){.doc = doc, .value = doc->root};
}

bool json_get(const struct json_at *at, const char *key, struct json_at *out_child)
{
	json_t *value = json_object_get(at->value, key);

	if (!value || json_is_null(value))
		return false;
	*out_child = (struct json_at){.doc = at->doc, .up = at, .key = key, .value = value};
	return true;
}

int json_need(const struct json_at *at, const char *key, struct json_at *out_child, struct err *e)
{
	if (!json_get(at, key, out_child))
		return json_err(at, e, "\"%s\" is missing", key);
	return 0;
}

struct json_at json_item(const struct json_at *at, size_t index)
{
	return (struct json_at){.doc = at->doc,
		.up = at,
		.index = index,
		.value = json_array_get(at->value, index)};
}

size_t json_len(const struct json_at *at)
{
	return json_array_size(at->value);
}

void json_path(const struct json_at *at, char *text, size_t size)
{
	size_t used;

	if (!at->up) {
		(void)snprintf(text, size, "$");
		return;
	}
	json_path(at->up, text, size);
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
	json_path(at, path, sizeof(path));
	return err_set(e, EINVAL, "%s: %s: %s", at->doc->name, path, what);
}

static void tell(
	const struct json_at *at, const struct notice *to, const char *format, va_list args)
{
	char path[128], what[ERR_TEXT_MAX];

	(void)vsnprintf(what, sizeof(what), format, args);
	json_path(at, path, sizeof(path));
	notice_tell(to, "%s: %s: %s", at->doc->name, path, what);
}

void json_notice(const struct json_at *at, const struct notice *to, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	tell(at, to, format, args);
	va_end(args);
}

void json_notice_few(
	const struct json_at *at, const struct notice *to, unsigned *told, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	if (*told < NOTICES_MAX)
		tell(at, to, format, args);
	else if (*told == NOTICES_MAX)
		json_notice(at, to, "what is ignored from here on is not mentioned any more");
	(*told)++;
	va_end(args);
}

static const char *type_name(const json_t *value)
{
	static const char *const names[] = {
		[JSON_OBJECT] = "an object",
		[JSON_ARRAY] = "an array",
		[JSON_STRING] = "a string",
		[JSON_INTEGER] = "an integer",
		[JSON_REAL] = "a number with a fraction or exponent",
		[JSON_TRUE] = "true",
		[JSON_FALSE] = "false",
		[JSON_NULL] = "null",
	};

	return value ? names[json_typeof(value)] : "nothing";
}

static int refuse_type(const struct json_at *at, const char *wanted, struct err *e)
{
	return json_err(at, e, "%s expected, this is %s", wanted, type_name(at->value));
}

int json_expect_object(const struct json_at *at, struct err *e)
{
	return json_is_object(at->value) ? 0 : refuse_type(at, "an object", e);
}

int json_expect_array(const struct json_at *at, size_t max, struct err *e)
{
	if (!json_is_array(at->value))
		return refuse_type(at, "an array", e);
	if (json_len(at) > max)
		return json_err(at, e, "%zu elements, at most %zu are accepted", json_len(at), max);
	return 0;
}

int json_text(const struct json_at *at, const char **out_text, struct err *e)
{
	if (!json_is_string(at->value))
		return refuse_type(at, "a string", e);
	*out_text = json_string_value(at->value);
	return 0;
}

int json_u64(const struct json_at *at, uint64_t max, uint64_t *out_value, struct err *e)
{
	long long value;
	uint64_t magnitude;

	if (!json_is_integer(at->value))
		return refuse_type(at, "a plain integer", e);
	value = json_integer_value(at->value);
	if (value <= MARK_BASE)
		magnitude = at->doc->big[MARK_BASE - value];
	else if (value < 0)
		return json_err(at, e, "%lld is negative", value);
	else
		magnitude = (uint64_t)value;
	if (magnitude > max)
		return json_err(at, e, "%" PRIu64 " is larger than %" PRIu64, magnitude, max);
	*out_value = magnitude;
	return 0;
}

int json_i64(const struct json_at *at, int64_t *out_value, struct err *e)
{
	if (!json_is_integer(at->value))
		return refuse_type(at, "a plain integer", e);
	if (json_integer_value(at->value) <= MARK_BASE)
		return json_err(at, e, "larger than %" PRId64, INT64_MAX);
	*out_value = json_integer_value(at->value);
	return 0;
}

int json_bool(const struct json_at *at, bool *out_value, struct err *e)
{
	if (!json_is_boolean(at->value))
		return refuse_type(at, "true or false", e);
	*out_value = json_is_true(at->value);
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
	const char *key;
	json_t *value;

	json_object_foreach(at->value, key, value)
	{
		const char *const *found = known_find(key, known, hint);

		if (!found)
			return key;
		hint = found + 1;
	}
	return NULL;
}

/* The next letter of a key, folded. */
static char folded_letter(const char **text)
{
	if (!strncmp(*text, "\xc5\xbf", 2)) {
		*text += 2;
		return 's';
	}
	if (!strncmp(*text, "\xe2\x84\xaa", 3)) {
		*text += 3;
		return 'k';
	}
	if (**text >= 'A' && **text <= 'Z')
		return (char)(*(*text)++ - 'A' + 'a');
	return *(*text)++;
}

bool json_keys_fold(const char *a, const char *b)
{
	char letter;

	do {
		letter = folded_letter(&a);
		if (letter != folded_letter(&b))
			return false;
	} while (letter);
	return true;
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
