/*
 * allowed.h: the names that go into a profile, sorted, each with what put it there; and names in a
 * row, for one line of a message.
 */
#ifndef SYSCLAMP_ALLOWED_H
#define SYSCLAMP_ALLOWED_H

#include <stdbool.h>
#include <stddef.h>

#include "err.h"
#include "pin.h"
#include "syscalls.h"

/* What put a name in: one bit each, the first that is set counts. */
enum allowed_by {
	BY_RECORDING = 1, /* it was called */
	BY_ARCH = 2, /* it stands for what was called on another architecture, under its own name or
			not */
	BY_BASE = 4, /* the runtime calls it */
	BY_PORTABLE = 8, /* another C library calls it for the same */
	BY_IMPLIED = 16, /* few runs show it */
	BY_PROFILE = 32, /* the profile that this one is added to allows it */
};

struct allowed_name {
	char name[SYSCALL_NAME_MAX];
	unsigned by; /* enum allowed_by, or'ed */
	struct pin *pins; /* heap; any one of them lets the call pass; none: no conditions */
	size_t n_pins;
	struct pin_gaps gaps; /* what was to be pinned and is not */
};

struct allowed {
	struct allowed_name *names; /* heap, sorted by name */
	size_t n_names, room;
};

void allowed_done(struct allowed *set);

/** Add @name, or reasons for it: enum allowed_by, or'ed. */
int allowed_add(struct allowed *set, const char *name, unsigned by, struct err *e);
bool allowed_has(const struct allowed *set, const char *name);

/** What put @name in, enum allowed_by or'ed; 0 if it is not there. */
unsigned allowed_by(const struct allowed *set, const char *name);

/**
 * Whether the recording is all that put @name in, so that what was seen of its arguments says
 * which are needed.  The others must stay without conditions: whoever else needs the call needs it
 * with arguments that were not seen, and one call has either conditions in all its rules or in
 * none.
 */
bool allowed_may_be_pinned(const struct allowed_name *name);

/** How many names are there for @by and for no reason before it. */
size_t allowed_count(const struct allowed *set, enum allowed_by by);

/* "a, b, c and 12 more": as many names as fit a message. */
struct name_row {
	char text[ERR_TEXT_MAX - 128]; /* which leaves room for what stands in front */
	size_t n_names, n_hidden;
};

void name_row_add(struct name_row *row, const char *name);

/** The finished text; nothing can be added behind it. */
const char *name_row_text(struct name_row *row);

#endif
