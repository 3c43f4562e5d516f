/*
 * recording_args.h: with which arguments a call was seen.
 *
 * Kept are the arguments that args.h lists, cut to the kernel's width, each for itself and all
 * together as tuples, so that a profile can ask for (AF_INET, SOCK_STREAM) without allowing
 * (AF_INET, SOCK_RAW).  Every set has a bound; past it, it says "many" and nothing else: a set is
 * whole or not there.
 *
 * Which indexes and widths were looked at is part of the data: recordings of versions with other
 * tables can be read and joined.
 */
#ifndef SYSCLAMP_RECORDING_ARGS_H
#define SYSCLAMP_RECORDING_ARGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "args.h"

/* Different tuples of equal length, sorted; a tuple of one is a value. */
struct arg_set {
	uint64_t *tuples; /* heap: n_tuples of them, one after the other */
	size_t n_tuples;
	bool many; /* there were more than ARG_TUPLES_MAX, or some are not known; none is kept */
};

struct rec_arg {
	uint8_t index;
	uint8_t bits; /* 32 or 64 */
	struct arg_set values;
};

/*
 * Zeroed: nothing is recorded, the arguments may have been any.  Otherwise every set has a member
 * or says many; unless tuples says many, each argument's values are those in the tuples.
 */
struct rec_args {
	struct rec_arg args[ARGS_PER_CALL_MAX]; /* sorted by index */
	size_t n_args;
	struct arg_set tuples; /* of n_args values each; unused with fewer than two arguments */
};

void rec_args_done(struct rec_args *args);

/**
 * Note the arguments of one call that was made.  To be called for every call counted, or
 * rec_args_many() in its place: what is said of arguments is said of all calls.
 *
 * @rows: what args_of_call() gave, @n_rows of them; of one @args always the same.
 * @values: values[i] is the argument of rows[i], with whatever is above its width.
 *
 * Returns 0, -EINVAL if @rows differ from those noted before (and nothing is changed), or -ENOMEM:
 * then what could not be noted says many.
 */
int rec_args_add(struct rec_args *args, const struct arg_row *rows, size_t n_rows,
	const uint64_t values[ARGS_PER_CALL_MAX]);

/**
 * Note one argument of a call that was made, whose tuples say many already: that of rows[@part].
 * Returns as rec_args_add() does.
 */
int rec_args_add_value(struct rec_args *args, const struct arg_row *rows, size_t n_rows,
	size_t part, uint64_t value);

/** Note a call whose arguments are not known: all sets say many.  Returns 0 or -EINVAL, as above.
 */
int rec_args_many(struct rec_args *args, const struct arg_row *rows, size_t n_rows);

/** What is recorded of argument @index, or NULL. */
const struct rec_arg *rec_args_find(const struct rec_args *args, unsigned index);

bool rec_args_equal(const struct rec_args *a, const struct rec_args *b);

/** @to is overwritten.  Returns 0 or -ENOMEM, and then @to is zeroed. */
int rec_args_copy(struct rec_args *to, const struct rec_args *from);

/**
 * Join what was seen in another recording of the same call into @into: associative, commutative,
 * idempotent.
 *
 * Sets are united, many absorbs.  Kept are the arguments (index and width) that both sides looked
 * at; if one side looked at more, the tuples say many: they depend on what was looked at, and a
 * projection of what was cut off at a bound would depend on the order of joins.  Nothing recorded
 * on one side is nothing recorded in the join.
 *
 * Returns 0 or -ENOMEM, and then @into is good for rec_args_done() only.
 */
int rec_args_join(struct rec_args *into, const struct rec_args *from);

#endif
