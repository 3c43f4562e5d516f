/*
 * recording_parts.h: what the files that make up the noun recording share.  Others include
 * recording.h.
 */
#ifndef SYSCLAMP_RECORDING_PARTS_H
#define SYSCLAMP_RECORDING_PARTS_H

#include "json.h"
#include "recording.h"

#define RECORDING_PROGRAM "sysclamp" /* recorder.name */

/* Append a copy of @name, made UTF-8, without looking whether it is there.  0, -ENOMEM, -E2BIG. */
int rec_names_add(struct rec_names *names, const char *name);

/* Order by row of the ABI table, then number as an unsigned one.  For qsort(3) too. */
int rec_call_compare(const void *a, const void *b);
void rec_call_done(struct rec_call *call);

/* Read one element of syscalls; sources, phases and programs of @rec are known by then. */
int rec_call_parse(const struct json_at *at, const struct recording *rec, struct rec_call *call,
	struct err *e);

/* Set what follows from the sources: id, seq, complete. */
void recording_settle(struct recording *rec);

#endif
