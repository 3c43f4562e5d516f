/*
 * tracer.h: recorders.  A back end fills recordings with what is called: by a command that it runs,
 * and by the command's descendants; or by what runs already.
 */
#ifndef SYSCLAMP_TRACER_H
#define SYSCLAMP_TRACER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "err.h"
#include "launch.h"
#include "marks.h"
#include "recording.h"

/* What is to be recorded, and who wants to know about it meanwhile. */
struct tracer_job {
	char *const *argv; /* NULL-terminated; argv[0] as the user gave it */
	const char *path; /* the file to execute */
	struct notice notice; /* warnings about the workload */
	struct marks *marks; /* where people tell of phases, or NULL */
	bool listening; /* the command inherits listening sockets */
	bool stacks; /* origins have the stacks of their threads */

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

/* What runs already, and is to be recorded. */
struct tracer_target {
	pid_t pid; /* a process: it, its threads and descendants; 0: none */
	uint64_t cgroup; /* id of one of version 2 (its inode number): it, and those below; 0: none
			  */
	uint64_t mount_space; /* by proc_mount_space(): all that runs in it; 0: none */
	bool starting; /* the process is a runtime's: only when it executes a program it begins */
	bool filtered; /* it will carry a seccomp filter by then */
	struct recording *rec; /* initialised; filled, not ended */
};

/* A mount namespace that a program was executed in: a container, perhaps. */
struct tracer_found {
	pid_t pid; /* of that process, if it is not gone */
	uint64_t mount_space; /* by proc_mount_space(); 0: it may be another's by now */
	/* Names of its cgroup of version 2, of the one above that, and of one of version 1. */
	const char *cgroups[3];
};

/* Recording what runs already.  All functions get @ctx. */
struct tracer_attach {
	const struct tracer_target *targets;
	size_t n_targets;
	struct marks *marks; /* as in tracer_job */
	bool stacks; /* as in tracer_job */
	unsigned tick_ms;
	void *ctx;

	/* Everything is counted from here on. */
	void (*attached)(void *ctx);
	/*
	 * Containers are to be found as they start: the recording for one, which stays until
	 * `ended`; NULL: it is none of ours, as far as can be told.  One that was found in the
	 * making is asked for a few times more.  May be NULL: nothing is to be found.
	 */
	struct recording *(*found)(void *ctx, const struct tracer_found *found);
	/*
	 * There was no room for one that was to be found: @room are recorded at a time.  It is
	 * looked for again when one of them has ended.  May be NULL.
	 */
	void (*crowded)(void *ctx, unsigned room);
	/* Every @tick_ms; @news_ns: when something was last seen for the first time (steady_ns()).
	 * Returns whether to go on. */
	bool (*tick)(void *ctx, uint64_t news_ns);
	/* At each tick, for each recording: bring it up to date?  @news: there is something new. */
	bool (*wants)(void *ctx, const struct recording *rec, bool news);
	/* It was brought up to date, because it was wanted. */
	void (*refresh)(void *ctx, struct recording *rec);
	/* The last of its threads has ended (@gone), or recording has. */
	void (*ended)(void *ctx, struct recording *rec, bool gone);
};

/* How much is to be recorded at a time. */
enum tracer_room {
	TRACER_COMMAND,
	TRACER_ONE, /* that runs already */
	TRACER_SEVERAL,
	TRACER_NODE /* all containers of a host, found as they come */
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
	int (*open)(enum tracer_room room, void **out_state, struct err *e);
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

	/**
	 * Record what runs already, until all of it has ended, `tick` says so, or one of INT, TERM,
	 * HUP and QUIT arrives.  Instead of `record`.  NULL: this back end cannot.
	 */
	int (*attach)(void *state, const struct tracer_attach *job, struct err *e);
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
 * @room: for how much.
 * @out: to be released with tracer_close().
 * @out_why: ERR_TEXT_MAX bytes: for "auto", why no better one was taken; "" if the first was.
 * Errors: -EINVAL: there is none of that name; otherwise why it does not work here.
 */
int tracer_open(
	const char *name, enum tracer_room room, struct tracer *out, char *out_why, struct err *e);

/** Takes a zeroed one, too. */
void tracer_close(struct tracer *tracer);

/** Tell that the workload supervises calls through seccomp notification: what that hides. */
void tracer_tell_notifying(const struct tracer_job *job);

#endif
