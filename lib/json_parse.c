/*
 * The text becomes a tree of values in an arena, in one pass.  Texts stay where they are: they are
 * unescaped in place, and a NUL takes the place of the quote behind them.
 */
#include "json.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "json_text.h"
#include "scope.h"

/* Few keys are compared each with each; NEGATIVE: what is accepted of such integers. */
enum { FEW_KEYS = 16, NEGATIVE_DIGITS_MAX = 17, PENDING_MIN = 512 };

/* What there may be only so much of. */
enum limited { VALUES, KEYS, CONTAINERS, LIMITED };

static const struct limit {
	size_t max;
	const char *says;
} LIMITS[LIMITED] = {
	[VALUES] = {JSON_VALUES_MAX - 1, "more than 4194304 values"},
	[KEYS] = {JSON_KEYS_MAX, "more than 1048576 keys"},
	[CONTAINERS] = {JSON_CONTAINERS_MAX, "more than 262144 objects and arrays"},
};

struct parser {
	const char *name;
	char *text, *at, *end;
	struct arena *arena;
	/* A stack of what the containers that are open have so far. */
	struct json_value *pending;
	size_t n_pending, room;
	size_t counts[LIMITED];
	unsigned depth;
	struct err *e;
};

/* An error at @where in the text. */
static int refuse(const struct parser *p, const char *where, const char *what)
{
	const char *line_start = p->text;
	size_t line = 1;

	for (const char *c = p->text; c < where; c++) {
		if (*c == '\n') {
			line++;
			line_start = c + 1;
		}
	}
	return err_set(p->e, EINVAL, "%s:%zu:%td: %s", p->name, line, where - line_start + 1, what);
}

static int refuse_syntax(const struct parser *p, const char *where, const char *what)
{
	char text[ERR_TEXT_MAX / 2];

	(void)snprintf(text, sizeof(text), "not valid JSON: %s",
		where == p->end ? "the text ends too early" : what);
	return refuse(p, where, text);
}

/* One more at the cursor of what is limited. */
static int count(struct parser *p, enum limited what)
{
	if (++p->counts[what] > LIMITS[what].max)
		return refuse(p, p->at, LIMITS[what].says);
	return 0;
}

/* The next character that is no space; NUL, which is none of JSON's, at the end. */
static char peek(struct parser *p)
{
	while (p->at < p->end &&
		(*p->at == ' ' || *p->at == '\n' || *p->at == '\t' || *p->at == '\r'))
		p->at++;
	return p->at < p->end ? *p->at : '\0';
}

static int expect(struct parser *p, char c, const char *what)
{
	if (peek(p) != c)
		return refuse_syntax(p, p->at, what);
	p->at++;
	return 0;
}

static int push(struct parser *p, const struct json_value *value)
{
	if (p->n_pending == p->room) {
		size_t room = p->room ? 2 * p->room : PENDING_MIN;
		struct json_value *grown = reallocarray(p->pending, room, sizeof(*grown));

		if (!grown)
			return err_nomem(p->e);
		p->pending = grown;
		p->room = room;
	}
	p->pending[p->n_pending++] = *value;
	return 0;
}

/* The cursor is at the opening quote. */
static int parse_text(struct parser *p, struct json_value *out)
{
	struct json_fault fault;
	size_t len;
	char *behind = json_unquote(p->at, p->end, &len, &fault);

	if (!behind)
		return refuse_syntax(p, fault.at, fault.what);
	*out = (struct json_value){.kind = JSON_TEXT, .n = (uint32_t)len, .text = p->at + 1};
	p->at = behind;
	return 0;
}

static char *skip_digits(const struct parser *p, char *from)
{
	while (from < p->end && *from >= '0' && *from <= '9')
		from++;
	return from;
}

/* What is behind the digits of a number that is no integer: its end, or NULL. */
static char *skip_fraction(const struct parser *p, char *from)
{
	char *digits;

	if (from < p->end && *from == '.') {
		digits = from + 1;
		from = skip_digits(p, digits);
		if (from == digits)
			return NULL;
	}
	if (from < p->end && (*from == 'e' || *from == 'E')) {
		digits = from + 1;
		if (digits < p->end && (*digits == '+' || *digits == '-'))
			digits++;
		from = skip_digits(p, digits);
		if (from == digits)
			return NULL;
	}
	return from;
}

