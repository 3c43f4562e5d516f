#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/utsname.h>

#include "file.h"
#include "recordings.h"
#include "tap.h"

static char WORD_A[] = "ls", WORD_B[] = "-l";
static char *const ARGV[] = {WORD_A, WORD_B, NULL};

static void test_init(void)
{
	scoped(recording_done) struct recording a = {0}, b = {0};
	struct utsname host;
	struct err e;

	uname(&host);
	ok(recording_init(&a, "ptrace", &e) == 0 && recording_init(&b, "ptrace", &e) == 0,
		"recordings are made");
	ok(strlen(a.id) == RECORDING_ID_LEN && strcmp(a.id, b.id) != 0, "each with its own id");
	ok(a.n_sources == 1 && !strcmp(a.sources[0].id, a.id), "which is its only source");
	ok(!a.complete && a.seq == 0 && a.workload.ended_ns == 0 && a.workload.status == -1,
		"not ended, not complete, not written");
	is_text(a.host_kernel, host.release, "the host's kernel is noted");
	is_text(a.host_machine, host.machine, "and its machine");
	is_text(a.recorder_backend, "ptrace", "and the back end");
}

static void test_workload(void)
{
	scoped(recording_done) struct recording rec = {0};
	scoped_free char *cwd = getcwd(NULL, 0);
	uint64_t before = now_ns();
	struct err e;

	recording_init(&rec, "ptrace", &e);
	recording_set_workload(&rec, ARGV, &e);
	recording_set_workload(&rec, ARGV, &e);
	ok(rec.workload.argv.n_names == 2 && !strcmp(rec.workload.argv.names[0], "ls") &&
			!strcmp(rec.workload.argv.names[1], "-l"),
		"the words of the command are kept, of the last that is set");
	is_text(rec.workload.cwd, cwd, "with the directory");
	ok(rec.workload.started_ns >= before && rec.workload.started_ns <= now_ns(),
		"and the time in nanoseconds");
	recording_end(&rec, 139);
	ok(rec.complete && rec.workload.status == 139 &&
			rec.workload.ended_ns >= rec.workload.started_ns,
		"with its end it is complete");
}

static void set_workload_nowhere(void *arg)
{
	scoped(recording_done) struct recording rec = {0};
	char dir[] = "/tmp/sysclamp-recording.XXXXXX";
	struct err e;

	(void)arg;
	recording_init(&rec, "ptrace", &e);
	if (!mkdtemp(dir) || chdir(dir) || rmdir(dir))
		_exit(77);
	if (recording_set_workload(&rec, ARGV, &e) || strcmp(rec.workload.cwd, "") != 0)
		_exit(1);
}

static void test_no_cwd(void)
{
	ok(tap_child(set_workload_nowhere, NULL) == 0, "a directory that is gone is noted as none");
}

static void test_calls(void)
{
	static const struct {
		const char *abi;
		int32_t nr;
	} order[] = {{"x86_64", 0}, {"x86_64", 1}, {"x86_64", 59}, {"x86_64", INT32_MAX / 4},
		{"x86_64", INT32_MIN}, {"x86_64", -1}, {"i386", 0}, {"i386", 1}, {"x32", X32_BIT},
		{"aarch64", 5}};
	scoped(recording_done) struct recording rec = {0};
	size_t wrong = 0;
	struct err e;

	recording_init(&rec, "ptrace", &e);
	for (size_t i = 0; i < 3 * ARRAY_LEN(order); i++) {
		size_t k = 7 * i % ARRAY_LEN(order);

		recording_call(&rec, abi_by_name(order[k].abi), (uint32_t)order[k].nr)->count++;
	}
	ok(rec.n_calls == ARRAY_LEN(order), "each call has one entry");
	for (size_t i = 0; i < ARRAY_LEN(order); i++) {
		const struct abi *abi = abi_by_name(order[i].abi);
		const struct rec_call *call = &rec.calls[i];

		wrong += call->abi != abi || call->nr != (uint32_t)order[i].nr || call->count != 3;
		wrong += recording_find(&rec, abi, (uint32_t)order[i].nr) != call;
		wrong += !bits_has(&call->sources, 0) || bits_count(&call->sources) != 1;
	}
	ok(wrong == 0, "sorted by ABI and number, found again, and seen in the one source");
	ok(!recording_find(&rec, abi_by_name("x86_64"), 2) &&
			!recording_find(&rec, abi_by_name("arm"), 0),
		"what was not called is not found");
}

