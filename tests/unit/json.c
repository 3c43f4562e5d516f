#include <errno.h>
#include <inttypes.h>

#include "json.h"
#include "scope.h"
#include "tap.h"

/*
 * Parse bytes that end where their memory ends: AddressSanitizer sees a reader that goes on.
 * The doc must be released if the answer is 0.
 */
static int parse_bytes(const char *bytes, size_t size, struct json_doc *doc, struct err *e)
{
	scoped_free char *text = malloc(size ? size : 1);

	memcpy(text, bytes, size);
	return json_parse("f", text, size, doc, e);
}

static int parse(const char *text, struct json_doc *doc, struct err *e)
{
	return parse_bytes(text, strlen(text), doc, e);
}

static const char *short_name(const char *text, char buf[40])
{
	snprintf(buf, 40, "%.36s", text);
	for (char *c = buf; *c; c++)
		*c = *c == '#' || *c == '\\' || (unsigned char)*c < 0x20 ? '.' : *c;
	return buf;
}

/* The numbers of an array, in order; a text in between is skipped. */
static const struct {
	const char *text;
	size_t n;
	uint64_t values[8];
} NUMBERS[] = {
	{"[0]", 1, {0}},
	{"[-0]", 1, {0}},
	{"[9223372036854775807]", 1, {INT64_MAX}},
	{"[9223372036854775808]", 1, {1ULL << 63}},
	{"[18446744073709551614]", 1, {UINT64_MAX - 1}},
	{"[18446744073709551615]", 1, {UINT64_MAX}},
	{"[999999999999999999,1000000000000000000,9223372036854775807,9223372036854775808,"
	 "9999999999999999999,10000000000000000000,18446744073709551615,1]",
		8,
		{999999999999999999, 1000000000000000000, 9223372036854775807, 9223372036854775808u,
			9999999999999999999u, 10000000000000000000u, UINT64_MAX, 1}},
	{"[18446744073709551615,18446744073709551615 , 9223372036854775808\n]", 3,
		{UINT64_MAX, UINT64_MAX, 1ULL << 63}},
	{"[[18446744073709551615],{\"a\":9223372036854775809},3]", 3,
		{UINT64_MAX, 9223372036854775809u, 3}},
	{"[\"18446744073709551615\",18446744073709551615,\"9999999999999999999 \\\"\",7]", 2,
		{UINT64_MAX, 7}},
	{"[\"\\\\\",18446744073709551615,\"\\\\\\\"18446744073709551615\"]", 1, {UINT64_MAX}},
};

/* The first plain number in @at, or in what it holds. */
static bool number_in(const struct json_at *at, uint64_t *out)
{
	struct json_at child;
	struct err e;

	if (json_is_string(at->value))
		return false;
	if (json_is_array(at->value)) {
		child = json_item(at, 0);
		return number_in(&child, out);
	}
	if (json_get(at, "a", &child))
		return number_in(&child, out);
	return json_u64(at, UINT64_MAX, out, &e) == 0;
}

static void test_numbers(void)
{
	for (size_t i = 0; i < ARRAY_LEN(NUMBERS); i++) {
		scoped(json_doc_done) struct json_doc doc = {0};
		struct err e = {.text = ""};
		size_t found = 0, wrong = 0;
		struct json_at root;
		char buf[40];

		if (!ok(parse(NUMBERS[i].text, &doc, &e) == 0, "%s is read",
			    short_name(NUMBERS[i].text, buf))) {
			printf("#   %s\n", e.text);
			continue;
		}
		root = json_root(&doc);
		for (size_t k = 0; k < json_len(&root); k++) {
			struct json_at item = json_item(&root, k);
			uint64_t value;

			if (!number_in(&item, &value))
				continue;
			wrong += found >= NUMBERS[i].n || value != NUMBERS[i].values[found];
			found++;
		}
		ok(found == NUMBERS[i].n && wrong == 0, "and its numbers are exact");
	}
}

