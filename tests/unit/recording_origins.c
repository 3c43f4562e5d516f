/* Where calls come from: what is noted, how it is written, and the laws of the join. */
#include <errno.h>

#include "recordings.h"
#include "tap.h"

static const uint64_t VALUES[SYSCALL_ARGS] = {1, UINT64_MAX, 0x7f0012345678};

static const struct abi *abi(void)
{
	return abi_by_name("x86_64");
}

/* One of @programs and one of @phases made the call @nr. */
static void note_call(struct recording *rec, uint32_t nr, const char *program, const char *phase)
{
	struct rec_call *call = recording_call(rec, abi(), nr);

	call->count++;
	bits_add(&call->programs, rec_names_index(&rec->programs, program));
	bits_add(&call->phases, rec_names_index(&rec->phases, phase));
}

static struct rec_origin *add(struct recording *rec, uint32_t nr, const char *program,
	const char *phase, uint64_t time_ns)
{
	note_call(rec, nr, program, phase);
	return rec_origin_add(rec, abi(), nr, rec_names_index(&rec->programs, program),
		rec_names_index(&rec->phases, phase), 7, 8, time_ns, VALUES);
}

static void make(const char *id, struct recording *out)
{
	char *argv[] = {NULL};
	struct err e;

	recording_init(out, "ptrace", &e);
	recording_set_workload(out, argv, &e);
	out->workload.started_ns = 1000;
	set_source(out, id, 1);
}

#define ID_A "000000000000000000000000000000aa"
#define ID_B "000000000000000000000000000000bb"
#define ID_C "000000000000000000000000000000cc"

static void test_add(void)
{
	scoped(recording_done) struct recording rec = {0};
	struct rec_origin *origin;
	size_t n;

	make(ID_A, &rec);
	ok(!rec_origins_of(&rec, abi(), 41, &n) && n == 0, "at first there is none");
	origin = add(&rec, 41, "/bin/z", "start", 100);
	ok(origin && origin->nr == 41 && origin->pid == 7 && origin->tid == 8 &&
			origin->time_ns == 100 && origin->values[1] == UINT64_MAX,
		"the first sight of a call is noted");
	ok(!add(&rec, 41, "/bin/z", "start", 100) && !add(&rec, 41, "/bin/z", "start", 101),
		"a later one is not");
}

static void test_sorted(void)
{
	scoped(recording_done) struct recording rec = {0};
	const struct rec_origin *found;
	size_t n;

	make(ID_A, &rec);
	add(&rec, 41, "/bin/z", "start", 100);
	ok(add(&rec, 41, "/bin/z", "serve", 200) && add(&rec, 41, "/bin/a", "start", 300) &&
			add(&rec, 40, "/bin/z", "start", 400),
		"one in another phase, of another program and of another call is");
	rec_origin_add_frame(rec_origin_add(&rec, abi(), 41, 0, 0, 7, 9, 50, VALUES), "m", "s", 1);
	found = rec_origins_of(&rec, abi(), 41, &n);
	ok(n == 3 && rec.n_origins == 4 && found[0].program == 1 && found[1].phase == 1 &&
			found[2].phase == 0,
		"they are sorted by the names of program and phase");
	ok(found[2].time_ns == 50 && found[2].tid == 9 && found[2].n_frames == 1,
		"an earlier one that comes later takes the place");
	ok(add(&rec, 41, "/bin/z", "start", 40) && found[2].n_frames == 0,
		"without the stack of the other");
}

