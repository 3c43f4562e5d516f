#include <errno.h>

#include "recordings.h"
#include "tap.h"

enum { SOURCES = 12 };

/* The text of @into joined with @from; @into is used up. */
static char *joined_text(struct recording *into, const struct recording *from)
{
	struct err e;
	char *text = NULL;

	if (!recording_merge(into, from, &e))
		text = text_of(into);
	recording_done(into);
	return text;
}

static bool same_text(char *a, char *b)
{
	bool same = a && b && !strcmp(a, b);

	free(a);
	free(b);
	return same;
}

static void test_idempotent(void)
{
	int wrong = 0, wrong_earlier = 0, wrong_neutral = 0;

	for (unsigned s = 0; s < SOURCES; s++) {
		for (unsigned k = 1; k <= RECORDINGS_STATES; k++) {
			struct recording a, b, zero = {.n_sources = 0};

			make_state(s, k, &a);
			make_state(s, k, &b);
			wrong += !same_text(joined_text(&b, &a), text_of(&a));
			wrong_neutral += !same_text(joined_text(&zero, &a), text_of(&a));
			make_state(s, 1, &b);
			wrong_earlier += !same_text(joined_text(&b, &a), text_of(&a));
			make_state(s, k, &b);
			recording_merge(&b, &zero, &(struct err){.code = 0});
			wrong_neutral += !same_text(text_of(&b), text_of(&a));
			recording_done(&b);
			recording_done(&a);
		}
	}
	ok(wrong == 0, "a + a is a, to the byte");
	ok(wrong_earlier == 0, "an earlier state of a + a is a");
	ok(wrong_neutral == 0, "an empty recording changes nothing");
}

static void test_commutative(void)
{
	int wrong = 0;

	for (unsigned i = 0; i < SOURCES * RECORDINGS_STATES; i++) {
		for (unsigned j = 0; j < i; j++) {
			struct recording a, b, into;
			char *text;

			make_state(i / RECORDINGS_STATES, 1 + i % RECORDINGS_STATES, &a);
			make_state(j / RECORDINGS_STATES, 1 + j % RECORDINGS_STATES, &b);
			make_state(i / RECORDINGS_STATES, 1 + i % RECORDINGS_STATES, &into);
			text = joined_text(&into, &b);
			wrong += !same_text(text, joined_text(&b, &a));
			recording_done(&a);
		}
	}
	ok(wrong == 0, "a + b is b + a, for all pairs of states of all sources");
}

/* Join @n states, described by @picks, in a random order and grouping. */
static char *join_at_random(const unsigned *picks, size_t n, uint64_t *seed)
{
	struct recording recs[32];
	char *text;

	for (size_t i = 0; i < n; i++)
		make_state(
			picks[i] / RECORDINGS_STATES, 1 + picks[i] % RECORDINGS_STATES, &recs[i]);
	while (n > 1) {
		size_t i = draw(seed, (uint32_t)n), j = draw(seed, (uint32_t)n - 1);
		struct err e;

		j += j >= i;
		recording_merge(&recs[i], &recs[j], &e);
		recording_done(&recs[j]);
		recs[j] = recs[--n];
	}
	text = text_of(&recs[0]);
	recording_done(&recs[0]);
	return text;
}

static void test_groupings(void)
{
	enum { ROUNDS = 150, PICKS_MAX = 8 };
	uint64_t seed = 2;
	int wrong = 0, wrong_read = 0;

	for (int round = 0; round < ROUNDS; round++) {
		unsigned picks[2 * PICKS_MAX];
		size_t n = 2 + draw(&seed, PICKS_MAX - 2);
		scoped_free char *first = NULL;
		scoped(recording_done) struct recording back = {0};
		struct err e;

		for (size_t i = 0; i < n; i++)
			picks[i] = draw(&seed, SOURCES * RECORDINGS_STATES);
		first = join_at_random(picks, n, &seed);
		/* Some of them a second time: overlaps. */
		for (size_t i = 0; i < n; i++)
			picks[n + i] = picks[draw(&seed, (uint32_t)n)];
		for (int again = 0; again < 4; again++)
			wrong += !same_text(
				join_at_random(picks, n + n * (again % 2), &seed), strdup(first));
		if (parse_copy(first, &back, &e))
			wrong_read++;
		else
			wrong_read += !same_text(text_of(&back), strdup(first));
	}
	ok(wrong == 0, "any order, grouping and repetition of up to 8 states gives the same bytes");
	ok(wrong_read == 0, "which are read back and written the same");
}