static void test_strings_untouched(void)
{
	scoped(json_doc_done) struct json_doc doc = {0};
	struct json_at root, item;
	const char *text;
	struct err e;

	parse("{\"18446744073709551615\": [18446744073709551615, \"x9999999999999999999\"]}", &doc,
		&e);
	root = json_root(&doc);
	ok(json_get(&root, "18446744073709551615", &item), "digits in a key stay");
	item = json_item(&item, 1);
	json_text(&item, &text, &e);
	is_text(text, "x9999999999999999999", "digits in a string stay");
	json_doc_done(&doc);
	parse("[\"\\\"18446744073709551615\"]", &doc, &e);
	root = json_root(&doc);
	item = json_item(&root, 0);
	json_text(&item, &text, &e);
	is_text(text, "\"18446744073709551615", "behind an escaped quote, too");
}

/* Lines of all lengths, so that what is read piece by piece is cut at any place of one. */
static void test_many_lines(void)
{
	enum { LINES = 1200 };
	scoped(json_doc_done) struct json_doc doc = {0};
	scoped_free char *text = calloc(LINES, 128);
	struct json_at root;
	size_t used = 0, wrong = 0;
	struct err e;

	for (int i = 0; i < LINES; i++)
		used += (size_t)sprintf(text + used, "%s\n%*s\"%*d  \"", i ? "," : "[", i % 40,
			i % 2 ? "\t" : "", i % 31, i);
	strcpy(text + used, "\n   ]\n  ");
	parse(text, &doc, &e);
	root = json_root(&doc);
	for (size_t i = 0; i < LINES && doc.root; i++) {
		struct json_at item = json_item(&root, i);
		const char *got = "";
		char want[64];

		(void)snprintf(want, sizeof(want), "%*d  ", (int)i % 31, (int)i);
		wrong += json_text(&item, &got, &e) || strcmp(got, want) != 0;
	}
	ok(doc.root && json_len(&root) == LINES && !wrong,
		"indented lines are read as they are, blanks in strings included (%zu wrong)",
		wrong);
}

static const struct {
	const char *text, *error;
} REFUSED[] = {
	{"[18446744073709551616]", "f:1:2: integer larger than 18446744073709551615"},
	{"{\n \"a\": 99999999999999999999}", "f:2:7: integer larger than 18446744073709551615"},
	{"[184467440737095516150]", "integer larger"},
	{"[1, 111111111111111111111111111111111111111111]", "f:1:5: integer larger"},
	{"[00018446744073709551615]", "f:1:"},
	{"[-100000000000000000]", "f:1:2: integer too small"},
	{"[-900000000000000000]", "integer too small"},
	{"[-900000000000000001]", "integer too small"},
	{"[18446744073709551615, -900000000000000000]", "integer too small"},
	{"[-9223372036854775808]", "integer too small"},
	{"[-9223372036854775809]", "integer too small"},
	{"[-18446744073709551615]", "integer too small"},
	{"[01]", "f:1:"},
	{"[+1]", "f:1:"},
	{"[.5]", "f:1:"},
	{"[1.]", "f:1:"},
	{"[0x10]", "f:1:"},
	{"[NaN]", "f:1:"},
	{"[1-2]", "f:1:"},
	{"[-]", "f:1:"},
	{"\xef\xbb\xbf[]", "f:1:1: byte-order mark"},
	{"", "f:1:"},
	{"  \n", "f:2:"},
	{"7", "f:1:"},
	{"\"a\"", "f:1:"},
	{"[] []", "f:1:"},
	{"{}x", "f:1:"},
	{"[1,]", "f:1:"},
	{"{\"a\":1,}", "f:1:"},
	{"[1] // c", "f:1:"},
	{"/* c */ []", "f:1:"},
	{"['a']", "f:1:"},
	{"{\"a\": 1,\n\"a\": 2}", "f:2:"},
	{"[\"\\u0000\"]", "f:1:"},
	{"[\"\\ud800\"]", "f:1:"},
	{"[\"\\ude00\"]", "f:1:"},
	{"[\"\\ud800\\ud800\"]", "f:1:"},
	{"[\"\\x41\"]", "f:1:"},
	{"[\"a\nb\"]", "f:1:"},
	{"[\"\xff\"]", "f:1:"},
	{"[\"\xc0\xaf\"]", "f:1:"},
	{"[\"\xed\xa0\x80\"]", "f:1:"},
	{"[\"\xf4\x90\x80\x80\"]", "f:1:"},
	{"[\"abc", "f:1:"},
	{"[\"abc\\", "f:1:"},
	{"[\"abc\\u12", "f:1:"},
	{"[\"", "f:1:"},
	{"  [x]", "f:1:4:"},
	{"[\n\t \"a\" x]", "f:2:7:"},
	{"{\n  \"a\": 1,\n   \"a\": 2}", "f:3:6:"},
	{"[\n 1\n  ,]", "f:3:4:"},
	{"[\n   ", "f:2:3:"},
	{"[\"a\n   b\"]", "f:1:3: not valid JSON: unexpected newline"},
	{"\"", "f:1:"},
	{"[1844674407370955161", "f:1:"},
	{"[18446744073709551615", "f:1:"},
	{"[-", "f:1:"},
	{"[-1", "f:1:"},
	{"{\"a\"", "f:1:"},
	{"{\"a\":", "f:1:"},
	{"[}", "f:1:"},
	{"]", "f:1:"},
};

