/*
 * ebpf_read.h: from the maps of the programs to a recording.
 */
#ifndef SYSCLAMP_EBPF_READ_H
#define SYSCLAMP_EBPF_READ_H

#include "ebpf_kernel.h"
#include "recording.h"

struct ebpf_reader {
	const struct ebpf_kernel *kernel;
	struct recording *rec;
	uint64_t calls[EBPF_SLOTS]; /* of each slot at the last reading */
	size_t names[EBPF_PROGRAMS]; /* by program: index into recording.programs, or SIZE_MAX */
};

void ebpf_reader_init(
	struct ebpf_reader *reader, const struct ebpf_kernel *kernel, struct recording *rec);

/** Note the path of a program (an event of kind EBPF_EVENT_PROGRAM and @size bytes in all). */
void ebpf_reader_program(struct ebpf_reader *reader, const struct ebpf_event *event, size_t size);

/**
 * Bring the recording up to date.  The time of a call's last sight is that of the reading that
 * found its count grown: a clock read at each call would cost more than counting it.
 */
int ebpf_reader_sync(struct ebpf_reader *reader, struct err *e);

#endif
