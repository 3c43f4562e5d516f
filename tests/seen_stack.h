/*
 * seen_stack.h: the stack of a program at the call that traced.h waits for.
 */
#ifndef SYSCLAMP_SEEN_STACK_H
#define SYSCLAMP_SEEN_STACK_H

#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "stack.h"
#include "traced.h"

/* What was captured of a program, which still stands there. */
struct seen {
	struct traced traced;
	struct space space;
	struct stack_capture capture;
	uint8_t bytes[STACK_COPY_MAX];
	struct stack stack;
	bool there;
};

/* Run @argv, after @prepare in its process, until it makes the call, and unwind its stack. */
static inline void see_command(
	struct seen *seen, struct symbols *symbols, char *const *argv, void (*prepare)(void))
{
	struct err e = {0};

	*seen = (struct seen){0};
	if (!traced_start(&seen->traced, argv, prepare))
		return;
	if (space_read(seen->traced.pid, &seen->space, &e) ||
		stack_capture_traced(seen->traced.tid, seen->bytes, &seen->capture, &e)) {
		printf("# %s\n", e.text);
		return;
	}
	stack_unwind(symbols, &seen->space, &seen->capture, &seen->stack);
	seen->there = true;
}

/* A program of the tests, or one by its path. */
static inline void see(
	struct seen *seen, struct symbols *symbols, const char *program, const char *arg)
{
	char path[PATH_MAX];
	char *argv[] = {path, (char *)arg, NULL};

	(void)snprintf(path, sizeof(path), "%s%s%s", *program == '/' ? "" : getenv("BUILD"),
		*program == '/' ? "" : "/tests/programs/", program);
	see_command(seen, symbols, argv, NULL);
}

static inline void forget(struct seen *seen)
{
	traced_end(&seen->traced);
	space_done(&seen->space);
}

#endif
