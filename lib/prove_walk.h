/*
 * prove_walk.h: the symbolic walk of a program.  Internal to the prover.
 */
#ifndef SYSCLAMP_PROVE_WALK_H
#define SYSCLAMP_PROVE_WALK_H

#include <linux/filter.h>

#include "filter.h"
#include "prove_box.h"

/*
 * Called for every box of calls that the program answers alike; the boxes are disjoint and together
 * are all calls.  What it narrows of the box it puts back.  BOX_EMPTY: go on; anything else ends
 * the walk with that answer.
 */
typedef enum box_answer walk_leaf(
	void *ctx, struct box *box, uint32_t returned, struct prove_budget *budget);

/**
 * Walk a valid program (filter_validate()).
 *
 * @start: the calls that there are.
 * @big_endian: how the program's reader orders the halves of 64-bit members.
 * Returns the answer of the leaf that ended the walk, BOX_EMPTY if none did, or BOX_SPENT, without
 * memory too.
 */
enum box_answer program_walk(const struct filter *filter, const struct box *start, bool big_endian,
	struct prove_budget *budget, walk_leaf *leaf, void *ctx);

#endif
