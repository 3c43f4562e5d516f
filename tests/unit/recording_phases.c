/*
 * recording.h: phases that were never seen are told, and nothing else is; who came late.
 */
#include "phase.h"
#include "recording.h"

#include <string.h>

#include "heard.h"
#include "scope.h"
#include "tap.h"

enum { X86_64_READ = 0, X86_64_LISTEN = 50 };

/* Which phases there are, which of them has calls, and what is said. */
struct row {
	const char *name;
	const char *phases[4];
	unsigned called; /* a bit for each phase */
	bool listens;
	bool late; /* it began when the workload ran already */
	const char *said[3];
};

static const struct row ROWS[] = {
	{"a command", {"start"}, 1, false, false, {0}},
	{"a server", {"start", "serve"}, 3, true, false, {0}},
	{"a recorder that knew no phases", {0}, 0, true, false, {0}},
	{"what ran already", {"serve"}, 1, false, true, {"phase start was never seen"}},
	{"a server that never waited", {"start"}, 1, true, false, {"phase serve was never seen"}},
	{"an empty mark", {"start", "reload"}, 1, false, false,
		{"phase reload: no call was seen in it"}},
	{"a mark", {"start", "reload"}, 3, false, false, {0}},
	{"what was entered only", {"serve", "exec"}, 2, false, true,
		{"phase start was never seen", "phase serve: no call"}},
	{"all of it", {"early"}, 0, true, false,
		{"phase start was never", "phase serve was never", "phase early: no call"}},
};

static void fill(struct recording *rec, const struct row *row)
{
	struct rec_call *call = recording_call(
		rec, abi_by_name("x86_64"), row->listens ? X86_64_LISTEN : X86_64_READ);

	for (size_t i = 0; i < ARRAY_LEN(row->phases) && row->phases[i]; i++) {
		(void)rec_names_index(&rec->phases, row->phases[i]);
		if (row->called & 1u << i)
			(void)bits_add(&call->phases, i);
	}
}

static void test_row(const struct row *row)
{
	scoped(recording_done) struct recording rec = {0};
	struct heard heard = {0};
	const struct notice notice = notice_to(&heard);
	struct err e = {0};
	size_t said = 0;

	if (recording_init(&rec, "ptrace", &e))
		exit(1);
	fill(&rec, row);
	recording_tell_phases(&rec, &notice);
	for (; said < ARRAY_LEN(row->said) && row->said[said]; said++)
		ok(strstr(heard.text, row->said[said]), "%s: %s", row->name, row->said[said]);
	ok(heard.lines == said, "%s: %zu lines", row->name, said);
	ok(recording_began_late(&rec, NULL) == row->late, "%s: began %s", row->name,
		row->late ? "late" : "with it, as far as is known");
}

static bool began_late_in(struct recording *rec, const char *phase)
{
	scoped(bits_done) struct bits phases = {0};

	if (bits_add(&phases, rec_names_index(&rec->phases, phase)))
		exit(1);
	return recording_began_late(rec, &phases);
}

/* Joined with one that saw the start, in either order: what the one saw says nothing of the other.
 */
static void test_joined(void)
{
	static const struct row STARTED = {.phases = {"start", "serve"}, .called = 3},
				LATE = {.phases = {"serve"}, .called = 1},
				UNKNOWN = {.phases = {0}};
	static const struct {
		const char *name;
		const struct row *rows[2];
		bool late; /* in all phases, and so in serve; in start, never */
	} joins[] = {
		{"two that saw it", {&STARTED, &STARTED}, false},
		{"one that did and one that did not", {&STARTED, &LATE}, true},
		{"one that did and one that knew no phases", {&STARTED, &UNKNOWN}, false},
	};

	for (size_t i = 0; i < ARRAY_LEN(joins); i++) {
		scoped(recording_done) struct recording a = {0}, b = {0};
		struct err e = {0};

		if (recording_init(&a, "ebpf", &e) || recording_init(&b, "ebpf", &e))
			exit(1);
		fill(&a, joins[i].rows[0]);
		fill(&b, joins[i].rows[1]);
		ok(!recording_merge(&a, &b, &e) && recording_began_late(&a, NULL) == joins[i].late,
			"joined: %s", joins[i].name);
		ok(began_late_in(&a, "serve") == joins[i].late && !began_late_in(&a, "start"),
			"joined: %s: in serve, and not in start", joins[i].name);
	}
}

int main(void)
{
	for (size_t i = 0; i < ARRAY_LEN(ROWS); i++)
		test_row(&ROWS[i]);
	test_joined();
	return tap_done();
}
