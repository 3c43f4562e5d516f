#include <errno.h>

#include "file.h"
#include "recordings.h"
#include "tap.h"

#define EXAMPLE "docs/example.rec.json"

/* Every row changes the example in one place, and the file is refused with this error. */
static const struct {
	const char *from, *to, *error;
} HOSTILE[] = {
	/* Other files. */
	{"\"kind\": \"sysclamp.recording\",", "",
		"f: $: not a recording: \"kind\" is missing; name a file that sysclamp record "
		"wrote"},
	{"sysclamp.recording", "sysclamp.profile",
		"f: $.kind: not a recording but \"sysclamp.profile\"; wanted is "
		"\"sysclamp.recording\""},
	{"\"sysclamp.recording\"", "3", "f: $.kind: a string expected"},
	{"\"version\": 1", "\"version\": 2",
		"f: $.version: this is version 2, and sysclamp " SYSCLAMP_VERSION
		" reads version 1; use a sysclamp that reads it, or record again"},
	{"\"version\": 1", "\"version\": 2, \"new\": []", "f: $.version: this is version 2"},
	{"\"version\": 1", "\"version\": 18446744073709551615",
		"f: $.version: this is version 18446744073709551615"},
	{"\"version\": 1", "\"version\": 0", "f: $.version: this is version 0"},
	{"\"version\": 1", "\"version\": \"1\"", "f: $.version: a plain integer expected"},
	{"\"version\": 1", "\"version\": 1.0", "f: $.version: a plain integer expected"},
	{"\"version\": 1,", "", "f: $: \"version\" is missing"},
	{"{\n", "[{\n", "not valid JSON: ']' expected near end of file"},
	/* Keys. */
	{"\"kind\"", "\"extra\": 1, \"kind\"", "f: $: unknown key \"extra\""},
	{"\"kind\"", "\"\\u001b[2J\": 1, \"kind\"", "f: $: unknown key \"?[2J\""},
	{"\"cwd\"", "\"Cwd\"", "f: $.workload: unknown key \"Cwd\""},
	{"\"seq\": 2,", "\"seq\": 2, \"x\": 0,", "f: $.sources[0]: unknown key \"x\""},
	{"\"kernel\"", "\"os\"", "f: $.host: unknown key \"os\""},
	{"\"backend\"", "\"back\"", "f: $.recorder: unknown key \"back\""},
	{"\"ring_full\"", "\"ring\"", "f: $.loss: unknown key \"ring\""},
	{"\"abi\"", "\"ABI\"", "f: $.syscalls[0]: unknown key \"ABI\""},
	{"\"seq\": 3,", "\"seq\": 3, \"seq\": 3,", "duplicate object key"},
	{"  \"seq\": 3,\n", "", "f: $: \"seq\" is missing"},
	{"\"host\": {\"kernel\": \"6.1.0-40-amd64\", \"machine\": \"x86_64\"},", "",
		"f: $: \"host\" is missing"},
	{"\"phases\": [],\n  \"pro", "\"pro", "f: $: \"phases\" is missing"},
	{"    \"untraced\": 0,\n", "", "f: $.loss: \"untraced\" is missing"},
	{"\"runs\": 2, ", "", "f: $.syscalls[0]: \"runs\" is missing"},
	{", \"args\": []", "", "f: $.syscalls[0]: \"args\" is missing"},
	/* Identity. */
	{"\"id\": \"548e", "\"id\": \"648e",
		"f: $.id: is not the id that follows from the sources"},
	{"\"id\": \"3f9d", "\"id\": \"4f9d",
		"f: $.id: is not the id that follows from the sources"},
	{"\"id\": \"3f9d", "\"id\": \"3F9D",
		"f: $.sources[0].id: an id is 32 lower-case hex digits"},
	{"\"id\": \"3f9d", "\"id\": \"f9d",
		"f: $.sources[0].id: an id is 32 lower-case hex digits"},
	{"\"id\": \"3f9d", "\"id\": \"03f9d", "f: $.sources[0].id: an id is 32"},
	{"\"id\": \"3f9d", "\"id\": \"ff9d",
		"f: $.sources[1]: sources are sorted by id, each once"},
	{"c81b5e20f4a94d63b7108f2ed95a06cc", "3f9d0c6b1e5a47f2a8c4d07be1936a52",
		"f: $.sources[1]: sources are sorted by id, each once"},
	{"\"seq\": 3,\n", "\"seq\": 4,\n", "f: $.seq: is not the highest of the sources', 3"},
	{"\"seq\": 3,", "\"seq\": -1,", "f: $.seq: -1 is negative"},
	{"\"seq\": 3,", "\"seq\": 18446744073709551616,", "integer larger than"},
	{"\"complete\": true,\n", "\"complete\": false,\n",
		"f: $.complete: does not follow from sources and loss"},
	{"\"seq\": 2, \"complete\": true", "\"seq\": 2, \"complete\": false",
		"f: $.complete: does not follow from sources and loss"},
	{"\"map_full\": 0", "\"map_full\": 1",
		"f: $.complete: does not follow from sources and loss"},
	{"\"complete\": true,\n", "\"complete\": 1,\n", "f: $.complete: true or false expected"},
	{"{\"id\": \"3f9d0c6b1e5a47f2a8c4d07be1936a52\", \"seq\": 2, \"complete\": true},", "7,",
		"f: $.sources[0]: an object expected, this is an integer"},
	/* Workload and recorder. */
	{"    \"ended_ns\": 1760000000008020117,\n", "", "f: $.workload: \"ended_ns\" is missing"},
	{",\n    \"ended_ns\": 1760000000008020117,\n    \"status\": 0", "",
		"f: $: the first source is complete, but has no ended_ns"},
	{"1760000000008020117", "0", "f: $.workload.ended_ns: 0 is no time"},
	{"\"status\": 0", "\"status\": 256", "f: $.workload.status: 256 is larger than 255"},
	{"\"probe\"\n", "7\n", "f: $.workload.argv[3]: a string expected"},
	{"\"cwd\": \"/srv/probe\"", "\"cwd\": null", "f: $.workload: \"cwd\" is missing"},
	{"\"cwd\": \"/srv/probe\"", "\"cwd\": \"\\u0000\"", "f:18:"},
	{"\"name\": \"sysclamp\"", "\"name\": \"strace\"",
		"f: $.recorder: name is \"strace\"; only \"sysclamp\" is known"},
	{"\"/usr/bin/dash\"", "\"/srv/probe/probe\"",
		"f: $.programs: \"/srv/probe/probe\" stands there twice"},
	{"\"/srv/probe/probe\"", "\"/vsr/probe/probe\"",
		"f: $.programs[1]: names of several sources are sorted by bytes"},
	{"\"mapped\": []", "\"mapped\": [\"/b\", \"/a\"]",
		"f: $.mapped[1]: names of several sources are sorted by bytes"},
	{"\"/usr/bin/dash\"", "\"/usr/bin/dash\", \"/srv/probe/probe\"",
		"f: $.programs: \"/srv/probe/probe\" stands there twice"},
	/* Calls. */
	{"\"x86_64\", \"nr\": 0", "\"x86-64\", \"nr\": 0",
		"f: $.syscalls[0].abi: \"x86-64\" is no ABI known here"},
	{"\"nr\": 0", "\"nr\": 2147483648",
		"f: $.syscalls[0].nr: 2147483648 does not fit in 32 bits with a sign"},
	{"\"nr\": 0", "\"nr\": -2147483649", "f: $.syscalls[0].nr: -2147483649 does not fit"},
	{"\"nr\": 0", "\"nr\": 18446744073709551615",
		"f: $.syscalls[0].nr: larger than 9223372036854775807"},
	{"\"nr\": 0", "\"nr\": 1073741824",
		"f: $.syscalls[0].nr: 1073741824 is no number of x86_64"},
	{"\"abi\": \"i386\"", "\"abi\": \"x32\"", "f: $.syscalls[7].nr: 4 is no number of x32"},
	{"\"nr\": 0", "\"nr\": 0.0", "f: $.syscalls[0].nr: a plain integer expected"},
	{"\"name\": \"read\"", "\"name\": \"write\"",
		"f: $.syscalls[0].name: number 0 of x86_64 is read, not \"write\""},
	{"\"name\": \"read\"", "\"name\": \"frobnicate\"",
		"f: $.syscalls[0].name: number 0 of x86_64 is read, not \"frobnicate\""},
	{"\"nr\": 1023,", "\"nr\": 1023, \"name\": \"mseal\",",
		"f: $.syscalls[5].name: \"mseal\" of x86_64 is number 462, not 1023"},
	{"\"name\": \"read\"", "\"name\": 0", "f: $.syscalls[0].name: a string expected"},
	{"\"nr\": 1, \"name\": \"write\"", "\"nr\": 0",
		"f: $.syscalls: number 0 of x86_64 stands there twice"},
	{"\"runs\": 2", "\"runs\": 1", "f: $.syscalls[0].runs: 1, but seen_in names 2 sources"},
	{"\"runs\": 2", "\"runs\": 3", "f: $.syscalls[0].runs: 3 is larger than 2"},
	{"\"seen_in\": \"2\"", "\"seen_in\": \"3\"",
		"f: $.syscalls[3].runs: 1, but seen_in names 2 sources"},
	{"\"seen_in\": \"2\"", "\"seen_in\": \"4\"",
		"f: $.syscalls[3].seen_in: more bits than sources (2)"},
	{"\"seen_in\": \"2\"", "\"seen_in\": \"11\"",
		"f: $.syscalls[3].seen_in: more bits than sources (2)"},
	{"\"seen_in\": \"2\"", "\"seen_in\": \"02\"",
		"f: $.syscalls[3].seen_in: lower-case hex digits without a leading 0 expected"},
	{"\"seen_in\": \"2\"", "\"seen_in\": \"0\"", "f: $.syscalls[3].seen_in: lower-case hex"},
	{"\"seen_in\": \"2\"", "\"seen_in\": \"\"", "f: $.syscalls[3].seen_in: lower-case hex"},
	{"\"seen_in\": \"2\"", "\"seen_in\": \"A\"", "f: $.syscalls[3].seen_in: lower-case hex"},
	{"\"seen_in\": \"2\"", "\"seen_in\": 2", "f: $.syscalls[3].seen_in: a string expected"},
	{"\"programs\": [0, 1]", "\"programs\": [0, 2]",
		"f: $.syscalls[0].programs[1]: 2 is larger than 1"},
	{"\"programs\": [0, 1]", "\"programs\": [1, 0]",
		"f: $.syscalls[0].programs[1]: indexes are sorted, each once"},
	{"\"programs\": [0, 1]", "\"programs\": [1, 1]",
		"f: $.syscalls[0].programs[1]: indexes are sorted, each once"},
	{"\"programs\": [0, 1]", "\"programs\": [0, 1, 1]",
		"f: $.syscalls[0].programs: 3 elements, at most 2 are accepted"},
	{"\"programs\": [0, 1]", "\"programs\": [18446744073709551615]",
		"f: $.syscalls[0].programs[0]: 18446744073709551615 is larger than 1"},
	{"\"programs\": [0, 1]", "\"programs\": \"0\"",
		"f: $.syscalls[0].programs: an array expected"},
	{"2418, \"phases\": []", "2418, \"phases\": [0]",
		"f: $.syscalls[0].phases: 1 elements, at most 0 are accepted"},
	{"\"denied\": 1", "\"denied\": 2", "f: $.syscalls[3].denied: 2 of 1 calls"},
	{"\"enosys\": 1", "\"enosys\": 2", "f: $.syscalls[5].enosys: 2 of 1 calls"},
	{"\"stack\": []", "\"stack\": [1]",
		"f: $.syscalls[0].stack: written by a newer sysclamp: " SYSCLAMP_VERSION
		" does not know what is in it; use that one"},
	{"\"stack\": []", "\"stack\": {}", "f: $.syscalls[0].stack: an array expected"},
	{"\"syscalls\": [", "\"syscalls\": [7,", "f: $.syscalls[0]: an object expected"},
	/* Arguments: one of ptrace (3), three of socket (8), many of setsockopt (9). */
	{"\"args\": []", "\"args\": {}", "f: $.syscalls[0].args: an array expected"},
	{"\"args\": []", "\"args\": [1]", "f: $.syscalls[0].args[0]: an object expected"},
	{"\"args\": []", "\"args\": [{}]", "f: $.syscalls[0].args[0]: \"index\" is missing"},
	{"\"args\": []", "\"args\": [{}, {}, {}, {}, {}]",
		"f: $.syscalls[0].args: 5 elements, at most 4 are accepted"},
	{"\"args\": [{", "\"args\": [{\"mask\": 1, ",
		"f: $.syscalls[3].args[0]: unknown key \"mask\""},
	{"\"index\": 0", "\"index\": 6", "f: $.syscalls[3].args[0].index: 6 is larger than 5"},
	{"\"index\": 0", "\"index\": -1", "f: $.syscalls[3].args[0].index: -1 is negative"},
	{"\"index\": 1", "\"index\": 0",
		"f: $.syscalls[8].args[1].index: arguments are sorted by index, each once"},
	{"\"index\": 1", "\"index\": 3",
		"f: $.syscalls[8].args[2].index: arguments are sorted by index, each once"},
	{", \"bits\": 64", "", "f: $.syscalls[3].args[0]: \"bits\" is missing"},
	{"\"bits\": 64", "\"bits\": 16",
		"f: $.syscalls[3].args[0].bits: 32 or 64 expected, not 16"},
	{"\"bits\": 32", "\"bits\": 64",
		"f: $.syscalls[8].args[0].bits: an argument of i386 has 32"},
	{", \"values\": [0]", "", "f: $.syscalls[3].args[0]: \"values\" is missing"},
	{"\"values\": [0]", "\"values\": []",
		"f: $.syscalls[3].args[0].values: at least one expected"},
	{"\"values\": [0]", "\"values\": [-1]",
		"f: $.syscalls[3].args[0].values[0]: -1 is negative"},
	{"\"values\": [0]", "\"values\": [\"0\"]",
		"f: $.syscalls[3].args[0].values[0]: a plain integer expected"},
	{"\"values\": [0]", "\"values\": [0], \"many\": true",
		"f: $.syscalls[3].args[0].values: not together with \"many\""},
	{"\"values\": [0]", "\"many\": false",
		"f: $.syscalls[3].args[0].many: is true, or left out"},
	{"\"values\": [0]", "\"many\": 1", "f: $.syscalls[3].args[0].many: true or false expected"},
	{"\"values\": [0]",
		"\"values\": [0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,"
		"26,27,28,29,30,31,32]",
		"f: $.syscalls[3].args[0].values: 33 elements, at most 32 are accepted"},
	{"\"values\": [2, 10]", "\"values\": [10, 2]",
		"f: $.syscalls[8].args[0].values[1]: values are sorted, each once"},
	{"\"values\": [2, 10]", "\"values\": [2, 2]",
		"f: $.syscalls[8].args[0].values[1]: values are sorted, each once"},
	{"\"values\": [2, 10]", "\"values\": [2, 4294967296]",
		"f: $.syscalls[8].args[0].values[1]: 4294967296 is larger than 4294967295"},
	{", {\"indexes\": [1, 2], \"many\": true}", "",
		"f: $.syscalls[9].args: the tuples of the 2 arguments are missing"},
	{", {\"indexes\": [1, 2]", ", {\"index\": 3, \"indexes\": [1, 2]",
		"f: $.syscalls[9].args[2]: unknown key \"index\""},
	{"{\"indexes\": [1, 2], \"many\": true}",
		"{\"index\": 3, \"bits\": 32, \"many\": true}, "
		"{\"index\": 4, \"bits\": 32, \"many\": true}",
		"f: $.syscalls[9].args[3]: at most 3 arguments of a call"},
	{"{\"indexes\": [1, 2], \"many\": true}",
		"{\"indexes\": [1, 2], \"many\": true}, {\"indexes\": [1, 2], \"many\": true}",
		"f: $.syscalls[9].args[3]: nothing follows the tuples"},
	{"\"indexes\": [1, 2]", "\"indexes\": [1, 3]",
		"f: $.syscalls[9].args[2].indexes[1]: is not that of argument 1 before"},
	{"\"indexes\": [1, 2]", "\"indexes\": [1, 2, 3]",
		"f: $.syscalls[9].args[2].indexes[2]: is not that of argument 2 before"},
	{"\"indexes\": [1, 2]", "\"indexes\": [1]",
		"f: $.syscalls[9].args[2].indexes: 1 indexes, of 2 arguments before; two at least"},
	{"\"indexes\": [1, 2]", "\"indexes\": []",
		"f: $.syscalls[9].args[2].indexes: 0 indexes, of 2 arguments before"},
	{"\"values\": [0]}", "\"values\": [0]}, {\"indexes\": [0], \"tuples\": [[0]]}",
		"f: $.syscalls[3].args[1].indexes: 1 indexes, of 1 arguments before"},
	{"\"args\": []", "\"args\": [{\"indexes\": [], \"tuples\": []}]",
		"f: $.syscalls[0].args[0].indexes: 0 indexes, of 0 arguments before"},
	{"\"tuples\": [[2, 1, 0]", "\"tuples\": [[2, 1]",
		"f: $.syscalls[8].args[3].tuples[0]: 3 values expected"},
	{"\"tuples\": [[2, 1, 0]", "\"tuples\": [[2, 1, 0, 0]",
		"f: $.syscalls[8].args[3].tuples[0]: 4 elements, at most 3 are accepted"},
	{"\"tuples\": [[2, 1, 0]", "\"tuples\": [2",
		"f: $.syscalls[8].args[3].tuples[0]: an array expected"},
	{"\"tuples\": [[2, 1, 0]", "\"tuples\": [[2, 1, 4294967296]",
		"f: $.syscalls[8].args[3].tuples[0][2]: 4294967296 is larger than 4294967295"},
	{"[[2, 1, 0], [2, 2, 17]", "[[2, 2, 17], [2, 1, 0]",
		"f: $.syscalls[8].args[3].tuples[1]: tuples are sorted, each once"},
	{"[[2, 1, 0], [2, 2, 17]", "[[2, 1, 0], [2, 1, 0]",
		"f: $.syscalls[8].args[3].tuples[1]: tuples are sorted, each once"},
	{"[[2, 1, 0], [2, 2, 17]", "[[2, 1, 0], [2, 2, 16]",
		"f: $.syscalls[8].args[3].tuples: argument 2 has other values here than before"},
	{"\"values\": [2, 10]", "\"values\": [2, 9, 10]",
		"f: $.syscalls[8].args[3].tuples: argument 0 has other values here than before"},
	{"\"values\": [2, 10]", "\"many\": true",
		"f: $.syscalls[8].args[3].tuples: argument 0 has other values here than before"},
};

