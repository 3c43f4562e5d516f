/*
 * nearest.h: the known name that somebody who misspelt one most likely meant.
 */
#ifndef SYSCLAMP_NEAREST_H
#define SYSCLAMP_NEAREST_H

enum { NEAREST_LEN_MAX = 63 };

struct nearest {
	const char *text; /* as written; borrowed */
	const char *name; /* the best candidate so far, NULL while none is near; borrowed */
	unsigned distance; /* of @name: insertions, deletions and changes of single characters */
};

/**
 * Begin a search for @text.  Upper and lower case are the same, and a candidate whose last words
 * are
 * @text ("allow", SCMP_ACT_ALLOW) is near.  A text longer than NEAREST_LEN_MAX has no neighbours.
 */
struct nearest nearest_to(const char *text);

/** Offer a known name; of equally near ones the first is kept. */
void nearest_offer(struct nearest *nearest, const char *candidate);

/** Print "; did you mean NAME?", or "" when nothing is near, to @buf and return it. */
const char *nearest_hint(const struct nearest *nearest, char *buf, unsigned size);

#endif
