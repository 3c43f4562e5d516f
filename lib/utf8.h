/*
 * utf8.h: which bytes are characters.
 */
#ifndef SYSCLAMP_UTF8_H
#define SYSCLAMP_UTF8_H

#include <stddef.h>
#include <stdint.h>

enum { UTF8_LEN_MAX = 4 };

/**
 * The length of the character at @text, of which @left bytes may be read (as many as one likes in a
 * text that ends with NUL); 0 where none begins, at NUL too.  Overlong forms, surrogates and what
 * lies above U+10FFFF are none.
 */
size_t utf8_len(const char *text, size_t left);

/** Write @code, a character as above and not NUL; returns its length. */
size_t utf8_put(char out[UTF8_LEN_MAX], uint32_t code);

#endif