/* Two joins that have some of their sources in common, each written and read in between. */
static void test_overlaps(void)
{
	enum { ROUNDS = 60 };
	uint64_t seed = 3;
	int wrong = 0, by_phase = 0;

	for (int round = 0; round < ROUNDS; round++) {
		scoped(recording_done) struct recording left = {0}, right = {0}, all = {0};
		scoped(recording_done) struct recording rec = {0}, read = {0};
		scoped_free char *text = NULL, *together = NULL;
		struct err e;

		for (unsigned s = 0; s < SOURCES; s++) {
			unsigned where = draw(&seed, 4);

			make_state(s, 1 + draw(&seed, RECORDINGS_STATES), &rec);
			wrong += where && recording_merge(&all, &rec, &e);
			wrong += where & 1 && recording_merge(&left, &rec, &e);
			wrong += where & 2 && recording_merge(&right, &rec, &e);
			recording_done(&rec);
		}
		if (!left.n_sources || !right.n_sources)
			continue;
		text = text_of(&left);
		wrong += parse_copy(text, &read, &e) || recording_merge(&read, &right, &e);
		together = text_of(&all);
		by_phase += strstr(together, "phases_seen_in") != NULL;
		wrong += !same_text(text_of(&read), strdup(together));
	}
	ok(wrong == 0, "{a, b} + {b, c} is {a, b, c}, to the byte");
	ok(by_phase > ROUNDS / 2, "with sources that saw a call in some of its phases only");
}

static void test_pile(void)
{
	struct rec_pile pile = {0};
	scoped(recording_done) struct recording one_by_one = {0}, joined = {0}, rec = {0};
	struct err e;
	int failed = 0;

	for (unsigned i = 0; i < 100; i++) {
		make_state(i % 37, 1 + i % RECORDINGS_STATES, &rec);
		failed += recording_merge(&one_by_one, &rec, &e) != 0;
		failed += rec_pile_add(&pile, &rec, &e) != 0;
		failed += rec.n_sources != 0;
	}
	failed += rec_pile_join(&pile, &joined, &e) != 0;
	ok(failed == 0 && joined.n_sources == 37, "a pile takes 100 recordings of 37 sources");
	ok(same_text(text_of(&joined), text_of(&one_by_one)), "and is their join");
	ok(rec_pile_join(&pile, &rec, &e) == 0 && rec.n_sources == 0, "then it is empty");
	make_state(1, 1, &rec);
	rec_pile_add(&pile, &rec, &e);
	rec_pile_done(&pile);
	ok(pile.slots[0].n_sources == 0, "or given up");
}

/* make_one() makes calls 7 and CALL_OWN + factor. */
enum { CALL_OWN = 300 };
#define ID_A "000000000000000000000000000000aa"
#define ID_B "000000000000000000000000000000bb"
/* printf '%s\n' ID_A ID_B | sha256sum | cut -c 1-32 */
#define ID_A_B "e538cea42f1aaab254bdecdcc5cb1279"

/* One call with all that can differ. */
static void make_one(
	const char *id, uint64_t seq, uint64_t factor, const char *program, struct recording *out)
{
	char *argv[] = {(char *)program, NULL};
	struct rec_call *call;
	struct err e;

	recording_init(out, program, &e);
	recording_set_workload(out, argv, &e);
	rec_names_index(&out->programs, program);
	rec_names_index(&out->programs, "/bin/common");
	call = recording_call(out, abi_by_name("x86_64"), 7);
	call->count = 100 * factor;
	call->denied = 100 * factor - 30 / factor; /* so that 30 / factor went through */
	call->enosys = factor;
	call->first_ns = 1000 * factor;
	call->last_ns = 2000 * factor;
	bits_add(&call->programs, 0);
	recording_call(out, abi_by_name("x86_64"), (uint32_t)(CALL_OWN + factor));
	out->loss[LOSS_MAP_FULL] = factor;
	out->loss[LOSS_UNREADABLE] = 10 / factor;
	recording_end(out, (int)factor);
	set_source(out, id, seq);
}

