#include "report_parts.h"

#include <stdlib.h>
#include <string.h>

#include "phase.h"
#include "scope.h"

/* Colours for marked phases follow those of the three that every workload has, and come round. */
enum { COLOURS_MARKED = 4, COLOUR_NONE = PHASE_MARKS + COLOURS_MARKED };

static int by_name(const void *a, const void *b)
{
	const struct report_call *x = a, *y = b;
	int order = strcmp(x->name, y->name);

	return order ? order : (x->call > y->call) - (x->call < y->call);
}

static int by_first(const void *a, const void *b)
{
	const struct report_call *const *x = a, *const *y = b;

	if ((*x)->first_ns != (*y)->first_ns)
		return (*x)->first_ns < (*y)->first_ns ? -1 : 1;
	return (*x > *y) - (*x < *y);
}

/* The start of the workload, or the first call, if that was seen before. */
static uint64_t start_of(const struct recording *rec)
{
	uint64_t start = rec->workload.started_ns;

	for (size_t i = 0; i < rec->n_calls; i++) {
		uint64_t first = rec->calls[i].first_ns;

		if (first && (!start || first < start))
			start = first;
	}
	return start;
}

/* Until the end of the workload, or the last call, if that was seen after it. */
static uint64_t span_of(const struct report *report)
{
	uint64_t end = report->rec->workload.ended_ns;

	for (size_t i = 0; i < report->rec->n_calls; i++) {
		if (report->rec->calls[i].last_ns > end)
			end = report->rec->calls[i].last_ns;
	}
	return end > report->start_ns ? end - report->start_ns : 0;
}

static void name_calls(struct report *report)
{
	const struct recording *rec = report->rec;

	for (size_t i = 0; i < rec->n_calls; i++) {
		const struct rec_call *call = &rec->calls[i];
		uint64_t last = call->last_ns > call->first_ns ? call->last_ns : call->first_ns;

		report->calls[i] = (struct report_call){
			.call = call,
			.timed = call->first_ns != 0,
			.first_ns = call->first_ns - report->start_ns,
			.last_ns = last - report->start_ns,
			.phase = PHASE_NONE,
		};
		rec_call_name(call, report->calls[i].name);
		report->n_denied += call->denied > 0;
		report->many_abis |= call->abi != rec->calls[0].abi;
	}
	qsort(report->calls, rec->n_calls, sizeof(*report->calls), by_name);
}

static unsigned colour_of(const char *name, unsigned *n_marked)
{
	for (unsigned i = 0; i < PHASE_MARKS; i++) {
		if (!strcmp(phase_name(i), name))
			return i;
	}
	return PHASE_MARKS + (*n_marked)++ % COLOURS_MARKED;
}

static void note_begin(struct report *report, size_t phase, uint64_t time_ns)
{
	uint64_t since = time_ns > report->start_ns ? time_ns - report->start_ns : 0;

	if (time_ns && since < report->phases[phase].begin_ns)
		report->phases[phase].begin_ns = since;
}

/*
 * A recording does not say when a phase began; the first call that was certainly made in it does,
 * to within moments: an origin, or a call that was made in no other phase.
 */
static void find_begins(struct report *report)
{
	const struct recording *rec = report->rec;

	for (size_t i = 0; i < rec->n_calls; i++) {
		const struct rec_call *call = &rec->calls[i];

		if (bits_count(&call->phases) == 1)
			note_begin(report, bits_next(&call->phases, 0), call->first_ns);
	}
	for (size_t i = 0; i < rec->n_origins; i++)
		note_begin(report, rec->origins[i].phase, rec->origins[i].time_ns);
}

static void set_phases(struct report *report)
{
	unsigned n_marked = 0;

	for (size_t i = 0; i < report->rec->phases.n_names; i++)
		report->phases[i] = (struct report_phase){
			.begin_ns = UINT64_MAX,
			.colour = colour_of(report->rec->phases.names[i], &n_marked),
		};
	find_begins(report);
}

/* Of its phases the one that began first. */
static uint32_t first_phase(const struct report *report, const struct rec_call *call)
{
	size_t found = bits_next(&call->phases, 0), next = found;

	if (found == SIZE_MAX)
		return PHASE_NONE;
	while ((next = bits_next(&call->phases, next + 1)) != SIZE_MAX) {
		if (report->phases[next].begin_ns < report->phases[found].begin_ns)
			found = next;
	}
	return (uint32_t)found;
}

static void order_calls(struct report *report)
{
	for (size_t i = 0; i < report->rec->n_calls; i++) {
		struct report_call *call = &report->calls[i];

		call->phase = first_phase(report, call->call);
		if (call->phase != PHASE_NONE)
			report->phases[call->phase].n_new++;
		if (call->timed)
			report->timed[report->n_timed++] = call;
	}
	qsort(report->timed, report->n_timed, sizeof(*report->timed), by_first);
}

static int set_scale(struct report *report, struct err *e)
{
	scoped_free uint64_t *times = calloc(report->n_timed + 1, sizeof(*times));

	if (!times)
		return err_nomem(e);
	for (size_t i = 0; i < report->n_timed; i++)
		times[i] = report->timed[i]->first_ns;
	report->scale = scale_for(span_of(report), times, report->n_timed);
	return 0;
}

int report_init(struct report *out, const struct recording *rec, struct err *e)
{
	*out = (struct report){
		.rec = rec,
		.start_ns = start_of(rec),
		.shaded = rec->n_sources == 1 && rec->phases.n_names <= PHASES_MAX,
		.calls = calloc(rec->n_calls + 1, sizeof(*out->calls)),
		.timed = calloc(rec->n_calls + 1, sizeof(*out->timed)),
		.phases = calloc(rec->phases.n_names + 1, sizeof(*out->phases)),
	};
	if (!out->calls || !out->timed || !out->phases) {
		report_done(out);
		return err_nomem(e);
	}
	name_calls(out);
	set_phases(out);
	order_calls(out);
	if (set_scale(out, e)) {
		report_done(out);
		return -e->code;
	}
	return 0;
}

void report_done(struct report *report)
{
	free(report->calls);
	free(report->timed);
	free(report->phases);
	*report = (struct report){0};
}

unsigned report_colour(const struct report *report, uint32_t phase)
{
	return phase == PHASE_NONE ? COLOUR_NONE : report->phases[phase].colour;
}