static void test_refused(void)
{
	for (size_t i = 0; i < ARRAY_LEN(REFUSED); i++) {
		struct json_doc doc = {.name = "untouched"};
		struct err e = {.text = ""};
		char buf[40];
		int code = parse(REFUSED[i].text, &doc, &e);

		if (!ok(code == -EINVAL && strstr(e.text, REFUSED[i].error) &&
				    !strcmp(doc.name, "untouched"),
			    "%s is refused, with its place", short_name(REFUSED[i].text, buf)))
			printf("#   %d %s\n", code, e.text);
		if (!code)
			json_doc_done(&doc);
	}
}

static void test_nul(void)
{
	static const char inside[] = "[1]\0[2]", string[] = "[\"a\0b\"]", number[] = "[1\0]";
	struct json_doc doc;
	struct err e;

	ok(parse_bytes(inside, sizeof(inside) - 1, &doc, &e) == -EINVAL, "NUL behind the value");
	ok(parse_bytes(string, sizeof(string) - 1, &doc, &e) == -EINVAL, "NUL in a string");
	ok(parse_bytes(number, sizeof(number) - 1, &doc, &e) == -EINVAL, "NUL behind a number");
	ok(parse_bytes("\0", 1, &doc, &e) == -EINVAL, "NUL alone: all refused");
}

/* @open repeated @depth times, closed again. */
static int parse_deep(const char *open, const char *close, size_t depth, struct err *e)
{
	size_t open_len = strlen(open), size = (open_len + 1) * depth + 2;
	scoped_free char *text = malloc(size);
	struct json_doc doc;
	char *to = text;
	int code;

	for (size_t i = 0; i < depth; i++)
		to = mempcpy(to, open, open_len);
	if (open[0] == '{')
		*to++ = '1';
	for (size_t i = 0; i < depth; i++)
		*to++ = *close;
	code = json_parse("f", text, (size_t)(to - text), &doc, e);
	if (!code)
		json_doc_done(&doc);
	return code;
}

static void test_depth(void)
{
	struct err e;

	ok(parse_deep("[", "]", JSON_DEPTH_MAX, &e) == 0, "32 arrays deep is read");
	ok(parse_deep("{\"a\":", "}", JSON_DEPTH_MAX, &e) == 0, "so are 32 objects");
	ok(parse_deep("[", "]", JSON_DEPTH_MAX + 1, &e) == -EINVAL, "33 arrays are refused");
	is_text(e.text, "f:1:33: nested deeper than 32 levels", "with the place");
	ok(parse_deep("{\"a\":", "}", JSON_DEPTH_MAX + 1, &e) == -EINVAL, "33 objects are");
	ok(parse_deep("[", "]", 1000000, &e) == -EINVAL, "a million arrays are");
	ok(parse_deep("{\"a\":", "}", 1000000, &e) == -EINVAL, "a million objects are");
	ok(parse_deep("]", "[", 1000000, &e) == -EINVAL, "a million closed ones are");
}

static const struct {
	const char *head, *item, *tail, *says;
	size_t most; /* of the items */
} LIMITS[] = {
	{"[", "0", "]", "more than 4194304 values", JSON_VALUES_MAX},
	{"[", "[]", "]", "more than 262144 objects and arrays", JSON_CONTAINERS_MAX - 1},
	{"[", "{}", "]", "more than 262144 objects and arrays", JSON_CONTAINERS_MAX - 1},
};

