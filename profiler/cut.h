/*
 * cut.h: a profile while it is being cut from a recording.  Private to the steps that cut it:
 *
 *   generate.c   whether a recording will do, and the order of the steps
 *   cut_select.c which recorded calls count
 *   cut_names.c  which ABIs and names go in, and what put each there
 *   cut_arch.c   what stands for them on another architecture
 *   cut_pin.c    with which arguments (pin.h)
 *   cut_write.c  the rules that say so
 *   cut_stack.c  the profile that they are added to
 *   cut_tell.c   what people are told of it
 *   cut_notes.c  the file that says why each name is there
 *
 * What put a name in is enum allowed_by (allowed.h).
 */
#ifndef SYSCLAMP_CUT_H
#define SYSCLAMP_CUT_H

#include "allowed.h"
#include "closure.h"
#include "err.h"
#include "profile.h"
#include "profiler.h"
#include "recording.h"

struct cut {
	const char *name; /* of the recording, for errors */
	const struct recording *rec;
	const struct generate_options *options;
	const struct notice *to;
	struct bits
		phases; /* asked for: indexes into rec->phases; counts if options->n_phases > 0 */
	size_t exec; /* index of phase exec in rec->phases, or SIZE_MAX */
	struct profile profile; /* default action and ABIs first, the rules last */
	bool late; /* a recording with such a phase began when the program ran already */
	struct allowed seen; /* what the program called, in whatever phase; BY_RECORDING */
	struct allowed allowed;
};

/* Why a call that was recorded says nothing of what to allow. */
enum left_out {
	KEPT, /* it does */
	OUT_PHASE, /* it was made in none of the phases that were asked for */
	OUT_EXEC, /* it was made only by what entered from outside, which was not asked for */
	OUT_DENIED, /* a filter denied it whenever it was made */
	OUT_UNKNOWN, /* it has no name, and the kernel answered ENOSYS whenever it was made */
	OUT_NEEDLESS, /* nothing has to stand for it on the architecture asked for */
	OUT_UNMAPPED, /* nothing stands for it on the architecture asked for */
	OUT_REASONS,
};

/**
 * Find the phases that cut->options names, and whether cut->late.
 *
 * Errors: -EINVAL for one that the recording does not have, with those that it has.
 */
int cut_select(struct cut *cut, struct err *e);

enum left_out cut_left_out(const struct cut *cut, const struct rec_call *call);

/** The same if all phases of the program had been asked for: what the program is known to do. */
enum left_out cut_left_out_of_all(const struct cut *cut, const struct rec_call *call);

/** Whether the profile lacks the call for this reason: nothing else put its name in. */
bool cut_is_left_out(const struct cut *cut, const struct rec_call *call, enum left_out why);

/** Whether @call was recorded under another ABI than the one asked for. */
bool cut_is_mapped(const struct cut *cut, const struct rec_call *call);

/** Whether by @row of closure_arch() another call stands for @call, which is called @name. */
bool cut_maps(const struct cut *cut, const struct closure_row *row, const struct rec_call *call,
	const char *name);

/** Whether by @row programs for the ABI asked for start by a call that nothing recorded stands for.
 */
bool cut_starts_by(const struct cut *cut, const struct closure_row *row);

/** Why a call that was recorded has nothing in its place on the ABI asked for, or KEPT. */
enum left_out cut_left_out_by_arch(
	const struct cut *cut, const struct rec_call *call, const char *name);

/**
 * List in cut->profile the host's own ABI, and those that were recorded, in the order of the table;
 * or the one that was asked for.
 *
 * Errors: -EINVAL for ABIs of both byte orders.
 */
int cut_list_abis(struct cut *cut, struct err *e);

/**
 * Put in what was recorded, what the runtime needs, what other C libraries call for the same, and
 * what is implied.
 *
 * Errors: -EINVAL for a number without a name that did something; if nothing is left to allow.
 */
int cut_add_names(struct cut *cut, struct err *e);

/** Whether @row of closure_portable() is asked for and holds for what was recorded. */
bool cut_ports(const struct cut *cut, const struct closure_row *row);

/** Whether @row of closure_implied() holds for what was recorded, or for what was not. */
bool cut_implies(const struct cut *cut, const struct closure_row *row);

/** Whether @row, which holds, does so only for what was not recorded: the start came too early. */
bool cut_implies_late(const struct cut *cut, const struct closure_row *row);

/** Whether a profile is for an ABI; one that lists none is for the native one. */
bool cut_lists_abi(const struct profile *profile, const struct abi *abi);

/** Narrow names down to the arguments that they were recorded with, as the options ask. */
int cut_pin_names(struct cut *cut, struct err *e);

/**
 * Write the rules of cut->profile: one that allows every name without pins, then, in the order of
 * their first name, one for each different pin, with all names that have it.
 */
int cut_write_rules(struct cut *cut, struct err *e);

/**
 * Lay the rules over options->base, if there is one: cut->profile becomes both, and the names that
 * the base allows are in cut->allowed BY_PROFILE.
 */
int cut_stack(struct cut *cut, struct err *e);

/** For messages, the C libraries asked for: "glibc and musl"; returns @buf. */
const char *cut_libcs(const struct cut *cut, char buf[SYSCALL_NAME_MAX]);

/** Say what was added, what was left out, and what may surprise. */
void cut_tell(const struct cut *cut);

/** Write the notes (sysclamp-notes(5)): heap, owned by the caller.  Same cut, same bytes. */
int cut_notes(const struct cut *cut, char **out_text, size_t *out_size, struct err *e);

#endif
