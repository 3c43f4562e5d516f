/*
 * filter_tree.h: a partition of the 32-bit numbers as a tree of comparisons.
 */
#ifndef SYSCLAMP_FILTER_TREE_H
#define SYSCLAMP_FILTER_TREE_H

#include <stddef.h>
#include <stdint.h>

#include "filter_emit.h"

/* The numbers from @first up to the first one of the next range. */
struct range {
	uint32_t first;
	uint32_t weight; /* how near to the root it should be, compared with others; at least 1 */
	uint64_t leaf; /* what to do with them, in the caller's terms; equal means the same */
};

/* How to write a leaf. */
struct leaf_writer {
	/* Returns the position; may be called several times for one leaf. */
	uint32_t (*write)(void *ctx, uint64_t leaf);
	void *ctx;
};

/**
 * Write comparisons of the accumulator that lead each number to the leaf of its range.
 *
 * The comparisons are as few as they can be: JGE between ranges, JEQ for a number that stands out
 * of what surrounds it; except that runs of JEQ are cut into short ones by further JGE.
 *
 * @ranges: @n of them (at least 1) in order, the first from 0; overwritten.
 * Returns the position of the tree's root.
 */
uint32_t tree_emit(
	struct emitter *emitter, struct range *ranges, size_t n, const struct leaf_writer *leaves);

#endif