static void test_refused(void)
{
	scoped(recording_done) struct recording rec = {0};

	make(ID_A, &rec);
	note_call(&rec, 41, "/bin/a", "start");
	note_call(&rec, 42, "/bin/b", "serve");
	ok(!rec_origin_add(&rec, abi(), 43, 0, 0, 7, 8, 1, VALUES) &&
			!rec_origin_add(&rec, abi_by_name("i386"), 41, 0, 0, 7, 8, 1, VALUES),
		"of a call that was not noted there is no origin");
	ok(!rec_origin_add(&rec, abi(), 41, 1, 0, 7, 8, 1, VALUES) &&
			!rec_origin_add(&rec, abi(), 41, 0, 1, 7, 8, 1, VALUES),
		"nor in a program or a phase that it was not noted in");
	ok(!rec_origin_add(&rec, abi(), 41, SIZE_MAX, 0, 7, 8, 1, VALUES) &&
			!rec_origin_add(&rec, abi(), 41, 0, 2, 7, 8, 1, VALUES),
		"nor in one that is not there");
	ok(!rec_origin_add(&rec, abi(), 41, 0, 0, 0, 8, 1, VALUES) &&
			!rec_origin_add(&rec, abi(), 41, 0, 0, 7, 8, 0, VALUES),
		"nor without a thread or a time");
	ok(rec_origin_add(&rec, abi(), 41, 0, 0, 7, 8, 1, VALUES), "otherwise there is");
}

/* "x" @n times: heap. */
static char *long_text(size_t n, const char *end)
{
	char *text = calloc(1, n + strlen(end) + 1);

	memset(text, 'x', n);
	strcpy(text + n, end);
	return text;
}

static void test_frames(void)
{
	scoped(recording_done) struct recording rec = {0};
	scoped_free char *text = long_text(REC_FRAME_TEXT_MAX - 1, "\xc3\xa4");
	struct rec_origin *origin;
	int code = 0;

	make(ID_A, &rec);
	origin = add(&rec, 41, "/bin/a", "start", 1);
	ok(!rec_origin_add_frame(origin, "/lib/a!b", "c!d", 11) && origin->n_frames == 1,
		"a frame is added");
	is_text(origin->frames[0].module, "/lib/a!b", "with the name of the file");
	is_text(origin->frames[0].symbol, "c?d", "and of the function, without a '!'");
	ok(!rec_origin_add_frame(origin, NULL, NULL, 0) && !*origin->frames[1].module &&
			!*origin->frames[1].symbol,
		"what is not known is \"\"");
	rec_origin_add_frame(origin, "\xff", text, 1);
	is_text(origin->frames[2].module, "\\xff", "what is no UTF-8 is made so");
	ok(strlen(origin->frames[2].symbol) == REC_FRAME_TEXT_MAX - 1,
		"a long name is cut in front of a character");
	while (!code)
		code = rec_origin_add_frame(origin, "a", "b", 1);
	ok(code == -E2BIG && origin->n_frames == REC_FRAMES_MAX, "a stack has %d frames at most",
		REC_FRAMES_MAX);
}

/* Two origins, one with a stack, in a fixed text. */
static char *example(void)
{
	scoped(recording_done) struct recording rec = {0};
	struct rec_origin *origin;

	make(ID_A, &rec);
	rec_names_index(&rec.phases, "start");
	rec_names_index(&rec.phases, "serve");
	origin = add(&rec, 41, "/bin/web", "serve", 2000);
	rec_origin_add_frame(origin, "/lib/libc.so.6", "socket", 11);
	rec_origin_add_frame(origin, "/bin/a!b", "", 0x1234);
	add(&rec, 999, "/bin/web", "serve", 3000);
	note_call(&rec, 999, "/bin/sh", "start");
	return text_of(&rec);
}

static const char LINES[] =
	"  \"origins\": [\n"
	"    {\"abi\": \"x86_64\", \"nr\": 41, \"name\": \"socket\", \"program\": 0, \"phase\": 1, "
	"\"pid\": 7, \"tid\": 8, \"time_ns\": 2000, \"values\": [\"0x1\", "
	"\"0xffffffffffffffff\", \"0x7f0012345678\", \"0x0\", \"0x0\", \"0x0\"], \"stack\": "
	"[\"/lib/libc.so.6!socket+0xb\", \"/bin/a!b!+0x1234\"]},\n"
	"    {\"abi\": \"x86_64\", \"nr\": 999, \"program\": 0, \"phase\": 1, \"pid\": 7, "
	"\"tid\": 8, \"time_ns\": 3000, \"values\": [\"0x1\", \"0xffffffffffffffff\", "
	"\"0x7f0012345678\", \"0x0\", \"0x0\", \"0x0\"], \"stack\": []}\n"
	"  ]\n"
	"}\n";

