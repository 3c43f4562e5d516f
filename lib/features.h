/*
 * features.h: the actions and filter flags that some kernels have and others do not.
 */
#ifndef SYSCLAMP_FEATURES_H
#define SYSCLAMP_FEATURES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "err.h"

struct feature {
	uint32_t value; /* SECCOMP_RET_*, or one bit of SECCOMP_FILTER_FLAG_* */
	const char *name; /* "SCMP_ACT_LOG", "SECCOMP_FILTER_FLAG_LOG" */
	const char *since; /* the Linux that brought it (seccomp(2)) */
};

/** All of them, the strictest action first, the oldest flag first. */
const struct feature *features_actions(size_t *out_n);
const struct feature *features_flags(size_t *out_n);

/**
 * Whether the running kernel has what a filter needs.  What cannot be asked (host.h) is not
 * refused: the load itself will tell.
 *
 * @action: one that the filter answers with.
 * @flags: SECCOMP_FILTER_FLAG_*.
 * Errors (-EOPNOTSUPP): what it lacks, the version that brought it, and the version that runs.
 */
int features_need_action(uint32_t action, struct err *e);
int features_need_flags(uint32_t flags, struct err *e);

/**
 * The flags to load a filter with, of those that its profile asks for.
 *
 * WAIT_KILLABLE_RECV is about how a call waits for the listener's answer, and the kernel refuses it
 * where there is none; TSYNC with a listener has to be said in another way, as the result cannot be
 * a descriptor and a thread at once (kernel/seccomp.c: seccomp_set_mode_filter()).
 *
 * @listener: there is somebody who answers notifications; NEW_LISTENER is added.
 */
uint32_t features_load_flags(uint32_t flags, bool listener);

#endif
