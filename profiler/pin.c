#include "pin.h"

#include <stdlib.h>
#include <string.h>

#include "carried.h"
#include "scope.h"

void pins_done(struct pins *pins)
{
	free(pins->pins);
	*pins = (struct pins){0};
}

/* An argument that is to be pinned. */
struct wanted {
	uint8_t index;
	enum arg_class class;
	uint64_t mask; /* the bits that the conditions are about */
};

/* What arguments were seen together, of those chosen: a rule to be. */
struct cell {
	/* Of a chosen exact argument the value, of another one all bits seen; else 0. */
	uint64_t values[ARGS_PER_CALL_MAX];
};

struct work {
	const struct pin_call *call;
	struct wanted wanted[ARGS_PER_CALL_MAX];
	size_t n_wanted;
	unsigned chosen; /* bit i: wanted[i] is to be pinned */
	struct cell cells[PIN_COMBINATIONS_MAX]; /* sorted by the exact values, which differ */
	size_t n_cells;
	bool full; /* there were more */
};

static void want_rows(struct work *work)
{
	size_t len;
	const struct arg_row *rows = args_table(&len);

	for (size_t i = 0; i < len; i++) {
		if (!strcmp(rows[i].call, work->call->name) &&
			pin_wants(work->call->mode, &rows[i]))
			work->wanted[work->n_wanted++] = (struct wanted){
				rows[i].index, rows[i].class, rows[i].mask};
	}
}

/* What was recorded of the call under @abi and not always denied, or NULL. */
static const struct rec_call *seen_under(const struct pin_call *call, const struct abi *abi)
{
	const struct rec_call *seen;
	uint32_t nr;

	if (syscall_number(abi, call->name, &nr))
		return NULL;
	seen = recording_find(call->rec, abi, nr);
	return seen && (seen->denied == 0 || seen->denied < seen->count) ? seen : NULL;
}

/* Whether argument @index can be pinned as far as @seen goes; if not, why. */
static bool is_known(
	const struct rec_call *seen, const char *name, unsigned index, enum pin_why *out_why)
{
	const struct rec_arg *arg = rec_args_find(rec_call_args(seen), index);
	const struct arg_row *rows;

	if (args_of_call(seen->abi, name, &rows) == 0)
		*out_why = OPEN_ELSEWHERE;
	else if (!arg)
		*out_why = OPEN_UNRECORDED;
	else if (arg->values.many)
		*out_why = OPEN_MANY;
	else
		return true;
	return false;
}

/*
 * Whether the call can also be made through another one, whose first argument is its number, under
 * a listed ABI.  libseccomp has rules for that: with a condition on argument 0 replaced by the
 * number, and next to those of the other calls that are carried they differ in which arguments
 * they look at (make_alike()) unless they look at no other.
 */
static bool is_carried(const struct pin_call *call)
{
	const struct carried *carried = carried_find(call->name);
	uint32_t nr;

	for (size_t i = 0; carried && i < call->n_abis; i++) {
		if (!syscall_number(call->abis[i], carried->carrier, &nr))
			return true;
	}
	return false;
}

static bool is_listed(const struct pin_call *call, const struct abi *abi)
{
	for (size_t i = 0; i < call->n_abis; i++) {
		if (call->abis[i] == abi)
			return true;
	}
	return false;
}

/* Whether the call was made under an ABI that the profile does not list: it is for another one. */
static bool is_foreign(const struct pin_call *call)
{
	size_t len;
	const struct abi *table = abi_table(&len);

	for (size_t i = 0; i < len; i++) {
		if (!is_listed(call, &table[i]) && seen_under(call, &table[i]))
			return true;
	}
	return false;
}

static bool can_pin(const struct pin_call *call, unsigned index, enum pin_why *out_why)
{
	bool any = false;

	*out_why = OPEN_ABSENT;
	if (is_foreign(call))
		return false;

	*out_why = OPEN_CARRIED;
	if (index != 0 && is_carried(call))
		return false;

	for (size_t i = 0; i < call->n_abis; i++) {
		const struct rec_call *seen = seen_under(call, call->abis[i]);

		if (seen && !is_known(seen, call->name, index, out_why))
			return false;
		any |= seen != NULL;
	}
	*out_why = OPEN_ABSENT;
	return any;
}

/*
 * The width of an argument under all ABIs: where one has 32-bit registers, or its recorder noted 32
 * bits, only the lower half is pinned.  x32 has 64-bit registers, but libseccomp takes them for
 * 32-bit ones, and the one rule must mean the same to it.
 */
static uint64_t common_mask(const struct pin_call *call, unsigned index)
{
	uint64_t mask = UINT64_MAX;

	for (size_t i = 0; i < call->n_abis; i++) {
		const struct rec_call *seen = seen_under(call, call->abis[i]);

		if (call->abis[i]->bits32 || abi_is_x32(call->abis[i]))
			mask = UINT32_MAX;
		if (seen)
			mask = arg_cut(mask, rec_args_find(rec_call_args(seen), index)->bits);
	}
	return mask;
}

