/*
 * ptrace.h: the ptrace back end: every call of the tree stops once (a seccomp filter of ours
 * answers RET_TRACE to all) or, for workloads that this filter would disturb, twice
 * (PTRACE_SYSCALL).
 */
#ifndef SYSCLAMP_PTRACE_H
#define SYSCLAMP_PTRACE_H

#include "tracer.h"

/**
 * tracer_backend.open: whether this kernel has PTRACE_GET_SYSCALL_INFO (Linux 5.3) and lets us
 * trace a child.  There is no state.
 */
int ptrace_open_syscall(enum tracer_room room, void **out_state, struct err *e);

/** The same, and whether a filter may be loaded: one that holds this process may deny that. */
int ptrace_open(enum tracer_room room, void **out_state, struct err *e);

/** tracer_backend.record, with the filter. */
int ptrace_record(void *state, const struct tracer_job *job, struct recording *rec,
	struct launch_end *end, struct err *e);

/**
 * tracer_backend.record, without: what a filter of the workload's own denies cannot be told from
 * what fails; strict mode works, and its denials are told.
 */
int ptrace_record_syscall(void *state, const struct tracer_job *job, struct recording *rec,
	struct launch_end *end, struct err *e);

#endif
