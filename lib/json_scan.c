#include "json_scan.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "num.h"
#include "scope.h"

enum { NEGATIVE_DIGITS_MAX = 17, BIG_DIGITS_MIN = 19, BIG_MAX = 4096 };

/* What there may be only so much of. */
enum limited { UNLIMITED, VALUES, KEYS, CONTAINERS, LIMITED };

static const struct scan_limit {
	size_t max;
	const char *says;
} LIMITS[LIMITED] = {
	[VALUES] = {JSON_VALUES_MAX - 1, "more than 4194304 values"},
	[KEYS] = {JSON_KEYS_MAX, "more than 1048576 keys"},
	[CONTAINERS] = {JSON_CONTAINERS_MAX, "more than 262144 objects and arrays"},
};

/* By the character that makes it out: an enum limited. */
static const unsigned char MARKS[UCHAR_MAX + 1] = {
	[','] = VALUES,
	[':'] = KEYS,
	['['] = CONTAINERS,
	['{'] = CONTAINERS,
};

/* What a number consists of. */
static const bool IN_NUMBER[UCHAR_MAX + 1] = {
	['0'] = true,
	['1'] = true,
	['2'] = true,
	['3'] = true,
	['4'] = true,
	['5'] = true,
	['6'] = true,
	['7'] = true,
	['8'] = true,
	['9'] = true,
	['.'] = true,
	['e'] = true,
	['E'] = true,
	['+'] = true,
	['-'] = true,
};

struct scan {
	const char *name;
	char *text;
	size_t size, at;
	size_t counts[LIMITED];
	unsigned depth;
	struct json_doc *doc;
};

static int scan_err(const struct scan *s, struct err *e, const char *what)
{
	size_t line = 1, line_start = 0;

	for (size_t i = 0; i < s->at; i++) {
		if (s->text[i] == '\n') {
			line++;
			line_start = i + 1;
		}
	}
	return err_set(e, EINVAL, "%s:%zu:%zu: %s", s->name, line, s->at - line_start + 1, what);
}

/* The quote that ends the string whose first character is at @at; @size: none. */
static size_t string_end(const char *text, size_t size, size_t at)
{
	const char *quote = at < size ? memchr(text + at, '"', size - at) : NULL;

	if (!quote)
		return size;
	if (quote[-1] != '\\')
		return (size_t)(quote - text);
	/* It may be one of the string's. */
	while (at < size && text[at] != '"')
		at += text[at] == '\\' ? 2 : 1;
	return at < size ? at : size;
}

static int big_add(struct json_doc *doc, uint64_t value)
{
	uint64_t *grown = reallocarray(doc->big, doc->n_big + 1, sizeof(*grown));

	if (!grown)
		return -ENOMEM;
	doc->big = grown;
	doc->big[doc->n_big++] = value;
	return 0;
}

/* An integer literal of @len digits at the cursor that does not fit a signed 64-bit integer. */
static int mark_big(struct scan *s, size_t len, struct err *e)
{
	char literal[BIG_DIGITS_MIN + 2], mark[BIG_DIGITS_MIN + 2];
	uint64_t value;

	if (len >= sizeof(literal))
		return scan_err(s, e, "integer larger than 18446744073709551615");
	memcpy(literal, s->text + s->at, len);
	literal[len] = '\0';
	if (num_parse(literal, UINT64_MAX, &value))
		return scan_err(s, e, "integer larger than 18446744073709551615");
	if (value <= INT64_MAX)
		return 0;
	if (s->doc->n_big >= BIG_MAX)
		return scan_err(s, e, "more than 4096 integers above 9223372036854775807");
	(void)snprintf(mark, sizeof(mark), "%-20lld", MARK_BASE - (long long)s->doc->n_big);
	memcpy(s->text + s->at, mark, len);
	return big_add(s->doc, value) ? err_nomem(e) : 0;
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* How many digits stand at @from. */
static size_t scan_digits(const struct scan *s, size_t from)
{
	size_t at = from;

	while (at < s->size && is_digit(s->text[at]))
		at++;
	return at - from;
}

/* How many characters of whatever may be in a number. */
static size_t scan_rest(const struct scan *s, size_t from)
{
	size_t at = from;

	while (at < s->size && IN_NUMBER[(unsigned char)s->text[at]])
		at++;
	return at - from;
}

static int scan_number(struct scan *s, struct err *e)
{
	bool sign = s->text[s->at] == '-', zero = s->text[s->at] == '0';
	size_t digits = scan_digits(s, s->at + sign);
	size_t rest = scan_rest(s, s->at + sign + digits);
	int code = 0;

	/* Fractions and malformed numbers are jansson's to refuse, or the reader's. */
	if (rest == 0 && sign && digits > NEGATIVE_DIGITS_MAX)
		return scan_err(s, e, "integer too small");
	if (rest == 0 && !sign && digits >= BIG_DIGITS_MIN && !zero)
		code = mark_big(s, digits, e);
	s->at += sign + digits + rest;
	return code;
}

/* A character outside of strings and numbers. */
static int scan_mark(struct scan *s, char c, struct err *e)
{
	enum limited mark = (enum limited)MARKS[(unsigned char)c];

	s->depth += mark == CONTAINERS;
	s->depth -= (c == '}' || c == ']') && s->depth > 0;
	if (s->depth > JSON_DEPTH_MAX)
		return scan_err(s, e, "nested deeper than 32 levels");
	if (mark != UNLIMITED && ++s->counts[mark] > LIMITS[mark].max)
		return scan_err(s, e, LIMITS[mark].says);
	s->at++;
	return 0;
}

/* Move on to what is not blank; false if nothing is left. */
static bool skip_blanks(struct scan *s)
{
	size_t at = s->at;

	while (at < s->size && (s->text[at] == ' ' || s->text[at] == '\n'))
		at++;
	s->at = at;
	return at < s->size;
}

static int scan_text(struct scan *s, struct err *e)
{
	int code = 0;

	while (!code && skip_blanks(s)) {
		char c = s->text[s->at];

		if (c == '"')
			s->at = string_end(s->text, s->size, s->at + 1) + 1;
		else if (c == '-' || is_digit(c))
			code = scan_number(s, e);
		else
			code = scan_mark(s, c, e);
	}
	return code;
}

int json_scan(const char *name, char *text, size_t size, struct json_doc *doc, struct err *e)
{
	struct scan s = {.name = name, .text = text, .size = size, .doc = doc};

	if (size >= 3 && !memcmp(text, "\xef\xbb\xbf", 3))
		return err_set(
			e, EINVAL, "%s:1:1: byte-order mark; save the file without one", name);
	/* jansson 2.14 takes one behind a number. */
	s.at = strnlen(text, size);
	if (s.at < size)
		return scan_err(&s, e, "NUL byte; name a text file");
	s.at = 0;
	return scan_text(&s, e);
}
