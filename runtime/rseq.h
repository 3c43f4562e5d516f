/*
 * rseq.h: restartable sequences of other threads.
 */
#ifndef SYSCLAMP_RSEQ_H
#define SYSCLAMP_RSEQ_H

#include <stdint.h>
#include <sys/types.h>

/**
 * Where a thread goes on that was stopped at an address: there, or, if that lies in a restartable
 * sequence that it has begun (rseq(2)), where this is aborted to.
 *
 * The kernel aborts a sequence by itself only if the thread resumes within it, and forgets it when
 * the thread executes something else first.
 *
 * @tid: a thread that the caller traces and that is stopped.
 */
uint64_t rseq_resume_at(pid_t tid, uint64_t address);

#endif
