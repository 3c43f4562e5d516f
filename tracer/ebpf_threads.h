/*
 * ebpf_threads.h: threads that answer a program in the kernel at once.
 *
 * A call that is held in the kernel occupies its CPU, and who would let it go on may be waiting for
 * just that CPU.  So threads wait on several CPUs, each bound to its own and with the highest
 * priority to be had: one of them runs at once on a CPU that is not the occupied one.
 */
#ifndef SYSCLAMP_EBPF_THREADS_H
#define SYSCLAMP_EBPF_THREADS_H

#include <pthread.h>
#include <stdbool.h>

#include "err.h"

enum { EBPF_THREADS_MAX = 4 };

struct ebpf_threads {
	int fd; /* what they wait for */
	bool once; /* each answers once */
	void (*answer)(void *ctx); /* it is readable; called by several threads at a time */
	void *ctx;
	pthread_t threads[EBPF_THREADS_MAX];
	unsigned n_threads;
	int stop_fd; /* an event ends the threads */
};

/**
 * Start them.  All signals must be blocked, so that the threads take none.
 *
 * @out: fd, once, answer and ctx are set; to be released with ebpf_threads_stop(); must not move.
 *
 * Returns 0; 1 if there is one CPU only, or no room for threads (a limit on processes), and then
 * there are none; -errno.
 */
int ebpf_threads_start(struct ebpf_threads *out, struct err *e);

/** Takes a zeroed one, too. */
void ebpf_threads_stop(struct ebpf_threads *threads);

#endif