/* In order of the indexes, each once. */
static void add_open(struct pin_gaps *gaps, uint8_t index, enum pin_why why)
{
	size_t at = gaps->n_open;

	for (size_t i = 0; i < gaps->n_open; i++) {
		if (gaps->open[i].index == index)
			return;
	}
	for (; at > 0 && gaps->open[at - 1].index > index; at--)
		gaps->open[at] = gaps->open[at - 1];
	gaps->open[at] = (struct pin_open){index, why};
	gaps->n_open++;
}

/* Keep of what is wanted what can be pinned. */
static void drop_unknown(struct work *work, struct pins *out)
{
	size_t kept = 0;

	for (size_t i = 0; i < work->n_wanted; i++) {
		struct wanted wanted = work->wanted[i];
		enum pin_why why;

		if (can_pin(work->call, wanted.index, &why)) {
			wanted.mask &= common_mask(work->call, wanted.index);
			work->wanted[kept++] = wanted;
		} else {
			add_open(&out->gaps, wanted.index, why);
		}
	}
	work->n_wanted = kept;
}

static bool is_chosen(const struct work *work, size_t i)
{
	return work->chosen >> i & 1;
}

/* Below, at or above 0: as the exact values chosen. */
static int cell_compare(const struct work *work, const struct cell *a, const struct cell *b)
{
	for (size_t i = 0; i < work->n_wanted; i++) {
		if (work->wanted[i].class == ARG_EXACT && a->values[i] != b->values[i])
			return a->values[i] < b->values[i] ? -1 : 1;
	}
	return 0;
}

/* Note values of the wanted arguments that may stand together. */
static void cell_add(struct work *work, const uint64_t values[ARGS_PER_CALL_MAX])
{
	struct cell cell = {0};
	size_t at = 0;
	int order = 1;

	for (size_t i = 0; i < work->n_wanted; i++)
		cell.values[i] = is_chosen(work, i) ? values[i] & work->wanted[i].mask : 0;
	while (at < work->n_cells && (order = cell_compare(work, &cell, &work->cells[at])) > 0)
		at++;
	if (at < work->n_cells && order == 0) {
		for (size_t i = 0; i < work->n_wanted; i++)
			work->cells[at].values[i] |= cell.values[i];
		return;
	}
	if (work->n_cells == PIN_COMBINATIONS_MAX) {
		work->full = true;
		return;
	}
	memmove(&work->cells[at + 1], &work->cells[at],
		(work->n_cells++ - at) * sizeof(work->cells[0]));
	work->cells[at] = cell;
}

/* Where the recorded arguments @args have the wanted ones. */
static void find_places(
	const struct work *work, const struct rec_args *args, size_t places[ARGS_PER_CALL_MAX])
{
	for (size_t i = 0; i < work->n_wanted; i++)
		places[i] = (size_t)(rec_args_find(args, work->wanted[i].index) - args->args);
}

static void add_tuples(struct work *work, const struct rec_args *args)
{
	const struct arg_set *set = args->n_args > 1 ? &args->tuples : &args->args[0].values;
	size_t places[ARGS_PER_CALL_MAX];

	find_places(work, args, places);
	for (size_t t = 0; t < set->n_tuples && !work->full; t++) {
		uint64_t values[ARGS_PER_CALL_MAX] = {0};

		for (size_t i = 0; i < work->n_wanted; i++)
			values[i] = set->tuples[t * args->n_args + places[i]];
		cell_add(work, values);
	}
}

/*
 * Where it is not known what stood together, anything may have: every value with every other.
 * The odometer's wheel i shows a value of wanted[i]; those not chosen stand still.
 */
static void add_product(struct work *work, const struct rec_args *args)
{
	size_t places[ARGS_PER_CALL_MAX], wheel[ARGS_PER_CALL_MAX] = {0}, i;

	find_places(work, args, places);
	do {
		uint64_t values[ARGS_PER_CALL_MAX] = {0};

		for (i = 0; i < work->n_wanted; i++)
			values[i] = args->args[places[i]].values.tuples[wheel[i]];
		cell_add(work, values);
		for (i = 0; i < work->n_wanted; i++) {
			size_t n = args->args[places[i]].values.n_tuples;

			if (is_chosen(work, i) && ++wheel[i] < n)
				break;
			wheel[i] = 0;
		}
	} while (i < work->n_wanted && !work->full);
}

static void fill_cells(struct work *work)
{
	work->n_cells = 0;
	work->full = false;
	for (size_t i = 0; i < work->call->n_abis; i++) {
		const struct rec_call *seen = seen_under(work->call, work->call->abis[i]);
		const struct rec_args *args = seen ? rec_call_args(seen) : NULL;

		if (args && args->n_args > 1 && args->tuples.many)
			add_product(work, args);
		else if (args)
			add_tuples(work, args);
	}
}

