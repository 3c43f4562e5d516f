/*
 * supervisor.h: who answers for the filter (seccomp_unotify(2)).
 *
 * The thread whose call the filter does not let through waits until it has an answer.  What the
 * answer is, is the caller's affair (decide); here it is seen to that each gets one, exactly once,
 * and that the supervision lasts until the last thread with the filter has ended.
 *
 * A decision may rest on what is in struct seccomp_data: the ABI, the number, the registers.  What
 * an argument points to can be changed by other threads of the workload at any time, also between
 * the answer and the call (seccomp_unotify(2), "Notes"): it is for display only.
 *
 * Once the supervision runs, nothing in it needs a new descriptor or memory.
 */
#ifndef SYSCLAMP_SUPERVISOR_H
#define SYSCLAMP_SUPERVISOR_H

#include <linux/seccomp.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "answer.h"
#include "err.h"
#include "guard.h"
#include "launch.h"

struct supervision;

/* A call that waits for an answer. */
struct denial {
	pid_t tid; /* of the thread that makes it */
	const struct seccomp_data *call;
	bool starts; /* it is the execve that starts the command */
	int listener; /* these two: for denial_waits() */
	uint64_t id;
};

/* Who answers.  All functions get @ctx, and are called from one thread. */
struct supervisor {
	void *ctx;
	bool starts_anyway; /* the execve that starts the command is let through */
	unsigned tick_ms; /* how often `tick` is called; 0: never */

	/* Before the command is started: -errno to stop here.  May be NULL. */
	int (*begin)(void *ctx, struct err *e);
	/*
	 * What is to become of the call: SECCOMP_RET_* with data (answer_give()); not NOTIFY.
	 * Must not wait for the workload, whose other calls wait meanwhile: supervision_wait().
	 */
	uint32_t (*decide)(void *ctx, struct supervision *at, const struct denial *denial);
	/* Time has passed.  May be NULL. */
	void (*tick)(void *ctx);
	/* The last thread with the filter has ended; -errno if what was to be done then failed. */
	int (*end)(void *ctx, const struct launch_end *end, struct err *e);
};

/* Its state; to be left alone. */
enum { NOTIF_ROOM = 1024 };
struct supervision {
	const struct supervisor *by;
	struct guard *guard;
	/* Descriptors; -1: none. */
	int signals, listener;
	int waits; /* epoll: of both */
	int pause; /* epoll: of signals, and what supervision_wait() waits for */
	union {
		struct seccomp_notif notif;
		unsigned char room[NOTIF_ROOM];
	} asked;
	union {
		struct seccomp_notif_resp resp;
		unsigned char room[NOTIF_ROOM];
	} answer;
	size_t notif_size;
	bool poll_refuses;

	pid_t command; /* 0: not started, or waited for */
	bool starting; /* the next call of the command is the execve that starts it */
	bool killed; /* the command, for what the profile says */
	bool suspended; /* the guard, with the command */
	bool private_stops; /* supervision_share_stops() */
	bool interrupted; /* by the signals that were taken last */
	bool ending; /* all has been, or is being, ended before its time */
	int wait_status;
};

#define SUPERVISION_CLOSED                                                                         \
	((struct supervision){.signals = -1, .listener = -1, .waits = -1, .pause = -1})

/**
 * Make ready, before there is a command.
 *
 * @out: to be released with supervision_done(), which takes SUPERVISION_CLOSED, too.
 * Errors: -ENOSYS where the kernel lacks what is needed (Linux 5.19); no descriptor to be had.
 */
int supervision_open(
	const struct supervisor *by, struct guard *guard, struct supervision *out, struct err *e);
void supervision_done(struct supervision *at);

/** Process @command, a child of the caller, was started: watch it, and tell the guard. */
void supervision_watch(struct supervision *at, pid_t command);

/** Take what has become of it so far: it may be suspended before it has its filter. */
void supervision_look(struct supervision *at);

/**
 * Answer until the last thread with the filter has ended, and the command has.
 *
 * @listener: what loading the filter returned; taken over.  -1: the command ends without.
 * @starting: the command's first call is its execve, asked about.
 * @out_status: of wait(2).  A command that was killed for what the profile says ended by SIGSYS
 * here, as the kernel would have ended it.
 * Errors: the kernel refuses to go on; -EOWNERDEAD: the guard is gone.  All has been ended then.
 */
int supervision_run(
	struct supervision *at, int listener, bool starting, int *out_status, struct err *e);

/**
 * For decide(): wait for @events (EPOLLIN, EPOLLOUT) of @fd, at most a moment if it is -1, while
 * all but answering goes on.
 *
 * Returns 0; -ESRCH: nobody waits for the answer any more; -EINTR: SIGINT or SIGQUIT, which the
 * terminal sends to all in its foreground; -errno of epoll_ctl(2).
 */
int supervision_wait(struct supervision *at, const struct denial *denial, int fd, uint32_t events);

/**
 * For decide(): whether the command's stops suspend the guard (@stops), which they do unless the
 * caller stops and continues processes itself.
 */
void supervision_share_stops(struct supervision *at, bool stops);

/** For decide(): suspend the guard, as a job that wants the terminal it is not in front of. */
void supervision_suspend(struct supervision *at);

/**
 * Whether the thread still waits, so that what was read of it meanwhile is about it.  From any
 * thread of the caller, also when it was answered: then false.
 */
bool denial_waits(const struct denial *denial);

/** For decide(): end the command and all that came from it. */
void supervision_end(struct supervision *at);

#endif