/* @head, @count times @item, @tail. */
static int parse_many(size_t row, size_t count, struct err *e)
{
	size_t len = strlen(LIMITS[row].item) + 1;
	scoped_free char *text = malloc(count * len + 2);
	struct json_doc doc;
	char *to = text;
	int code;

	to = stpcpy(to, LIMITS[row].head);
	for (size_t i = 0; i < count; i++) {
		if (i > 0)
			*to++ = ',';
		to = mempcpy(to, LIMITS[row].item, len - 1);
	}
	to = mempcpy(to, LIMITS[row].tail, 1);
	code = json_parse("f", text, (size_t)(to - text), &doc, e);
	if (!code)
		json_doc_done(&doc);
	return code;
}

static int parse_keys(size_t count, struct err *e)
{
	enum { MEMBER_LEN = 16 };
	scoped_free char *text = malloc(count * MEMBER_LEN + 2);
	struct json_doc doc;
	char *to = text;
	int code;

	*to++ = '{';
	for (size_t i = 0; i < count; i++)
		to += sprintf(to, "%s\"%zx\":0", i ? "," : "", i);
	*to++ = '}';
	code = json_parse("f", text, (size_t)(to - text), &doc, e);
	if (!code)
		json_doc_done(&doc);
	return code;
}

static void test_limits(void)
{
	struct err e;

	for (size_t i = 0; i < ARRAY_LEN(LIMITS); i++) {
		ok(!parse_many(i, LIMITS[i].most, &e), "%s: as many %s are read", LIMITS[i].says,
			LIMITS[i].item);
		ok(parse_many(i, LIMITS[i].most + 1, &e) == -EINVAL &&
				strstr(e.text, LIMITS[i].says) && !strncmp(e.text, "f:1:", 4),
			"%s: one more %s is refused", LIMITS[i].says, LIMITS[i].item);
	}
	ok(!parse_keys(JSON_KEYS_MAX, &e), "as many keys as are accepted");
	ok(parse_keys(JSON_KEYS_MAX + 1, &e) == -EINVAL && strstr(e.text, "more than 1048576 keys"),
		"one key too many");
}

static void test_many_big(void)
{
	enum { BIG_MAX = 4096, DIGITS = 20 };
	scoped_free char *text = malloc((BIG_MAX + 1) * (DIGITS + 1) + 2);
	char *to = text;
	struct json_doc doc;
	struct json_at root, last;
	uint64_t value = 0;
	struct err e;

	*to++ = '[';
	for (uint64_t i = 0; i < BIG_MAX; i++)
		to += sprintf(to, "%s%" PRIu64, i ? "," : "", (UINT64_C(1) << 63) + i);
	*to++ = ']';
	ok(json_parse("f", text, (size_t)(to - text), &doc, &e) == 0,
		"4096 integers above 2^63-1 are read");
	root = json_root(&doc);
	last = json_item(&root, BIG_MAX - 1);
	json_u64(&last, UINT64_MAX, &value, &e);
	ok(value == (UINT64_C(1) << 63) + BIG_MAX - 1, "the last of them exactly");
	json_doc_done(&doc);

	to = text;
	*to++ = '[';
	for (uint64_t i = 0; i <= BIG_MAX; i++)
		to += sprintf(to, "%s9223372036854775808", i ? "," : "");
	*to++ = ']';
	ok(json_parse("f", text, (size_t)(to - text), &doc, &e) == -EINVAL &&
			strstr(e.text, "more than 4096 integers above"),
		"one more is refused, and the error says why");
}

enum wanted { U64, I64, TEXT, BOOL, OBJECT, ARRAY };

