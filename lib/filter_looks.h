/*
 * filter_looks.h: what the clauses of a call ask of the words (halves) of its arguments, and in
 * which order a program looks at these.
 */
#ifndef SYSCLAMP_FILTER_LOOKS_H
#define SYSCLAMP_FILTER_LOOKS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "policy.h"

enum word { WORD_HIGH, WORD_LOW, WORDS };

/* What a condition says of one word. */
struct word_test {
	uint8_t op; /* OP_EQ for masked ones */
	uint32_t mask; /* 0: nothing */
	uint32_t first, last; /* the masked values that count as equal */
};

/* One look at a word, through a mask. */
struct look {
	uint8_t arg;
	uint8_t word;
	uint32_t mask;
	size_t arg_end; /* index of the first look at another argument */
};

struct looks {
	size_t n_clauses;
	struct word_test (*tests)[SYSCALL_ARGS][WORDS]; /* by clause */
	size_t *ends; /* by clause: 1 + index of the last look that concerns it, 0: none does */
	struct look *all; /* argument by argument, high words first, partial masks first */
	size_t n;
};

/**
 * The looks that @n clauses (at least 1) need; released with looks_done(), also after a failure.
 * Returns 0 or -ENOMEM.
 */
int looks_init(struct looks *looks, const struct clause *clauses, size_t n);
void looks_done(struct looks *looks);

/** Instructions that the clauses take when they are checked one after the other, long jumps aside.
 */
size_t looks_len(const struct looks *looks);

/** Whether a look sees what a clause asks for. */
bool look_concerns(const struct looks *looks, const struct look *look, size_t clause);

/* What is known of a clause: it fails, it may hold, it may hold whatever else the argument is. */
enum clause_state { CLAUSE_DEAD, CLAUSE_ALIVE, CLAUSE_ARG_DONE };

/** What a living clause becomes when a look that concerns it sees @value. */
enum clause_state look_result(
	const struct looks *looks, const struct look *look, size_t clause, uint32_t value);

#endif
