/*
 * breakpoint.h: places in a traced program at which whoever executes them stops.
 *
 * An int3 stands there in place of the first byte, in the memory of one process, which its threads
 * and children of vfork(2) share and other children get a copy of: so all that run the program stop
 * there, and each process has to be given back what stood there, once (breakpoints_pass(),
 * breakpoints_clear()): from then on its other threads pass, too.  Until then it is a byte that a
 * program which reads its own code would see.
 *
 * Debug registers would write nothing, but they are the work of perf events for the kernel, the
 * first of which takes it 15 ms (account_event() of kernel/events/core.c waits for an RCU grace
 * period).
 *
 * The processor's trap is a signal that cannot be blocked or ignored: the kernel lifts either for
 * good (force_sig_info()).
 */
#ifndef SYSCLAMP_BREAKPOINT_H
#define SYSCLAMP_BREAKPOINT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "err.h"
#include "image.h"

struct breakpoint {
	uint64_t address;
	unsigned char code; /* the byte that stands there otherwise */
	struct image_key program; /* whose code it is */
};

/* Those of programs that the command was before, too: children may have them still. */
struct breakpoints {
	struct breakpoint *all; /* the last one set comes last */
	size_t n, room;
};

/**
 * Set one.
 *
 * @list: to be released with breakpoints_done().
 * @tid: stands in a ptrace stop, and is the only thread of its process.
 * @image: its program, placed (image_place()).
 * Errors: -ENOTSUP: that instruction is an int3 of the program's own; those of writing to it,
 * -ESRCH among them.
 */
int breakpoints_add(struct breakpoints *list, const struct image *image, pid_t tid,
	uint64_t address, struct err *e);

/**
 * If a task has run into one, have it stand before it: resumed, it would run into it again.  The
 * signal of the stop is then not the program's.
 *
 * @status: of wait(2): the stop in which it stands.
 * Returns whether it had.
 */
bool breakpoints_step_back(const struct breakpoints *list, pid_t tid, int status);

/** The same, of the one at @address alone. */
bool breakpoints_step_back_to(
	const struct breakpoints *list, uint64_t address, pid_t tid, int status);

/** As breakpoints_step_back(), and in its process what stood there does so again: resumed, it goes
 * on. */
bool breakpoints_pass(const struct breakpoints *list, pid_t tid, int status);

/**
 * Whether a task in an interruption stop has run into one, and has yet to stop for that, which it
 * does as soon as it is resumed.
 */
bool breakpoints_is_due(const struct breakpoints *list, pid_t tid);

/**
 * Give back to a process what stood at all of them.
 *
 * @tid: a task of it, in a ptrace stop.
 * Errors: those of writing to its memory; -ESRCH: it has ended.
 */
int breakpoints_clear(const struct breakpoints *list, pid_t tid, struct err *e);

void breakpoints_done(struct breakpoints *list);

#endif
