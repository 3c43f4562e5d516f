#include "html.h"

#include <assert.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

int html_init(struct html *html, struct err *e)
{
	*html = (struct html){0};
	html->stream = open_memstream(&html->text, &html->size);
	return html->stream ? 0 : err_nomem(e);
}

void html_raw(struct html *html, const char *markup)
{
	fputs(markup, html->stream);
}

/* What stands for a character that would be markup, or none. */
static const char *const ENTITIES[256] = {
	['&'] = "&amp;",
	['<'] = "&lt;",
	['>'] = "&gt;",
	['"'] = "&quot;",
	['\''] = "&#39;",
};

static void put_escaped(struct html *html, const char *text)
{
	for (; *text; text++) {
		unsigned char c = (unsigned char)*text;

		if (ENTITIES[c])
			fputs(ENTITIES[c], html->stream);
		else if (c < 0x20 || c == 0x7f)
			fprintf(html->stream, "\\x%02x", c);
		else
			fputc(c, html->stream);
	}
}

_Static_assert(sizeof(size_t) == sizeof(unsigned long), "put_value() reads z as l");

/* One conversion, behind its percent sign; returns what follows it. */
static const char *put_value(struct html *html, const char *at, va_list *args)
{
	int digits = 6;

	if (at[0] == '.') {
		digits = at[1] - '0';
		at += 2;
	}
	if (*at == 'l' || *at == 'z')
		at++;
	switch (*at) {
	case '%':
		fputc('%', html->stream);
		break;
	case 's':
		put_escaped(html, va_arg(*args, const char *));
		break;
	case 'd':
		fprintf(html->stream, "%d", va_arg(*args, int));
		break;
	case 'u':
		fprintf(html->stream, "%lu",
			strchr("lz", at[-1]) ? va_arg(*args, unsigned long)
					     : va_arg(*args, unsigned int));
		break;
	case 'f':
		fprintf(html->stream, "%.*f", digits, va_arg(*args, double));
		break;
	default:
		assert(!"a conversion of html_format()");
	}
	return at + 1;
}

void html_format(struct html *html, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	while (*format) {
		size_t plain = strcspn(format, "%");

		fwrite(format, 1, plain, html->stream);
		format += plain;
		if (*format)
			format = put_value(html, format + 1, &args);
	}
	va_end(args);
}

int html_end(struct html *html, char **out_text, size_t *out_size, struct err *e)
{
	bool failed = ferror(html->stream);

	failed |= fclose(html->stream) != 0;
	html->stream = NULL;
	if (failed) {
		html_done(html);
		return err_nomem(e);
	}
	*out_text = html->text;
	*out_size = html->size;
	html->text = NULL;
	return 0;
}

void html_done(struct html *html)
{
	if (html->stream)
		(void)fclose(html->stream);
	html->stream = NULL;
	free(html->text);
	html->text = NULL;
}
