#include "utf8.h"

#include "scope.h"

/*
 * The lengths of well-formed sequences by first byte, with the range of the second byte that keeps
 * out overlong forms, surrogates and what lies above U+10FFFF (Unicode, table 3-7).
 */
static const struct {
	unsigned char first, last, len, second_min, second_max;
} FORMS[] = {
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

size_t utf8_len(const char *text, size_t left)
{
	const unsigned char *c = (const unsigned char *)text;
	size_t i = 0;

	if (left == 0)
		return 0;
	while (i < ARRAY_LEN(FORMS) && *c > FORMS[i].last)
		i++;
	if (i == ARRAY_LEN(FORMS) || *c < FORMS[i].first || FORMS[i].len > left)
		return 0;
	if (FORMS[i].len > 1 && (c[1] < FORMS[i].second_min || c[1] > FORMS[i].second_max))
		return 0;
	for (size_t k = 2; k < FORMS[i].len; k++) {
		if (c[k] < 0x80 || c[k] > 0xbf)
			return 0;
	}
	return FORMS[i].len;
}

size_t utf8_put(char out[UTF8_LEN_MAX], uint32_t code)
{
	static const unsigned char marks[UTF8_LEN_MAX + 1] = {0, 0, 0xc0, 0xe0, 0xf0};
	size_t len = code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;

	for (size_t k = len - 1; k > 0; k--, code >>= 6)
		out[k] = (char)(0x80 | (code & 0x3f));
	out[0] = (char)(marks[len] | code);
	return len;
}
