/*
 * A decision diagram over the words of the arguments, in one fixed order.  A state is what is known
 * of each clause at a word.  A word's tree leads each of its values to the state behind it; states
 * that turn out alike share their instructions.  Several clauses over several arguments can have
 * exponentially many states: past a budget, half of the clauses are compiled at a time, the first
 * half going on to the second where it misses.  One clause alone needs few.
 */
#include "filter_args.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "filter_looks.h"
#include "filter_tree.h"
#include "scope.h"

enum {
	CLAUSES_MAX = 128, /* in one diagram */
	BUCKETS = 128,
};

/* A state that has been written. */
struct met {
	size_t look;
	uint32_t at;
	uint32_t older; /* 1 + number of the next older one of the hash, 0: none */
};

struct diagram {
	struct emitter *emitter;
	const struct abi *abi;
	const struct clause *clauses;
	size_t n;
	uint32_t miss;
	struct looks looks;
	/* States met, by number. */
	uint8_t *states; /* enum clause_state, n of them for each */
	size_t n_states, states_max;
	struct met *met;
	uint32_t buckets[BUCKETS];
	size_t len_max; /* of the emitter */
	bool over; /* a budget is spent: what is returned is void */
};

static void diagram_done(struct diagram *diagram)
{
	looks_done(&diagram->looks);
	free(diagram->states);
	free(diagram->met);
}

static int diagram_init(struct diagram *diagram)
{
	size_t n = diagram->n;

	/* A clause alone has at most two states at each look. */
	diagram->states_max = 4 * n + 2 * (size_t)(SYSCALL_ARGS * WORDS);
	diagram->states = calloc(diagram->states_max, n);
	diagram->met = calloc(diagram->states_max, sizeof(*diagram->met));
	if (!diagram->states || !diagram->met || looks_init(&diagram->looks, diagram->clauses, n))
		return -ENOMEM;
	diagram->len_max = n == 1 ? SIZE_MAX : diagram->emitter->len + looks_len(&diagram->looks);
	return 0;
}

static uint8_t *state_at(const struct diagram *diagram, size_t number)
{
	return diagram->states + number * diagram->n;
}

/* Whether a clause has nothing left that could fail. */
static bool is_decided(const struct looks *looks, size_t clause, uint8_t state, size_t look)
{
	if (state == CLAUSE_DEAD)
		return false;
	if (looks->ends[clause] <= look)
		return true;
	return state == CLAUSE_ARG_DONE && looks->ends[clause] <= looks->all[look].arg_end;
}

/* Let go of what was known of an argument when its last look is past. */
static void state_enter(const struct diagram *diagram, uint8_t *state, size_t look)
{
	const struct looks *looks = &diagram->looks;

	if (look > 0 && look < looks->n && looks->all[look].arg == looks->all[look - 1].arg)
		return;
	for (size_t i = 0; i < diagram->n; i++)
		state[i] = state[i] == CLAUSE_DEAD ? CLAUSE_DEAD : CLAUSE_ALIVE;
}

static bool is_dead(const struct diagram *diagram, const uint8_t *state)
{
	for (size_t i = 0; i < diagram->n; i++) {
		if (state[i] != CLAUSE_DEAD)
			return false;
	}
	return true;
}

/* Whether a look matters to a clause in its state. */
static bool is_open(const struct diagram *diagram, const uint8_t *state, size_t clause, size_t look)
{
	return state[clause] == CLAUSE_ALIVE &&
	       look_concerns(&diagram->looks, &diagram->looks.all[look], clause);
}

static bool is_look_needed(const struct diagram *diagram, const uint8_t *state, size_t look)
{
	for (size_t i = 0; i < diagram->n; i++) {
		if (is_open(diagram, state, i, look))
			return true;
	}
	return false;
}

/*
 * Go on to the first look that a state needs.  Returns false if none is needed any more: @out_at is
 * where it ends then.
 */
static bool state_settle(struct diagram *diagram, uint8_t *state, size_t *look, uint32_t *out_at)
{
	for (;; ++*look) {
		state_enter(diagram, state, *look);
		for (size_t i = 0; i < diagram->n; i++) {
			if (is_decided(&diagram->looks, i, state[i], *look)) {
				*out_at = emit_return(diagram->emitter, diagram->clauses[i].action);
				return false;
			}
		}
		if (is_dead(diagram, state)) {
			*out_at = diagram->miss;
			return false;
		}
		if (is_look_needed(diagram, state, *look))
			return true;
	}
}

