/*
 * record_attach.h: `record` of what runs already.
 */
#ifndef SYSCLAMP_RECORD_ATTACH_H
#define SYSCLAMP_RECORD_ATTACH_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "err.h"
#include "tracer.h"

enum record_what {
	RECORD_COMMAND,
	RECORD_PROCESS,
	RECORD_CGROUP,
	RECORD_CONTAINER,
	RECORD_POD,
	RECORD_NODE
};

struct record_request {
	enum record_what what;
	const char *name; /* as the user gave it: PID, PATH, ID, NAMESPACE/NAME[/CONTAINER] */
	const char *backend;
	const char *file, *dir; /* where recordings go; NULL: not said */
	bool quiet, stacks;
	uint64_t duration_ns, stable_ns, interval_ns; /* 0: not said */
};

/** Record until it has ended, or was recorded long enough; returns the exit status. */
int record_attach(const struct record_request *request);

enum { RECORD_LABEL_MAX = 256 };

/* Something to be recorded, found. */
struct record_target {
	struct tracer_target target; /* without a recording */
	pid_t pid; /* a process of it: the first one, where that is known; or 0 */
	char label[RECORD_LABEL_MAX]; /* a name for the file */
	char text[RECORD_LABEL_MAX + 64]; /* what it is, for people */
	char directory[PATH_MAX]; /* of a cgroup; without it there is nothing to be recorded */
};

enum { RECORD_TARGETS_MAX = 64 };

/**
 * Find what the user named.
 *
 * @out: RECORD_TARGETS_MAX of them.
 * Errors: with what is not there, and how to find out what is.
 */
int record_find(const struct record_request *request, struct record_target *out, size_t *out_n,
	struct err *e);

#endif
