#include "recording_parts.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

_Static_assert(ARG_VALUES_MAX == ARG_TUPLES_MAX, "sets of values and of tuples have one bound");

int arg_tuple_compare(const uint64_t *a, const uint64_t *b, size_t width)
{
	for (size_t i = 0; i < width; i++) {
		if (a[i] != b[i])
			return a[i] < b[i] ? -1 : 1;
	}
	return 0;
}

static void set_done(struct arg_set *set)
{
	free(set->tuples);
	*set = (struct arg_set){0};
}

static void set_many(struct arg_set *set)
{
	set_done(set);
	set->many = true;
}

/* The index of the first tuple that is not before @tuple. */
static size_t set_position(const struct arg_set *set, size_t width, const uint64_t *tuple)
{
	size_t low = 0, high = set->n_tuples;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (arg_tuple_compare(set->tuples + middle * width, tuple, width) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* Room for one more; the sizes are powers of two. */
static int set_grow(struct arg_set *set, size_t width)
{
	size_t n = set->n_tuples;
	uint64_t *grown;

	if ((n & (n - 1)) != 0)
		return 0;
	grown = reallocarray(set->tuples, n ? 2 * n : 1, width * sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	set->tuples = grown;
	return 0;
}

/* There must be room. */
static void set_insert(struct arg_set *set, size_t width, size_t at, const uint64_t *tuple)
{
	uint64_t *place = set->tuples + at * width;

	memmove(place + width, place, (set->n_tuples - at) * width * sizeof(*place));
	memcpy(place, tuple, width * sizeof(*place));
	set->n_tuples++;
}

int arg_set_add(struct arg_set *set, size_t width, const uint64_t *tuple)
{
	size_t at = set_position(set, width, tuple);

	if (set->many ||
		(at < set->n_tuples && !arg_tuple_compare(set->tuples + at * width, tuple, width)))
		return 0;
	if (set->n_tuples == ARG_TUPLES_MAX) {
		set_many(set);
		return 0;
	}
	if (set_grow(set, width)) {
		set_many(set);
		return -ENOMEM;
	}
	set_insert(set, width, at, tuple);
	return 0;
}

size_t arg_set_project(
	const struct arg_set *set, size_t width, size_t part, uint64_t out_values[ARG_VALUES_MAX])
{
	struct arg_set values = {.tuples = out_values};

	for (size_t i = 0; i < set->n_tuples; i++) {
		const uint64_t *value = set->tuples + i * width + part;
		size_t at = set_position(&values, 1, value);

		if (at == values.n_tuples || out_values[at] != *value)
			set_insert(&values, 1, at, value);
	}
	return values.n_tuples;
}

/* An empty @into becomes a copy. */
static int set_join(struct arg_set *into, const struct arg_set *from, size_t width)
{
	if (from->many)
		set_many(into);
	for (size_t i = 0; i < from->n_tuples; i++) {
		if (arg_set_add(into, width, from->tuples + i * width))
			return -ENOMEM;
	}
	return 0;
}

bool arg_set_equal(const struct arg_set *a, const struct arg_set *b, size_t width)
{
	if (a->many != b->many || a->n_tuples != b->n_tuples)
		return false;
	return a->n_tuples == 0 ||
	       !memcmp(a->tuples, b->tuples, a->n_tuples * width * sizeof(*a->tuples));
}

void rec_args_done(struct rec_args *args)
{
	for (size_t i = 0; i < args->n_args; i++)
		set_done(&args->args[i].values);
	set_done(&args->tuples);
	*args = (struct rec_args){0};
}

/* Whether @args looks at what @rows list; what nothing is noted in yet does from now on. */
static bool take_rows(struct rec_args *args, const struct arg_row *rows, size_t n_rows)
{
	if (args->n_args == 0) {
		for (size_t i = 0; i < n_rows; i++)
			args->args[i] = (struct rec_arg){
				.index = rows[i].index, .bits = rows[i].bits};
		args->n_args = n_rows;
	}
	if (args->n_args != n_rows)
		return false;
	for (size_t i = 0; i < n_rows; i++) {
		if (args->args[i].index != rows[i].index || args->args[i].bits != rows[i].bits)
			return false;
	}
	return true;
}

int rec_args_add(struct rec_args *args, const struct arg_row *rows, size_t n_rows,
	const uint64_t values[ARGS_PER_CALL_MAX])
{
	uint64_t tuple[ARGS_PER_CALL_MAX];
	int code = 0;

	if (!take_rows(args, rows, n_rows))
		return -EINVAL;
	for (size_t i = 0; i < n_rows; i++) {
		tuple[i] = arg_cut(values[i], rows[i].bits);
		if (arg_set_add(&args->args[i].values, 1, &tuple[i]))
			code = -ENOMEM;
	}
	if (n_rows > 1 && arg_set_add(&args->tuples, n_rows, tuple))
		code = -ENOMEM;
	/* Tuples say no more of an argument than its values do. */
	for (size_t i = 0; code && i < n_rows; i++) {
		if (args->args[i].values.many)
			set_many(&args->tuples);
	}
	return code;
}

int rec_args_add_value(struct rec_args *args, const struct arg_row *rows, size_t n_rows,
	size_t part, uint64_t value)
{
	uint64_t cut = arg_cut(value, rows[part].bits);

	if (!take_rows(args, rows, n_rows) || !args->tuples.many)
		return -EINVAL;
	return arg_set_add(&args->args[part].values, 1, &cut);
}

int rec_args_many(struct rec_args *args, const struct arg_row *rows, size_t n_rows)
{
	if (!take_rows(args, rows, n_rows))
		return -EINVAL;
	for (size_t i = 0; i < n_rows; i++)
		set_many(&args->args[i].values);
	if (n_rows > 1)
		set_many(&args->tuples);
	return 0;
}

const struct rec_arg *rec_args_find(const struct rec_args *args, unsigned index)
{
	for (size_t i = 0; i < args->n_args; i++) {
		if (args->args[i].index == index)
			return &args->args[i];
	}
	return NULL;
}

/* The argument of @args that has the index and the width of @wanted, or NULL. */
static const struct rec_arg *find_same(const struct rec_args *args, const struct rec_arg *wanted)
{
	const struct rec_arg *arg = rec_args_find(args, wanted->index);

	return arg && arg->bits == wanted->bits ? arg : NULL;
}

/* Whether both look at the same. */
static bool look_alike(const struct rec_args *a, const struct rec_args *b)
{
	if (a->n_args != b->n_args)
		return false;
	for (size_t i = 0; i < a->n_args; i++) {
		if (!find_same(b, &a->args[i]))
			return false;
	}
	return true;
}

bool rec_args_equal(const struct rec_args *a, const struct rec_args *b)
{
	if (!look_alike(a, b) || !arg_set_equal(&a->tuples, &b->tuples, a->n_args))
		return false;
	for (size_t i = 0; i < a->n_args; i++) {
		if (!arg_set_equal(&a->args[i].values, &b->args[i].values, 1))
			return false;
	}
	return true;
}

int rec_args_copy(struct rec_args *to, const struct rec_args *from)
{
	int code = 0;

	*to = (struct rec_args){.n_args = from->n_args};
	for (size_t i = 0; !code && i < from->n_args; i++) {
		to->args[i].index = from->args[i].index;
		to->args[i].bits = from->args[i].bits;
		code = set_join(&to->args[i].values, &from->args[i].values, 1);
	}
	if (!code)
		code = set_join(&to->tuples, &from->tuples, from->n_args);
	if (code)
		rec_args_done(to);
	return code;
}

/* Drop from @args what @other does not look at, and with it the tuples. */
static void keep_common(struct rec_args *args, const struct rec_args *other)
{
	size_t kept = 0;

	for (size_t i = 0; i < args->n_args; i++) {
		if (find_same(other, &args->args[i]))
			args->args[kept++] = args->args[i];
		else
			set_done(&args->args[i].values);
	}
	args->n_args = kept;
	if (kept > 1)
		set_many(&args->tuples);
	else
		set_done(&args->tuples);
}

int rec_args_join(struct rec_args *into, const struct rec_args *from)
{
	bool alike = look_alike(into, from);

	if (!alike)
		keep_common(into, from);
	for (size_t i = 0; i < into->n_args; i++) {
		if (set_join(&into->args[i].values, &find_same(from, &into->args[i])->values, 1))
			return -ENOMEM;
	}
	return alike ? set_join(&into->tuples, &from->tuples, into->n_args) : 0;
}
