/*
 * tracer.h: recorders.  A back end runs a command and fills a recording with what it and its
 * descendants call.
 */
#ifndef SYSCLAMP_TRACER_H
#define SYSCLAMP_TRACER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "err.h"
#include "launch.h"
#include "recording.h"

/* What is to be recorded, and who wants to know about it meanwhile. */
struct tracer_job {
	char *const *argv; /* NULL-terminated; argv[0] as the user gave it */
	const char *path; /* the file to execute */
	struct notice notice; /* warnings about the workload */

	/*
	 * Called at least every @tick_ms while the workload runs, and before the recorder suspends
	 * itself (@suspending); @pid is the command's.  The recording may be read, not changed but
	 * for its seq.
	 */
	void (*tick)(void *ctx, struct recording *rec, pid_t pid, bool suspending);
	/*
	 * Called before the tree writes (write, writev) to descriptor @fd of task @tid, as far as
	 * the back end can tell (tells_writes): what is drawn on a terminal can be wiped off first.
	 * May be NULL.
	 */
	void (*before_write)(void *ctx, pid_t tid, unsigned fd);
	void *ctx; /* of both */
	unsigned tick_ms;
};

struct tracer_backend {
	const char *name;
	const char *summary; /* for --help: half a line */

	bool tells_writes; /* calls tracer_job.before_write */

	/**
	 * Make ready: 0 if it works here and now, otherwise -errno with what lacks and how to get
	 * it.
	 *
	 * @out_state: what `record` needs, to be released with `close`.
	 */
	int (*open)(void **out_state, struct err *e);
	void (*close)(void *state); /* NULL: nothing to release */

	/**
	 * Run the command until all its descendants have ended.  Once per `open`.
	 *
	 * @rec: initialised; filled, not ended.
	 * @end: set on success; on failure exec_errno tells whether the command was at fault.
	 *
	 * Signals stay caught afterwards, so that none ends the caller before the recording is
	 * written: launch_restore_signals() is the caller's to call.
	 */
	int (*record)(void *state, const struct tracer_job *job, struct recording *rec,
		struct launch_end *end, struct err *e);
};

/* A back end that was made ready. */
struct tracer {
	const struct tracer_backend *backend;
	void *state;
	bool automatic; /* the choice was left to us */
};

/** The table of back ends, best first.  @out_len: its length. */
const struct tracer_backend *tracer_backends(size_t *out_len);

/**
 * Choose a back end and make it ready: by name, or for "auto" the first that works.
 *
 * @out: to be released with tracer_close().
 * @out_why: ERR_TEXT_MAX bytes: for "auto", why no better one was taken; "" if the first was.
 * Errors: -EINVAL: there is none of that name; otherwise why it does not work here.
 */
int tracer_open(const char *name, struct tracer *out, char *out_why, struct err *e);

/** Takes a zeroed one, too. */
void tracer_close(struct tracer *tracer);

/** Tell that the workload supervises calls through seccomp notification: what that hides. */
void tracer_tell_notifying(const struct tracer_job *job);

#endif