/* The digits as they stand; false past 2^64-1. */
static bool read_digits(const char *from, const char *end, uint64_t *out)
{
	uint64_t value = 0;

	for (; from < end; from++) {
		if (__builtin_mul_overflow(value, 10, &value) ||
			__builtin_add_overflow(value, (uint64_t)(*from - '0'), &value))
			return false;
	}
	*out = value;
	return true;
}

static int parse_number(struct parser *p, struct json_value *out)
{
	bool minus = *p->at == '-';
	char *digits = p->at + minus, *end = skip_digits(p, digits), *behind;
	uint64_t value = 0;

	if (end == digits || (*digits == '0' && end > digits + 1))
		return refuse_syntax(p, p->at, "number that is none");
	behind = skip_fraction(p, end);
	if (!behind)
		return refuse_syntax(p, p->at, "number that is none");
	if (behind > end) {
		*out = (struct json_value){.kind = JSON_FRACTION};
	} else if (minus && end - digits > NEGATIVE_DIGITS_MAX) {
		return refuse(p, p->at, "integer too small");
	} else if (!read_digits(digits, end, &value)) {
		return refuse(p, p->at, "integer larger than 18446744073709551615");
	} else {
		*out = (struct json_value){
			.kind = minus && value ? JSON_NEGATIVE : JSON_UNSIGNED, .number = value};
	}
	p->at = behind;
	return 0;
}

static int parse_word(struct parser *p, struct json_value *out)
{
	static const struct {
		const char word[8];
		enum json_kind kind;
	} words[] = {{"true", JSON_YES}, {"false", JSON_NO}, {"null", JSON_NOTHING}};

	for (size_t i = 0; i < ARRAY_LEN(words); i++) {
		size_t len = strlen(words[i].word);

		if ((size_t)(p->end - p->at) >= len && !memcmp(p->at, words[i].word, len)) {
			*out = (struct json_value){.kind = words[i].kind};
			p->at += len;
			return 0;
		}
	}
	return refuse_syntax(p, p->at, "no value begins like this");
}

static int parse_value(struct parser *p, struct json_value *out);

static int parse_items(struct parser *p, size_t *n)
{
	struct json_value item;

	if (peek(p) == ']')
		return 0;
	for (;;) {
		if (parse_value(p, &item) || push(p, &item))
			return -p->e->code;
		++*n;
		if (peek(p) != ',')
			return 0;
		if (count(p, VALUES))
			return -p->e->code;
		p->at++;
	}
}

static int parse_member(struct parser *p)
{
	struct json_value key, value;

	if (peek(p) != '"')
		return refuse_syntax(p, p->at, "key expected, as a string");
	if (parse_text(p, &key) || push(p, &key) || expect(p, ':', "\":\" expected"))
		return -p->e->code;
	if (count(p, KEYS) || parse_value(p, &value) || push(p, &value))
		return -p->e->code;
	return 0;
}

static int parse_members(struct parser *p, size_t *n)
{
	if (peek(p) == '}')
		return 0;
	for (;;) {
		if (parse_member(p))
			return -p->e->code;
		++*n;
		if (peek(p) != ',')
			return 0;
		if (count(p, VALUES))
			return -p->e->code;
		p->at++;
	}
}

static int key_order(const struct json_value *a, const struct json_value *b)
{
	if (a->n != b->n)
		return a->n < b->n ? -1 : 1;
	return memcmp(a->text, b->text, a->n);
}

/* Of equal ones the first in the text comes first. */
static int compare_keys(const void *a, const void *b)
{
	const struct json_value *left = *(const struct json_value *const *)a;
	const struct json_value *right = *(const struct json_value *const *)b;
	int order = key_order(left, right);

	return order ? order : (left > right) - (left < right);
}

/* The second one of two equal keys, or NULL. */
static const struct json_value *repeated_of_few(const struct json_value *members, size_t n)
{
	for (size_t i = 1; i < n; i++) {
		for (size_t k = 0; k < i; k++) {
			if (!key_order(&members[2 * i], &members[2 * k]))
				return &members[2 * i];
		}
	}
	return NULL;
}