/* @text with the first @from replaced by @to: heap, NULL when there is none. */
static char *changed(const char *text, const char *from, const char *to)
{
	const char *at = strstr(text, from);
	char *out = NULL;

	if (!at || asprintf(&out, "%.*s%s%s", (int)(at - text), text, to, at + strlen(from)) < 0)
		return NULL;
	return out;
}

static void test_hostile(const char *example)
{
	for (size_t i = 0; i < ARRAY_LEN(HOSTILE); i++) {
		scoped_free char *text = changed(example, HOSTILE[i].from, HOSTILE[i].to);
		struct recording rec = {.seq = 42};
		struct err e = {.text = ""};
		int code = text ? parse_copy(text, &rec, &e) : 0;

		if (!ok(code == -EINVAL && !strncmp(e.text, "f:", 2) &&
				    strstr(e.text, HOSTILE[i].error) && rec.seq == 42,
			    "refused: %s", HOSTILE[i].error))
			printf("#   %s: %d %s\n", text ? "answered" : "no such place", code,
				e.text);
		if (text && !code)
			recording_done(&rec);
	}
}

static const struct {
	const char *from, *to, *claim;
} HARMLESS[] = {
	{"\"name\": \"read\", ", "", "a name may be left out"},
	{"\"nr\": 1023,", "\"nr\": 1023, \"name\": \"newer_call\",",
		"a name that no table here has may stand at a number that none has"},
	{"\"runs\": 2,", "\"runs\": 2, \"seen_in\": \"3\",", "all sources may be named"},
	{"\"count\": 12, \"runs\": 2", "\"runs\": 2, \"count\": 12", "keys may come in any order"},
	{"[0, 1]", "[0,\n1]", "lines may be broken elsewhere"},
	{"\"abi\": \"i386\"", "\"abi\": \"arm\"", "another ABI"},
	{"\"args\": []", "\"args\": [{\"index\": 5, \"bits\": 32, \"many\": true}]",
		"an argument that the table here does not list: the recorder had another one"},
	{"\"values\": [0]", "\"values\": [18446744073709551615]", "the largest value"},
};

