/*
 * descendants.h: all processes that come from the caller.
 *
 * The caller is a child subreaper (PR_SET_CHILD_SUBREAPER(2const)), so that processes whose parents
 * have ended become its children, and none is lost.
 */
#ifndef SYSCLAMP_DESCENDANTS_H
#define SYSCLAMP_DESCENDANTS_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "err.h"

enum { DESCENDANTS_SPARED = 64 };

/* Children that the caller had before, from what it was before an exec: those are nobody's here. */
struct descendants {
	pid_t spared[DESCENDANTS_SPARED];
	size_t n_spared;
	int was_reaper; /* the caller, as PR_GET_CHILD_SUBREAPER(2const) has it */
};

/**
 * Make the caller a child subreaper, where its children can be listed.
 *
 * @out: the children it has now.
 * Errors: /proc is not mounted, or the kernel lacks CONFIG_PROC_CHILDREN; -E2BIG: there are
 * DESCENDANTS_SPARED or more.
 */
int descendants_adopt(struct descendants *out, struct err *e);

/** Make the caller what it was before: whose parents end from now on are others' children. */
void descendants_release(const struct descendants *before);

/**
 * The children of process @pid, all its threads', in the order of /proc; 0: the caller's.
 *
 * @out: @room of them.
 * Returns how many there are, or @room if there are more.
 */
size_t descendants_children(pid_t pid, pid_t *out, size_t room);

/** Whether a child of the caller is one that it had before. */
bool descendants_spare(const struct descendants *before, pid_t pid);

/**
 * Kill all descendants and wait for them: children first, and those that become children by that,
 * until there is none.  One that may not be killed (another user's) is waited for.
 */
void descendants_end(const struct descendants *before);

#endif
