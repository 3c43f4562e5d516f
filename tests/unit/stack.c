/*
 * stack.h: programs that make a known call from known functions, seen at that call.
 */
#include "stack.h"

#include <limits.h>
#include <sched.h>
#include <sys/mount.h>

#include "scope.h"
#include "seen_stack.h"
#include "tap.h"

#define OWN "nested_inner nested_middle nested_outer"

enum { NAMES_MAX = 4096 };

static struct symbols symbols;

/* Symbols of the first @n frames, with blanks between; "?" where there is none. */
static const char *names_of(const struct seen *seen, size_t n)
{
	static char names[NAMES_MAX];
	size_t used = 0;

	names[0] = '\0';
	for (size_t i = 0; i < n && i < seen->stack.n; i++) {
		struct symbols_name name;

		stack_name(&symbols, &seen->space, &seen->stack.frames[i], &name);
		used += (size_t)snprintf(names + used, sizeof(names) - used, "%s%s", i ? " " : "",
			*name.symbol ? name.symbol : "?");
	}
	return names;
}

static size_t count_words(const char *text)
{
	size_t n = 1;

	for (; *text; text++)
		n += *text == ' ';
	return n;
}

static const char *end_name(enum stack_end end)
{
	static const char *const names[] = {
		[STACK_OUTERMOST] = "outermost",
		[STACK_CUT] = "cut",
		[STACK_UNMAPPED] = "unmapped",
		[STACK_NO_WAY] = "no way",
		[STACK_LOOP] = "loop",
		[STACK_FULL] = "full",
	};

	return names[end];
}

static void show(const struct seen *seen)
{
	for (size_t i = 0; i < seen->stack.n; i++) {
		const struct stack_frame *frame = &seen->stack.frames[i];
		struct symbols_name name;

		stack_name(&symbols, &seen->space, frame, &name);
		printf("# %2zu %d %#lx %s+%#lx (%s)\n", i, frame->way, frame->address, name.symbol,
			name.offset, name.module);
	}
	printf("# end: %s\n", end_name(seen->stack.end));
}

/* Each calls getppid from the functions of nested.h. */
static const struct row {
	const char *program, *arg;
	const char *names; /* of the innermost frames */
	enum stack_end end;
	const char *need; /* a word of TEST_REQUIRE, if it may be that it does not run here */
} ROWS[] = {
	{"nested", NULL, "getppid " OWN " main", STACK_OUTERMOST, NULL},
	{"nested_pointer", NULL, "getppid " OWN " main", STACK_OUTERMOST, NULL},
	{"nested_static", NULL, "getppid " OWN " main __libc_start_call_main", STACK_OUTERMOST,
		NULL},
	{"nested_static_pie", NULL, "getppid " OWN " main __libc_start_call_main", STACK_OUTERMOST,
		NULL},
	{"nested_stripped", NULL, "getppid ? ? ? ?", STACK_OUTERMOST, NULL},
	{"nested_shared", NULL, "getppid " OWN " library_call call_library main", STACK_OUTERMOST,
		NULL},
	{"nested_thread", NULL, "getppid " OWN " begin", STACK_OUTERMOST, NULL},
	{"nested_no_rules", NULL, "getppid " OWN " main", STACK_OUTERMOST, NULL},
	{"nested_signal", NULL, "getppid " OWN " handler ? interrupted main", STACK_OUTERMOST,
		NULL},
	/* Of the interrupted function's caller nothing lies on the handler's stack. */
	{"nested_signal", "alternate", "getppid " OWN " handler ? interrupted", STACK_CUT, NULL},
	{"nested_i386", NULL, "__kernel_vsyscall getppid " OWN " main", STACK_OUTERMOST, "i386"},
};

static void test_row(const struct row *row)
{
	size_t words = count_words(row->names);
	struct seen seen;

	see(&seen, &symbols, row->program, row->arg);
	if (!seen.there && row->need) {
		tap_skip(row->need, row->program, "it does not run here");
		return;
	}
	if (!is_text(names_of(&seen, words), row->names, "%s %s: its functions",
		    strrchr(row->program, '/') ? "program" : row->program,
		    row->arg ? row->arg : "") |
		!ok(seen.stack.end == row->end, "and an end: %s", end_name(seen.stack.end)))
		show(&seen);
	forget(&seen);
}

static void test_programs(void)
{
	for (size_t i = 0; i < ARRAY_LEN(ROWS); i++)
		test_row(&ROWS[i]);
}

/* musl's libc has neither rules nor frame pointers; programs that are linked to it may have some.
 */