static void test_harmless(const char *example)
{
	for (size_t i = 0; i < ARRAY_LEN(HARMLESS); i++) {
		scoped_free char *text = changed(example, HARMLESS[i].from, HARMLESS[i].to);
		scoped(recording_done) struct recording rec = {0};
		struct err e = {.text = ""};

		if (!ok(text && !parse_copy(text, &rec, &e), "accepted: %s", HARMLESS[i].claim))
			printf("#   %s\n", e.text);
	}
}

/* What may stand in the place of the phases of the first call, which two sources saw, and the error
 * (NULL: none), or what is written of it again. */
static const struct {
	const char *to, *error, *again;
} SEEN[] = {
	{"\"phases\": [0, 1], \"phases_seen_in\": [\"3\", \"2\"]", NULL,
		"\"phases\": [0, 1], \"phases_seen_in\": [\"3\", \"2\"], \"prog"},
	{"\"phases\": [0, 1], \"phases_seen_in\": [\"1\", \"2\"]", NULL,
		"\"phases\": [0, 1], \"phases_seen_in\": [\"1\", \"2\"], \"prog"},
	{"\"phases_seen_in\": [\"1\"], \"phases\": [1]", NULL,
		"\"phases\": [1], \"phases_seen_in\": [\"1\"], \"prog"},
	{"\"phases\": [0, 1], \"phases_seen_in\": [\"3\", \"3\"]", NULL,
		"\"phases\": [0, 1], \"prog"},
	{"\"phases\": [], \"phases_seen_in\": []", NULL, "\"phases\": [], \"prog"},
	{"\"phases\": [0, 1]", NULL, "\"phases\": [0, 1], \"prog"},
	{"\"phases\": [0, 1], \"phases_seen_in\": [\"1\"]",
		"f: $.syscalls[0].phases_seen_in: 1 elements, but the call has 2 phases", NULL},
	{"\"phases\": [0], \"phases_seen_in\": [\"1\", \"1\"]",
		"f: $.syscalls[0].phases_seen_in: 2 elements, at most 1", NULL},
	{"\"phases\": [0, 1], \"phases_seen_in\": [\"1\", \"0\"]",
		"f: $.syscalls[0].phases_seen_in[1]: lower-case hex digits", NULL},
	{"\"phases\": [0, 1], \"phases_seen_in\": [\"1\", \"4\"]",
		"f: $.syscalls[0].phases_seen_in[1]: more bits than sources (2)", NULL},
	{"\"phases\": [0, 1], \"phases_seen_in\": [\"1\", 2]",
		"f: $.syscalls[0].phases_seen_in[1]: a string expected", NULL},
	{"\"phases\": [0, 1], \"phases_seen_in\": \"12\"",
		"f: $.syscalls[0].phases_seen_in: an array expected", NULL},
};