static void test_file(void)
{
	scoped_free char *text = example(), *again = NULL, *none = NULL;
	scoped(recording_done) struct recording rec = {0}, empty = {0};
	const char *member = strstr(text, "  \"origins\"");
	const struct rec_origin *origin;
	struct err e = {.text = ""};
	size_t n;

	is_text(member, LINES, "origins are written, a line each");
	if (!ok(!parse_copy(text, &rec, &e), "and read"))
		printf("#   %s\n", e.text);
	origin = rec_origins_of(&rec, abi(), 41, &n);
	ok(n == 1 && origin->n_frames == 2 && origin->frames[0].offset == 11 &&
			origin->values[2] == 0x7f0012345678,
		"with all that is in them");
	is_text(origin->frames[1].module, "/bin/a!b", "the file's name may have a '!'");
	is_text(origin->frames[1].symbol, "", "and the function no name");
	again = text_of(&rec);
	is_text(again, text, "and written the same");
	make(ID_A, &empty);
	none = text_of(&empty);
	ok(none && !strstr(none, "origins"), "without any there is no such key");
}

/* Every row changes the example in one place, and the file is refused with this error. */
static const struct {
	const char *from, *to, *error;
} HOSTILE[] = {
	{"\"origins\": [", "\"origins\": {}, \"x\": [", "unknown key \"x\""},
	{"\"tid\": 8", "\"thread\": 8", "f: $.origins[0]: unknown key \"thread\""},
	{"\"program\": 0, ", "", "f: $.origins[0]: \"program\" is missing"},
	{"\"phase\": 1, ", "", "f: $.origins[0]: \"phase\" is missing"},
	{"\"pid\": 7, ", "", "f: $.origins[0]: \"pid\" is missing"},
	{"\"time_ns\": 2000, ", "", "f: $.origins[0]: \"time_ns\" is missing"},
	{"\"phase\": 1", "\"phase\": 2", "f: $.origins[0].phase: 2 of 2"},
	{"\"program\": 0", "\"program\": 18446744073709551615",
		"f: $.origins[0].program: 18446744073709551615 is larger than 4294967295"},
	{"\"phase\": 1", "\"phase\": 0",
		"f: $.origins[0]: no such call in that program and phase is in syscalls"},
	{"\"program\": 0", "\"program\": 1",
		"f: $.origins[0]: no such call in that program and phase is in syscalls"},
	{"\"pid\": 7", "\"pid\": 0", "f: $.origins[0].pid: 1 or more expected"},
	{"\"tid\": 8", "\"tid\": 2147483648",
		"f: $.origins[0].tid: 2147483648 is larger than 2147483647"},
	{"\"time_ns\": 2000", "\"time_ns\": 0", "f: $.origins[0].time_ns: 1 or more expected"},
	{"\"values\": [\"0x1\", ", "\"values\": [", "f: $.origins[0].values: 6 values expected"},
	{"\"values\": [\"0x1\", ", "\"values\": [\"0x1\", \"0x1\", ",
		"f: $.origins[0].values: 7 elements, at most 6 are accepted"},
	{"\"values\": [\"0x1\"", "\"values\": [1", "f: $.origins[0].values[0]: a string expected"},
	{"\"values\": [\"0x1\"", "\"values\": [\"0x01\"",
		"f: $.origins[0].values[0]: 0x and up to 16 lower-case hex digits"},
	{"\"0xffffffffffffffff\"", "\"0x1ffffffffffffffff\"",
		"f: $.origins[0].values[1]: 0x and up to 16 lower-case hex digits"},
	{"socket+0xb", "socket", "f: $.origins[0].stack[0]: FILE!FUNCTION+0xOFFSET expected"},
	{"socket+0xb", "socket+0xB", "f: $.origins[0].stack[0]: FILE!FUNCTION+0xOFFSET expected"},
	{"!socket+0xb", "socket+0xb", "f: $.origins[0].stack[0]: FILE!FUNCTION+0xOFFSET expected"},
	{"!socket+0xb", "+0xb!socket", "f: $.origins[0].stack[0]: FILE!FUNCTION+0xOFFSET expected"},
	{"\"stack\": [\"/lib/libc.so.6!socket+0xb\"", "\"stack\": [7",
		"f: $.origins[0].stack[0]: a string expected"},
};