static size_t state_bucket(const struct diagram *diagram, const uint8_t *state, size_t look)
{
	uint32_t hash = (uint32_t)look;

	for (size_t i = 0; i < diagram->n; i++)
		hash = (hash ^ state[i]) * 16777619; /* FNV-1a */
	return (hash ^ hash >> 16) % BUCKETS;
}

static bool state_find(
	const struct diagram *diagram, const uint8_t *state, size_t look, uint32_t *out_at)
{
	uint32_t next = diagram->buckets[state_bucket(diagram, state, look)];

	for (; next; next = diagram->met[next - 1].older) {
		const struct met *met = &diagram->met[next - 1];

		if (met->look == look && !memcmp(state_at(diagram, next - 1), state, diagram->n)) {
			*out_at = met->at;
			return true;
		}
	}
	return false;
}

static void state_keep(struct diagram *diagram, size_t number, size_t look, uint32_t at)
{
	uint32_t *bucket =
		&diagram->buckets[state_bucket(diagram, state_at(diagram, number), look)];

	diagram->met[number] = (struct met){look, at, *bucket};
	*bucket = (uint32_t)number + 1;
}

static uint32_t look_emit(struct diagram *diagram, size_t number, size_t look);

/* Write what follows from look @look on, from the newest state, which is let go if it is known. */
static uint32_t state_emit(struct diagram *diagram, size_t look)
{
	size_t number = diagram->n_states - 1;
	uint8_t *state = state_at(diagram, number);
	uint32_t at;

	if (!state_settle(diagram, state, &look, &at) || state_find(diagram, state, look, &at)) {
		diagram->n_states--;
		return at;
	}
	at = look_emit(diagram, number, look);
	state_keep(diagram, number, look, at);
	return at;
}

/* Write what follows when look @look finds @value in state @from. */
static uint32_t value_emit(struct diagram *diagram, size_t from, size_t look, uint32_t value)
{
	const struct look *this = &diagram->looks.all[look];
	const uint8_t *before = state_at(diagram, from);
	uint8_t *after;

	diagram->over |= diagram->n_states == diagram->states_max ||
			 diagram->emitter->len > diagram->len_max;
	if (diagram->over || diagram->emitter->error)
		return diagram->miss;
	after = state_at(diagram, diagram->n_states++);
	for (size_t i = 0; i < diagram->n; i++)
		after[i] = is_open(diagram, before, i, look)
				   ? (uint8_t)look_result(&diagram->looks, this, i, value)
				   : before[i];
	return state_emit(diagram, look + 1);
}

static int compare_ranges(const void *a, const void *b)
{
	uint32_t first_a = ((const struct range *)a)->first;
	uint32_t first_b = ((const struct range *)b)->first;

	return (first_a > first_b) - (first_a < first_b);
}

/* The ranges of values in which a look finds the same.  Returns how many. */
static size_t look_ranges(
	const struct diagram *diagram, const uint8_t *state, size_t look, struct range *ranges)
{
	const struct look *this = &diagram->looks.all[look];
	size_t n = 0, kept = 0;

	ranges[n++] = (struct range){.weight = 1};
	for (size_t i = 0; i < diagram->n; i++) {
		const struct word_test *test = &diagram->looks.tests[i][this->arg][this->word];

		if (!is_open(diagram, state, i, look))
			continue;
		ranges[n++] = (struct range){.first = test->first, .weight = 1};
		if (test->last < UINT32_MAX)
			ranges[n++] = (struct range){.first = test->last + 1, .weight = 1};
	}
	qsort(ranges, n, sizeof(*ranges), compare_ranges);
	for (size_t i = 1; i < n; i++) {
		if (ranges[i].first != ranges[kept].first)
			ranges[++kept] = ranges[i];
	}
	return kept + 1;
}

/* The leaves of a word's tree are written before the tree: they are positions. */
static uint32_t leaf_at(void *ctx, uint64_t leaf)
{
	(void)ctx;
	return (uint32_t)leaf;
}

