#include <inttypes.h>

#include "html.h"
#include "scope.h"
#include "tap.h"

/* What @body writes; heap. */
static char *written(void (*body)(struct html *html))
{
	struct html html;
	size_t size = 0;
	char *text = NULL;
	struct err e;

	if (html_init(&html, &e))
		return NULL;
	body(&html);
	if (html_end(&html, &text, &size, &e))
		return NULL;
	html_done(&html);
	ok(size == strlen(text), "the size is that of the text");
	return text;
}

static void write_texts(struct html *html)
{
	html_raw(html, "<p title='%s'>");
	html_format(html, "<b title=\"%s\">%s</b>", "\"><script>'&", "</b>&amp;");
	html_format(html, "%s", "\x1b[1m\x7f\tü");
}

static void test_texts(void)
{
	scoped_free char *text = written(write_texts);

	is_text(text,
		"<p title='%s'><b "
		"title=\"&quot;&gt;&lt;script&gt;&#39;&amp;\">&lt;/b&gt;&amp;amp;</b>"
		"\\x1b[1m\\x7f\\x09ü",
		"texts are escaped and control characters shown; markup is as it is");
}

static void write_numbers(struct html *html)
{
	html_format(html, "%d %u %zu %" PRIu64 " %.2f%% %.0f", -1, 4294967295u, (size_t)7,
		UINT64_MAX, 12.345, 2.0);
}

static void test_numbers(void)
{
	scoped_free char *text = written(write_numbers);

	is_text(text, "-1 4294967295 7 18446744073709551615 12.35% 2",
		"numbers of all widths are written as printf does");
}

static void test_given_up(void)
{
	struct html html;
	struct err e;

	ok(!html_init(&html, &e), "a writer begins");
	html_raw(&html, "x");
	html_done(&html);
	html_done(&html);
	html_done(&(struct html){0});
	ok(!html.text && !html.stream, "a writer that is given up leaves nothing");
}

int main(void)
{
	test_texts();
	test_numbers();
	test_given_up();
	return tap_done();
}
