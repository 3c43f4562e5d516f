/*
 * answer.h: what a profile says of a call, done to a thread that waits for a supervisor's word
 * (seccomp_unotify(2)), as nearly as the kernel itself would do it.
 *
 * The errno of ERRNO, and the ENOSYS of TRACE without a tracer, are exact.  TRAP is a queued
 * SIGSYS: a handler finds the same fields but for si_code, which is SI_QUEUE (only the kernel may
 * say SYS_SECCOMP).  Where the kernel kills with SIGSYS, by KILL_PROCESS or by a TRAP that is
 * blocked or ignored, the process gets SIGKILL: nobody else can make sure that it ends, whatever
 * its other threads do meanwhile.  KILL_THREAD kills the whole process too.
 */
#ifndef SYSCLAMP_ANSWER_H
#define SYSCLAMP_ANSWER_H

#include <linux/seccomp.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* A thread that waits. */
struct held {
	int listener;
	const struct seccomp_notif *notif; /* what it waits for; pid: as the caller sees it */
	struct seccomp_notif_resp *resp; /* as large as the kernel wants it, zeroed */
};

enum answered {
	ANSWERED, /* or there is nobody left to be answered */
	ANSWERED_KILLED, /* the process was killed */
	ANSWER_FAILED, /* errno says why */
};

/** Whether the thread still waits: what was read about it meanwhile is about it. */
bool held_waits(const struct held *held);

/**
 * Do @action (SECCOMP_RET_* with its data; ALLOW and LOG let the call go on).  No allocation; a
 * descriptor or /proc that cannot be had makes no difference but that a TRAP kills, as it cannot be
 * known whether a handler would see it.
 *
 * @out_process: of the thread, for ANSWERED_KILLED.
 */
enum answered answer_give(const struct held *held, uint32_t action, pid_t *out_process);

#endif