static void test_seen(const char *example)
{
	scoped_free char *with = changed(
		example, "\"phases\": [],\n", "\"phases\": [\"serve\", \"start\"],\n");

	for (size_t i = 0; i < ARRAY_LEN(SEEN); i++) {
		scoped_free char *text = changed(with, "\"phases\": []", SEEN[i].to), *again = NULL;
		scoped(recording_done) struct recording rec = {0};
		struct err e = {.text = ""};
		int code = parse_copy(text, &rec, &e);

		again = code ? strdup(e.text) : text_of(&rec);
		if (!ok(strstr(again, code ? SEEN[i].error : SEEN[i].again) &&
				    !code == !SEEN[i].error,
			    "sources by phase: %s", SEEN[i].to))
			printf("#   %s\n", again);
	}
}

/* One source saw it at all, and another one in a phase. */
static void test_seen_by_another(const char *example)
{
	scoped_free char *with = changed(
		example, "\"phases\": [],\n", "\"phases\": [\"serve\", \"start\"],\n");
	scoped_free char *text = changed(with, "\"runs\": 2,", "\"runs\": 1, \"seen_in\": \"2\",");
	scoped_free char *wrong = changed(
		text, "\"phases\": []", "\"phases\": [0], \"phases_seen_in\": [\"1\"]");
	struct recording rec;
	struct err e = {.text = ""};

	ok(parse_copy(wrong, &rec, &e) == -EINVAL &&
			strstr(e.text, "source 0 saw it here, but not in seen_in"),
		"a source that saw it in a phase saw it at all");
}

