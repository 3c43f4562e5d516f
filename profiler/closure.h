/*
 * closure.h: calls that follow from others, or from being a program at all.
 *
 * The rows are profiles/implied.tsv, portable.tsv and arch.tsv, compiled in.
 */
#ifndef SYSCLAMP_CLOSURE_H
#define SYSCLAMP_CLOSURE_H

#include <stdbool.h>
#include <stddef.h>

#include "allowed.h"

/* Texts in place: see systemd_groups.h. */
struct closure_row {
	char name[32]; /* the call that is added */
	char when[96]; /* "-": always; "a|b": where one of these is there; see closure_names_late()
			*/
	char group[16]; /* what it is about: "clock"; of closure_portable() the C library */
	char reason[176], source[128]; /* for people */
};

/** A static table, sorted by group and name; @out_len its length. */
const struct closure_row *closure_implied(size_t *out_len);

/** Likewise: what a C library calls where another one calls what is in `when`. */
const struct closure_row *closure_portable(size_t *out_len);

/**
 * Likewise, for another architecture: `name` stands there for `when`.  A group that is the name of
 * an ABI, with "-" in `when`, is a call by which every program starts there; "none": `name` needs
 * nothing in its place elsewhere.
 */
const struct closure_row *closure_arch(size_t *out_len);

/**
 * Whether @row follows from the names that are in @set for one of the reasons @by (enum allowed_by,
 * or'ed).  Names that were put in for another reason bring nothing with them: who needs those is
 * no part of the program.
 */
bool closure_follows(const struct closure_row *row, const struct allowed *set, unsigned by);

/** Whether the call is among its own conditions: then the row says that a call which was made in
 * one phase may be made in any. */
bool closure_names_itself(const struct closure_row *row);

/** Whether "late" is among its conditions, which is no call: the row holds also where recording
 * began when the program ran already, for its start would have shown one of the others. */
bool closure_names_late(const struct closure_row *row);

#endif
