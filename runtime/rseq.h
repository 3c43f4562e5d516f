/*
 * rseq.h: restartable sequences (rseq(2)) of a thread whose registers are changed from outside.
 *
 * The kernel sends a thread that was preempted, or takes a signal, in the middle of a sequence to
 * that sequence's abort handler; it goes by the instruction pointer when the thread returns to user
 * mode.  A thread that returns elsewhere first, to make a call for us, and whose registers are then
 * put back, would go on with the sequence as though it had never been away, on another CPU perhaps:
 * allocators keep their free lists by this.  So we do for it what the kernel would have done.
 */
#ifndef SYSCLAMP_RSEQ_H
#define SYSCLAMP_RSEQ_H

#include <stdint.h>
#include <sys/types.h>

/**
 * Where a stopped thread would go on.
 *
 * @ip: its instruction pointer.
 * Returns the address of the abort handler if that is within a sequence, else @ip.
 */
uint64_t rseq_resume_at(pid_t tid, uint64_t ip);

#endif