/* @text with the first @from behind "origins" replaced by @to: heap. */
static char *changed(const char *text, const char *from, const char *to)
{
	const char *at = strstr(strstr(text, "\"origins\""), from);
	char *out = NULL;

	if (!at || asprintf(&out, "%.*s%s%s", (int)(at - text), text, to, at + strlen(from)) < 0)
		return NULL;
	return out;
}

/* @text is refused with @error. */
static void is_refused(const char *text, const char *error)
{
	struct recording rec = {.seq = 42};
	struct err e = {.text = ""};
	int code = text ? parse_copy(text, &rec, &e) : 0;

	if (!ok(code == -EINVAL && strstr(e.text, error) && rec.seq == 42, "refused: %s", error))
		printf("#   %s: %d %s\n", text ? "answered" : "no such place", code, e.text);
}

static void test_hostile(void)
{
	scoped_free char *text = example(), *once = NULL, *empty = NULL, *frames = NULL;
	scoped_free char *cut = strndup(text, (size_t)(strstr(text, "\"origins\"") - text));
	scoped_free char *name = long_text(REC_FRAME_TEXT_MAX + 1, "!socket+0xb");
	scoped_free char *large = changed(text, "/lib/libc.so.6!socket+0xb", name);

	for (size_t i = 0; i < ARRAY_LEN(HOSTILE); i++) {
		scoped_free char *one = changed(text, HOSTILE[i].from, HOSTILE[i].to);

		is_refused(one, HOSTILE[i].error);
	}
	is_refused(large, "f: $.origins[0].stack[0]: file and function have at most 1023 bytes");
	once = changed(text, "\"nr\": 999", "\"nr\": 41");
	is_refused(once, "f: $.origins: a call stands there twice for one program and phase");
	if (asprintf(&empty, "%s\"origins\": []}", cut) > 0)
		is_refused(empty, "f: $.origins: left out if there is none");
	frames = changed(text, "\"stack\": [",
		"\"stack\": [1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,"
		"17,18,19,20,21,22,23,24,25,26,27,28,29,30,31,");
	is_refused(frames, "f: $.origins[0].stack: 33 elements, at most 32 are accepted");
}

static void test_order(void)
{
	scoped_free char *text = example(), *other = strdup(text), *again = NULL;
	char *first = strchr(strstr(other, "\"origins\""), '\n') + 1;
	char *second = strchr(first, '\n') + 1;
	scoped(recording_done) struct recording rec = {0};
	struct err e;
	size_t n = strlen(second), len = (size_t)(second - first);
	scoped_free char *line = strndup(first, len - 2);

	/* "A,\nB\n  ]\n}\n" becomes "B,\nA\n  ]\n}\n". */
	n = (size_t)(strchr(second, '\n') - second);
	memmove(first, second, n);
	memcpy(first + n, ",\n", 2);
	memcpy(first + n + 2, line, len - 2);
	ok(strcmp(text, other) != 0 && !parse_copy(other, &rec, &e), "origins come in any order");
	again = text_of(&rec);
	is_text(again, text, "and are sorted");
}

