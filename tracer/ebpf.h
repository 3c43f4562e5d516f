/*
 * ebpf.h: the eBPF back end: programs in the kernel count the calls of the tree; the recorder reads
 * the counters.  The workload is not stopped, and goes on if the recorder is killed.
 */
#ifndef SYSCLAMP_EBPF_H
#define SYSCLAMP_EBPF_H

#include "ebpf_kernel.h"
#include "tracer.h"

/** tracer_backend.open, .record, .attach and .close. */
int ebpf_open(enum tracer_room room, void **out_state, struct err *e);
int ebpf_record(void *state, const struct tracer_job *job, struct recording *rec,
	struct launch_end *end, struct err *e);
int ebpf_attach(void *state, const struct tracer_attach *job, struct err *e);
void ebpf_close(void *state);

#endif
