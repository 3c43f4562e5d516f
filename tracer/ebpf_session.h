/*
 * ebpf_session.h: what recording a command and recording what runs already have in common: events
 * find their recordings, phases begin, returns are watched in time.
 */
#ifndef SYSCLAMP_EBPF_SESSION_H
#define SYSCLAMP_EBPF_SESSION_H

#include <poll.h>

#include "ebpf_alarm.h"
#include "ebpf_kernel.h"
#include "ebpf_read.h"
#include "ebpf_target.h"
#include "err.h"
#include "recording.h"
#include "stacks.h"

struct ebpf_session {
	struct ebpf_kernel *kernel;
	struct ebpf_paths paths;
	struct rec_names marks; /* phases that people began, from PHASE_MARKS on */
	struct ebpf_alarm alarm;
	/*
	 * Stacks have to be read at once: by threads that read the ring beside us.  All that is
	 * here, and all recordings, belong to who holds the lock; we do but in
	 * ebpf_session_wait().
	 */
	struct stacks *stacks; /* NULL: origins have none, and there are no threads */
	struct ebpf_threads readers_of_ring;
	pthread_mutex_t lock;
	struct ebpf_reader **readers; /* heap, by target; NULL: has no recording */
	bool scan_wanted; /* a process with several threads has joined a cgroup */
	/* The reader of a target that was found by the programs, or NULL; the first time that
	 * something is told of it.  May be NULL. */
	struct ebpf_reader *(*found)(void *ctx, uint32_t target);
	void *ctx;
};

/**
 * @stacks: threads are held at first sights until their stacks have been read.
 * @out: zeroed but for @found and @ctx; to be released with ebpf_session_done(); must not move.
 */
int ebpf_session_init(
	struct ebpf_session *out, struct ebpf_kernel *kernel, bool stacks, struct err *e);
void ebpf_session_done(struct ebpf_session *session);

/** Attach, with returns watched in time.  All signals must be blocked (ebpf_alarm_start()). */
int ebpf_session_attach(struct ebpf_session *session, struct err *e);

/** Stop the threads; for before the programs are detached. */
void ebpf_session_stop(struct ebpf_session *session);

/** poll(2) without a timeout; events from the ring may be read meanwhile. */
int ebpf_session_wait(struct ebpf_session *session, struct pollfd *waits, nfds_t n);

/** Have what target @index calls go to @rec. */
int ebpf_session_add(
	struct ebpf_session *session, uint32_t index, struct recording *rec, struct err *e);

/** Give the target up. */
void ebpf_session_remove(struct ebpf_session *session, uint32_t index);

/** A phase of that name begins for all targets (marks_serve()): an ebpf_session in @ctx. */
int ebpf_session_mark(void *ctx, const char *name, struct err *e);

/** A timer that is readable every @period_ms milliseconds, 1...; or -errno. */
int ebpf_ticks_fd(unsigned period_ms, struct err *e);

/** Read away what made @fd readable: a timer, or signals. */
void ebpf_drain(int fd);

#endif