static void test_values(void)
{
	scoped(recording_done) struct recording a = {0}, b = {0};
	const struct rec_call *call;
	struct err e;

	make_one(ID_B, 5, 1, "/bin/b", &b);
	make_one(ID_A, 9, 2, "/bin/a", &a);
	ok(recording_merge(&b, &a, &e) == 0 && b.n_sources == 2 && b.n_calls == 3,
		"two recordings of one common call are joined");
	call = recording_find(&b, abi_by_name("x86_64"), 7);
	ok(call->count == 200, "the count is the largest of any source, not a sum");
	ok(call->denied == 200 - 30,
		"as many are not denied as in the source where most went through");
	ok(call->enosys == 200 - 198, "the same for ENOSYS");
	ok(call->first_ns == 1000 && call->last_ns == 4000, "times are the extremes");
	ok(bits_count(&call->sources) == 2 && bits_count(&call->programs) == 2,
		"sources and programs are united");
	call = recording_find(&b, abi_by_name("x86_64"), CALL_OWN + 2);
	ok(bits_has(&call->sources, 0) && bits_count(&call->sources) == 1,
		"a call of one source is seen in that one, at its new place");
	is_text(b.programs.names[0], "/bin/a", "programs are sorted");
	is_text(b.programs.names[1], "/bin/b", "once each");
	is_text(b.programs.names[2], "/bin/common", "and none is lost");
	ok(b.loss[LOSS_MAP_FULL] == 2 && b.loss[LOSS_UNREADABLE] == 10,
		"of each way to lose the largest counter is kept");
	is_text(b.id, ID_A_B, "the id is the hash of the ids of the sources");
	ok(b.seq == 9, "the seq is the highest");
	is_text(b.workload.argv.names[0], "/bin/a", "the workload is that of the smallest id");
	is_text(b.recorder_backend, "/bin/a", "so is the recorder");
	ok(b.workload.status == 2, "and the status");
}

/* The last state of the first source from @from on that is complete; returns its number. */
static unsigned make_complete(unsigned from, struct recording *out)
{
	for (;; from++) {
		make_state(from, RECORDINGS_STATES, out);
		if (out->complete)
			return from;
		recording_done(out);
	}
}

static void test_newer_state(void)
{
	scoped(recording_done) struct recording early = {0}, late = {0}, other = {0}, both = {0};
	unsigned source = make_complete(0, &late);
	struct err e;

	make_state(source, 2, &early);
	make_complete(source + 1, &other);
	recording_merge(&both, &other, &e);
	recording_merge(&both, &early, &e);
	ok(!both.complete, "with a state from the middle of a run a join is incomplete");
	recording_merge(&both, &late, &e);
	ok(both.complete && both.n_sources == 2, "with the last state of that run it is complete");
	recording_merge(&both, &early, &e);
	ok(both.complete, "and stays so when the earlier comes again");
	recording_merge(&early, &late, &e);
	ok(early.workload.ended_ns != 0 && early.seq == RECORDINGS_STATES,
		"the end of the later state is shown");
}

static void test_times_unset(void)
{
	scoped(recording_done) struct recording a = {0}, b = {0};
	const struct rec_call *call;
	struct err e;

	make_one(ID_A, 1, 1, "/bin/a", &a);
	make_one(ID_B, 1, 2, "/bin/b", &b);
	((struct rec_call *)recording_find(&a, abi_by_name("x86_64"), 7))->first_ns = 0;
	recording_merge(&a, &b, &e);
	call = recording_find(&a, abi_by_name("x86_64"), 7);
	ok(call->first_ns == 2000, "a time that is not set is not the earliest");
}

/* With two sources names are sorted, also where one list is the beginning of the other. */
static void test_sorted_names(void)
{
	scoped(recording_done) struct recording a = {0}, b = {0};
	const struct rec_call *call;
	struct err e;

	make_one(ID_A, 1, 1, "/bin/z", &a);
	make_one(ID_B, 1, 1, "/bin/z", &b);
	rec_names_index(&a.programs, "/bin/a");
	recording_merge(&b, &a, &e);
	call = recording_find(&b, abi_by_name("x86_64"), 7);
	is_text(b.programs.names[0], "/bin/a", "a join of two sources has its names sorted");
	ok(bits_has(&call->programs, 2) && bits_count(&call->programs) == 1,
		"and its indexes follow");
	recording_done(&b);
	make_one(ID_A, 2, 1, "/bin/z", &b);
	recording_merge(&b, &a, &e);
	is_text(b.programs.names[0], "/bin/z", "one of two states of one source keeps its order");
	is_text(b.programs.names[2], "/bin/a", "of the longer list");
}

