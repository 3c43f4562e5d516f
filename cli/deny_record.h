/*
 * deny_record.h: the recording of calls that were let through although the profile does not.
 */
#ifndef SYSCLAMP_DENY_RECORD_H
#define SYSCLAMP_DENY_RECORD_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "deny.h"
#include "deny_programs.h"
#include "notes.h"
#include "record_file.h"
#include "recording.h"

struct deny_record {
	struct recording rec;
	struct call_notes notes;
	struct record_file file;
	char *made_up; /* heap: its path, if the user named none; else NULL */
	char *const *argv;
	bool all; /* the filter asks about every call */
	uint32_t execs[CALL_ABIS_MAX]
		      [2]; /* the calls that execute programs, by row of the ABI table */
	struct deny_programs programs;
	pid_t started; /* it executed the command, whose program is not known yet; 0: it is */
};

/** Before the command is started: whether the recording can be written. */
int deny_record_open(struct deny_record *record, const struct deny_request *request, struct err *e);
void deny_record_done(struct deny_record *record);

int deny_record_begin(struct deny_record *record, struct err *e);

/**
 * Note a call that the user lets through, and say what becomes of it.  A number without a name gets
 * the answer of a kernel that does not know it: no profile could allow the call anyway.
 */
uint32_t deny_record_take(struct deny_record *record, const struct denial *denial);

/** Bring the file up to date, if that is due. */
void deny_record_tick(struct deny_record *record);

/** The last of the workload has ended: write, and tell.  Errors: it cannot be written, or something
 * was lost. */
int deny_record_end(struct deny_record *record, const struct launch_end *end, struct err *e);

#endif
