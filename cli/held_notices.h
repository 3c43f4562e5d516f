/*
 * held_notices.h: notices that wait until it is known how a command ends.  A refusal is one line:
 * what was noticed on the way is of a result that is not there.
 */
#ifndef SYSCLAMP_HELD_NOTICES_H
#define SYSCLAMP_HELD_NOTICES_H

#include <stdio.h>

#include "err.h"

struct held_notices {
	const char *command; /* must stay */
	FILE *to; /* NULL: nothing was noticed so far */
	char *text; /* heap */
	size_t size;
};

/** A notice that keeps lines in @held, to be released with held_notices_done(). */
struct notice held_notice(struct held_notices *held);

/** Print what was noticed to standard error, as cli_notice() does; nothing is held any more. */
void held_notices_tell(struct held_notices *held);

/** Forget it. */
void held_notices_done(struct held_notices *held);

#endif