/* Always denied in one source and never in the other: the join must not say "always". */
static void test_denied_once(void)
{
	scoped(recording_done) struct recording a = {0}, b = {0};
	struct rec_call *call;
	struct err e;

	make_one(ID_A, 1, 1, "/bin/a", &a);
	make_one(ID_B, 1, 1, "/bin/b", &b);
	call = recording_call(&a, abi_by_name("x86_64"), 7);
	call->denied = call->count = 100;
	call = recording_call(&b, abi_by_name("x86_64"), 7);
	call->count = 3;
	call->denied = 0;
	recording_merge(&a, &b, &e);
	call = recording_call(&a, abi_by_name("x86_64"), 7);
	ok(call->count == 100 && call->denied == 97,
		"a call that one source was always denied is not always denied in the join");
}

/* A recording of one call of socket, whose arguments are those of the text, as in a file. */
static void make_with_args(const char *id, const char *args, struct recording *out)
{
	scoped(recording_done) struct recording rec = {0};
	scoped_free char *text = NULL, *with = NULL;
	char *at;
	struct err e = {.text = ""};

	recording_init(&rec, "ptrace", &e);
	recording_call(&rec, abi_by_name("x86_64"), 41)->count = 1;
	set_source(&rec, id, 1);
	text = text_of(&rec);
	at = strstr(text, "\"args\": []");
	if (asprintf(&with, "%.*s\"args\": %s%s", (int)(at - text), text, args, at + 10) < 0)
		return;
	if (parse_copy(with, out, &e))
		printf("#   %s\n", e.text);
}

/* Bits of arguments in files. */
#define ARG(index, bits, values) "{\"index\": " #index ", \"bits\": " #bits ", " values "}"
#define ONE			 "\"values\": [1]"
#define TWO			 "\"values\": [2]"
#define BOTH			 "\"values\": [1, 2]"
#define MANY			 "\"many\": true"
#define TUPLES(what)		 "{\"indexes\": [0, 1], " what "}"

static const struct {
	const char *claim, *a, *b, *joined;
} ARGS[] = {
	{"values are united", "[" ARG(0, 32, ONE) "]", "[" ARG(0, 32, TWO) "]",
		"[" ARG(0, 32, BOTH) "]"},
	{"many stays", "[" ARG(0, 32, ONE) "]", "[" ARG(0, 32, MANY) "]", "[" ARG(0, 32, MANY) "]"},
	{"nothing recorded on one side is nothing recorded", "[]", "[" ARG(0, 32, ONE) "]", "[]"},
	{"tuples are united",
		"[" ARG(0, 32, ONE) ", " ARG(1, 32, ONE) ", " TUPLES("\"tuples\": [[1, 1]]") "]",
		"[" ARG(0, 32, ONE) ", " ARG(1, 32, TWO) ", " TUPLES("\"tuples\": [[1, 2]]") "]",
		"[" ARG(0, 32, ONE) ", " ARG(1, 32, BOTH) ", " TUPLES(
			"\"tuples\": [[1, 1], [1, 2]]") "]"},
	{"one argument more on one side is dropped, with the tuples", "[" ARG(1, 32, ONE) "]",
		"[" ARG(0, 32, ONE) ", " ARG(1, 32, TWO) ", " TUPLES("\"tuples\": [[1, 2]]") "]",
		"[" ARG(1, 32, BOTH) "]"},
	{"of three and two arguments two remain, and their tuples are many",
		"[" ARG(0, 32, ONE) ", " ARG(1, 32, ONE) ", " ARG(
			2, 32, ONE) ", "
				    "{\"indexes\": [0, 1, 2], \"tuples\": [[1, 1, 1]]}]",
		"[" ARG(0, 32, TWO) ", " ARG(1, 32, ONE) ", " TUPLES("\"tuples\": [[2, 1]]") "]",
		"[" ARG(0, 32, BOTH) ", " ARG(1, 32, ONE) ", " TUPLES(MANY) "]"},
	{"values of another width are no values of that argument", "[" ARG(0, 32, ONE) "]",
		"[" ARG(0, 64, ONE) "]", "[]"},
};

