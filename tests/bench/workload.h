/*
 * workload.h: the loops whose calls are recorded by the benchmarks, in batches: the least of many
 * short ones is what a call costs where nothing disturbs.
 */
#ifndef SYSCLAMP_WORKLOAD_H
#define SYSCLAMP_WORKLOAD_H

#include <fcntl.h>
#include <spawn.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* Of lseek one argument is recorded, of setsockopt two. */
enum work { WORK_GETPPID, WORK_READ_WRITE, WORK_LSEEK, WORK_SETSOCKOPT, WORK_SPAWN, WORKS };

static inline void work_getppid(int n)
{
	for (int i = 0; i < n; i++)
		syscall(SYS_getppid);
}

/* Two calls each. */
static inline void work_read_write(int n)
{
	static int from = -1, to = -1;
	char byte;

	if (from < 0) {
		from = open("/dev/zero", O_RDONLY | O_CLOEXEC);
		to = open("/dev/null", O_WRONLY | O_CLOEXEC);
	}
	for (int i = 0; i < n; i++) {
		syscall(SYS_read, from, &byte, 1);
		syscall(SYS_write, to, &byte, 1);
	}
}

static inline void work_lseek(int n)
{
	for (int i = 0; i < n; i++)
		syscall(SYS_lseek, -1, 0, i & 1);
}

static inline void work_setsockopt(int n)
{
	for (int i = 0; i < n; i++)
		syscall(SYS_setsockopt, -1, 1, i & 7, NULL, 0);
}

/* @program is static and does nothing. */
static inline void work_spawn(int n, const char *program)
{
	char *argv[] = {(char *)program, NULL};
	int status = -1;
	pid_t pid;

	for (int i = 0; i < n; i++) {
		if (posix_spawn(&pid, program, NULL, NULL, argv, NULL) ||
			waitpid(pid, &status, 0) != pid || status)
			_exit(99);
	}
}

static inline void work_do(enum work work, int n, const char *program)
{
	static void (*const loops[WORKS])(int n) = {
		[WORK_GETPPID] = work_getppid,
		[WORK_READ_WRITE] = work_read_write,
		[WORK_LSEEK] = work_lseek,
		[WORK_SETSOCKOPT] = work_setsockopt,
	};

	if (work == WORK_SPAWN)
		work_spawn(n, program);
	else
		loops[work](n);
}

/* Nanoseconds that passed. */
static inline double work_clock_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

/* Nanoseconds of processor time of this process and the children that it waited for. */
static inline double work_cpu_ns(void)
{
	struct timespec now;
	struct rusage used;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
	getrusage(RUSAGE_CHILDREN, &used);
	return (double)now.tv_sec * 1e9 + (double)now.tv_nsec +
	       ((double)used.ru_utime.tv_sec + (double)used.ru_stime.tv_sec) * 1e9 +
	       ((double)used.ru_utime.tv_usec + (double)used.ru_stime.tv_usec) * 1e3;
}

#endif
