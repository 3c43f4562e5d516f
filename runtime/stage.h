/*
 * stage.h: what the child does between its birth and execve(2).
 *
 * The child runs in the caller's memory (CLONE_VM): no page table is copied for it, and what it
 * writes to its struct stage arrives even when no system call is left to it.  In return, stage.c
 * makes system calls and nothing else: no heap, no stdio, no locale.
 *
 * The caller does not stand still meanwhile, as it would with vfork(2): suspended from its terminal
 * before the execve, the child would take a caller with it that no shell could tell is suspended.
 */
#ifndef SYSCLAMP_STAGE_H
#define SYSCLAMP_STAGE_H

#include <sys/types.h>

#include "sandbox.h"

enum {
	/* The child needs less than 2 KiB; sanitizers add some. */
	STAGE_STACK_SIZE = 32 * 1024,
	STAGE_LOOK_NS = 200000,
};

enum stage_step {
	STAGE_NO_FAILURE,
	STAGE_SIGNALS,
	STAGE_GROUP,
	STAGE_WITH_PARENT,
	STAGE_LIMIT,
	STAGE_UMASK,
	STAGE_NO_NEW_PRIVS,
	STAGE_LOAD,
	STAGE_EXEC,
};

struct stage {
	const struct sandbox *box;
	const struct filter *filter; /* to load before execve, NULL: none */
	uint32_t filter_flags;
	char *stack_top; /* of STAGE_STACK_SIZE bytes, aligned to 16 */
	bool tied; /* it ends when its parent does */
	bool own_group; /* it leads a process group */
	bool held_back; /* the child waits for stage_go() */
	pid_t caller; /* the process that is to call that */
	volatile uint32_t go;
	/*
	 * With a supervisor.  The child has the caller's descriptors until its execve
	 * (CLONE_FILES), so the listener's number is the caller's as well; -1 until the filter is
	 * loaded.  The kernel clears `early` and wakes its futex when the child executes the
	 * program or ends.
	 */
	int listener;
	int early;
	/* Written by the child; to be read after it has ended. */
	volatile enum stage_step failed; /* the step that did */
	volatile int error; /* errno of it */
	volatile size_t limit; /* STAGE_LIMIT: which of the cage's */
};

/**
 * Make the child.  It executes the program, or ends with @failed set.
 *
 * Between launch_hold_signals() and launch_forward_signals() only.
 *
 * @stage: must stay until the child has been reaped, and the stack too.
 * Returns its process number or -errno of clone(2).
 */
pid_t stage_start(struct stage *stage);

/**
 * The same in the calling process, which becomes the command, or ends.  launch_hold_signals() is in
 * force.  @stage lies in memory that the reader of @failed shares.
 */
_Noreturn void stage_here(struct stage *stage);

/** Let a child go that was held back. */
void stage_go(struct stage *stage);
enum { STAGE_NO_LISTENER = -1, STAGE_LOADING = -2 };

/**
 * The listener of the filter that the child has loaded, the caller's now; waits for STAGE_LOOK_NS
 * if it has not.
 *
 * Returns its descriptor; STAGE_LOADING; STAGE_NO_LISTENER: the child has ended, or is about to.
 */
int stage_listener(struct stage *stage);

#endif
