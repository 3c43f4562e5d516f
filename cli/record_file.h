/*
 * record_file.h: the file that a recording of a command goes to, brought up to date meanwhile.
 */
#ifndef SYSCLAMP_RECORD_FILE_H
#define SYSCLAMP_RECORD_FILE_H

#include <stdbool.h>
#include <stdint.h>

#include "err.h"
#include "recording.h"

struct record_file {
	const char *path;
	bool stream; /* it is no file (cli_is_stream()): written once, at the end */
	uint64_t refreshed_ns; /* when, by steady_ns() */
	bool failed; /* the last refresh, and somebody was told */
};

/** "./<base name of the command>.rec.json", heap; NULL without memory. */
char *record_file_default(const char *command);

/** From now on it is to be refreshed. */
void record_file_begin(struct record_file *file, const char *path);

/**
 * Write it if that is due: so often that a recorder that is killed has lost less than a second.
 *
 * Errors: those of recording_write(), of the first refresh in a row that failed: the next may have
 * room again, the last one decides.
 */
int record_file_refresh(struct record_file *file, struct recording *rec, struct err *e);

#endif
