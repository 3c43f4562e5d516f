/*
 * cage_inside.h: the child's part of cage_run.h.
 */
#ifndef SYSCLAMP_CAGE_INSIDE_H
#define SYSCLAMP_CAGE_INSIDE_H

#include <limits.h>
#include <sys/types.h>

#include "own_program.h"
#include "sandbox_parts.h"
#include "terminal.h"

/*
 * What launcher and child tell each other, one byte each time, on a pair of sockets; beside these
 * the number of a signal that has stopped the command (launch_nest()).
 */
enum cage_word {
	CAGE_MAPPED = 'm', /* to the child: its user namespace has its ids */
	/* to the launcher: the file systems stand, the root is still outside */
	CAGE_PREPARED = 'p',
	CAGE_GO = 'g', /* to the child: hooks have run */
	/* to the launcher: the child, which stays, starts the command.  Of one that becomes the
	 * command, its end of the sockets is closed instead. */
	CAGE_STARTED = 's',
};

/* Memory of both; zeroed. */
struct cage_page {
	bool groups_stay; /* by the launcher: user_maps_groups() */
	struct err err; /* of the child, if err.code */
	struct stage stage; /* of the command, if the child becomes it; stage.failed */
	char path[PATH_MAX]; /* of the command */
	struct launch_stops stops;
	bool executes; /* the command is about to start */
	bool has_end; /* `end` is set: the child has waited for the command */
	struct launch_end end;
	pid_t pid; /* of the child, if another process has made it */
};

/* What the child begins with. */
struct cage_start {
	const struct sandbox *box;
	struct cage_page *page;
	int socket; /* to the launcher */
	struct terminal *terminal; /* NULL: none */
	struct own_program own; /* if cage_is_foreign() */
};

/** Whether somebody else may have made the root in which the command is found. */
bool cage_is_foreign(const struct cage *cage);

/** Make the cage and become the command, or start it and end with it.  Never returns. */
_Noreturn void cage_inside(const struct cage_start *start);

#endif