/* The order of lines is not for the reader to ask for: new ABIs may come between old ones. */
static void test_order(const char *example)
{
	scoped_free char *text = strdup(example), *again = NULL;
	scoped(recording_done) struct recording rec = {0};
	char *first = strstr(text, "    {\"abi\": \"x86_64\", \"nr\": 0");
	char *second = strchr(first, '\n') + 1, *third = strchr(second, '\n') + 1;
	scoped_free char *line = strndup(first, (size_t)(second - first));
	struct err e;

	memmove(first, second, (size_t)(third - second));
	memcpy(first + (third - second), line, strlen(line));
	ok(strcmp(text, example) != 0 && !parse_copy(text, &rec, &e),
		"calls may come in any order");
	again = text_of(&rec);
	ok(again && !strcmp(again, example), "and are sorted");
}

static void test_cut(const char *example)
{
	size_t size = strlen(example), accepted = 0, unnamed = 0;

	for (size_t cut = 0; cut < size - 1; cut++) {
		/* As large as its content: reading on is seen by AddressSanitizer. */
		scoped_free char *text = malloc(cut + 1);
		struct recording rec;
		struct err e = {.text = ""};

		memcpy(text, example, cut);
		if (!recording_parse("f", text, cut, &rec, &e)) {
			accepted++;
			recording_done(&rec);
		}
		unnamed += strncmp(e.text, "f:", 2) != 0;
	}
	ok(accepted == 0 && unnamed == 0, "cut at any byte, the example is refused by name");
}

