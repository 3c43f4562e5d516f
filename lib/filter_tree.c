#include "filter_tree.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>

#include "scope.h"

enum {
	RUN_MAX = 4, /* comparisons for equality in a row */
	/* Cutting a range costs one comparison.  Singling out a number costs one too, and for each
	 * RUN_MAX of them one more. */
	COST_CUT = RUN_MAX,
	COST_SINGLE = RUN_MAX + 1,
	/* Beyond this many neighbours cuts are at least as cheap: with n singles between two ranges
	 * of the same leaf n * COST_SINGLE >= (n + 1) * COST_CUT. */
	SINGLES_MAX = 3,
};

/* A number that stands out of its region. */
struct single {
	uint32_t nr;
	uint32_t weight;
	uint64_t leaf;
};

/* Numbers from @first up to the next region: one leaf, but for singles. */
struct region {
	uint32_t first;
	uint64_t leaf;
	size_t single; /* the first of its singles; they end where the next region's start */
	uint64_t weight; /* of all regions before this one */
};

struct tree {
	struct emitter *emitter;
	const struct leaf_writer *leaves;
	struct region *regions; /* one more than there are: the end */
	struct single *singles;
};

/* A part of the tree: numbers first...last. */
struct part {
	size_t region, region_end;
	size_t single, single_end;
	uint32_t first, last;
};

/* Join neighbours of the same leaf; returns how many ranges are left. */
static size_t ranges_join(struct range *ranges, size_t n)
{
	size_t kept = 0;

	for (size_t i = 1; i < n; i++) {
		if (ranges[i].leaf != ranges[kept].leaf)
			ranges[++kept] = ranges[i];
	}
	return kept + 1;
}

/* Whether range @i is followed by a range, and holds one number. */
static bool range_is_single(const struct range *ranges, size_t i)
{
	return ranges[i + 1].first - ranges[i].first == 1;
}

/*
 * Which ranges to cut out and which to single out, at the least cost.
 *
 * @out_back: for each range that is cut out, how many singles lie between the one cut out before it
 * and itself.
 */
static void choose_cuts(const struct range *ranges, size_t n, size_t *costs, uint8_t *out_back)
{
	costs[0] = 0;
	out_back[0] = 0;
	for (size_t i = 1; i < n; i++) {
		costs[i] = costs[i - 1] + COST_CUT;
		out_back[i] = 0;
		for (uint8_t back = 1; back <= SINGLES_MAX && back < i; back++) {
			size_t cost = costs[i - back - 1] + back * COST_SINGLE;

			if (!range_is_single(ranges, i - back))
				break;
			if (ranges[i - back - 1].leaf == ranges[i].leaf && cost < costs[i]) {
				costs[i] = cost;
				out_back[i] = back;
			}
		}
	}
}

/* Turn the ranges into regions and singles.  Returns the number of regions. */
static size_t tree_fill(struct tree *tree, const struct range *ranges, size_t n, uint8_t *back)
{
	size_t n_regions = 0, n_singles = 0;
	uint64_t weight = 0;

	/* From the last range to the first: mark the singles. */
	for (size_t i = n - 1; i > 0; i -= back[i] + 1u) {
		for (size_t j = 1; j <= back[i]; j++)
			back[i - j] = UINT8_MAX;
	}
	for (size_t i = 0; i < n; i++) {
		const struct range *range = &ranges[i];

		if (back[i] == UINT8_MAX)
			tree->singles[n_singles++] = (struct single){
				range->first, range->weight, range->leaf};
		else if (back[i] == 0)
			tree->regions[n_regions++] = (struct region){
				range->first, range->leaf, n_singles, weight};
		weight += range->weight;
	}
	tree->regions[n_regions] = (struct region){.single = n_singles, .weight = weight};
	return n_regions;
}

static uint32_t leaf_emit(const struct tree *tree, uint64_t leaf)
{
	return tree->leaves->write(tree->leaves->ctx, leaf);
}

