/*
 * ebpf_read.h: from the maps of the programs to recordings.
 */
#ifndef SYSCLAMP_EBPF_READ_H
#define SYSCLAMP_EBPF_READ_H

#include "ebpf_kernel.h"
#include "recording.h"

/* The programs of all targets, by index: whose, and the path. */
struct ebpf_paths {
	struct ebpf_path {
		uint32_t target; /* 0: nobody's */
		char *path; /* heap */
	} * rows; /* heap */
	size_t n_rows;
};

/* Errors: -ENOMEM. */
int ebpf_paths_init(struct ebpf_paths *out, const struct ebpf_limits *limits, struct err *e);
void ebpf_paths_done(struct ebpf_paths *paths);

/** Note the path of a program (an event of kind EBPF_EVENT_PROGRAM and @size bytes in all). */
void ebpf_paths_add(struct ebpf_paths *paths, const struct ebpf_event *event, size_t size);

/** The target is given up: its programs' indexes will be another's. */
void ebpf_paths_forget(struct ebpf_paths *paths, uint32_t target);

/* One target's recording. */
struct ebpf_reader {
	const struct ebpf_kernel *kernel;
	const struct ebpf_paths *paths;
	const struct rec_names *marks; /* names of the phases from PHASE_MARKS on */
	struct recording *rec;
	uint32_t target;
	uint64_t news; /* of the target, at the last reading */
	uint64_t lost_before[LOSS_WAYS]; /* what was lost before this target was there */
};

/** Note a file that was mapped as code (an event of kind EBPF_EVENT_MAPPED). */
void ebpf_reader_mapped(struct ebpf_reader *reader, const struct ebpf_event *event, size_t size);

/**
 * Bring the recording up to date.  The time of a call's last sight is that of the reading that
 * found its count grown: a clock read at each call would cost more than counting it.
 */
int ebpf_reader_sync(struct ebpf_reader *reader, struct err *e);

/** Bring the arguments of its calls up to date; a part of ebpf_reader_sync(). */
int ebpf_reader_args(struct ebpf_reader *reader, struct err *e);

/** The call of a slot, made if need be; NULL without memory, which has been counted then. */
struct rec_call *ebpf_reader_call(const struct ebpf_reader *reader, uint32_t slot);

/**
 * Note the first sight of a call in a program and phase (an event of kind EBPF_EVENT_ORIGIN): the
 * origin as rec_origin_add() gives it, or NULL.
 */
struct rec_origin *ebpf_reader_origin(struct ebpf_reader *reader, const struct ebpf_origin *origin);

/** Whether something was seen for the first time since the last reading. */
bool ebpf_reader_has_news(const struct ebpf_reader *reader);

/** What was lost while this target was there, to its recording.  @lost: ebpf_kernel_losses(). */
void ebpf_reader_losses(struct ebpf_reader *reader, const uint64_t lost[LOSS_WAYS]);

#endif
