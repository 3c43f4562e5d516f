/*
 * word.h: the values that one word of seccomp_data may still have on a path through a program.
 *
 * A set is an interval, known bits, and a list of masked values that are excluded.  That is closed
 * under every test that a cBPF program makes on a loaded (and masked) word, and both ways of each
 * test are represented exactly; so nothing is ever approximated.  Whether such a set is empty is
 * the one hard question (it is as hard as SAT for adversarial masks): it is answered by search
 * within a budget.
 *
 * The width of a word is a parameter: 32 bits for the kernel's, fewer for tests that compare with
 * all values there are.
 */
#ifndef SYSCLAMP_WORD_H
#define SYSCLAMP_WORD_H

#include <stdbool.h>
#include <stdint.h>

/* An excluded masked value; nodes form a list that several sets share the tail of. */
struct word_not {
	uint32_t mask, value; /* (w & mask) != value */
	const struct word_not *next;
};

struct word_set {
	uint32_t low, high; /* inclusive */
	uint32_t mask, value; /* (w & mask) == value; value has no bit outside mask */
	const struct word_not *nots;
};

enum word_answer { WORD_EMPTY, WORD_FOUND, WORD_SPENT };

/** All values of a word of @width bits, 1...32. */
struct word_set word_all(unsigned width);

/** Narrow the set; false if it is certainly empty now. */
bool word_meet_range(struct word_set *set, uint32_t low, uint32_t high);
bool word_meet_bits(struct word_set *set, uint32_t mask, uint32_t value);

/** Exclude what @node says; it must outlive the set, and its `next` is set here. */
bool word_meet_not(struct word_set *set, struct word_not *node);

/** Whether the set has this member. */
bool word_has(const struct word_set *set, uint32_t value);

/**
 * Find a member.
 *
 * @steps: budget; counted down, WORD_SPENT at 0.
 * @out: set if WORD_FOUND.  Deterministic.
 */
enum word_answer word_find(const struct word_set *set, uint64_t *steps, uint32_t *out);

#endif