static void test_args(void)
{
	for (size_t i = 0; i < ARRAY_LEN(ARGS); i++) {
		scoped(recording_done) struct recording a = {0}, b = {0}, again = {0};
		scoped_free char *text = NULL, *other = NULL;
		char wanted[400];
		struct err e;

		make_with_args(ID_A, ARGS[i].a, &a);
		make_with_args(ID_B, ARGS[i].b, &b);
		recording_merge(&again, &b, &e);
		recording_merge(&again, &a, &e);
		recording_merge(&a, &b, &e);
		text = text_of(&a);
		other = text_of(&again);
		snprintf(wanted, sizeof(wanted), "\"args\": %s, \"stack\"", ARGS[i].joined);
		if (!ok(strstr(text, wanted) && strstr(other, wanted), "arguments: %s",
			    ARGS[i].claim))
			printf("#   %s\n", strstr(text, "\"args\""));
	}
}

/* Two lists of sources that are too many together; nothing else in them. */
static void many_sources(unsigned first, size_t n, struct recording *out)
{
	*out = (struct recording){.n_sources = n};
	out->sources = calloc(n, sizeof(*out->sources));
	for (size_t i = 0; i < n; i++)
		snprintf(out->sources[i].id, sizeof(out->sources[i].id), "%032zx", first + i);
	recording_settle(out);
}

static void many_names(const char *prefix, struct recording *out)
{
	char name[32];

	make_one(prefix[0] == 'a' ? ID_A : ID_B, 1, 1, "/bin/a", out);
	rec_names_done(&out->mapped);
	for (unsigned i = 0; i < RECORDING_NAMES_MAX - 1; i++) {
		snprintf(name, sizeof(name), "%s%u", prefix, i);
		rec_names_add(&out->mapped, name);
	}
}

static void test_too_much(void)
{
	scoped(recording_done) struct recording a = {0}, b = {0}, c = {0}, d = {0};
	struct err e = {.text = ""};

	many_sources(0, RECORDING_SOURCES_MAX, &a);
	many_sources(1, RECORDING_SOURCES_MAX, &b);
	ok(recording_merge(&a, &b, &e) == -E2BIG && strstr(e.text, "at most 65536 sources"),
		"65537 sources are too many");
	ok(a.n_sources == RECORDING_SOURCES_MAX && !strcmp(a.sources[0].id + 31, "0"),
		"and the join leaves the first as it was");
	many_names("a", &c);
	many_names("b", &d);
	ok(recording_merge(&c, &d, &e) == -E2BIG && c.mapped.n_names == RECORDING_NAMES_MAX - 1,
		"so are too many files");
}

static void test_too_many_calls(void)
{
	scoped(recording_done) struct recording a = {0}, b = {0};
	struct err e = {.text = ""};

	make_one(ID_A, 1, 1, "/bin/a", &a);
	make_one(ID_B, 1, 1, "/bin/b", &b);
	for (uint32_t nr = 0; a.n_calls < RECORDING_CALLS_MAX; nr++)
		recording_call(&a, abi_by_name("x86_64"), nr);
	ok(recording_merge(&a, &b, &e) == 0 && a.n_calls == RECORDING_CALLS_MAX,
		"as many calls as a file may have are joined");
	recording_call(&b, abi_by_name("i386"), 0);
	ok(recording_merge(&a, &b, &e) == -E2BIG && strstr(e.text, "16384 calls"),
		"one more is too many");
}

static void test_aliased(void)
{
	scoped(recording_done) struct recording a = {0};
	scoped_free char *before = NULL;
	struct err e;

	make_state(3, 3, &a);
	before = text_of(&a);
	ok(recording_merge(&a, &a, &e) == 0 && same_text(text_of(&a), strdup(before)),
		"a recording can be joined with itself");
}

int main(void)
{
	test_idempotent();
	test_commutative();
	test_groupings();
	test_overlaps();
	test_pile();
	test_values();
	test_newer_state();
	test_times_unset();
	test_sorted_names();
	test_denied_once();
	test_args();
	test_too_much();
	test_too_many_calls();
	test_aliased();
	return tap_done();
}
