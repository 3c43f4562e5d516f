/*
 * json.h: reading JSON that others wrote, and writing our own.
 *
 * Reading: jansson parses; this adds what it lacks: integers up to 2^64-1 exactly (jansson stops at
 * 2^63-1), limits on depth, and errors that name the place ("web.json: $.syscalls[3].action: ...").
 * A `struct json_at` is a value together with the way to it; it lives on the stack of the reader,
 * and its `up` must outlive it.
 */
#ifndef SYSCLAMP_JSON_H
#define SYSCLAMP_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <jansson.h>

#include "arena.h"
#include "err.h"

/*
 * What bounds the memory and the time that a hostile text takes, whatever its size: jansson 2.14
 * takes up to 90 bytes for a value, 150 for a member of an object, 240 for an object, 140 for an
 * array, and three times the length of its longest string, since nothing is given back before the
 * whole document is.
 */
enum {
	JSON_DEPTH_MAX = 32,
	JSON_VALUES_MAX = 4 * 1024 * 1024, /* commas, and one */
	JSON_KEYS_MAX = 1024 * 1024,
	JSON_CONTAINERS_MAX = 256 * 1024, /* objects and arrays */
};

struct json_doc {
	const char *name; /* of the file, for errors; borrowed */
	json_t *root; /* in the arena, all of it */
	struct arena arena;
	uint64_t *big; /* the integers above 2^63-1, in order of their places in the text */
	size_t n_big;
};

struct json_at {
	const struct json_doc *doc;
	const struct json_at *up; /* NULL at the root */
	const char *key; /* in an object: its name; NULL in an array and at the root */
	size_t index; /* in an array */
	json_t *value; /* borrowed from the doc */
};

/**
 * Parse a whole text.  Refused: duplicate keys, a byte-order mark, NUL, comments, text behind the
 * value, nesting deeper and more in number than the limits above, integers outside
 * -10^17 ... 2^64-1.
 *
 * @name: named in errors, of this call and of all that read the doc; must outlive it.
 * @text: @size bytes; its large integers are overwritten while parsing.
 * @out: to be released with json_doc_done().
 */
int json_parse(const char *name, char *text, size_t size, struct json_doc *out, struct err *e);
void json_doc_done(struct json_doc *doc);

struct json_at json_root(const struct json_doc *doc);

/** The member @key of the object @at.  Returns whether there is one; JSON null counts as absent. */
bool json_get(const struct json_at *at, const char *key, struct json_at *out_child);

/** As json_get(), with an error when it is missing. */
int json_need(const struct json_at *at, const char *key, struct json_at *out_child, struct err *e);

/** Element @index of the array @at; @index must be below json_len(). */
struct json_at json_item(const struct json_at *at, size_t index);
size_t json_len(const struct json_at *at);

int json_expect_object(const struct json_at *at, struct err *e);

/** @at must be an array of at most @max elements. */
int json_expect_array(const struct json_at *at, size_t max, struct err *e);

/** @out_text is borrowed from the doc. */
int json_text(const struct json_at *at, const char **out_text, struct err *e);

/** A plain integer 0...@max: no fraction, no exponent, no string. */
int json_u64(const struct json_at *at, uint64_t max, uint64_t *out_value, struct err *e);
int json_i64(const struct json_at *at, int64_t *out_value, struct err *e);
int json_bool(const struct json_at *at, bool *out_value, struct err *e);

/** Print the way from the root to @at, "$.syscalls[3]"; what does not fit is cut. */
void json_path(const struct json_at *at, char *text, size_t size);

/** Fill @e with "<file>: <path of @at>: <text>"; returns -EINVAL. */
int json_err(const struct json_at *at, struct err *e, const char *format, ...)
	__attribute__((format(printf, 3, 4), cold));

/** The same as a notice. */
void json_notice(const struct json_at *at, const struct notice *to, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/** The same, of @told so far, which it counts: not more than 16, since a hostile file could cause
 * millions. */
void json_notice_few(const struct json_at *at, const struct notice *to, unsigned *told,
	const char *format, ...) __attribute__((format(printf, 4, 5)));

/** The first key of the object @at that is not in the NULL-ended list @known, or NULL. */
const char *json_unknown_key(const struct json_at *at, const char *const *known);

/**
 * Whether Go's encoding/json takes the key @a for @b: it ignores case, and the long s (U+017F) and
 * the Kelvin sign (U+212A) are the letters that they look like (its fold.go).
 */
bool json_keys_fold(const char *a, const char *b);

/** An error if there is one. */
int json_check_keys(const struct json_at *at, const char *const *known, struct err *e);

/** json_need() and json_expect_object() and json_check_keys(), and so on, in one. */
int json_need_object(const struct json_at *at, const char *key, const char *const *known,
	struct json_at *out_child, struct err *e);
int json_need_array(const struct json_at *at, const char *key, size_t max,
	struct json_at *out_child, struct err *e);
int json_need_text(const struct json_at *at, const char *key, const char **out_text, struct err *e);
int json_need_u64(const struct json_at *at, const char *key, uint64_t *out_value, struct err *e);
int json_need_bool(const struct json_at *at, const char *key, bool *out_value, struct err *e);

/**
 * A heap copy of @text in which every byte that is not part of a UTF-8 character stands as the four
 * characters \xNN, so that it can be a JSON string.  NULL without memory.
 */
char *json_clean_text(const char *text);

/** Whether json_clean_text() would copy @text as it is. */
bool json_is_clean(const char *text);

/*
 * Writing.  Containers are spread over lines, one member each, or, opened inline, kept on one line
 * with everything in them.  Errors (no memory) are kept and returned by json_writer_end().  Strings
 * may hold anything: control characters are escaped, bytes that are not UTF-8 are written as by
 * json_clean_text().
 */
struct json_writer {
	FILE *stream;
	char *text;
	size_t size;
	unsigned depth;
	unsigned inline_from; /* depth of the outermost inline container, 0 if none is open */
	bool first; /* nothing was written into the container that is open */
	bool after_key;
};

int json_writer_init(struct json_writer *w, struct err *e);

/** @open: '{' or '['. */
void json_open(struct json_writer *w, char open);
void json_open_inline(struct json_writer *w, char open);

/** @close: '}' or ']'. */
void json_close(struct json_writer *w, char close);
void json_key(struct json_writer *w, const char *key);
void json_put_string(struct json_writer *w, const char *text);
void json_put_u64(struct json_writer *w, uint64_t value);
void json_put_i64(struct json_writer *w, int64_t value);
void json_put_bool(struct json_writer *w, bool value);
void json_put_null(struct json_writer *w);

/** A value that is JSON already, on one line. */
void json_put_json(struct json_writer *w, const char *json);

/** A member of the object that is open: its key and its value; none for a @text that is NULL. */
void json_member_text(struct json_writer *w, const char *key, const char *text);
void json_member_u64(struct json_writer *w, const char *key, uint64_t value);
void json_member_i64(struct json_writer *w, const char *key, int64_t value);
void json_member_bool(struct json_writer *w, const char *key, bool value);

/** End the text with a newline and hand it out: heap, owned by the caller.  Ends the writer. */
int json_writer_end(struct json_writer *w, char **out_text, size_t *out_size, struct err *e);

/** Give the writer up; nothing is handed out.  Harmless after json_writer_end(). */
void json_writer_done(struct json_writer *w);

#endif