static void test_musl(void)
{
	static const struct {
		const char *flags;
		struct row row;
	} rows[] = {
		{"-static", {.names = "getppid " OWN " main", .end = STACK_NO_WAY}},
		{"", {.names = "getppid " OWN " main", .end = STACK_NO_WAY}},
		{"-DNESTED_READ", {.names = "? ? read " OWN " main", .end = STACK_NO_WAY}},
	};
	char dir[] = "/tmp/sysclamp-test.XXXXXX", program[64], command[256];

	if (system("command -v musl-gcc >/dev/null")) {
		tap_skip("musl", "musl", "there is no musl-gcc");
		return;
	}
	if (!mkdtemp(dir))
		return;
	(void)snprintf(program, sizeof(program), "%s/nested", dir);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct row row = rows[i].row;

		(void)snprintf(command, sizeof(command),
			"musl-gcc -O2 -fomit-frame-pointer %s -o %s tests/programs/nested.c",
			rows[i].flags, program);
		row.program = program;
		row.arg = rows[i].flags;
		if (ok(system(command) == 0, "musl-gcc %s", rows[i].flags))
			test_row(&row);
	}
	(void)unlink(program);
	(void)rmdir(dir);
}

/* Who may not follow map_files looks for files in the process's root. */
static void see_unprivileged(void *arg)
{
	enum { NOBODY = 65534 };
	const char *want = "getppid " OWN " main";
	struct seen seen;

	(void)!setresgid(NOBODY, NOBODY, NOBODY);
	if (setresuid(NOBODY, NOBODY, NOBODY))
		_exit(1);
	see(&seen, &symbols, arg, NULL);
	if (!seen.there || strcmp(names_of(&seen, count_words(want)), want) != 0)
		show(&seen);
	_exit(!seen.there || strcmp(names_of(&seen, count_words(want)), want) != 0);
}

static void test_unprivileged(void)
{
	char dir[] = "/tmp/sysclamp-test.XXXXXX", program[64], command[PATH_MAX + 128];

	if (geteuid() != 0) {
		tap_skip("root", "without privileges", "needs root to become another user");
		return;
	}
	if (!mkdtemp(dir))
		return;
	(void)snprintf(program, sizeof(program), "%s/nested", dir);
	(void)snprintf(command, sizeof(command),
		"chmod 755 %s && cp %s/tests/programs/nested %s && chmod 755 %s", dir,
		getenv("BUILD"), program, program);
	ok(system(command) == 0 && tap_child(see_unprivileged, program) == 0,
		"without privileges: the same");
	(void)unlink(program);
	(void)rmdir(dir);
}

static char place[] = "/tmp/sysclamp-test.XXXXXX";

/* In a mount namespace of its own, something else lies there. */
static void mount_over(void)
{
	char program[64];

	(void)snprintf(program, sizeof(program), "%s/real", place);
	if (unshare(CLONE_NEWNS) || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) ||
		mount(program, place, NULL, MS_BIND, NULL))
		_exit(1);
}

static void test_other_mounts(void)
{
	char program[64], command[PATH_MAX + 128];
	char *argv[] = {program, NULL};
	const char *want = "getppid " OWN " main";
	struct symbols_name name;
	struct seen seen;

	if (geteuid() != 0) {
		tap_skip("root", "with mounts of its own", "needs root to mount");
		return;
	}
	if (!mkdtemp(place))
		return;
	(void)snprintf(program, sizeof(program), "%s/nested", place);
	(void)snprintf(command, sizeof(command),
		"mkdir %s/real && cp %s/tests/programs/nested %s/real", place, getenv("BUILD"),
		place);
	(void)!system(command);
	see_command(&seen, &symbols, argv, mount_over);
	if (ok(seen.there, "a program with mounts of its own is seen")) {
		is_text(names_of(&seen, count_words(want)), want, "its functions");
		stack_name(&symbols, &seen.space, &seen.stack.frames[1], &name);
		is_text(name.module, program, "its path as it sees it");
	}
	forget(&seen);
	(void)snprintf(command, sizeof(command), "rm -r %s", place);
	(void)!system(command);
}

/* Frames without a name are where those with one are in the same program before it was stripped. */
static void test_offsets(void)
{
	struct seen seen, stripped;

	see(&seen, &symbols, "nested", NULL);
	see(&stripped, &symbols, "nested_stripped", NULL);
	for (size_t i = 1; i <= 4; i++) {
		const struct space_map *map = space_find(&seen.space, seen.stack.frames[i].address);
		struct symbols_name name;

		stack_name(&symbols, &stripped.space, &stripped.stack.frames[i], &name);
		ok(map && name.offset == space_offset(map, seen.stack.frames[i].address) &&
				strstr(name.module, "/nested_stripped"),
			"frame %zu: an offset in the file, %#lx", i, name.offset);
	}
	forget(&seen);
	forget(&stripped);
}

int main(void)
{
	if (!getenv("BUILD"))
		return 1;
	symbols_init(&symbols, NULL);
	test_programs();
	test_musl();
	test_unprivileged();
	test_other_mounts();
	test_offsets();
	symbols_done(&symbols);
	return tap_done();
}
