/*
 * What starting a command costs: a static program that does nothing, bare, through a launcher that
 * does nothing, under sysclamp run, and, with the same filter as bare instructions, through a
 * launcher that does no more than load it and under bubblewrap.  Elapsed time, and
 * the processor time of launcher and program, which a busy machine distorts less.  Median of nine
 * rounds, interleaved.  TSV on standard output.
 */
#include <errno.h>
#include <sys/mman.h>

#include "enforce.h"
#include "file.h"
#include "launches.h"
#include "scope.h"

enum { LAUNCHES = 100 };

enum way { BARE, LAUNCHER, RAW, RUN, BWRAP, WAYS };

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
	launch_row("launch of a static true", ours, against);
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
		[BARE] = {"bare", {true_path}, -1, false, {{0}}},
		[LAUNCHER] = {"do-nothing launcher", {launcher_path, true_path}, -1, false, {{0}}},
		[RAW] = {"loader of a raw filter", {raw_path, fd_text, true_path}, -1, false,
			{{0}}},
		[RUN] = {"run", {run_path, "run", "-p", PROFILE, "--", true_path}, -1, false,
			{{0}}},
		[BWRAP] = {"bwrap", {"bwrap", "--bind", "/", "/", "--seccomp", fd_text, true_path},
			fd, false, {{0}}},
	};

	bench_must(fd >= 0, "make the filter of " PROFILE, &e);
	snprintf(fd_text, sizeof(fd_text), "%d", fd);
	if (!launch_once(&ways[BWRAP], trial))
		ways[BWRAP].argv[0] = NULL; /* not installed, or not possible here */
	for (int round = 0; round < ROUNDS; round++) {
		for (int way = 0; way < WAYS; way++) {
			if (ways[way].argv[0])
				launch_round(&ways[way], round, LAUNCHES);
		}
	}
	report(ways);
	return 0;
}