static void test_join(void)
{
	scoped(recording_done) struct recording a = {0}, b = {0}, same = {0};
	const struct rec_origin *origin;
	struct err e;
	size_t n;

	make(ID_A, &a);
	make(ID_B, &b);
	add(&a, 1, "/bin/z", "start", 100);
	rec_origin_add_frame(add(&a, 41, "/bin/z", "start", 100), "z", "late", 1);
	add(&b, 2, "/bin/b", "serve", 90);
	rec_origin_add_frame(add(&b, 41, "/bin/z", "start", 90), "z", "early", 1);
	add(&b, 41, "/bin/b", "serve", 95);
	ok(!recording_merge(&a, &b, &e) && a.n_origins == 4, "origins are united");
	origin = rec_origins_of(&a, abi(), 41, &n);
	ok(n == 2 && !strcmp(a.programs.names[origin[0].program], "/bin/b") &&
			!strcmp(a.phases.names[origin[0].phase], "serve") &&
			!strcmp(a.programs.names[origin[1].program], "/bin/z") &&
			!strcmp(a.phases.names[origin[1].phase], "start"),
		"under the new indexes of their names");
	ok(origin[1].time_ns == 90 && !strcmp(origin[1].frames[0].symbol, "early"),
		"and of two sights the earliest is kept");
	make(ID_B, &same);
	rec_origin_add_frame(add(&same, 41, "/bin/b", "serve", 95), "m", "later", 1);
	set_source(&same, ID_B, 2);
	recording_merge(&a, &same, &e);
	origin = rec_origins_of(&a, abi(), 41, &n);
	ok(n == 2 && origin[0].n_frames == 1, "of one sight the one with a stack");
}

/* What can differ in two sights at the same time. */
static const struct {
	const char *what;
	struct rec_origin origin; /* pid, tid and values of it count */
	struct rec_frame frame;
} SIGHTS[] = {
	{"process", {.pid = 8, .tid = 7}, {"m", "s", 1}},
	{"thread", {.pid = 7, .tid = 8}, {"m", "s", 1}},
	{"argument", {.pid = 7, .tid = 7, .values = {0, 0, 0, 0, 0, 1}}, {"m", "s", 1}},
	{"file", {.pid = 7, .tid = 7}, {"n", "s", 1}},
	{"function", {.pid = 7, .tid = 7}, {"m", "t", 1}},
	{"offset", {.pid = 7, .tid = 7}, {"m", "s", 2}},
	{"stack", {.pid = 7, .tid = 7}, {NULL, NULL, 0}},
};

static void make_sight(const char *id, const struct rec_origin *from, const struct rec_frame *frame,
	struct recording *out)
{
	struct rec_origin *origin;

	make(id, out);
	note_call(out, 41, "/bin/a", "start");
	origin = rec_origin_add(out, abi(), 41, 0, 0, from->pid, from->tid, 5, from->values);
	if (frame->module)
		rec_origin_add_frame(origin, frame->module, frame->symbol, frame->offset);
}

static void test_ties(void)
{
	static const struct rec_origin plain = {.pid = 7, .tid = 7};
	static const struct rec_frame plain_frame = {(char *)"m", (char *)"s", 1};

	for (size_t i = 0; i < ARRAY_LEN(SIGHTS); i++) {
		scoped(recording_done) struct recording a = {0}, b = {0}, ab = {0}, ba = {0};
		scoped_free char *first = NULL, *second = NULL;
		struct err e;

		make_sight(ID_A, &plain, &plain_frame, &a);
		make_sight(ID_B, &SIGHTS[i].origin, &SIGHTS[i].frame, &b);
		recording_merge(&ab, &a, &e);
		recording_merge(&ab, &b, &e);
		recording_merge(&ba, &b, &e);
		recording_merge(&ba, &a, &e);
		first = text_of(&ab);
		second = text_of(&ba);
		ok(first && second && strstr(first, "origins") && !strcmp(first, second),
			"of two at one time the same is kept in any order: %s", SIGHTS[i].what);
	}
}

