#include "yaml.h"

#include <errno.h>

#include "scope.h"
#include "tap.h"

/* The text of a value, which is used up. */
static char *written(const char *comment, json_t *value)
{
	json_auto_t *owned = value;
	char *text = NULL;
	size_t size = 0;
	struct err e;

	if (!owned || yaml_emit(comment, owned, &text, &size, &e))
		return NULL;
	ok(size == strlen(text), "the size is that of the text");
	return text;
}

static void test_blocks(void)
{
	scoped_free char *text = written(
		"# why\n", json_pack("{s:i, s:{s:[s, {s:b, s:n}], s:[], s:{}}, s:s}", "n", -7, "o",
				   "list", "word", "flag", 1, "none", "empty", "nothing", "text",
				   "{\n  \"a\": 1\n}\n"));

	is_text(text,
		"# why\n"
		"\"n\": -7\n"
		"o:\n"
		"  list:\n"
		"  - word\n"
		"  - flag: true\n"
		"    none: null\n"
		"  empty: []\n"
		"  nothing: {}\n"
		"text: |\n"
		"  {\n"
		"    \"a\": 1\n"
		"  }\n",
		"objects and lists are blocks, in their order");
}

static void test_nested_lists(void)
{
	scoped_free char *text = written(NULL, json_pack("[[i, i], [s]]", 1, 2, "x"));

	is_text(text, "- - 1\n  - 2\n- - x\n", "lists of lists");
}

static void test_quotes(void)
{
	static const struct {
		const char *text, *want;
	} rows[] = {
		{"SCMP_ACT_ALLOW", "SCMP_ACT_ALLOW\n"},
		{"_sysctl", "_sysctl\n"},
		{"a/b-c.d", "a/b-c.d\n"},
		{"", "\"\"\n"},
		{"Yes", "\"Yes\"\n"},
		{"null", "\"null\"\n"},
		{"12", "\"12\"\n"},
		{"-", "\"-\"\n"},
		{"a: b", "\"a: b\"\n"},
		{"a\"\\", "'a\"\\'\n"},
		{"it's \"so\"", "'it''s \"so\"'\n"},
		{"it's", "\"it's\"\n"},
		{"\"\n", "\"\\\"\\n\"\n"},
		{"a\n", "\"a\\n\"\n"},
		{" a\nb\n", "\" a\\nb\\n\"\n"},
		{"a\nb", "\"a\\nb\"\n"},
		{"a\nb\n\n", "\"a\\nb\\n\\n\"\n"},
		{"a\tb\n", "\"a\\u0009b\\n\"\n"},
		{"\x7f", "\"\\u007f\"\n"},
		{"ä\u2028\U0001f600", "\"\\u00e4\\u2028\\U0001f600\"\n"},
		{"a\n\nb\n", "|\na\n\nb\n"},
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		scoped_free char *text = written(NULL, json_string(rows[i].text));

		is_text(text, rows[i].want, "a text that %s",
			strchr("\"'", rows[i].want[0]) ? "needs quotes" : "needs none");
	}
}

static void test_refused(void)
{
	json_auto_t *value = json_pack("[f]", 1.5);
	char *text = NULL;
	size_t size = 0;
	struct err e;

	ok(yaml_emit(NULL, value, &text, &size, &e) == -EINVAL && !text,
		"a real number is refused");
}

int main(void)
{
	test_blocks();
	test_nested_lists();
	test_quotes();
	test_refused();
	return tap_done();
}
