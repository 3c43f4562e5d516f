/*
 * launches.h: commands that are started over and over, round by round, and what each start costs:
 * elapsed time, and the processor time of all processes that were waited for, which a busy machine
 * distorts less.
 */
#ifndef SYSCLAMP_LAUNCHES_H
#define SYSCLAMP_LAUNCHES_H

#include <fcntl.h>
#include <spawn.h>
#include <stdint.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench.h"

enum { ROUNDS = 9, WORDS_MAX = 12, PATH_SIZE = 4096 };
enum metric { ELAPSED, PROCESSOR, METRICS };

#define PROFILE "profiles/runtime-default.json"

struct launch {
	const char *name;
	const char *argv[WORDS_MAX]; /* NULL-terminated; argv[0] is looked for along PATH */
	int rewind_fd; /* to be read from its start by each launch; -1: none */
	bool quiet; /* what it says is not shown */
	double us[METRICS][ROUNDS]; /* of one launch */
};

/* A file of the build, absolute or relative to the current directory as the build directory is. */
static inline const char *built(
	const char *variable, const char *otherwise, const char *file, char buf[PATH_SIZE])
{
	const char *dir = getenv(variable);

	snprintf(buf, PATH_SIZE, "%s%s", dir ? dir : otherwise, file);
	return buf;
}

static inline double used_us(const struct timeval *used)
{
	return (double)used->tv_sec * 1e6 + (double)used->tv_usec;
}

/* As posix_spawnp(3). */
static inline bool launch_start(const struct launch *launch, pid_t *out_pid)
{
	posix_spawn_file_actions_t actions;
	bool done;

	posix_spawn_file_actions_init(&actions);
	if (launch->quiet)
		posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
	done = !posix_spawnp(
		out_pid, launch->argv[0], &actions, NULL, (char *const *)launch->argv, environ);
	posix_spawn_file_actions_destroy(&actions);
	return done;
}

/* Adds what it cost to @us.  Returns whether it started, and ended well. */
static inline bool launch_once(const struct launch *launch, double us[METRICS])
{
	double start = bench_clock_us(CLOCK_MONOTONIC);
	struct rusage used;
	int status = -1;
	pid_t pid;

	if (launch->rewind_fd >= 0)
		lseek(launch->rewind_fd, 0, SEEK_SET);
	if (!launch_start(launch, &pid))
		return false;
	if (wait4(pid, &status, 0, &used) != pid)
		return false;
	us[ELAPSED] += bench_clock_us(CLOCK_MONOTONIC) - start;
	us[PROCESSOR] += used_us(&used.ru_utime) + used_us(&used.ru_stime);
	return status == 0;
}

/* The mean of @times launches is the round's figure. */
static inline void launch_round(struct launch *launch, int round, int times)
{
	double us[METRICS] = {0};

	for (int i = 0; i < times; i++)
		bench_must(launch_once(launch, us), launch->name, NULL);
	for (int metric = 0; metric < METRICS; metric++)
		launch->us[metric][round] = us[metric] / times;
}

/* The medians of the rounds.  @what: is measured. */
static inline void launch_row(const char *what, struct launch *ours, struct launch *against)
{
	static const char *const NAMES[METRICS] = {
		[ELAPSED] = "elapsed",
		[PROCESSOR] = "processor time",
	};

	for (int metric = 0; metric < METRICS; metric++) {
		char name[128];

		snprintf(name, sizeof(name), "%s, %s", what, NAMES[metric]);
		bench_row(ours->name, name, "us", bench_median(ours->us[metric], ROUNDS),
			against->name, bench_median(against->us[metric], ROUNDS));
	}
}

#endif
