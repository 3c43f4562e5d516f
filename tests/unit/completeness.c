/*
 * completeness.h: the figures are those that leaving out each run in turn gives, phase by phase,
 * and what is said with them.
 */
#include "completeness.h"

#include <math.h>

#include "heard.h"
#include "recordings.h"
#include "tap.h"

enum { RUNS_MAX = 12, PHASES = 3, CALLS = 24, ROUNDS = 300 };

static const char *const PHASE_NAMES[PHASES] = {"start", "serve", "reload"};

/* What the runs made, as nothing but a table. */
struct runs {
	size_t n;
	bool made[RUNS_MAX][PHASES][CALLS];
};

static void draw_runs(uint64_t *seed, struct runs *runs)
{
	unsigned often = 1 + draw(seed, 9);

	*runs = (struct runs){.n = 1 + draw(seed, RUNS_MAX)};
	for (size_t run = 0; run < runs->n; run++) {
		for (size_t phase = 0; phase < PHASES; phase++) {
			/* Not every run gets into every phase. */
			bool entered = phase == 0 || draw(seed, 3);

			for (size_t call = 0; call < CALLS; call++)
				runs->made[run][phase][call] = entered && draw(seed, 10) < often;
		}
	}
}

/* One run, as a recorder writes it. */
static void record_run(const struct runs *runs, size_t run, struct recording *out)
{
	char id[RECORDING_ID_LEN + 1];
	struct err e;

	recording_init(out, "ptrace", &e);
	for (size_t phase = 0; phase < PHASES; phase++) {
		for (size_t nr = 0; nr < CALLS; nr++) {
			struct rec_call *call;

			if (!runs->made[run][phase][nr])
				continue;
			call = recording_call(out, abi_by_name("x86_64"), (uint32_t)nr);
			call->count++;
			bits_add(&call->phases, rec_names_index(&out->phases, PHASE_NAMES[phase]));
		}
	}
	recording_end(out, 0);
	snprintf(id, sizeof(id), "%032zx", run * 7919 % RUNS_MAX);
	set_source(out, id, 1);
}

static void join_runs(const struct runs *runs, struct recording *out)
{
	struct rec_pile pile = {0};
	struct recording rec;
	struct err e;

	for (size_t run = 0; run < runs->n; run++) {
		record_run(runs, run, &rec);
		rec_pile_add(&pile, &rec, &e);
	}
	rec_pile_join(&pile, out, &e);
}

static bool run_made(const struct runs *runs, size_t run, size_t phase, size_t call)
{
	bool made = false;

	for (size_t i = 0; i < PHASES; i++)
		made |= (phase == COMPLETENESS_WHOLE || phase == i) && runs->made[run][i][call];
	return made;
}

/* Leave @run out: how many calls do the others lack that it made? */
static size_t new_calls(const struct runs *runs, size_t run, size_t phase)
{
	size_t n = 0;

	for (size_t call = 0; call < CALLS; call++) {
		bool others = false;

		for (size_t other = 0; other < runs->n; other++)
			others |= other != run && run_made(runs, other, phase, call);
		n += !others && run_made(runs, run, phase, call);
	}
	return n;
}

static bool is_in_phase(const struct runs *runs, size_t run, size_t phase)
{
	bool in = false;

	for (size_t call = 0; call < CALLS; call++)
		in |= run_made(runs, run, phase, call);
	return in;
}

static bool is_as_counted(const struct runs *runs, size_t phase, const struct completeness *seen)
{
	size_t n = 0, with_new = 0, sum_new = 0;

	for (size_t run = 0; run < runs->n; run++) {
		size_t n_new = new_calls(runs, run, phase);

		n += is_in_phase(runs, run, phase);
		with_new += n_new > 0;
		sum_new += n_new;
	}
	return seen->n_runs == n && seen->n_runs_alone == with_new &&
	       seen->n_calls_once == sum_new &&
	       (n < 2 || (fabs(completeness_chance(seen) - (double)with_new / (double)n) < 1e-12 &&
				 fabs(completeness_expected(seen) - (double)sum_new / (double)n) <
					 1e-12));
}

static size_t phase_index(const struct recording *rec, const char *name)
{
	for (size_t i = 0; i < rec->phases.n_names; i++) {
		if (!strcmp(rec->phases.names[i], name))
			return i;
	}
	return SIZE_MAX;
}

/* How many phases have other figures than leaving out gives. */
static int wrong_phases(const struct runs *runs, const struct recording *rec)
{
	struct completeness seen = completeness_of(rec, COMPLETENESS_WHOLE);
	int wrong = !is_as_counted(runs, COMPLETENESS_WHOLE, &seen);

	for (size_t phase = 0; phase < PHASES; phase++) {
		size_t index = phase_index(rec, PHASE_NAMES[phase]);

		seen = (struct completeness){0};
		if (index != SIZE_MAX)
			seen = completeness_of(rec, index);
		wrong += !is_as_counted(runs, phase, &seen);
	}
	return wrong;
}

