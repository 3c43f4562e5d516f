/*
 * cage_inside.h: the child's part of cage_run.h.
 */
#ifndef SYSCLAMP_CAGE_INSIDE_H
#define SYSCLAMP_CAGE_INSIDE_H

#include <limits.h>
#include <sys/types.h>

#include "sandbox_parts.h"
#include "terminal.h"

/* What launcher and child tell each other, one byte each time, on a pair of sockets. */
enum cage_word {
	CAGE_MAPPED = 'm', /* to the child: its user namespace has its ids */
	CAGE_PREPARED =
		'p', /* to the launcher: the file systems stand, the root is still outside */
	CAGE_GO = 'g', /* to the child: hooks have run */
};

/* Memory of both; zeroed. */
struct cage_page {
	struct err err; /* of the child, if err.code */
	struct stage stage; /* of the command, if the child becomes it; stage.failed */
	char path[PATH_MAX]; /* of the command */
	bool executes; /* the command is about to start */
	bool has_end; /* `end` is set: the child has waited for the command */
	struct launch_end end;
	pid_t pid; /* of the child, if another process has made it */
};

/** Make the cage and become the command, or start it and end with it.  Never returns. */
_Noreturn void cage_inside(
	const struct sandbox *box, struct cage_page *page, int socket, struct terminal *terminal);

#endif
