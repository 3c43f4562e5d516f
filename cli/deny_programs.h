/*
 * deny_programs.h: which program a thread executes, without asking /proc about each call.
 *
 * What /proc said of a thread holds for PROGRAMS_HOLD_MS.  Its number cannot have been given to
 * another one by then: that takes as many new threads as there are numbers (kernel.pid_max).  It
 * may execute another program, which is a call: then what was known is forgotten.  So this works
 * only for who hears of every execve.
 */
#ifndef SYSCLAMP_DENY_PROGRAMS_H
#define SYSCLAMP_DENY_PROGRAMS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

enum { PROGRAMS_HOLD_MS = 50, PROGRAMS_THREADS = 1024 };

struct deny_programs {
	struct {
		pid_t tid; /* 0: free */
		size_t program;
		uint64_t until_ns;
	} threads[PROGRAMS_THREADS]; /* by number, modulo */
	uint64_t doubt_until_ns; /* until then nothing is believed */
};

/** What was found of the thread last, if that still holds at @now_ns. */
bool deny_programs_find(
	const struct deny_programs *programs, pid_t tid, uint64_t now_ns, size_t *out);

/** It was found at @now_ns. */
void deny_programs_note(struct deny_programs *programs, pid_t tid, uint64_t now_ns, size_t program);

/**
 * The thread, of @process, is about to execute a program.  It makes no call until it has.  Where it
 * is not the first of its threads it goes on under the number of that, which may make calls until
 * then (execve(2)): nothing is believed for a while.
 */
void deny_programs_forget(
	struct deny_programs *programs, pid_t tid, pid_t process, uint64_t now_ns);

#endif
