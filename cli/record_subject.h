/*
 * record_subject.h: one recording of something that runs already, and the file that it goes to.
 */
#ifndef SYSCLAMP_RECORD_SUBJECT_H
#define SYSCLAMP_RECORD_SUBJECT_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "err.h"
#include "recording.h"

struct subject {
	struct recording rec; /* first: tracers hand it back */
	struct recording before; /* what the file held when we came: it is continued */
	char *file; /* heap */
	bool stream;
	bool shared; /* others write the file, too: subject_share() */
	bool finished; /* it has ended, and its file is as it stays */
	bool failed; /* the last refresh; told once */
	uint64_t written_ns;
	uint64_t written_calls; /* how many calls were in it then */
};

static inline struct subject *subject_of(const struct recording *rec)
{
	return (struct subject *)(uintptr_t)rec;
}

/**
 * Begin a recording of process @pid: its command line and directory are noted; 0 if none is known.
 *
 * @file: copied.  One that is there is continued if @continues, otherwise replaced.
 * @out: zeroed; to be released with subject_done(); must not move.
 */
int subject_init(struct subject *out, pid_t pid, const char *file, bool continues, struct err *e);
void subject_done(struct subject *subject);

/**
 * Others may write the file meanwhile, and it loses nothing of theirs: each writing joins what is
 * there by then, one writer after the other (flock(2) of the directory).  To be called before the
 * first writing.
 *
 * Errors: it holds something else than a recording.
 */
int subject_share(struct subject *subject, struct err *e);

/**
 * Let the recording go to another file from now on.  One that is there is continued.
 * Errors: the recording stays where it is.
 */
int subject_move(struct subject *subject, const char *file, struct err *e);

/** Write the file. */
int subject_write(struct subject *subject, struct err *e);

/** The number of all calls so far. */
uint64_t subject_calls(const struct subject *subject);

#endif
