#include <inttypes.h>

#include "json.h"
#include "scope.h"
#include "tap.h"

/* What @body writes; heap. */
static char *written(void (*body)(struct json_writer *w))
{
	struct json_writer w;
	size_t size = 0;
	char *text = NULL;
	struct err e;

	if (json_writer_init(&w, &e))
		return NULL;
	body(&w);
	if (json_writer_end(&w, &text, &size, &e))
		return NULL;
	json_writer_done(&w);
	ok(size == strlen(text), "the size is that of the text");
	return text;
}

static void write_lines(struct json_writer *w)
{
	json_open(w, '{');
	json_key(w, "a");
	json_open(w, '[');
	json_put_u64(w, 1);
	json_open(w, '{');
	json_key(w, "b");
	json_put_bool(w, true);
	json_close(w, '}');
	json_close(w, ']');
	json_key(w, "empty");
	json_open(w, '[');
	json_close(w, ']');
	json_key(w, "none");
	json_open(w, '{');
	json_close(w, '}');
	json_key(w, "unknown");
	json_put_null(w);
	json_close(w, '}');
}

static void write_inline(struct json_writer *w)
{
	json_open(w, '[');
	for (uint64_t i = 0; i < 2; i++) {
		json_open_inline(w, '{');
		json_key(w, "n");
		json_put_u64(w, i);
		json_key(w, "list");
		json_open(w, '[');
		json_open_inline(w, '[');
		json_close(w, ']');
		json_put_bool(w, false);
		json_close(w, ']');
		json_close(w, '}');
	}
	json_put_string(w, "last");
	json_close(w, ']');
}

static void write_numbers(struct json_writer *w)
{
	json_open_inline(w, '[');
	json_put_u64(w, UINT64_MAX);
	json_put_i64(w, INT64_MIN);
	json_put_i64(w, -1);
	json_put_u64(w, 0);
	json_close(w, ']');
}

static void test_layout(void)
{
	scoped_free char *lines = written(write_lines), *in_line = written(write_inline),
			 *numbers = written(write_numbers);

	is_text(lines,
		"{\n  \"a\": [\n    1,\n    {\n      \"b\": true\n    }\n  ],\n  \"empty\": [],\n"
		"  \"none\": {},\n  \"unknown\": null\n}\n",
		"containers are spread over lines, but for empty ones");
	is_text(in_line,
		"[\n  {\"n\": 0, \"list\": [[], false]},\n  {\"n\": 1, \"list\": [[], false]},\n"
		"  \"last\"\n]\n",
		"an inline one stays on its line with all that is in it");
	is_text(numbers, "[18446744073709551615, -9223372036854775808, -1, 0]\n",
		"numbers are written whole");
}

static const struct {
	const char *raw, *json, *clean, *claim;
} STRINGS[] = {
	{"plain", "plain", "plain", "plain text"},
	{"a\"b\\c/d", "a\\\"b\\\\c/d", "a\"b\\c/d", "quotes and backslashes"},
	{"\n\t\033\177", "\\u000a\\u0009\\u001b\\u007f", "\n\t\033\177", "control characters"},
	{"\302\200\302\237\302\240", "\\u0080\\u009f\302\240", "\302\200\302\237\302\240",
		"those of C1, and none behind them"},
	{"\303\251\342\202\254\360\237\230\200", "\303\251\342\202\254\360\237\230\200",
		"\303\251\342\202\254\360\237\230\200", "characters of 2, 3, 4 bytes"},
	{"\337\277\340\240\200\357\277\277\364\217\277\277",
		"\337\277\340\240\200\357\277\277\364\217\277\277",
		"\337\277\340\240\200\357\277\277\364\217\277\277", "the ends of their ranges"},
	{"a\377b", "a\\\\xffb", "a\\xffb", "a byte that is none of UTF-8"},
	{"\300\257", "\\\\xc0\\\\xaf", "\\xc0\\xaf", "an overlong form"},
	{"\340\237\277", "\\\\xe0\\\\x9f\\\\xbf", "\\xe0\\x9f\\xbf", "a longer one"},
	{"\355\240\200", "\\\\xed\\\\xa0\\\\x80", "\\xed\\xa0\\x80", "a surrogate"},
	{"\364\220\200\200", "\\\\xf4\\\\x90\\\\x80\\\\x80", "\\xf4\\x90\\x80\\x80",
		"above U+10FFFF"},
	{"\342\202", "\\\\xe2\\\\x82", "\\xe2\\x82", "a character cut short"},
	{"\342\202x\200", "\\\\xe2\\\\x82x\\\\x80", "\\xe2\\x82x\\x80", "and one interrupted"},
};