/* More than half of what there is room for, of a range of numbers and at times that overlap. */
static void make_large(const char *id, uint64_t seed, struct recording *out)
{
	make(id, out);
	note_call(out, 0, "/bin/a", "start");
	for (uint32_t nr = 0; nr < 3 * RECORDING_ORIGINS_MAX / 2; nr++) {
		if (draw(&seed, 4))
			add(out, nr, draw(&seed, 9) ? "/bin/a" : "/bin/b", "start",
				1 + draw(&seed, 50000));
	}
}

/* (@a + @b) + @c, as text; two of one id are one. */
static char *sum(const char *const ids[3])
{
	scoped(recording_done) struct recording joined = {0};
	struct err e;

	for (size_t i = 0; i < 3; i++) {
		scoped(recording_done) struct recording one = {0};

		make_large(ids[i], (uint64_t)ids[i][31], &one);
		recording_merge(&joined, &one, &e);
	}
	return text_of(&joined);
}

static void test_bound(void)
{
	scoped(recording_done) struct recording rec = {0}, other = {0};
	scoped_free char *first = sum((const char *const[]){ID_A, ID_B, ID_C});
	scoped_free char *second = sum((const char *const[]){ID_C, ID_B, ID_A});
	scoped_free char *third = sum((const char *const[]){ID_B, ID_A, ID_C});
	scoped_free char *grouped = NULL;
	struct err e;
	uint64_t latest = 0;

	make_large(ID_A, ID_A[31], &rec);
	ok(rec.n_origins == RECORDING_ORIGINS_MAX && rec.n_calls > RECORDING_ORIGINS_MAX &&
			recording_losses(&rec) == 0,
		"past %d there are no more, and that is no loss", RECORDING_ORIGINS_MAX);
	ok(first && second && third && !strcmp(first, second) && !strcmp(first, third),
		"the join of what is at its bound does not depend on the order");
	recording_done(&rec);
	make_large(ID_B, ID_B[31], &other);
	make_large(ID_C, ID_C[31], &rec);
	recording_merge(&other, &rec, &e);
	recording_done(&rec);
	make_large(ID_A, ID_A[31], &rec);
	recording_merge(&rec, &other, &e);
	grouped = text_of(&rec);
	ok(grouped && !strcmp(first, grouped), "nor on the grouping");
	for (size_t i = 0; i < rec.n_origins; i++)
		latest = rec.origins[i].time_ns > latest ? rec.origins[i].time_ns : latest;
	ok(rec.n_origins == RECORDING_ORIGINS_MAX && latest < 40000, "the earliest are kept");
}

static void test_too_large(void)
{
	enum { NAME = 500 };
	scoped(recording_done) struct recording rec = {0}, back = {0};
	scoped_free char *name = long_text(NAME, ""), *text = NULL;
	struct err e;

	make(ID_A, &rec);
	for (uint32_t nr = 0; nr < RECORDING_SIZE_MAX / NAME / REC_FRAMES_MAX + 1; nr++) {
		struct rec_origin *origin = add(&rec, nr, "/bin/a", "start", 1);

		for (int i = 0; i < REC_FRAMES_MAX; i++)
			rec_origin_add_frame(origin, name, "", 0);
	}
	text = text_of(&rec);
	ok(text && !parse_copy(text, &back, &e) && back.n_calls == rec.n_calls &&
			back.n_origins == 0,
		"a file that would be too large with them has no origins");
}

int main(void)
{
	test_add();
	test_sorted();
	test_refused();
	test_frames();
	test_file();
	test_hostile();
	test_order();
	test_join();
	test_ties();
	test_bound();
	test_too_large();
	return tap_done();
}