/* Whatever is accepted is written and read again the same. */
static void test_mutations(const char *example)
{
	enum { ROUNDS = 4000 };
	static const char interesting[] = "0192\"{}[],:-.eE \\/nutf\n\t\x80\xff\x01";
	size_t size = strlen(example), accepted = 0, wrong = 0;
	uint64_t seed = 11;

	for (int round = 0; round < ROUNDS; round++) {
		scoped_free char *text = malloc(size), *first = NULL, *again = NULL;
		struct recording rec, back;
		struct err e;

		memcpy(text, example, size);
		for (uint32_t n = draw(&seed, 3) + 1; n > 0; n--)
			text[draw(&seed, (uint32_t)size)] =
				interesting[draw(&seed, sizeof(interesting) - 1)];
		if (recording_parse("f", text, size, &rec, &e))
			continue;
		accepted++;
		first = text_of(&rec);
		recording_done(&rec);
		if (parse_copy(first, &back, &e)) {
			wrong++;
			continue;
		}
		again = text_of(&back);
		wrong += strcmp(first, again) != 0;
		recording_done(&back);
	}
	ok(accepted > 10 && accepted < ROUNDS && wrong == 0,
		"of %d random changes %zu are accepted, and those are stable", ROUNDS, accepted);
}

/* @n times @item in the array @key of the example. */
static char *stuffed(const char *example, const char *key, const char *item, size_t n)
{
	const char *at = strstr(example, key) + strlen(key);
	size_t item_len = strlen(item), before = (size_t)(at - example);
	char *text = malloc(strlen(example) + n * item_len + 1), *to = text;

	to = mempcpy(to, example, before);
	for (size_t i = 0; i < n; i++)
		to = mempcpy(to, item, item_len);
	strcpy(to, at);
	return text;
}