static void write_strings(struct json_writer *w)
{
	json_open(w, '[');
	for (size_t i = 0; i < ARRAY_LEN(STRINGS); i++)
		json_put_string(w, STRINGS[i].raw);
	json_close(w, ']');
}

static void test_strings(void)
{
	scoped_free char *text = written(write_strings);
	scoped(json_doc_done) struct json_doc doc = {0};
	struct json_at root;
	struct err e;

	for (size_t i = 0; i < ARRAY_LEN(STRINGS); i++) {
		scoped_free char *clean = json_clean_text(STRINGS[i].raw);
		char quoted[128];

		snprintf(quoted, sizeof(quoted), "  \"%s\"%s\n", STRINGS[i].json,
			i + 1 < ARRAY_LEN(STRINGS) ? "," : "");
		ok(strstr(text, quoted) != NULL, "%s: written as JSON", STRINGS[i].claim);
		is_text(clean, STRINGS[i].clean, "cleaned");
		ok(json_is_clean(STRINGS[i].raw) == !strcmp(STRINGS[i].raw, STRINGS[i].clean) &&
				json_is_clean(clean),
			"and clean or not");
	}
	if (!ok(json_parse("f", text, strlen(text), &doc, &e) == 0, "all of it is valid JSON"))
		return;
	root = json_root(&doc);
	for (size_t i = 0; i < ARRAY_LEN(STRINGS); i++) {
		struct json_at item = json_item(&root, i);
		const char *got;

		json_text(&item, &got, &e);
		is_text(got, STRINGS[i].clean, "%s: read back", STRINGS[i].claim);
	}
}

static void write_every_pair(struct json_writer *w)
{
	json_open_inline(w, '[');
	for (unsigned first = 1; first < 256; first++) {
		for (unsigned second = 0; second < 256; second++) {
			char text[] = {(char)first, (char)second, '\0'};

			json_put_string(w, text);
		}
	}
	json_close(w, ']');
}

/* Every two bytes in a row: jansson and the writer must agree on what UTF-8 is. */
static void test_every_pair(void)
{
	scoped_free char *text = written(write_every_pair);
	scoped(json_doc_done) struct json_doc doc = {0};
	struct err e = {.text = ""};

	if (!ok(json_parse("f", text, strlen(text), &doc, &e) == 0,
		    "whatever bytes are written, the result is valid JSON"))
		printf("#   %s\n", e.text);
}

static void write_keys(struct json_writer *w)
{
	json_open_inline(w, '{');
	json_key(w, "a\"\n");
	json_put_u64(w, 1);
	json_close(w, '}');
}

static void test_keys(void)
{
	scoped_free char *text = written(write_keys);

	is_text(text, "{\"a\\\"\\u000a\": 1}\n", "keys are escaped too");
}

static void test_given_up(void)
{
	struct json_writer w;
	struct err e;

	json_writer_init(&w, &e);
	json_open(&w, '[');
	json_writer_done(&w);
	ok(!w.stream && !w.text, "a writer given up holds nothing");
	json_writer_done(&w);
}

int main(void)
{
	test_layout();
	test_strings();
	test_every_pair();
	test_keys();
	test_given_up();
	return tap_done();
}
