/*
 * completeness.h: what the runs that were recorded say about the next one.
 *
 * The unit is a run (a source of a recording), and each phase is looked at for itself.  Two figures
 * are given: the chance that one more run of the same kind shows a call that none showed before, by
 * leaving out each run in turn, which is the share of runs that hold a call seen in no other; and
 * how many new calls that run is expected to show, which is the number of calls seen in one run
 * only by the number of runs (Good and Turing's).
 *
 * Both measure the workload, and not the program: a run that is repeated without a change makes
 * them 0, while the program may hold any number of other calls.  So the sentence that says so goes
 * with them always, and no total is ever estimated: such estimates were measured, and drift.
 */
#ifndef SYSCLAMP_COMPLETENESS_H
#define SYSCLAMP_COMPLETENESS_H

#include <stdbool.h>
#include <stddef.h>

#include "err.h"
#include "recording.h"

enum { COMPLETENESS_TEXT_MAX = 256 };

/* The phase of completeness_of() for all phases together. */
#define COMPLETENESS_WHOLE SIZE_MAX

struct completeness {
	size_t n_runs; /* that made a call in the phase */
	size_t n_runs_alone; /* of these: made one that no other run made in it */
	size_t n_calls; /* different ones */
	size_t n_calls_once; /* of these: made in one run only */
	bool alike; /* each run made all of the calls */
};

/**
 * Count.
 *
 * @phase: an index into @rec's phases, or COMPLETENESS_WHOLE.
 */
struct completeness completeness_of(const struct recording *rec, size_t phase);

/**
 * The chance that one more run shows a new call, 0...1, and how many it is expected to show, 0 and
 * more.  Not to be asked of fewer than two runs: one says nothing about the next.
 */
double completeness_chance(const struct completeness *seen);
double completeness_expected(const struct completeness *seen);

/** What there is to say, for people: "5 runs: ..."; to @buf, COMPLETENESS_TEXT_MAX. Returns @buf.
 */
const char *completeness_text(const struct completeness *seen, char *buf);

/** The sentence that goes with the figures. */
extern const char completeness_caveat[];

/**
 * The @index-th of the phases that servers have and that @rec, which serves, lacks: only marks can
 * have told them apart.  NULL behind the last, and for what does not serve.
 */
const char *completeness_missing(const struct recording *rec, size_t index);

/** Tell @to all of it. */
void completeness_tell(const struct recording *rec, const struct notice *to);

#endif
