/*
 * args.h: which arguments of which calls are recorded: scalars with few values that are safe to
 * pin.  The table is lib/args.tsv, compiled in.
 */
#ifndef SYSCLAMP_ARGS_H
#define SYSCLAMP_ARGS_H

#include <stddef.h>
#include <stdint.h>

#include "syscalls.h"

enum {
	ARGS_INDEX_MAX = 5, /* a call has six arguments */
	ARGS_PER_CALL_MAX = 3,
	ARG_TUPLES_MAX = 32, /* different tuples of one call; more are "many" */
	ARG_VALUES_MAX = 32, /* different values of one argument */
};

/* What a profile may demand of the bits in the mask. */
enum arg_class {
	ARG_EXACT, /* to be one of those seen */
	ARG_MASK, /* to have no bit that was never seen */
	ARG_RANGE, /* to be at most the largest seen */
};

/* Texts in place: a table of pointers costs every start of a position-independent program. */
struct arg_row {
	char call[32];
	uint8_t index;
	uint8_t bits; /* 32 or 64: of the kernel's own type; what is above them is not looked at */
	enum arg_class class;
	uint64_t mask; /* the bits that are safe to pin; recorded are all of the width */
	char source[88]; /* kernel file, and the parameter as declared there */
};

/**
 * The whole table with the widths of a 64-bit ABI, sorted by call (strcmp(3)) and index; @out_len
 * its length.  Lives forever.
 */
const struct arg_row *args_table(size_t *out_len);

/**
 * The rows of the call @name under @abi, with the widths that it has there: of an ABI with 32-bit
 * registers all are 32.
 *
 * Returns how many, at most ARGS_PER_CALL_MAX, and the first in @out_first; 0 (and @out_first left
 * alone) where nothing is recorded, as of a call that takes these arguments elsewhere under @abi.
 */
size_t args_of_call(const struct abi *abi, const char *name, const struct arg_row **out_first);

/**
 * What the kernel calls the argument, "flags", for people: of one in the table, under whatever ABI;
 * NULL for others.  Lives forever.
 */
const char *arg_name(const char *call, unsigned index);

/** @value as the kernel sees it: the lowest @bits (32 or 64). */
uint64_t arg_cut(uint64_t value, unsigned bits);

#endif
