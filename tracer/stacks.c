#include "stacks.h"

#include <stdlib.h>

#include "scope.h"

#define DEBUG_ROOT "/usr/lib/debug"

struct stacks {
	struct symbols symbols;
	/* What was captured last. */
	struct space space;
	struct stack_capture capture;
	unsigned char bytes[STACK_COPY_MAX];
};

int stacks_new(struct stacks **out, struct err *e)
{
	*out = calloc(1, sizeof(**out));
	if (!*out)
		return err_nomem(e);
	symbols_init(&(*out)->symbols, DEBUG_ROOT);
	return 0;
}

void stacks_free(struct stacks *stacks)
{
	if (stacks) {
		symbols_done(&stacks->symbols);
		space_done(&stacks->space);
	}
	free(stacks);
}

static bool map(struct stacks *stacks, pid_t pid)
{
	struct err e = {0};

	space_done(&stacks->space);
	return !space_read(pid, &stacks->space, &e);
}

bool stacks_capture_traced(struct stacks *stacks, pid_t pid, pid_t tid)
{
	struct err e = {0};

	return !stack_capture_traced(tid, stacks->bytes, &stacks->capture, &e) && map(stacks, pid);
}

bool stacks_capture_held(
	struct stacks *stacks, pid_t pid, pid_t tid, const uint64_t *regs, bool bits32)
{
	stack_capture_held(tid, regs, bits32, stacks->bytes, &stacks->capture);
	return map(stacks, pid);
}

bool stacks_capture_waiting(struct stacks *stacks, pid_t pid, pid_t tid, bool compat)
{
	struct err e = {0};

	return !stack_capture_waiting(tid, compat, stacks->bytes, &stacks->capture, &e) &&
	       map(stacks, pid);
}

void stacks_name(struct stacks *stacks, struct rec_origin *origin)
{
	struct symbols_name name;
	struct stack stack;

	stack_unwind(&stacks->symbols, &stacks->space, &stacks->capture, &stack);
	for (size_t i = 0; i < stack.n; i++) {
		stack_name(&stacks->symbols, &stacks->space, &stack.frames[i], &name);
		if (rec_origin_add_frame(origin, name.module, name.symbol, name.offset))
			break;
	}
}
