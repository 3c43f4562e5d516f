/*
 * Any text: the reader of recordings refuses it, or what it read is written and read again as the
 * same text, and its join with itself is itself.
 */
#include "recording.h"

#include "fuzz.h"
#include "scope.h"

/* The join of @rec (used up) with a copy of it, written. */
static void join_twice(struct recording *rec, const char *written, size_t size)
{
	scoped(rec_pile_done) struct rec_pile pile = {0};
	scoped(recording_done) struct recording same = {0}, joined = {0};
	scoped_free char *copy = fuzz_copy((const uint8_t *)written, size), *text = NULL;
	size_t joined_size;
	struct err e = {0};

	must(!recording_parse("copy", copy, size, &same, &e), "not read: %s", e.text);
	must(!rec_pile_add(&pile, rec, &e) && !rec_pile_add(&pile, &same, &e) &&
			!rec_pile_join(&pile, &joined, &e),
		"not joined: %s", e.text);
	must(!recording_emit(&joined, &text, &joined_size, &e), "not written: %s", e.text);
	must(joined_size == size && !memcmp(text, written, size), "joined with itself, it differs");
}

/* Arguments are as they were, and sets within their bounds. */
static void check_args(const struct recording *a, const struct recording *b)
{
	must(a->n_calls == b->n_calls, "%zu calls of %zu", b->n_calls, a->n_calls);
	for (size_t i = 0; i < a->n_calls; i++) {
		const struct rec_args *args = rec_call_args(&a->calls[i]);

		must(rec_args_equal(args, rec_call_args(&b->calls[i])), "call %zu: other arguments",
			i);
		must(args->n_args <= ARGS_PER_CALL_MAX && args->tuples.n_tuples <= ARG_TUPLES_MAX,
			"call %zu: too many", i);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	scoped(recording_done) struct recording rec = {0}, again = {0};
	scoped_free char *text = fuzz_copy(data, size), *written = NULL, *copy = NULL;
	scoped_free char *rewritten = NULL;
	size_t rewritten_size;
	struct err e = {0};

	if (recording_parse("input", text, size, &rec, &e)) {
		must(e.code > 0 && *e.text && !strchr(e.text, '\n'), "no line: %s", e.text);
		return 0;
	}
	must(!recording_emit(&rec, &written, &size, &e), "not written: %s", e.text);
	copy = fuzz_copy((const uint8_t *)written, size);
	must(!recording_parse("written", copy, size, &again, &e), "not read: %s", e.text);
	check_args(&rec, &again);
	must(!recording_emit(&again, &rewritten, &rewritten_size, &e), "not written: %s", e.text);
	must(rewritten_size == size && !memcmp(rewritten, written, size),
		"written twice, it differs");
	join_twice(&rec, written, size);
	return 0;
}