static void test_too_many_calls(void)
{
	scoped(recording_done) struct recording rec = {0};
	size_t refused = 0;
	struct err e;

	recording_init(&rec, "ptrace", &e);
	for (uint32_t nr = 0; nr < RECORDING_CALLS_MAX; nr++)
		refused += !recording_call(&rec, abi_by_name("x86_64"), nr);
	ok(refused == 0, "as many calls as a file may have are noted");
	ok(!recording_call(&rec, abi_by_name("x86_64"), RECORDING_CALLS_MAX) &&
			rec.loss[LOSS_NO_MEMORY] == 1,
		"one more is a loss");
	ok(recording_call(&rec, abi_by_name("x86_64"), 5) && rec.loss[LOSS_NO_MEMORY] == 1,
		"a known one is not");
	recording_end(&rec, 0);
	ok(!rec.complete && !rec.sources[0].complete, "with a loss it is incomplete");
}

static void test_losses(void)
{
	scoped(recording_done) struct recording rec = {0};
	size_t wrong = 0;

	ok(recording_losses(&rec) == 0, "nothing lost");
	for (enum loss way = 0; way < LOSS_WAYS; way++) {
		rec.loss[way] = 1;
		wrong += recording_losses(&rec) != way + 1 || !loss_name(way);
	}
	ok(wrong == 0, "every way to lose counts and has a name");
	rec.loss[LOSS_UNTRACED] = UINT64_MAX;
	ok(recording_losses(&rec) == UINT64_MAX, "the sum does not wrap to nothing");
}

static void test_names(void)
{
	scoped(rec_names_done) struct rec_names names = {0};
	char name[32];
	size_t wrong = 0;

	for (size_t i = 0; i < 100; i++) {
		snprintf(name, sizeof(name), "/bin/%zu", i * 37 % 100);
		wrong += rec_names_index(&names, name) != i;
	}
	snprintf(name, sizeof(name), "/bin/%d", 37);
	ok(wrong == 0 && rec_names_index(&names, name) == 1 && names.n_names == 100,
		"names are kept once, in order of appearance");
	ok(rec_names_index(&names, "/bin/\377") == 100 &&
			rec_names_index(&names, "/bin/\377") == 100,
		"one that is not UTF-8 has its place too");
	is_text(names.names[100], "/bin/\\xff", "in a form that JSON can carry");
	ok(rec_names_index(&names, "/bin/\\xff") == 100, "shared with that form");
}

static void test_too_many_names(void)
{
	scoped(rec_names_done) struct rec_names names = {0};
	char name[32];

	for (size_t i = 0; i < RECORDING_NAMES_MAX; i++) {
		snprintf(name, sizeof(name), "/bin/%zu", i);
		rec_names_add(&names, name);
	}
	ok(rec_names_index(&names, "/bin/new") == SIZE_MAX && names.n_names == RECORDING_NAMES_MAX,
		"no more names are taken than a file may have");
	ok(rec_names_index(&names, "/bin/7") == 7, "those are found");
}

/* Two recordings have the same file, hence, as everything in them is in it, are the same. */
static bool same_file(const struct recording *a, const struct recording *b)
{
	scoped_free char *x = text_of(a), *y = text_of(b);

	return x && y && !strcmp(x, y);
}

static bool same_call(const struct rec_call *a, const struct rec_call *b)
{
	return a->abi == b->abi && a->nr == b->nr && a->count == b->count &&
	       a->denied == b->denied && a->enosys == b->enosys && a->first_ns == b->first_ns &&
	       a->last_ns == b->last_ns && rec_args_equal(rec_call_args(a), rec_call_args(b)) &&
	       bits_count(&a->programs) == bits_count(&b->programs);
}

static bool same_calls(const struct recording *a, const struct recording *b)
{
	bool same = a->n_calls == b->n_calls;

	for (size_t i = 0; same && i < a->n_calls; i++)
		same = same_call(&a->calls[i], &b->calls[i]);
	return same;
}

/* What is beside the calls, in part. */
static bool same_rest(const struct recording *a, const struct recording *b)
{
	return a->complete == b->complete && a->seq == b->seq &&
	       !memcmp(a->loss, b->loss, sizeof(a->loss)) &&
	       a->workload.status == b->workload.status &&
	       a->programs.n_names == b->programs.n_names;
}

static bool is_read_back(const struct recording *rec)
{
	scoped(recording_done) struct recording back = {0};
	scoped_free char *text = text_of(rec);
	struct err e;

	if (parse_copy(text, &back, &e)) {
		printf("#   %s\n", e.text);
		return false;
	}
	return same_file(rec, &back) && same_rest(rec, &back) && same_calls(rec, &back);
}

static void test_inverse(void)
{
	size_t wrong = 0;

	for (unsigned source = 0; source < 40; source++) {
		scoped(recording_done) struct recording rec = {0};

		make_state(source, 1 + source % RECORDINGS_STATES, &rec);
		wrong += !is_read_back(&rec);
	}
	ok(wrong == 0, "what is written is read back the same, and written the same again");
}

