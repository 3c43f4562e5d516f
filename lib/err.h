/*
 * err.h: what went wrong, in one line, in storage of the caller.
 *
 * A function that can fail takes a `struct err *` as its last parameter and returns 0 or a negative
 * errno.  On failure it has filled the err with one line that names the thing, the place in it and,
 * where there is one, the next step; on success it leaves the err alone.  No heap is used, so this
 * works after ENOMEM, in a forked child, and behind a filter.  Control characters in what is quoted
 * (file names, keys of a hostile file) become '?'.
 */
#ifndef SYSCLAMP_ERR_H
#define SYSCLAMP_ERR_H

enum { ERR_TEXT_MAX = 512 };

struct err {
	int code; /* positive errno, 0 while nothing failed */
	char text[ERR_TEXT_MAX]; /* one line without a final newline; cut at the end if too long */
};

/**
 * Fill @e, and return -@code, so that a failing function can end with `return err_set(...)`.
 *
 * @code: positive errno.  Several mean the same to every caller here: EINVAL bad input, ENOENT the
 * thing does not exist, EPERM the answer is no.
 */
int err_set(struct err *e, int code, const char *format, ...)
	__attribute__((format(printf, 3, 4), cold));

/** As err_set(), with ": " and the text of errno @code behind the formatted text. */
int err_sys(struct err *e, int code, const char *format, ...)
	__attribute__((format(printf, 3, 4), cold));

/**
 * Put context ("FILE: ") in front of the text that a callee left in @e; returns -@e->code.
 */
int err_prefix(struct err *e, const char *format, ...) __attribute__((format(printf, 2, 3), cold));

/** The err of an allocation that failed; returns -ENOMEM. */
int err_nomem(struct err *e);

/** Control characters (C0, DEL, and C1 in UTF-8) of what was quoted become '?'. */
void text_tame(char *text);

/**
 * Where text about something that is no failure goes.  Libraries never print: they tell.
 * @tell may be NULL: nobody listens.
 */
struct notice {
	void (*tell)(void *ctx, const char *text); /* @text: one line without a final newline */
	void *ctx;
};

/** Tell @to one formatted line; @to itself may be NULL. */
void notice_tell(const struct notice *to, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

#endif
