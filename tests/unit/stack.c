/*
 * stack.h: programs that make a known call from known functions, seen at that call.
 */
#include "stack.h"

#include <limits.h>
#include <sys/stat.h>

#include "scope.h"
#include "tap.h"
#include "traced.h"

#define OWN "nested_inner nested_middle nested_outer"

enum { NAMES_MAX = 4096 };

static const char *build;
static struct symbols symbols;

/* What was captured of a program, which still stands there. */
struct seen {
	struct traced traced;
	struct space space;
	struct stack_capture capture;
	uint8_t bytes[STACK_COPY_MAX];
	struct stack stack;
	bool there;
};

static void see(struct seen *seen, const char *program, const char *arg)
{
	char path[PATH_MAX];
	char *argv[] = {path, (char *)arg, NULL};
	struct err e = {0};

	*seen = (struct seen){0};
	(void)snprintf(path, sizeof(path), "%s%s%s", *program == '/' ? "" : build,
		*program == '/' ? "" : "/tests/programs/", program);
	if (!traced_start(&seen->traced, argv))
		return;
	if (space_read(seen->traced.pid, &seen->space, &e) ||
		stack_capture_traced(seen->traced.tid, seen->bytes, &seen->capture, &e)) {
		printf("# %s\n", e.text);
		return;
	}
	stack_unwind(&symbols, &seen->space, &seen->capture, &seen->stack);
	seen->there = true;
}

static void forget(struct seen *seen)
{
	traced_end(&seen->traced);
	space_done(&seen->space);
}

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
static void test_programs(void)
{
	static const struct {
		const char *program, *arg, *names;
		enum stack_end end;
	} rows[] = {
		{"nested", NULL, "getppid " OWN " main", STACK_OUTERMOST},
		{"nested_pointer", NULL, "getppid " OWN " main", STACK_OUTERMOST},
		{"nested_static", NULL, "getppid " OWN " main __libc_start_call_main",
			STACK_OUTERMOST},
		{"nested_static_pie", NULL, "getppid " OWN " main __libc_start_call_main",
			STACK_OUTERMOST},
		{"nested_stripped", NULL, "getppid ? ? ? ?", STACK_OUTERMOST},
		{"nested_shared", NULL, "getppid ? ? ? library_call call_library main",
			STACK_OUTERMOST},
		{"nested_thread", NULL, "getppid " OWN " begin", STACK_OUTERMOST},
		{"nested_i386", NULL, "__kernel_vsyscall getppid " OWN " main", STACK_OUTERMOST},
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct seen seen;

		see(&seen, rows[i].program, rows[i].arg);
		ok(seen.there && seen.stack.end == rows[i].end, "%s: its stack to the end",
			rows[i].program);
		is_text(names_of(&seen, count_words(rows[i].names)), rows[i].names,
			"%s: its functions", rows[i].program);
		show(&seen);
		forget(&seen);
	}
}

int main(void)
{
	build = getenv("BUILD");
	if (!build)
		return 1;
	symbols_init(&symbols, NULL);
	test_programs();
	symbols_done(&symbols);
	return tap_done();
}