static int check_keys(const struct parser *p, const struct json_value *members, size_t n)
{
	scoped_free const struct json_value **sorted = NULL;
	const struct json_value *repeated = NULL;

	if (n <= FEW_KEYS) {
		repeated = repeated_of_few(members, n);
	} else {
		sorted = reallocarray(NULL, n, sizeof(*sorted));
		if (!sorted)
			return err_nomem(p->e);
		for (size_t i = 0; i < n; i++)
			sorted[i] = &members[2 * i];
		qsort(sorted, n, sizeof(*sorted), compare_keys);
		for (size_t i = 1; i < n && !repeated; i++)
			repeated = key_order(sorted[i - 1], sorted[i]) ? NULL : sorted[i];
	}
	return repeated ? refuse_syntax(p, repeated->text - 1, "duplicate object key") : 0;
}

/* Move the newest @n_values into the arena, as those of a container. */
static int settle(struct parser *p, size_t n_values, const struct json_value **out)
{
	size_t size = n_values * sizeof(*p->pending);
	struct json_value *items = NULL;

	if (n_values > 0) {
		items = arena_take(p->arena, size);
		if (!items)
			return err_nomem(p->e);
		p->n_pending -= n_values;
		memcpy(items, p->pending + p->n_pending, size);
	}
	*out = items;
	return 0;
}

/* The cursor is at the opening bracket. */
static int parse_container(struct parser *p, bool object, struct json_value *out)
{
	const struct json_value *items = NULL;
	size_t n = 0;

	if (++p->depth > JSON_DEPTH_MAX)
		return refuse(p, p->at, "nested deeper than 32 levels");
	if (count(p, CONTAINERS))
		return -p->e->code;
	p->at++;
	if (object ? parse_members(p, &n) : parse_items(p, &n))
		return -p->e->code;
	if (expect(p, object ? '}' : ']',
		    object ? "\",\" or \"}\" expected" : "\",\" or \"]\" expected"))
		return -p->e->code;
	p->depth--;
	if (settle(p, object ? 2 * n : n, &items))
		return -p->e->code;
	*out = (struct json_value){
		.kind = object ? JSON_OF_MEMBERS : JSON_OF_ITEMS, .n = (uint32_t)n, .items = items};
	return object ? check_keys(p, items, n) : 0;
}

static int parse_value(struct parser *p, struct json_value *out)
{
	char c = peek(p);

	if (c == '"')
		return parse_text(p, out);
	if (c == '{' || c == '[')
		return parse_container(p, c == '{', out);
	if (c == '-' || (c >= '0' && c <= '9'))
		return parse_number(p, out);
	return parse_word(p, out);
}

/* Nothing but an object or an array, and nothing behind it. */
static int parse_root(struct parser *p, struct json_value *out)
{
	char c = peek(p);

	if (c != '{' && c != '[')
		return refuse_syntax(p, p->at, "\"{\" or \"[\" expected");
	if (parse_container(p, c == '{', out))
		return -p->e->code;
	(void)peek(p);
	return p->at < p->end ? refuse_syntax(p, p->at, "text behind the value") : 0;
}

int json_parse(const char *name, char *text, size_t size, struct json_doc *out, struct err *e)
{
	scoped(json_doc_done) struct json_doc doc = {.name = name};
	struct parser p = {
		.name = name,
		.text = text,
		.at = text,
		.end = text + size,
		.arena = &doc.arena,
		.e = e,
	};
	const char *nul;
	int code;

	if (size > UINT32_MAX)
		return err_set(e, EFBIG, "%s: 4 GiB and more of JSON", name);
	if (size >= 3 && !memcmp(text, "\xef\xbb\xbf", 3))
		return refuse(&p, text, "byte-order mark; save the file without one");
	nul = memchr(text, '\0', size);
	if (nul)
		return refuse(&p, nul, "NUL byte; name a text file");
	code = parse_root(&p, &doc.root);
	free(p.pending);
	if (code)
		return code;
	*out = doc;
	doc = (struct json_doc){0};
	return 0;
}

void json_doc_done(struct json_doc *doc)
{
	if (!doc)
		return;
	arena_done(&doc->arena);
	*doc = (struct json_doc){.name = doc->name};
}
