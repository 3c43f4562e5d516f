/*
 * What it costs to load a filter later than at the launch: sysclamp run --at exec and --at main, of
 * a static program that does nothing and of a dynamic one, against the bare program, beside run
 * without --at; and sysclamp clamp of a process with five threads that sleep, against a launcher
 * that does nothing.  Median of nine rounds, interleaved.  TSV on standard output.
 */
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>

#include "launches.h"
#include "scope.h"

enum { LAUNCHES = 40, CLAMPS = 20, SLEEPERS = 5 };

enum way { BARE, RUN, AT_EXEC, AT_MAIN, WAYS };
enum program { STATIC, DYNAMIC, PROGRAMS };

static const char *const WHAT[PROGRAMS] = {"launch of a static true", "launch of a dynamic true"};

static void measure_launches(const char *sysclamp, const char *const paths[PROGRAMS])
{
	static struct launch launches[PROGRAMS][WAYS];

	for (int program = 0; program < PROGRAMS; program++) {
		const char *path = paths[program];
		const struct launch ways[WAYS] = {
			[BARE] = {"bare", {path}, -1, false, {{0}}},
			[RUN] = {"run", {sysclamp, "run", "-p", PROFILE, "--", path}, -1, false,
				{{0}}},
			[AT_EXEC] = {"run --at exec",
				{sysclamp, "run", "-p", PROFILE, "--at", "exec", "--", path}, -1,
				false, {{0}}},
			[AT_MAIN] = {"run --at main",
				{sysclamp, "run", "-p", PROFILE, "--at", "main", "--", path}, -1,
				false, {{0}}},
		};

		for (int way = 0; way < WAYS; way++)
			launches[program][way] = ways[way];
	}
	for (int round = 0; round < ROUNDS; round++) {
		for (int program = 0; program < PROGRAMS; program++)
			for (int way = 0; way < WAYS; way++)
				launch_round(&launches[program][way], round, LAUNCHES);
	}
	for (int program = 0; program < PROGRAMS; program++) {
		struct launch *ways = launches[program];

		for (int way = RUN; way < WAYS; way++)
			launch_row(WHAT[program], &ways[way], &ways[BARE]);
		launch_row(WHAT[program], &ways[AT_EXEC], &ways[RUN]);
		launch_row(WHAT[program], &ways[AT_MAIN], &ways[RUN]);
	}
}

/* @arg: a descriptor to tell by that the thread is there. */
static void *sleep_on(void *arg)
{
	const int *fd = arg;

	(void)!write(*fd, "", 1);
	for (;;)
		pause();
	return NULL;
}

static pid_t sleeper_start(void)
{
	int there[2];
	char byte;
	pid_t pid;

	bench_must(!pipe2(there, O_CLOEXEC), "make a pipe", NULL);
	pid = fork();
	bench_must(pid >= 0, "fork", NULL);
	if (!pid) {
		pthread_t thread;

		for (int i = 1; i < SLEEPERS; i++)
			bench_must(!pthread_create(&thread, NULL, sleep_on, &there[1]),
				"start a thread", NULL);
		sleep_on(&there[1]);
	}
	for (int i = 0; i < SLEEPERS; i++)
		bench_must(read(there[0], &byte, 1) == 1, "wait for a thread", NULL);
	close(there[0]);
	close(there[1]);
	return pid;
}

/* One launch, with a new process to be clamped beside it. */
static void clamp_once(struct launch *launch, double us[METRICS])
{
	char pid_text[16];
	pid_t pid = sleeper_start();
	bool done;

	snprintf(pid_text, sizeof(pid_text), "%d", pid);
	for (int i = 0; launch->argv[i]; i++) {
		if (!strcmp(launch->argv[i], "--pid"))
			launch->argv[i + 1] = pid_text;
	}
	done = launch_once(launch, us);
	(void)kill(pid, SIGKILL);
	(void)waitpid(pid, NULL, 0);
	bench_must(done, launch->name, NULL);
}

static void measure_clamp(const char *sysclamp, const char *launcher, const char *program)
{
	static struct launch launches[2];
	const struct launch ways[] = {
		{"do-nothing launcher", {launcher, program}, -1, false, {{0}}},
		{"clamp --pid", {sysclamp, "clamp", "-p", PROFILE, "--pid", ""}, -1, true, {{0}}},
	};

	for (size_t way = 0; way < ARRAY_LEN(ways); way++)
		launches[way] = ways[way];
	for (int round = 0; round < ROUNDS; round++) {
		for (size_t way = 0; way < ARRAY_LEN(ways); way++) {
			double us[METRICS] = {0};

			for (int i = 0; i < CLAMPS; i++)
				clamp_once(&launches[way], us);
			for (int metric = 0; metric < METRICS; metric++)
				launches[way].us[metric][round] = us[metric] / CLAMPS;
		}
	}
	launch_row("five sleeping threads, the whole command", &launches[1], &launches[0]);
}

int main(void)
{
	char nothing[PATH_SIZE], launcher[PATH_SIZE], sysclamp[PATH_SIZE];
	const char *static_true = built("BUILD", "build", "/tests/programs/static_true", nothing);
	const char *run = built("SYSCLAMP", "build/sysclamp", "", sysclamp);

	measure_launches(run, (const char *const[PROGRAMS]){static_true, "/bin/true"});
	measure_clamp(run, built("BUILD", "build", "/tests/programs/bare_launcher", launcher),
		static_true);
	return 0;
}
