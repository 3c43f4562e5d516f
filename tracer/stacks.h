/*
 * stacks.h: the user stacks of origins: which function called which, down to the system call.
 */
#ifndef SYSCLAMP_STACKS_H
#define SYSCLAMP_STACKS_H

#include <stdbool.h>

#include "recording.h"
#include "stack.h"

struct stacks; /* the files that were looked into, for one recorder's life */

/** @out: heap, to be released with stacks_free().  Errors: -ENOMEM. */
int stacks_new(struct stacks **out, struct err *e);
void stacks_free(struct stacks *stacks);

/**
 * Capture the stack of a thread that is in a ptrace stop at a system call, and how its process is
 * mapped: after that it may go on.  False if that cannot be had.
 */
bool stacks_capture_traced(struct stacks *stacks, pid_t pid, pid_t tid);

/**
 * The same for a thread that is held at its call.
 *
 * @regs: by x86-64's numbers in DWARF (stack.h), STACK_REGS of them.
 */
bool stacks_capture_held(
	struct stacks *stacks, pid_t pid, pid_t tid, const uint64_t *regs, bool bits32);

/** The same for a thread that waits in a call, of a 32-bit ABI if @compat. */
bool stacks_capture_waiting(struct stacks *stacks, pid_t pid, pid_t tid, bool compat);

/**
 * Add the frames of what was captured last to @origin.  What has no room is left out: origins are
 * for people.
 */
void stacks_name(struct stacks *stacks, struct rec_origin *origin);

#endif