/*
 * Choose as many arguments as fit into PIN_COMBINATIONS_MAX, the first ones rather than the last:
 * the first argument of a call says what the others mean.  Flags never add a combination.
 */
static void choose(struct work *work)
{
	static const unsigned orders[] = {7, 3, 5, 6, 1, 2, 4, 0};
	unsigned all = (1u << work->n_wanted) - 1, flags = 0;

	for (size_t i = 0; i < work->n_wanted; i++)
		flags |= (work->wanted[i].class != ARG_EXACT ? 1u : 0) << i;
	for (size_t i = 0; i < ARRAY_LEN(orders); i++) {
		work->chosen = (orders[i] & all) | flags;
		fill_cells(work);
		if (!work->full)
			return;
	}
}

/*
 * At most the largest seen, rounded up to the next power of two less one: to compare as a number, a
 * filter would have to look at the whole register.
 */
static uint64_t bits_up_to(uint64_t value)
{
	return value ? UINT64_MAX >> __builtin_clzll(value) : 0;
}

/* What a cell demands of an argument.  Returns whether it demands anything. */
static bool make_condition(const struct wanted *wanted, uint64_t value, struct condition *out)
{
	*out = (struct condition){.index = wanted->index, .op = OP_MASKED_EQ};
	if (wanted->class == ARG_EXACT) {
		out->value = wanted->mask;
		out->value_two = value;
		return true;
	}
	out->value = wanted->mask & ~(wanted->class == ARG_RANGE ? bits_up_to(value) : value);
	return out->value != 0;
}

/*
 * Have all cells demand something of the same arguments: flags of which one cell had all are those
 * of all cells together.  Given rules of one call that differ in which arguments they look at,
 * libseccomp can take the value of one argument for that of another (docs/semantics.md, 1.3).
 */
static void make_alike(struct work *work)
{
	struct condition unused;

	for (size_t i = 0; i < work->n_wanted; i++) {
		uint64_t all = 0;
		bool demanded = true;

		for (size_t c = 0; c < work->n_cells; c++) {
			uint64_t value = work->cells[c].values[i];

			demanded &= make_condition(&work->wanted[i], value, &unused);
			all |= value;
		}
		for (size_t c = 0; !demanded && c < work->n_cells; c++)
			work->cells[c].values[i] = all;
	}
}

static void make_pin(const struct work *work, const struct cell *cell, struct pin *out)
{
	for (size_t i = 0; i < work->n_wanted; i++) {
		if (is_chosen(work, i) && make_condition(&work->wanted[i], cell->values[i],
						  &out->conds[out->n_conds]))
			out->n_conds++;
	}
}

static void note_left_out(const struct work *work, struct pins *out)
{
	for (size_t i = 0; i < work->n_wanted; i++) {
		if (!is_chosen(work, i))
			add_open(&out->gaps, work->wanted[i].index, OPEN_COMBINATIONS);
	}
}

unsigned pins_indexes(const struct pin *pins, size_t n_pins)
{
	unsigned indexes = 0;

	for (size_t i = 0; i < n_pins; i++) {
		for (size_t j = 0; j < pins[i].n_conds; j++)
			indexes |= 1u << pins[i].conds[j].index;
	}
	return indexes;
}

void pins_give_up(struct pins *pins, enum pin_why why)
{
	unsigned indexes = pins_indexes(pins->pins, pins->n_pins);

	for (uint8_t index = 0; index < SYSCALL_ARGS; index++) {
		if (indexes >> index & 1)
			add_open(&pins->gaps, index, why);
	}
	free(pins->pins);
	pins->pins = NULL;
	pins->n_pins = 0;
}

static bool any_denied(const struct pin_call *call)
{
	for (size_t i = 0; i < call->n_abis; i++) {
		const struct rec_call *seen = seen_under(call, call->abis[i]);

		if (seen && seen->denied > 0)
			return true;
	}
	return false;
}

/* The cells as pins.  One that demands nothing makes all the others void. */
static int write_pins(const struct work *work, struct pins *out, struct err *e)
{
	out->pins = calloc(work->n_cells + 1, sizeof(*out->pins));
	if (!out->pins)
		return err_nomem(e);
	for (size_t i = 0; i < work->n_cells; i++) {
		make_pin(work, &work->cells[i], &out->pins[i]);
		if (out->pins[i].n_conds == 0) {
			out->n_pins = 0;
			return 0;
		}
		out->n_pins++;
	}
	out->gaps.denied_in_part = any_denied(work->call);
	return 0;
}

int pins_make(const struct pin_call *call, struct pins *out, struct err *e)
{
	scoped(pins_done) struct pins pins = {0};
	struct work work = {.call = call};

	want_rows(&work);
	drop_unknown(&work, &pins);
	if (work.n_wanted > 0) {
		choose(&work);
		make_alike(&work);
		note_left_out(&work, &pins);
		if (write_pins(&work, &pins, e))
			return -e->code;
	}
	*out = pins;
	pins = (struct pins){0};
	return 0;
}
