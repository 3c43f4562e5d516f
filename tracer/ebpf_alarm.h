/*
 * ebpf_alarm.h: who attaches the program that watches returns when one in the kernel asks for it.
 *
 * A call that loads a filter is held in the kernel until that is done (returns_want()).
 */
#ifndef SYSCLAMP_EBPF_ALARM_H
#define SYSCLAMP_EBPF_ALARM_H

#include "ebpf_kernel.h"
#include "ebpf_threads.h"
#include "err.h"

struct ebpf_alarm {
	struct ebpf_kernel *kernel;
	struct ebpf_threads threads;
	pthread_mutex_t lock; /* one attaches */
	struct err failure;
};

/**
 * Start waiting.  On one CPU, where nobody could run beside the held call, and without threads to
 * be had, watch returns at once.
 * All signals must be blocked, so that the threads take none.
 *
 * @out: to be released with ebpf_alarm_stop(); must not move.
 */
int ebpf_alarm_start(struct ebpf_kernel *kernel, struct ebpf_alarm *out, struct err *e);

/** Takes a zeroed one, too. */
void ebpf_alarm_stop(struct ebpf_alarm *alarm);

#endif
