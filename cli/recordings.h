/*
 * recordings.h: the recordings that a command is given, and their join.
 */
#ifndef SYSCLAMP_RECORDINGS_H
#define SYSCLAMP_RECORDINGS_H

#include "profiler.h"
#include "recording.h"

/* Files as on the command line; "-" is standard input. */
struct recordings {
	char **files;
	int n_files;
	const char *kind; /* what errors call one of them; NULL: "recording" */
};

/**
 * Whether they can be read, and @out (NULL: standard output) be written without one of them being
 * lost.  Returns EXIT_OK, or EXIT_USAGE after a misuse that has been reported.
 */
int recordings_check(const char *command, const struct recordings *recordings, const char *out);

/** Whether @file, which is written because of @option, is none of them; likewise. */
int recordings_spare(const char *command, const struct recordings *recordings, const char *option,
	const char *file);

/** What errors call them: the only file, or all of them together. */
const char *recordings_name(const struct recordings *recordings);

/**
 * The join of all files, each fit for use if @options (may be NULL: whatever it lost) asks.
 *
 * @to: as of generate_accept().
 * @out_argv: the command line of the first file, which that of the join need not be; heap, to be
 * released with rec_names_done(), after a failure too; NULL: not wanted.
 */
int recordings_join(const struct recordings *recordings, const struct generate_options *options,
	const struct notice *to, struct recording *out, struct rec_names *out_argv, struct err *e);

#endif