/* @out_read: whether the word matters at all. */
static uint32_t tree_look_emit(struct diagram *diagram, size_t number, size_t look, bool *out_read)
{
	const struct leaf_writer leaves = {.write = leaf_at};
	scoped_free struct range *ranges = calloc(2 * diagram->n + 1, sizeof(*ranges));
	size_t n;

	if (!ranges) {
		diagram->emitter->error = ENOMEM;
		return 0;
	}
	n = look_ranges(diagram, state_at(diagram, number), look, ranges);
	for (size_t i = 0; i < n; i++) {
		ranges[i].leaf = value_emit(diagram, number, look, ranges[i].first);
		*out_read |= ranges[i].leaf != ranges[0].leaf;
	}
	return tree_emit(diagram->emitter, ranges, n, &leaves);
}

/* Whether only zero and non-zero matter of what a look sees, so that JSET tells all. */
static bool is_bit_test(const struct diagram *diagram, const uint8_t *state, size_t look)
{
	const struct look *this = &diagram->looks.all[look];

	if (this->mask == UINT32_MAX)
		return false;
	if (!(this->mask & (this->mask - 1)))
		return true;
	for (size_t i = 0; i < diagram->n; i++) {
		if (is_open(diagram, state, i, look) &&
			diagram->looks.tests[i][this->arg][this->word].first)
			return false;
	}
	return true;
}

static uint32_t bit_look_emit(struct diagram *diagram, size_t number, size_t look, bool *out_read)
{
	uint32_t mask = diagram->looks.all[look].mask;
	uint32_t set = value_emit(diagram, number, look, mask);
	uint32_t clear = value_emit(diagram, number, look, 0);

	*out_read = set != clear;
	return emit_branch(diagram->emitter, BPF_JSET, mask, set, clear);
}

/* Load a word, in front of @at. */
static uint32_t load_emit(struct diagram *diagram, const struct look *look, uint32_t at)
{
	bool second = (look->word == WORD_HIGH) != diagram->abi->big_endian;
	size_t offset = offsetof(struct seccomp_data, args) + look->arg * sizeof(uint64_t) +
			(second ? sizeof(uint32_t) : 0);

	return emit_plain(diagram->emitter, BPF_LD | BPF_W | BPF_ABS, (uint32_t)offset, at);
}

/* Write a look from a state that needs it. */
static uint32_t look_emit(struct diagram *diagram, size_t number, size_t look)
{
	const struct look *this = &diagram->looks.all[look];
	bool bits = is_bit_test(diagram, state_at(diagram, number), look), read = false;
	uint32_t at;

	if (this->word == WORD_HIGH && diagram->abi->bits32)
		return value_emit(diagram, number, look, 0);
	if (bits)
		at = bit_look_emit(diagram, number, look, &read);
	else
		at = tree_look_emit(diagram, number, look, &read);
	if (!read || diagram->over)
		return at;
	if (!bits && this->mask != UINT32_MAX)
		at = emit_plain(diagram->emitter, BPF_ALU | BPF_AND | BPF_K, this->mask, at);
	return load_emit(diagram, this, at);
}

/* All clauses in one diagram.  Returns false, and has written nothing, if a budget is spent. */
static bool diagram_emit(struct diagram *diagram, uint32_t *out_at)
{
	struct emitter *emitter = diagram->emitter;
	size_t len = emitter->len;

	if (diagram_init(diagram)) {
		emitter->error = ENOMEM;
		return true;
	}
	memset(state_at(diagram, diagram->n_states++), CLAUSE_ALIVE, diagram->n);
	*out_at = state_emit(diagram, 0);
	if (diagram->over)
		emitter_rewind(emitter, len);
	return !diagram->over;
}

uint32_t args_emit(struct emitter *emitter, const struct abi *abi, const struct clause *clauses,
	size_t n, uint32_t miss)
{
	scoped(diagram_done) struct diagram diagram = {
		.emitter = emitter,
		.abi = abi,
		.clauses = clauses,
		.n = n,
		.miss = miss,
	};
	uint32_t at = miss;

	if (n == 0 || emitter->error)
		return miss;
	if (n <= CLAUSES_MAX && diagram_emit(&diagram, &at))
		return at;
	at = args_emit(emitter, abi, clauses + n / 2, n - n / 2, miss);
	return args_emit(emitter, abi, clauses, n / 2, at);
}
