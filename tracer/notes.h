/*
 * notes.h: calls on their way into a recording: counts, times, arguments, programs, phases,
 * origins.
 *
 * Of back ends that see one call after the other, and of others who do.
 */
#ifndef SYSCLAMP_NOTES_H
#define SYSCLAMP_NOTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "call_kind.h"
#include "recording.h"
#include "task.h"

struct call_notes {
	struct recording *rec;
	struct call_kinds kinds;
	struct {
		uint32_t listen, mmap, mmap2;
	} numbers[CALL_ABIS_MAX]; /* by row of the ABI table */
	size_t phase; /* index into recording.phases, SIZE_MAX if there was no memory for it */
	bool starting; /* it does not serve yet, and no other phase was begun */
	bool listening; /* the next wait for work begins to serve */
};

/** @listening: the workload inherits listening sockets. */
void notes_init(struct call_notes *notes, struct recording *rec, bool listening);
void notes_done(struct call_notes *notes);

/** A phase begins: the calls from now on carry its name. */
void notes_begin_phase(struct call_notes *notes, const char *name);

/**
 * Note that a call was made or tried, by thread @tid of @program (SIZE_MAX: unknown).
 *
 * @out_origin: what was noted if the call is new in its program and phase, else NULL.
 * Returns its entry, or NULL without memory.
 */
struct rec_call *notes_take(struct call_notes *notes, const struct task_call *made, pid_t tid,
	size_t program, struct rec_origin **out_origin);

/** If the call, about to be made, maps code of a file: note of which. */
void notes_map(struct call_notes *notes, const struct task_call *made, pid_t tid);

#endif
