/*
 * ebpf_alarm.h: who attaches the program that watches returns when one in the kernel asks for it.
 *
 * A call that loads a filter is held in the kernel, its CPU occupied, until that is done
 * (ebpf.bpf.c, returns_want()).  So threads wait on several CPUs, each bound to its own and with
 * the highest priority to be had: one of them runs at once on a CPU that is not the occupied one.
 */
#ifndef SYSCLAMP_EBPF_ALARM_H
#define SYSCLAMP_EBPF_ALARM_H

#include <pthread.h>

#include "ebpf_kernel.h"
#include "err.h"

enum { ALARM_THREADS_MAX = 4 };

struct ebpf_alarm {
	struct ebpf_kernel *kernel;
	pthread_t threads[ALARM_THREADS_MAX];
	unsigned n_threads;
	int stop_fd; /* an event ends the threads */
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
