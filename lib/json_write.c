#include "json.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "scope.h"

int json_writer_init(struct json_writer *w, struct err *e)
{
	*w = (struct json_writer){.first = true};
	w->stream = open_memstream(&w->text, &w->size);
	return w->stream ? 0 : err_nomem(e);
}

static void new_line(struct json_writer *w)
{
	fprintf(w->stream, "\n%*s", (int)(2 * w->depth), "");
}

/* What has to stand in front of the next key or element. */
static void separate(struct json_writer *w)
{
	if (w->after_key) {
		w->after_key = false;
		return;
	}
	if (!w->first)
		fputs(w->inline_from ? ", " : ",", w->stream);
	if (w->depth > 0 && !w->inline_from)
		new_line(w);
	w->first = false;
}

void json_open(struct json_writer *w, char open)
{
	separate(w);
	fputc(open, w->stream);
	w->depth++;
	w->first = true;
}

void json_open_inline(struct json_writer *w, char open)
{
	json_open(w, open);
	if (!w->inline_from)
		w->inline_from = w->depth;
}

void json_close(struct json_writer *w, char close)
{
	bool was_inline = w->inline_from != 0;

	if (w->inline_from == w->depth)
		w->inline_from = 0;
	w->depth--;
	if (!was_inline && !w->first)
		new_line(w);
	fputc(close, w->stream);
	w->first = false;
}

/*
 * The lengths of well-formed sequences by first byte, with the range of the second byte that keeps
 * out overlong forms, surrogates and what lies above U+10FFFF (Unicode, table 3-7).
 */
static const struct {
	unsigned char first, last, len, second_min, second_max;
} UTF8_FORMS[] = {
	{0x01, 0x7f, 1, 0, 0},
	{0xc2, 0xdf, 2, 0x80, 0xbf},
	{0xe0, 0xe0, 3, 0xa0, 0xbf},
	{0xe1, 0xec, 3, 0x80, 0xbf},
	{0xed, 0xed, 3, 0x80, 0x9f},
	{0xee, 0xef, 3, 0x80, 0xbf},
	{0xf0, 0xf0, 4, 0x90, 0xbf},
	{0xf1, 0xf3, 4, 0x80, 0xbf},
	{0xf4, 0xf4, 4, 0x80, 0x8f},
};

/* The length of the UTF-8 character at @text, or 0 for a byte that begins none. */
static size_t char_len(const char *text)
{
	const unsigned char *c = (const unsigned char *)text;
	size_t i = 0;

	while (i < ARRAY_LEN(UTF8_FORMS) && *c > UTF8_FORMS[i].last)
		i++;
	if (i == ARRAY_LEN(UTF8_FORMS) || *c < UTF8_FORMS[i].first)
		return 0;
	if (UTF8_FORMS[i].len > 1 &&
		(c[1] < UTF8_FORMS[i].second_min || c[1] > UTF8_FORMS[i].second_max))
		return 0;
	for (size_t k = 2; k < UTF8_FORMS[i].len; k++) {
		if (c[k] < 0x80 || c[k] > 0xbf)
			return 0;
	}
	return UTF8_FORMS[i].len;
}

char *json_clean_text(const char *text)
{
	char *clean = malloc(4 * strlen(text) + 1), *to = clean;

	if (!clean)
		return NULL;
	for (size_t len; *text; text += len ? len : 1) {
		len = char_len(text);
		if (len)
			to = mempcpy(to, text, len);
		else
			to += sprintf(to, "\\x%02x", (unsigned char)*text);
	}
	*to = '\0';
	return clean;
}

bool json_is_clean(const char *text)
{
	size_t len;

	while (*text && (len = char_len(text)))
		text += len;
	return *text == '\0';
}

/* One character: escaped if JSON asks for it, or if it would control the reader's terminal. */
static void put_char(struct json_writer *w, const char *c, size_t len)
{
	unsigned char first = (unsigned char)c[0], second = (unsigned char)c[1];

	if (len == 0)
		fprintf(w->stream, "\\\\x%02x", first);
	else if (first == '"' || first == '\\')
		fprintf(w->stream, "\\%c", first);
	else if (first < 0x20 || first == 0x7f)
		fprintf(w->stream, "\\u%04x", first);
	else if (first == 0xc2 && second < 0xa0)
		fprintf(w->stream, "\\u%04x", second);
	else
		fwrite(c, 1, len, w->stream);
}

static void put_quoted(struct json_writer *w, const char *text)
{
	fputc('"', w->stream);
	for (size_t len; *text; text += len ? len : 1) {
		len = char_len(text);
		put_char(w, text, len);
	}
	fputc('"', w->stream);
}

void json_key(struct json_writer *w, const char *key)
{
	separate(w);
	put_quoted(w, key);
	fputs(": ", w->stream);
	w->after_key = true;
}

void json_put_string(struct json_writer *w, const char *text)
{
	separate(w);
	put_quoted(w, text);
}

void json_put_u64(struct json_writer *w, uint64_t value)
{
	separate(w);
	fprintf(w->stream, "%" PRIu64, value);
}

void json_put_i64(struct json_writer *w, int64_t value)
{
	separate(w);
	fprintf(w->stream, "%" PRId64, value);
}

void json_put_bool(struct json_writer *w, bool value)
{
	separate(w);
	fputs(value ? "true" : "false", w->stream);
}

void json_put_null(struct json_writer *w)
{
	separate(w);
	fputs("null", w->stream);
}

void json_put_json(struct json_writer *w, const char *json)
{
	separate(w);
	fputs(json, w->stream);
}

void json_member_text(struct json_writer *w, const char *key, const char *text)
{
	if (!text)
		return;
	json_key(w, key);
	json_put_string(w, text);
}

void json_member_u64(struct json_writer *w, const char *key, uint64_t value)
{
	json_key(w, key);
	json_put_u64(w, value);
}

void json_member_i64(struct json_writer *w, const char *key, int64_t value)
{
	json_key(w, key);
	json_put_i64(w, value);
}

void json_member_bool(struct json_writer *w, const char *key, bool value)
{
	json_key(w, key);
	json_put_bool(w, value);
}

int json_writer_end(struct json_writer *w, char **out_text, size_t *out_size, struct err *e)
{
	bool failed;

	fputc('\n', w->stream);
	failed = ferror(w->stream);
	failed |= fclose(w->stream) != 0;
	w->stream = NULL;
	if (failed) {
		json_writer_done(w);
		return err_nomem(e);
	}
	*out_text = w->text;
	*out_size = w->size;
	w->text = NULL;
	return 0;
}

void json_writer_done(struct json_writer *w)
{
	if (w->stream)
		(void)fclose(w->stream);
	w->stream = NULL;
	free(w->text);
	w->text = NULL;
}
