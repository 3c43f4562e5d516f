#include "json_text.h"

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "utf8.h"

/* What a character of a text asks for. */
enum { PLAIN, SPECIAL };

/* Quotes, backslashes, control characters and what is beyond ASCII are not copied blindly. */
static const unsigned char TEXT_CLASS[UCHAR_MAX + 1] = {
	[0x00 ... 0x1f] = SPECIAL,
	['"'] = SPECIAL,
	['\\'] = SPECIAL,
	[0x80 ... 0xff] = SPECIAL,
};

/* Four hexadecimal digits. */
static bool read_hex(const char *from, const char *end, uint32_t *out)
{
	uint32_t value = 0;

	if (end - from < 4)
		return false;
	for (size_t i = 0; i < 4; i++) {
		char c = from[i], lower = (char)(c | 0x20);

		if (c >= '0' && c <= '9')
			value = value << 4 | (uint32_t)(c - '0');
		else if (lower >= 'a' && lower <= 'f')
			value = value << 4 | (uint32_t)(lower - 'a' + 10);
		else
			return false;
	}
	*out = value;
	return true;
}

/* \uXXXX at @from, or two of them.  Returns the end, or NULL. */
static char *unescape_code(char *from, const char *end, char **to)
{
	uint32_t code, low;

	if (!read_hex(from + 2, end, &code) || code == 0 || (code >= 0xdc00 && code < 0xe000))
		return NULL;
	from += 6;
	if (code >= 0xd800 && code < 0xdc00) {
		if (end - from < 6 || from[0] != '\\' || from[1] != 'u' ||
			!read_hex(from + 2, end, &low) || low < 0xdc00 || low > 0xdfff)
			return NULL;
		code = 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00);
		from += 6;
	}
	*to += utf8_put(*to, code);
	return from;
}

/* The escape at @from.  Returns its end, or NULL. */
static char *unescape(char *from, const char *end, char **to)
{
	static const char meanings[UCHAR_MAX + 1] = {
		['"'] = '"',
		['\\'] = '\\',
		['/'] = '/',
		['b'] = '\b',
		['f'] = '\f',
		['n'] = '\n',
		['r'] = '\r',
		['t'] = '\t',
	};
	unsigned char which;

	if (end - from < 2)
		return NULL;
	which = (unsigned char)from[1];
	if (which == 'u')
		return unescape_code(from, end, to);
	if (!meanings[which])
		return NULL;
	*(*to)++ = meanings[which];
	return from + 2;
}

static char *fault_at(const char *at, const char *what, struct json_fault *fault)
{
	*fault = (struct json_fault){at, what};
	return NULL;
}

/* One special character at @from, other than the closing quote.  Returns its end, or NULL. */
static char *special(char *from, const char *end, char **to, struct json_fault *fault)
{
	size_t len;

	if (*from == '\\') {
		char *next = unescape(from, end, to);

		return next ? next
			    : fault_at(from, "escape that is none, or part of a character", fault);
	}
	if ((unsigned char)*from < 0x20)
		return fault_at(from, "control character in a string", fault);
	len = utf8_len(from, (size_t)(end - from));
	if (len == 0)
		return fault_at(from, "string that is not UTF-8", fault);
	memmove(*to, from, len);
	*to += len;
	return from + len;
}

static char *skip_plain(char *from, const char *end)
{
	while (from < end && TEXT_CLASS[(unsigned char)*from] == PLAIN)
		from++;
	return from;
}

char *json_unquote(char *quote, const char *end, size_t *out_len, struct json_fault *fault)
{
	char *start = quote + 1, *from = skip_plain(start, end), *to = from;

	while (from < end && *from != '"') {
		char *plain = special(from, end, &to, fault);

		if (!plain)
			return NULL;
		from = skip_plain(plain, end);
		memmove(to, plain, (size_t)(from - plain));
		to += from - plain;
	}
	if (from == end)
		return fault_at(quote, "string without an end", fault);
	*to = '\0';
	*out_len = (size_t)(to - start);
	return from + 1;
}
