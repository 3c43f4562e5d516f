/*
 * pin.h: from the arguments that a call was recorded with, the conditions under which it is
 * allowed.
 *
 * A condition is about what the kernel looks at: the bits of the argument's own type (args.h) that
 * are safe to pin, never the whole register, for libraries differ in what they leave above an int.
 * So every condition is a MASKED_EQ.  What was seen is always allowed; where more was seen than
 * can be said, arguments are left open, and why is part of the answer.
 *
 * A rule of a profile speaks of a name under every ABI that the profile lists.  So what is recorded
 * under one is allowed under all, and an argument is pinned only if it lies at the same place
 * under every ABI that the call was recorded under.
 */
#ifndef SYSCLAMP_PIN_H
#define SYSCLAMP_PIN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "args.h"
#include "err.h"
#include "profile.h"
#include "profiler.h"
#include "recording.h"

enum { PIN_COMBINATIONS_MAX = 16 }; /* of values of one call's arguments; more are widened */

/* Why an argument that the mode would pin is left open. */
enum pin_why {
	OPEN_COMBINATIONS, /* more than PIN_COMBINATIONS_MAX with it */
	OPEN_MANY, /* more values than a recording keeps, or not known of every call */
	OPEN_UNRECORDED, /* the recorder did not look at it */
	OPEN_ELSEWHERE, /* it lies elsewhere under an ABI that the call was recorded under */
	OPEN_ABSENT, /* what an ABI of the profile needs was recorded under another */
	OPEN_CARRIED, /* libseccomp would get the rules wrong, for socketcall or ipc carries the
			 call */
	OPEN_SHARED, /* something else than the recording needs the call as well */
	OPEN_WHYS,
};

/** Whether @mode pins the argument, if it can be. */
bool pin_wants(enum pin_mode mode, const struct arg_row *row);

/** Whether C libraries make the call by themselves and differ in its arguments. */
bool pin_is_of_libraries(const char *name);

/** "safe" */
const char *pin_mode_name(enum pin_mode mode);

/** For programs: "many". */
const char *pin_why_name(enum pin_why why);

/** For people: "more values were seen than a recording keeps". */
const char *pin_why_text(enum pin_why why);

/* One way in which the arguments of a call may stand together: at least one condition. */
struct pin {
	struct condition conds[SYSCALL_ARGS]; /* of different indexes, ascending */
	size_t n_conds;
};

/* What the pins of a call leave open. */
struct pin_gaps {
	struct pin_open {
		uint8_t index;
		enum pin_why why;
	} open[ARGS_PER_CALL_MAX]; /* arguments that the mode would pin, by ascending index */
	size_t n_open;
	/* A filter denied some of the calls: with which arguments is not known, so all are in. */
	bool denied_in_part;
};

struct pins {
	struct pin *pins; /* heap; any one of them lets the call pass; none: no conditions */
	size_t n_pins; /* at most PIN_COMBINATIONS_MAX */
	struct pin_gaps gaps;
};

void pins_done(struct pins *pins);

/* The call to pin. */
struct pin_call {
	const struct recording *rec;
	const struct abi *const *abis; /* @n_abis that the profile lists */
	size_t n_abis;
	const char *name;
	enum pin_mode mode;
};

/**
 * The pins of a call that is allowed because it was recorded and for no other reason.
 *
 * Deterministic; calls that a filter always denied count for nothing.
 *
 * @out: to be released with pins_done().
 * Errors: -ENOMEM.
 */
int pins_make(const struct pin_call *call, struct pins *out, struct err *e);

/** The arguments that at least one pin is about: bit i for index i. */
unsigned pins_indexes(const struct pin *pins, size_t n_pins);

/** Leave open, for @why, what was to be pinned. */
void pins_give_up(struct pins *pins, enum pin_why why);

/**
 * The name of a call that does the same as @name with arguments that no filter sees, or NULL: where
 * that is allowed, pins of @name hold nobody.
 */
const char *pin_bypass(const char *name);

#endif