static const struct {
	const char *text; /* $[0].a is read */
	enum wanted wanted;
	const char *error; /* NULL: it is accepted */
} TYPES[] = {
	{"[{\"a\": 1e3}]", U64,
		"f: $[0].a: a plain integer expected, this is a number with a fraction or "
		"exponent"},
	{"[{\"a\": 511.0}]", U64,
		"f: $[0].a: a plain integer expected, this is a number with a fraction or "
		"exponent"},
	{"[{\"a\": \"1\"}]", U64, "f: $[0].a: a plain integer expected, this is a string"},
	{"[{\"a\": true}]", U64, "f: $[0].a: a plain integer expected, this is true"},
	{"[{\"a\": -1}]", U64, "f: $[0].a: -1 is negative"},
	{"[{\"a\": 1001}]", U64, "f: $[0].a: 1001 is larger than 1000"},
	{"[{\"a\": 18446744073709551615}]", U64,
		"f: $[0].a: 18446744073709551615 is larger than 1000"},
	{"[{\"a\": 1000}]", U64, NULL},
	{"[{\"a\": -99999999999999999}]", I64, NULL},
	{"[{\"a\": 9223372036854775807}]", I64, NULL},
	{"[{\"a\": 9223372036854775808}]", I64, "f: $[0].a: larger than 9223372036854775807"},
	{"[{\"a\": 1.5}]", I64,
		"f: $[0].a: a plain integer expected, this is a number with a fraction or "
		"exponent"},
	{"[{\"a\": 1}]", TEXT, "f: $[0].a: a string expected, this is an integer"},
	{"[{\"a\": []}]", TEXT, "f: $[0].a: a string expected, this is an array"},
	{"[{\"a\": \"x\"}]", TEXT, NULL},
	{"[{\"a\": 0}]", BOOL, "f: $[0].a: true or false expected, this is an integer"},
	{"[{\"a\": false}]", BOOL, NULL},
	{"[{\"a\": []}]", OBJECT, "f: $[0].a: an object expected, this is an array"},
	{"[{\"a\": {}}]", OBJECT, NULL},
	{"[{\"a\": {}}]", ARRAY, "f: $[0].a: an array expected, this is an object"},
	{"[{\"a\": [1,2,3]}]", ARRAY, "f: $[0].a: 3 elements, at most 2 are accepted"},
	{"[{\"a\": [1,2]}]", ARRAY, NULL},
	{"[{}]", U64, "f: $[0]: \"a\" is missing"},
	{"[{\"a\": null}]", U64, "f: $[0]: \"a\" is missing"},
};

static int read_as(enum wanted wanted, const struct json_at *at, struct err *e)
{
	const char *text;
	uint64_t number;
	int64_t sign;
	bool flag;

	switch (wanted) {
	case U64:
		return json_u64(at, 1000, &number, e);
	case I64:
		return json_i64(at, &sign, e);
	case TEXT:
		return json_text(at, &text, e);
	case BOOL:
		return json_bool(at, &flag, e);
	case OBJECT:
		return json_expect_object(at, e);
	case ARRAY:
		return json_expect_array(at, 2, e);
	}
	return -EDOM;
}

static void test_types(void)
{
	for (size_t i = 0; i < ARRAY_LEN(TYPES); i++) {
		scoped(json_doc_done) struct json_doc doc = {0};
		struct err e = {.text = ""};
		struct json_at root, item, a;

		parse(TYPES[i].text, &doc, &e);
		root = json_root(&doc);
		item = json_item(&root, 0);
		if (!json_need(&item, "a", &a, &e))
			(void)read_as(TYPES[i].wanted, &a, &e);
		is_text(e.text, TYPES[i].error ? TYPES[i].error : "", "%s: %s", TYPES[i].text,
			TYPES[i].error ? "is refused with the path" : "is accepted");
	}
}

static void test_unknown_key(void)
{
	static const char *const known[] = {"a", "b", "c", NULL};
	scoped(json_doc_done) struct json_doc doc = {0};
	struct json_at root;
	struct err e;

	parse("{\"c\": 1, \"a\": 2, \"b\": 3}", &doc, &e);
	root = json_root(&doc);
	ok(!json_unknown_key(&root, known), "known keys in any order are known");
	json_doc_done(&doc);
	parse("{\"a\": 1, \"A\": 2}", &doc, &e);
	root = json_root(&doc);
	is_text(json_unknown_key(&root, known), "A", "another case is another key");
	json_check_keys(&root, known, &e);
	is_text(e.text, "f: $: unknown key \"A\"", "and refused where keys are strict");
}

int main(void)
{
	test_numbers();
	test_strings_untouched();
	test_many_lines();
	test_refused();
	test_nul();
	test_depth();
	test_limits();
	test_many_big();
	test_types();
	test_unknown_key();
	return tap_done();
}
