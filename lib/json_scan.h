/*
 * json_scan.h: what is done to a text before jansson parses it.
 */
#ifndef SYSCLAMP_JSON_SCAN_H
#define SYSCLAMP_JSON_SCAN_H

#include "json.h"

/*
 * Integers above 2^63-1, which jansson refuses, are replaced in the text by a number that stands
 * for their place in the table `big`: MARK_BASE - index.  The marks are as long as the shortest
 * literal that they replace (19 characters), so that lines and columns of errors stay right, and no
 * literal of the input can be mistaken for one: those at or below -10^17 are refused.
 */
#define MARK_BASE (-900000000000000000LL)

/**
 * Refuse what json_parse() refuses and jansson takes, and put marks in the place of large integers.
 *
 * @text: @size bytes.
 * @doc: its table of large integers is filled; after a failure to be released with json_doc_done().
 */
int json_scan(const char *name, char *text, size_t size, struct json_doc *doc, struct err *e);

#endif