static void test_extremes(void)
{
	scoped(recording_done) struct recording rec = {0}, back = {0};
	char words[] = "a\xff\n\"\\\x1b";
	char *argv[] = {words, words + sizeof(words) - 1, NULL};
	scoped_free char *text = NULL;
	struct rec_call *call;
	struct err e = {.text = ""};

	recording_init(&rec, "\xc3(", &e);
	recording_set_workload(&rec, argv, &e);
	call = recording_call(&rec, abi_by_name("mips64"), (uint32_t)-1);
	call->count = call->denied = call->enosys = call->first_ns = call->last_ns = UINT64_MAX;
	rec_names_index(&rec.mapped, "");
	set_source(&rec, rec.id, UINT64_MAX);
	rec.loss[LOSS_RING_FULL] = UINT64_MAX;
	recording_end(&rec, 255);
	text = text_of(&rec);
	if (!ok(parse_copy(text, &back, &e) == 0, "the largest numbers and odd bytes are read"))
		printf("#   %s\n", e.text);
	ok(same_file(&rec, &back), "and written the same");
	is_text(back.workload.argv.names[0], "a\\xff\n\"\\\033",
		"a byte that is not UTF-8 is shown as \\xNN, all else as it was");
	ok(back.calls[0].count == UINT64_MAX && back.calls[0].nr == UINT32_MAX,
		"2^64-1 calls of number -1");
}

static void test_half_way(void)
{
	scoped(recording_done) struct recording rec = {0}, back = {0};
	scoped_free char *text = NULL;
	struct err e;

	recording_init(&rec, "ptrace", &e);
	recording_set_workload(&rec, ARGV, &e);
	text = text_of(&rec);
	ok(strstr(text, "\"complete\": false") && !strstr(text, "ended_ns") &&
			!strstr(text, "status"),
		"a file from the middle of a run says so");
	ok(parse_copy(text, &back, &e) == 0 && same_file(&rec, &back) && !back.complete &&
			back.workload.status == -1,
		"and is read as such");
}

static void test_write(void)
{
	scoped(recording_done) struct recording rec = {0}, back = {0}, other = {0};
	char dir[] = "/tmp/sysclamp-recording.XXXXXX", path[64];
	struct err e = {.text = ""};

	if (!mkdtemp(dir))
		return;
	snprintf(path, sizeof(path), "%s/a.rec.json", dir);
	recording_init(&rec, "ptrace", &e);
	recording_set_workload(&rec, ARGV, &e);
	ok(recording_write(&rec, path, &e) == 0 && rec.seq == 1, "the first write has seq 1");
	ok(recording_write(&rec, path, &e) == 0 && rec.seq == 2, "the next one 2");
	ok(recording_read(path, &back, &e) == 0 && same_file(&rec, &back) && back.seq == 2,
		"what was written is read");
	recording_init(&other, "ptrace", &e);
	recording_merge(&back, &other, &e);
	ok(recording_write(&back, path, &e) == 0 && back.seq == 2, "a join keeps its seq");
	ok(recording_write(&rec, dir, &e) == -EISDIR && strstr(e.text, dir),
		"a directory is not written, and named");
	unlink(path);
	ok(recording_read(path, &other, &e) == -ENOENT && strstr(e.text, path) && other.n_sources,
		"a missing file is named, and the output left alone");
	ok(rmdir(dir) == 0, "and nothing is left");
}

/* The text of the one display in EXAMPLES of the man page: heap. */
static char *text_in_man_page(const char *path)
{
	static const char begin[] = ".Bd -literal", end[] = "\n.Ed\n";
	scoped_free char *page = NULL;
	char *from, *to;
	struct err e;
	size_t size;

	if (file_read(path, 1 << 20, &page, &size, &e))
		return NULL;
	from = strstr(page, "\n.Sh EXAMPLES\n");
	from = from ? strstr(from, begin) : NULL;
	from = from ? strchr(from, '\n') : NULL;
	to = from ? strstr(from, end) : NULL;
	return to ? strndup(from + 1, (size_t)(to - from)) : NULL;
}

static void test_example(void)
{
	scoped_free char *text = NULL, *again = NULL,
			 *shown = text_in_man_page("docs/sysclamp-recording.5");
	scoped(recording_done) struct recording rec = {0};
	struct err e = {.text = ""};
	size_t size;

	if (!ok(recording_read("docs/example.rec.json", &rec, &e) == 0 &&
			    file_read("docs/example.rec.json", 1 << 20, &text, &size, &e) == 0,
		    "the documented example is read"))
		printf("#   %s\n", e.text);
	again = text_of(&rec);
	ok(again && text && !strcmp(again, text), "and written again to the byte");
	ok(shown && text && !strcmp(shown, text), "the man page shows the same text");
}

int main(void)
{
	test_init();
	test_workload();
	test_no_cwd();
	test_calls();
	test_too_many_calls();
	test_losses();
	test_names();
	test_too_many_names();
	test_inverse();
	test_extremes();
	test_half_way();
	test_write();
	test_example();
	return tap_done();
}
