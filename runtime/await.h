/*
 * await.h: waiting for signals that are blocked, as SIGCHLD of a traced thread's stop, until some
 * moment at the latest.  Times are those of steady_ns().
 */
#ifndef SYSCLAMP_AWAIT_H
#define SYSCLAMP_AWAIT_H

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>

/** Returns the signal, no longer pending then, or 0: the time is up. */
int await_signal(const sigset_t *set, uint64_t deadline_ns);

/** Wait for SIGCHLD; false: the time is up. */
bool await_child(uint64_t deadline_ns);

#endif