/* One region: its singles one after the other, the heaviest first. */
static uint32_t run_emit(const struct tree *tree, const struct part *part)
{
	uint32_t at = leaf_emit(tree, tree->regions[part->region].leaf);
	const struct single *order[RUN_MAX];
	size_t n = 0;

	for (size_t i = part->single; i < part->single_end; i++) {
		size_t place = n++;

		for (; place > 0 && order[place - 1]->weight < tree->singles[i].weight; place--)
			order[place] = order[place - 1];
		order[place] = &tree->singles[i];
	}
	while (n > 0) {
		const struct single *single = order[--n];

		at = emit_branch(
			tree->emitter, BPF_JEQ, single->nr, leaf_emit(tree, single->leaf), at);
	}
	return at;
}

/* The boundary inside the part that divides its weight best. */
static size_t best_boundary(const struct tree *tree, const struct part *part)
{
	const struct region *regions = tree->regions;
	uint64_t sum = regions[part->region].weight + regions[part->region_end].weight;
	size_t best = part->region + 1;

	while (best + 1 < part->region_end && 2 * regions[best].weight < sum) {
		uint64_t before = sum - 2 * regions[best].weight;

		/* The weights only grow: stop where the next one is further off. */
		if (2 * regions[best + 1].weight > sum &&
			2 * regions[best + 1].weight - sum > before)
			break;
		best++;
	}
	return best;
}

/* Divide a part; false if it is short enough for a run. */
static bool part_divide(
	const struct tree *tree, const struct part *part, struct part *low, struct part *high)
{
	size_t boundary, single;
	uint32_t at;

	*low = *high = *part;
	if (part->region_end - part->region > 1) {
		boundary = best_boundary(tree, part);
		low->region_end = high->region = boundary;
		single = tree->regions[boundary].single;
		at = tree->regions[boundary].first;
	} else if (part->single_end - part->single > RUN_MAX) {
		single = part->single + (part->single_end - part->single) / 2;
		at = tree->singles[single].nr;
	} else {
		return false;
	}
	low->single_end = high->single = single;
	low->last = at - 1;
	high->first = at;
	return true;
}

static size_t part_size(const struct part *part)
{
	return part->region_end - part->region + part->single_end - part->single;
}

static uint32_t part_emit(const struct tree *tree, const struct part *part)
{
	struct part low, high;
	uint32_t at_low, at_high;

	if (!part_divide(tree, part, &low, &high))
		return run_emit(tree, part);
	/* The larger one goes to the end, so that the jump over the other one is short. */
	if (part_size(&low) > part_size(&high)) {
		at_low = part_emit(tree, &low);
		at_high = part_emit(tree, &high);
	} else {
		at_high = part_emit(tree, &high);
		at_low = part_emit(tree, &low);
	}
	if (low.first == low.last)
		return emit_branch(tree->emitter, BPF_JEQ, low.first, at_low, at_high);
	if (high.first == high.last)
		return emit_branch(tree->emitter, BPF_JEQ, high.first, at_high, at_low);
	return emit_branch(tree->emitter, BPF_JGE, high.first, at_high, at_low);
}

uint32_t tree_emit(
	struct emitter *emitter, struct range *ranges, size_t n, const struct leaf_writer *leaves)
{
	scoped_free size_t *costs = NULL;
	scoped_free uint8_t *back = NULL;
	scoped_free struct region *regions = NULL;
	scoped_free struct single *singles = NULL;
	struct tree tree = {.emitter = emitter, .leaves = leaves};
	struct part all = {.last = UINT32_MAX};

	n = ranges_join(ranges, n);
	if (n == 1)
		return leaves->write(leaves->ctx, ranges[0].leaf);
	costs = calloc(n, sizeof(*costs));
	back = calloc(n, sizeof(*back));
	tree.regions = regions = calloc(n + 1, sizeof(*regions));
	tree.singles = singles = calloc(n, sizeof(*singles));
	if (!costs || !back || !regions || !singles) {
		emitter->error = ENOMEM;
		return 0;
	}
	choose_cuts(ranges, n, costs, back);
	all.region_end = tree_fill(&tree, ranges, n, back);
	all.single_end = regions[all.region_end].single;
	return part_emit(&tree, &all);
}