static void test_random(void)
{
	uint64_t seed = 5;
	int wrong = 0, wrong_read = 0, sets = 0;

	for (int round = 0; round < ROUNDS; round++) {
		scoped(recording_done) struct recording rec = {0}, back = {0};
		scoped_free char *text = NULL;
		struct runs runs;
		struct err e;

		draw_runs(&seed, &runs);
		join_runs(&runs, &rec);
		wrong += wrong_phases(&runs, &rec);
		text = text_of(&rec);
		sets += strstr(text, "phases_seen_in") != NULL;
		wrong_read += parse_copy(text, &back, &e) || wrong_phases(&runs, &back);
	}
	ok(wrong == 0,
		"%d random sets of runs: as leaving out each run in turn says, in each phase",
		ROUNDS);
	ok(wrong_read == 0, "and so from the file of their join");
	ok(sets > ROUNDS / 2, "most of which say which run saw a call in which phase");
}

/* What is said of runs that made the calls of these texts, a letter each, in phase start. */
static const char *said_of(const char *const *made, size_t n, char *buf)
{
	scoped(recording_done) struct recording rec = {0};
	struct completeness seen;
	struct runs runs = {.n = n};

	for (size_t run = 0; run < n; run++) {
		for (const char *call = made[run]; *call; call++)
			runs.made[run][0][*call - 'a'] = true;
	}
	join_runs(&runs, &rec);
	seen = completeness_of(&rec, 0);
	return completeness_text(&seen, buf);
}

static void test_texts(void)
{
	char buf[COMPLETENESS_TEXT_MAX];
	struct completeness none = {0};

	is_text(said_of((const char *const[]){"abc"}, 1, buf),
		"1 run, and one run says nothing about the next", "one run");
	is_text(said_of((const char *const[]){"abc", "ab", "abde", "ab"}, 4, buf),
		"4 runs: the chance that one more of the same kind shows a new call is 0.50 (2 of "
		"4 "
		"had one that no other had), and 0.75 new calls are expected",
		"several runs");
	is_text(said_of((const char *const[]){"abc", "abc", "abc"}, 3, buf),
		"3 runs: the chance that one more of the same kind shows a new call is 0.00 (0 of "
		"3 "
		"had one that no other had), and 0.00 new calls are expected; all made the same "
		"calls, and more repeats would tell nothing new",
		"identical repeats");
	is_text(completeness_text(&none, buf), "no call was seen in it", "none");
	none = (struct completeness){65536, 65535, 16384, 16384, false};
	ok(strlen(completeness_text(&none, buf)) < COMPLETENESS_TEXT_MAX - 1,
		"the longest text has room");
}

/* The notices about @n runs that went through start and the @phases (NULL-ended) besides. */
static void hear_runs(struct heard *heard, size_t n, const char *const *phases)
{
	scoped(recording_done) struct recording rec = {0};
	const struct notice to = notice_to(heard);
	struct runs runs = {.n = n};

	for (size_t run = 0; run < n; run++)
		runs.made[run][0][run] = runs.made[run][0][CALLS - 1] = true;
	join_runs(&runs, &rec);
	for (; *phases; phases++)
		rec_names_index(&rec.phases, *phases);
	completeness_tell(&rec, &to);
}

static void test_told(void)
{
	struct heard heard = {0};

	hear_runs(&heard, 2, (const char *const[]){NULL});
	ok(heard.lines == 2 && strstr(heard.text, "phase start: 2 runs: the chance"),
		"runs of a command: a line for its phase");
	ok(strstr(heard.text, completeness_caveat), "and the sentence that goes with it");
	heard = (struct heard){0};
	hear_runs(&heard, 1, (const char *const[]){NULL});
	ok(heard.lines == 1 && strstr(heard.text, "one run says nothing about the next"),
		"one run: that it says nothing about the next, and no figure");
	heard = (struct heard){0};
	hear_runs(&heard, 2, (const char *const[]){"serve", NULL});
	ok(heard.lines == 4 && strstr(heard.text, "phase reload was never recorded") &&
			strstr(heard.text, "phase stop was never recorded"),
		"a server: that reload and stop were never recorded");
	heard = (struct heard){0};
	hear_runs(&heard, 1, (const char *const[]){"serve", "stop", NULL});
	ok(heard.lines == 2 && strstr(heard.text, "phase reload was never recorded"),
		"only what is missing is named");
}

int main(void)
{
	test_random();
	test_texts();
	test_told();
	return tap_done();
}
