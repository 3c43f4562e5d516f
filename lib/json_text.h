/*
 * json_text.h: the strings of JSON.  Internal to the reader.
 */
#ifndef SYSCLAMP_JSON_TEXT_H
#define SYSCLAMP_JSON_TEXT_H

#include <stddef.h>

/* What is wrong, and where. */
struct json_fault {
	const char *at, *what;
};

/**
 * Unescape a string in place, and put a NUL behind it: at its closing quote at the latest.
 *
 * @quote: the opening one; the text stands behind it.
 * @end: of what may be read; no NUL is in front of it.
 * @out_len: in bytes of UTF-8.
 * Returns what is behind the closing quote, or NULL with @fault: no end, an escape that is none, a
 * surrogate alone, \u0000, a control character, bytes that are no UTF-8.
 */
char *json_unquote(char *quote, const char *end, size_t *out_len, struct json_fault *fault);

#endif
