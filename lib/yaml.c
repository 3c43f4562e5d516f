#include "yaml.h"

#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "scope.h"

enum { INDENT = 2 };

/* What a reader of YAML 1.1 takes for a boolean or null (yaml.org/type/bool, null), and 1.2's. */
static const char *const RESERVED[] = {"false", "n", "no", "null", "off", "on", "true", "y", "yes"};

static const char LETTERS[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_";
static const char PLAIN[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_./-";

/* Whether it is a string without quotes: begins like a word, so it is no number, no date, no mark.
 */
static bool is_plain(const char *text)
{
	if (!text[0] || !strchr(LETTERS, text[0]) || text[strspn(text, PLAIN)])
		return false;
	for (size_t i = 0; i < ARRAY_LEN(RESERVED); i++) {
		if (!strcasecmp(RESERVED[i], text))
			return false;
	}
	return true;
}

/*
 * Whether it can be a literal block that keeps every byte: lines of printable ASCII, the first
 * without the space that would be taken for indentation, one newline at the end.
 */
static bool is_block(const char *text)
{
	size_t len = strlen(text);

	if (len < 2 || text[len - 1] != '\n' || text[len - 2] == '\n' || text[0] == ' ' ||
		text[0] == '\n')
		return false;
	for (size_t i = 0; i < len; i++) {
		if ((text[i] < ' ' || text[i] > '~') && text[i] != '\n')
			return false;
	}
	return strchr(text, '\n') != text + len - 1;
}

static void put_block(FILE *to, const char *text, int indent)
{
	fputs("|\n", to);
	for (size_t len; *text; text += len) {
		len = strcspn(text, "\n") + 1;
		if (len > 1)
			fprintf(to, "%*s", indent, "");
		fwrite(text, 1, len, to);
	}
}

/* The next character of valid UTF-8, which jansson's strings are. */
static uint32_t next_char(const char **at)
{
	const unsigned char *c = (const unsigned char *)*at;
	unsigned more = c[0] < 0xc0 ? 0 : c[0] < 0xe0 ? 1 : c[0] < 0xf0 ? 2 : 3;
	uint32_t code = more ? c[0] & (0x3fu >> more) : c[0];

	for (unsigned i = 1; i <= more; i++)
		code = code << 6 | (c[i] & 0x3fu);
	*at += more + 1;
	return code;
}

/* ASCII alone: readers differ in what ends a line and in what may stand as it is. */
static void put_quoted(FILE *to, const char *text)
{
	fputc('"', to);
	while (*text) {
		uint32_t code = next_char(&text);

		if (code == '"' || code == '\\')
			fprintf(to, "\\%c", (int)code);
		else if (code >= ' ' && code <= '~')
			fputc((int)code, to);
		else if (code == '\n')
			fputs("\\n", to);
		else
			fprintf(to, code > UINT16_MAX ? "\\U%08" PRIx32 : "\\u%04" PRIx32, code);
	}
	fputc('"', to);
}

/* Whether single quotes, in which nothing is escaped, are better to read. */
static bool is_better_single(const char *text)
{
	for (const char *c = text; *c; c++) {
		if (*c < ' ' || *c > '~')
			return false;
	}
	return strpbrk(text, "\"\\") != NULL;
}

static void put_single(FILE *to, const char *text)
{
	fputc('\'', to);
	for (; *text; text++) {
		if (*text == '\'')
			fputc('\'', to);
		fputc(*text, to);
	}
	fputc('\'', to);
}

/* On one line. */
static void put_string(FILE *to, const char *text)
{
	if (is_plain(text))
		fputs(text, to);
	else if (is_better_single(text))
		put_single(to, text);
	else
		put_quoted(to, text);
}

static void put_key(FILE *to, const char *key)
{
	put_string(to, key);
	fputc(':', to);
}

static void put_text(FILE *to, const char *text, int indent)
{
	if (is_block(text)) {
		put_block(to, text, indent);
		return;
	}
	put_string(to, text);
	fputc('\n', to);
}

static bool is_empty(const json_t *value)
{
	return json_is_object(value) ? json_object_size(value) == 0 : json_array_size(value) == 0;
}

/* What fits behind "key: " or "- ". */
static int put_scalar(FILE *to, const json_t *value, int indent, struct err *e)
{
	switch (json_typeof(value)) {
	case JSON_STRING:
		put_text(to, json_string_value(value), indent);
		return 0;
	case JSON_INTEGER:
		fprintf(to, "%" JSON_INTEGER_FORMAT "\n", json_integer_value(value));
		return 0;
	case JSON_OBJECT:
	case JSON_ARRAY:
		fputs(json_is_object(value) ? "{}\n" : "[]\n", to);
		return 0;
	case JSON_REAL:
		return err_set(e, EINVAL, "YAML: a real number where none is expected");
	default:
		fputs(json_is_null(value)     ? "null\n"
			: json_is_true(value) ? "true\n"
					      : "false\n",
			to);
		return 0;
	}
}

static int put_value(FILE *to, const json_t *value, int indent, struct err *e);

/* @value's place is behind a "key:" at @indent - INDENT. */
static int put_member(FILE *to, const json_t *value, int indent, struct err *e)
{
	bool nested = (json_is_object(value) || json_is_array(value)) && !is_empty(value);

	if (!nested) {
		fputc(' ', to);
		return put_scalar(to, value, indent, e);
	}
	/* Lists stand as deep as their key, as kubectl prints them. */
	if (json_is_array(value))
		indent -= INDENT;
	fprintf(to, "\n%*s", indent, "");
	return put_value(to, value, indent, e);
}

static int put_object(FILE *to, const json_t *object, int indent, struct err *e)
{
	json_t *all = (json_t *)object; /* jansson walks objects that it could change */
	const char *key;
	json_t *value;
	bool first = true;

	json_object_foreach(all, key, value)
	{
		if (!first && indent > 0)
			fprintf(to, "%*s", indent, "");
		first = false;
		put_key(to, key);
		if (put_member(to, value, indent + INDENT, e))
			return -e->code;
	}
	return 0;
}

static int put_array(FILE *to, const json_t *array, int indent, struct err *e)
{
	for (size_t i = 0; i < json_array_size(array); i++) {
		if (i > 0 && indent > 0)
			fprintf(to, "%*s", indent, "");
		fputs("- ", to);
		if (put_value(to, json_array_get(array, i), indent + INDENT, e))
			return -e->code;
	}
	return 0;
}

/* The cursor is at column @indent. */
static int put_value(FILE *to, const json_t *value, int indent, struct err *e)
{
	if (json_is_object(value) && !is_empty(value))
		return put_object(to, value, indent, e);
	if (json_is_array(value) && !is_empty(value))
		return put_array(to, value, indent, e);
	return put_scalar(to, value, indent, e);
}

int yaml_emit(
	const char *comment, const json_t *value, char **out_text, size_t *out_size, struct err *e)
{
	scoped_free char *text = NULL;
	size_t size = 0;
	FILE *to = open_memstream(&text, &size);
	bool failed;
	int code;

	if (!to)
		return err_nomem(e);
	if (comment)
		fputs(comment, to);
	code = put_value(to, value, 0, e);
	failed = ferror(to);
	failed |= fclose(to) != 0;
	if (code)
		return code;
	if (failed)
		return err_nomem(e);
	*out_text = steal_ptr(text);
	*out_size = size;
	return 0;
}
