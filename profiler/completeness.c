#include "completeness.h"

#include <stdio.h>
#include <string.h>

#include "phase.h"
#include "scope.h"

enum { WORD_BITS = 64 };

/* Runs by their indexes; on the stack, so that nothing can fail. */
struct runs {
	uint64_t words[RECORDING_SOURCES_MAX / WORD_BITS];
};

/* Names that marks give; what is seen in them is what long runs miss. */
static const char *const MISSED[] = {"reload", "stop"};

const char completeness_caveat[] =
	"this measures the workload that was recorded, and not the program: what other work "
	"would call is not in it";

static void runs_add(struct runs *runs, size_t run)
{
	runs->words[run / WORD_BITS] |= 1ULL << (run % WORD_BITS);
}

static void runs_add_all(struct runs *runs, const struct bits *sources)
{
	for (size_t i = 0; i < sources->n_words; i++)
		runs->words[i] |= bits_words(sources)[i];
}

static size_t runs_count(const struct runs *runs)
{
	size_t count = 0;

	for (size_t i = 0; i < ARRAY_LEN(runs->words); i++)
		count += (size_t)__builtin_popcountll(runs->words[i]);
	return count;
}

/* The runs that made @call in @phase, or NULL. */
static const struct bits *runs_of(const struct rec_call *call, size_t phase)
{
	if (phase == COMPLETENESS_WHOLE)
		return &call->sources;
	return bits_has(&call->phases, phase) ? rec_call_seen_in(call, phase) : NULL;
}

struct completeness completeness_of(const struct recording *rec, size_t phase)
{
	struct completeness seen = {.alike = true};
	struct runs all = {{0}}, alone = {{0}};

	for (size_t i = 0; i < rec->n_calls; i++) {
		const struct bits *runs = runs_of(&rec->calls[i], phase);

		if (!runs)
			continue;
		seen.n_calls++;
		runs_add_all(&all, runs);
		if (bits_count(runs) == 1) {
			seen.n_calls_once++;
			runs_add(&alone, bits_next(runs, 0));
		}
	}
	seen.n_runs = runs_count(&all);
	seen.n_runs_alone = runs_count(&alone);
	for (size_t i = 0; i < rec->n_calls; i++) {
		const struct bits *runs = runs_of(&rec->calls[i], phase);

		seen.alike &= !runs || bits_count(runs) == seen.n_runs;
	}
	return seen;
}

double completeness_chance(const struct completeness *seen)
{
	return (double)seen->n_runs_alone / (double)seen->n_runs;
}

double completeness_expected(const struct completeness *seen)
{
	return (double)seen->n_calls_once / (double)seen->n_runs;
}

const char *completeness_text(const struct completeness *seen, char *buf)
{
	int len;

	if (seen->n_runs < 2) {
		(void)snprintf(buf, COMPLETENESS_TEXT_MAX, "%s",
			seen->n_runs ? "1 run, and one run says nothing about the next"
				     : "no call was seen in it");
		return buf;
	}
	len = snprintf(buf, COMPLETENESS_TEXT_MAX,
		"%zu runs: the chance that one more of the same kind shows a new call is %.2f (%zu "
		"of %zu had one that no other had), and %.2f new calls are expected",
		seen->n_runs, completeness_chance(seen), seen->n_runs_alone, seen->n_runs,
		completeness_expected(seen));
	if (seen->alike)
		(void)snprintf(buf + len, COMPLETENESS_TEXT_MAX - (size_t)len,
			"; all made the same calls, and more repeats would tell nothing new");
	return buf;
}

static bool has_phase(const struct recording *rec, const char *name)
{
	for (size_t i = 0; i < rec->phases.n_names; i++) {
		if (!strcmp(rec->phases.names[i], name))
			return true;
	}
	return false;
}

const char *completeness_missing(const struct recording *rec, size_t index)
{
	if (!has_phase(rec, phase_name(PHASE_SERVE)))
		return NULL;
	for (size_t i = 0; i < ARRAY_LEN(MISSED); i++) {
		if (!has_phase(rec, MISSED[i]) && index-- == 0)
			return MISSED[i];
	}
	return NULL;
}

static void tell_missing(const struct recording *rec, const struct notice *to)
{
	const char *name;

	for (size_t i = 0; (name = completeness_missing(rec, i)); i++)
		notice_tell(to,
			"phase %s was never recorded: what is called in it is not in the profile "
			"(sysclamp mark %s, and then make it %s)",
			name, name, name);
}

static void tell_one(const struct recording *rec, size_t phase, const struct notice *to)
{
	struct completeness seen = completeness_of(rec, phase);
	char text[COMPLETENESS_TEXT_MAX];

	/* Of phases without a call recording_tell_phases() speaks. */
	if (seen.n_runs == 0)
		return;
	(void)completeness_text(&seen, text);
	if (phase == COMPLETENESS_WHOLE)
		notice_tell(to, "%s", text);
	else
		notice_tell(to, "phase %s: %s", rec->phases.names[phase], text);
}

void completeness_tell(const struct recording *rec, const struct notice *to)
{
	if (rec->n_sources < 2) {
		notice_tell(to, "one run was recorded, and one run says nothing about the next: "
				"record more, each with other work, and give all of them");
		tell_missing(rec, to);
		return;
	}
	for (size_t i = 0; i < rec->phases.n_names; i++)
		tell_one(rec, i, to);
	if (rec->phases.n_names == 0)
		tell_one(rec, COMPLETENESS_WHOLE, to);
	tell_missing(rec, to);
	notice_tell(to, "%s", completeness_caveat);
}
