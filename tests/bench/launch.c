/*
 * What starting a command costs: a static program that does nothing, bare, through a launcher that
 * does nothing, under sysclamp run, and, with the same filter as bare instructions, through a
 * launcher that does no more than load it and under bubblewrap.  Elapsed time, and
 * the processor time of launcher and program, which a busy machine distorts less.  Median of nine
 * rounds, interleaved.  TSV on standard output.
 */
#include <errno.h>
#include <spawn.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/resource.h>

#include "bench.h"
#include "enforce.h"
#include "file.h"
#include "scope.h"
#include "tap.h"

enum { ROUNDS = 9, LAUNCHES = 100, WORDS_MAX = 12, PATH_SIZE = 4096 };

#define PROFILE "profiles/runtime-default.json"

enum way { BARE, LAUNCHER, RAW, RUN, BWRAP, WAYS };
enum metric { ELAPSED, PROCESSOR, METRICS };

struct launch {
	const char *name;
	const char *argv[WORDS_MAX]; /* NULL-terminated; argv[0] is looked for along PATH */
	int rewind_fd; /* to be read from its start by each launch; -1: none */
	double us[METRICS][ROUNDS]; /* of one launch */
};

/* A file of the build, absolute or relative to the current directory as the build directory is. */
static const char *built(const char *variable, const char *otherwise, const char *file, char *buf)
{
	const char *dir = getenv(variable);

	snprintf(buf, PATH_SIZE, "%s%s", dir ? dir : otherwise, file);
	return buf;
}

static double used_us(const struct timeval *used)
{
	return (double)used->tv_sec * 1e6 + (double)used->tv_usec;
}

/* Adds what it cost to @us. */
static bool launch_once(const struct launch *launch, double us[METRICS])
{
	double start = bench_clock_us(CLOCK_MONOTONIC);
	struct rusage used;
	int status = -1;
	pid_t pid;

	if (launch->rewind_fd >= 0)
		lseek(launch->rewind_fd, 0, SEEK_SET);
	if (posix_spawnp(&pid, launch->argv[0], NULL, NULL, (char *const *)launch->argv, environ))
		return false;
	if (wait4(pid, &status, 0, &used) != pid)
		return false;
	us[ELAPSED] += bench_clock_us(CLOCK_MONOTONIC) - start;
	us[PROCESSOR] += used_us(&used.ru_utime) + used_us(&used.ru_stime);
	return status == 0;
}

static int time_round(struct launch *launch, int round)
{
	double us[METRICS] = {0};

	for (int i = 0; i < LAUNCHES; i++) {
		if (!launch_once(launch, us))
			return -EIO;
	}
	for (int metric = 0; metric < METRICS; metric++)
		launch->us[metric][round] = us[metric] / LAUNCHES;
	return 0;
}

/* The filter that sysclamp run loads, as bubblewrap wants it: the bare instructions in a file. */
static int filter_file(struct err *e)
{
	scoped(enforced_done) struct enforced enforced = {0};
	scoped_fd int fd = -1;
	size_t size;

	if (enforced_read(PROFILE, &enforced, NULL, e))
		return -e->code;
	size = enforced.filter.len * sizeof(enforced.filter.insns[0]);
	fd = memfd_create("filter", 0); /* to be inherited */
	if (fd < 0 || file_write_all(fd, enforced.filter.insns, size))
		return err_sys(e, errno, "a file for the filter");
	return steal_fd(&fd);
}

static void print_row(struct launch *ours, struct launch *against)
{
	static const char *const NAMES[METRICS] = {
		[ELAPSED] = "launch of a static true, elapsed",
		[PROCESSOR] = "launch of a static true, processor time",
	};

	for (int metric = 0; metric < METRICS; metric++) {
		double left = bench_median(ours->us[metric], ROUNDS),
		       right = bench_median(against->us[metric], ROUNDS);

		bench_row(ours->name, NAMES[metric], "us", left, against->name, right);
	}
}

static void report(struct launch *ways)
{
	print_row(&ways[LAUNCHER], &ways[BARE]);
	print_row(&ways[RAW], &ways[BARE]);
	print_row(&ways[RUN], &ways[BARE]);
	print_row(&ways[RUN], &ways[LAUNCHER]);
	print_row(&ways[RUN], &ways[RAW]);
	if (!ways[BWRAP].argv[0])
		return;
	print_row(&ways[BWRAP], &ways[BARE]);
	print_row(&ways[RUN], &ways[BWRAP]);
}

static int fail(const char *what, const char *why)
{
	fprintf(stderr, "launch: %s: %s\n", what, why);
	return 1;
}

int main(void)
{
	char nothing[PATH_SIZE], launcher[PATH_SIZE], raw[PATH_SIZE], sysclamp[PATH_SIZE];
	char fd_text[16];
	const char *true_path = built("BUILD", "build", "/tests/programs/static_true", nothing);
	const char *launcher_path = built(
		"BUILD", "build", "/tests/programs/bare_launcher", launcher);
	const char *raw_path = built("BUILD", "build", "/tests/programs/raw_loader", raw);
	const char *run_path = built("SYSCLAMP", "build/sysclamp", "", sysclamp);
	double trial[METRICS] = {0};
	struct err e;
	int fd = filter_file(&e);
	struct launch ways[WAYS] = {
		[BARE] = {"bare", {true_path}, -1, {{0}}},
		[LAUNCHER] = {"do-nothing launcher", {launcher_path, true_path}, -1, {{0}}},
		[RAW] = {"loader of a raw filter", {raw_path, fd_text, true_path}, -1, {{0}}},
		[RUN] = {"run", {run_path, "run", "-p", PROFILE, "--", true_path}, -1, {{0}}},
		[BWRAP] = {"bwrap", {"bwrap", "--bind", "/", "/", "--seccomp", fd_text, true_path},
			fd, {{0}}},
	};

	if (fd < 0)
		return fail(PROFILE, e.text);
	snprintf(fd_text, sizeof(fd_text), "%d", fd);
	if (!launch_once(&ways[BWRAP], trial))
		ways[BWRAP].argv[0] = NULL; /* not installed, or not possible here */
	for (int round = 0; round < ROUNDS; round++) {
		for (int way = 0; way < WAYS; way++) {
			if (ways[way].argv[0] && time_round(&ways[way], round))
				return fail(ways[way].name, "did not start");
		}
	}
	report(ways);
	return 0;
}
