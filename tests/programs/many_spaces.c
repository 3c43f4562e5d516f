/*
 * many_spaces CGROUP N FIRST: N processes with a mount namespace of their own each, in cgroups of
 * version 2 below the one given, which are named as those of containers are: by 64 hex digits,
 * FIRST and those that follow.
 *
 * It prints "ready" when all are there and wait, and waits itself until there is nothing more to
 * read from standard input. For each byte that it reads every process makes one sched_yield.  At
 * the end all is removed.
 */
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { PATH_SIZE = 4096, N_MAX = 4096 };

static char path[PATH_SIZE];
static pid_t pids[N_MAX];
static int first;

static const char *path_of(const char *cgroup, int i, const char *file)
{
	(void)snprintf(path, sizeof(path), "%s/%064x%s", cgroup, first + i, file);
	return path;
}

static void yield(int sig)
{
	(void)sig;
	(void)sched_yield();
}

static int enter(const char *procs)
{
	int fd = open(procs, O_WRONLY | O_CLOEXEC), done = fd >= 0 && write(fd, "0", 1) == 1;

	if (fd >= 0)
		close(fd);
	return done && !unshare(CLONE_NEWNS);
}

static void child(const char *procs, int said)
{
	(void)signal(SIGUSR1, yield);
	if (!enter(procs) || write(said, "r", 1) != 1)
		_exit(1);
	close(said);
	for (;;)
		pause();
}

static int start(const char *cgroup, int i, int said)
{
	if (mkdir(path_of(cgroup, i, ""), 0755))
		return 0;
	pids[i] = fork();
	if (pids[i] == 0)
		child(path_of(cgroup, i, "/cgroup.procs"), said);
	return pids[i] > 0;
}

static void signal_all(int n, int sig)
{
	for (int i = 0; i < n; i++) {
		if (pids[i] > 0)
			kill(pids[i], sig);
	}
}

static void remove_all(const char *cgroup, int n)
{
	signal_all(n, SIGKILL);
	while (wait(NULL) > 0)
		continue;
	for (int i = 0; i < n; i++)
		(void)rmdir(path_of(cgroup, i, ""));
}

int main(int argc, char **argv)
{
	int n = argc == 4 ? atoi(argv[2]) : 0, said[2], started = 1, ready = 0;
	char byte;

	first = argc == 4 ? atoi(argv[3]) : 0;
	if (n <= 0 || n > N_MAX || pipe2(said, O_CLOEXEC))
		return 125;
	for (int i = 0; i < n && started; i++)
		started = start(argv[1], i, said[1]);
	close(said[1]);
	while (ready < n && read(said[0], &byte, 1) == 1)
		ready++;
	if (started && ready == n) {
		puts("ready");
		fflush(stdout);
		while (read(STDIN_FILENO, &byte, 1) == 1)
			signal_all(n, SIGUSR1);
	}
	remove_all(argv[1], n);
	return started && ready == n ? 0 : 1;
}
