/*
 * report_parts.h: what the files of a report (report.h) have in common: the recording as it is
 * shown.
 */
#ifndef SYSCLAMP_REPORT_PARTS_H
#define SYSCLAMP_REPORT_PARTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "html.h"
#include "recording.h"
#include "time_units.h"

enum {
	TICKS_MAX = 16,
	TIME_TEXT_MAX = 32,
	PHASE_NONE = UINT32_MAX, /* no phase is recorded */
};

/* A mark on the axis of time. */
struct tick {
	uint64_t ns; /* since the start */
	char text[TIME_TEXT_MAX];
};

/*
 * The axis of time.  Most calls are seen for the first time within moments, and a server then runs
 * for days: where an even axis would heap them up at its beginning, it is one of powers of ten.
 */
struct scale {
	uint64_t span_ns; /* at least 1 */
	uint64_t least_ns; /* of a logarithmic axis: where it begins; else 0 */
	struct tick ticks[TICKS_MAX];
	size_t n_ticks;
};

struct report_call {
	const struct rec_call *call;
	char name[SYSCALL_NAME_MAX];
	bool timed; /* when it was seen is known */
	uint64_t first_ns, last_ns; /* since the start; of what is timed */
	uint32_t phase; /* in which it was first seen: an index, or PHASE_NONE */
};

struct report_phase {
	uint64_t begin_ns; /* the first call that was certainly made in it; UINT64_MAX: none */
	unsigned colour; /* of the style sheet: .p0, .p1, ... */
	size_t n_new; /* calls first seen in it */
};

struct report {
	const struct recording *rec;
	uint64_t start_ns; /* since the Unix epoch; 0 if nothing has a time */
	struct report_call *calls; /* by name, and ABI; rec->n_calls of them */
	const struct report_call **timed; /* by first sight */
	size_t n_timed;
	size_t n_denied; /* calls that were, at least once */
	struct report_phase *phases; /* rec->phases.n_names of them */
	bool many_abis; /* names alone do not tell calls apart */
	bool shaded; /* phases follow each other on the axis: there is one source */
	struct scale scale;
};

/** Look at @rec, which must stay.  @out: to be released with report_done().  Errors: -ENOMEM. */
int report_init(struct report *out, const struct recording *rec, struct err *e);
void report_done(struct report *report);

/** The colour of a phase as the style sheet has it; of none, the neutral one. */
unsigned report_colour(const struct report *report, uint32_t phase);

/**
 * The axis for a recording of @span_ns, on which the @n ascending times @first_ns lie well apart.
 */
struct scale scale_for(uint64_t span_ns, const uint64_t *first_ns, size_t n);

/** Where a time is on the axis, in percent. */
double scale_at(const struct scale *scale, uint64_t ns);

/** "830 µs", "12.4 ms", "3.20 s", "4 min 12 s", "2 h 05 min", "3 d 4 h"; to @buf, TIME_TEXT_MAX. */
const char *time_text(uint64_t ns, char *buf);

/** A number with its digits in groups of three. */
void report_put_count(struct html *html, uint64_t count);

/* The parts of the page. */
void report_put_discovery(struct html *html, const struct report *report);
void report_put_timeline(struct html *html, const struct report *report);
void report_put_completeness(struct html *html, const struct report *report);
void report_put_table(struct html *html, const struct report *report);

/** What is known of a call beyond its row of the table: its arguments. */
void report_put_details(
	struct html *html, const struct report *report, const struct report_call *call);

#endif
