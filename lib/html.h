/*
 * html.h: writing HTML and SVG in which whatever comes from a file is text, never markup.
 *
 * There is one way for data into a page, html_format(), and it escapes all of it; what is written
 * as it is are the formats, and html_raw(), which are ours.
 */
#ifndef SYSCLAMP_HTML_H
#define SYSCLAMP_HTML_H

#include <stddef.h>
#include <stdio.h>

#include "err.h"

/* Errors (no memory) are kept and returned by html_end(). */
struct html {
	FILE *stream;
	char *text;
	size_t size;
};

int html_init(struct html *html, struct err *e);

/** Markup of ours, as it is. */
void html_raw(struct html *html, const char *markup);

/**
 * The markup @format with values in it, as printf(3) writes them, and texts escaped: so that they
 * can stand in text and in attributes within double quotes.  A control character stands as \xNN.
 *
 * Conversions: %s, %d, %u, %lu, %zu, %f, %.0f to %.9f, and %%.
 */
void html_format(struct html *html, const char *format, ...) __attribute__((format(printf, 2, 3)));

/** Hand the text out: heap, owned by the caller.  Ends the writer. */
int html_end(struct html *html, char **out_text, size_t *out_size, struct err *e);

/** Give the writer up; nothing is handed out.  Harmless after html_end(), and for a zeroed one. */
void html_done(struct html *html);

#endif
