/*
 * bits.h: a set of small numbers that grows.
 */
#ifndef SYSCLAMP_BITS_H
#define SYSCLAMP_BITS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Most sets are of few: those have no memory of their own. */
struct bits {
	union {
		uint64_t word; /* of one word at most */
		uint64_t *words; /* heap: of more; bit n is bit n % 64 of word n / 64 */
	};
	size_t n_words;
};

void bits_done(struct bits *set);

/** Returns 0 or -ENOMEM, and then the set is as it was. */
int bits_add(struct bits *set, size_t n);
bool bits_has(const struct bits *set, size_t n);
size_t bits_count(const struct bits *set);

/** Its n_words words. */
const uint64_t *bits_words(const struct bits *set);

/** Whether both have the same members. */
bool bits_equal(const struct bits *a, const struct bits *b);

/** The smallest member that is at least @from, or SIZE_MAX. */
size_t bits_next(const struct bits *set, size_t from);

#endif