static const struct {
	const char *key, *item;
	size_t n;
	const char *error;
} TOO_MANY[] = {
	{"  \"sources\": [", "{},", RECORDING_SOURCES_MAX, "f: $.sources: 65538 elements"},
	{"  \"programs\": [", "\"\",", RECORDING_NAMES_MAX, "f: $.programs: 65538 elements"},
	{"  \"syscalls\": [", "{},", RECORDING_CALLS_MAX, "f: $.syscalls: 16394 elements"},
	{"    \"argv\": [", "\"\",", RECORDING_ARGV_MAX, "f: $.workload.argv: 1048580 elements"},
};

static void test_too_many(const char *example)
{
	for (size_t i = 0; i < ARRAY_LEN(TOO_MANY); i++) {
		scoped_free char *text = stuffed(
			example, TOO_MANY[i].key, TOO_MANY[i].item, TOO_MANY[i].n);
		struct recording rec;
		struct err e = {.text = ""};

		if (!ok(parse_copy(text, &rec, &e) == -EINVAL && strstr(e.text, TOO_MANY[i].error),
			    "refused: %s", TOO_MANY[i].error))
			printf("#   %s\n", e.text);
	}
}

static void test_no_sources(const char *example)
{
	const char *at = strstr(example, "  \"sources\": ["), *end = strstr(at, "],");
	scoped_free char *text = NULL;
	struct recording rec;
	struct err e;

	if (asprintf(&text, "%.*s  \"sources\": [%s", (int)(at - example), example, end) < 0)
		return;
	ok(parse_copy(text, &rec, &e) == -EINVAL && strstr(e.text, "f: $.sources: a recording has "
								   "one source at least"),
		"refused: no source");
}

int main(void)
{
	scoped_free char *example = NULL;
	struct err e = {.text = ""};
	size_t size;

	if (!ok(file_read(EXAMPLE, 1 << 20, &example, &size, &e) == 0, "the example is there")) {
		printf("# %s\n", e.text);
		return tap_done();
	}
	test_hostile(example);
	test_harmless(example);
	test_seen(example);
	test_seen_by_another(example);
	test_order(example);
	test_cut(example);
	test_mutations(example);
	test_too_many(example);
	test_no_sources(example);
	return tap_done();
}
