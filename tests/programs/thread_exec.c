/* build: -pthread */
/*
 * Four threads of 25 getppid each; then one that is not the leader executes the program anew, while
 * the others wait in a read and the leader waits for it.  The new image makes 11 getuid.
 */
#include <pthread.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { THREADS = 4 };

static void *call_and_block(void *arg)
{
	int *pipe_fds = arg;
	pid_t self = gettid();
	char byte;

	for (int i = 0; i < 25; i++)
		(void)getppid();
	if (write(pipe_fds[3], &self, sizeof(self)) == sizeof(self))
		(void)!read(pipe_fds[0], &byte, 1);
	return NULL;
}

/*
 * Whether a thread sleeps: the call that it waits in has begun.  A call that a tracer has seen and
 * that a kill keeps from beginning is none for the kernel, and nobody could say how many there
 * should be.
 */
static bool sleeps(pid_t tid)
{
	char path[64], state = '\0';
	FILE *file;

	(void)snprintf(path, sizeof(path), "/proc/self/task/%d/stat", (int)tid);
	file = fopen(path, "re");
	if (!file)
		return false;
	if (fscanf(file, "%*d (%*[^)]) %c", &state) != 1)
		state = '\0';
	(void)fclose(file);
	return state == 'S';
}

static void *execute(void *arg)
{
	char *self = arg;

	while (!sleeps(getpid()))
		(void)sched_yield();
	execl(self, self, "again", (char *)NULL);
	return NULL;
}

int main(int argc, char **argv)
{
	pthread_t threads[THREADS], last;
	int pipe_fds[4];
	pid_t tid;

	if (argc > 1 && !strcmp(argv[1], "again")) {
		for (int i = 0; i < 11; i++)
			(void)getuid();
		puts("again");
		return 7;
	}
	if (pipe(pipe_fds) || pipe(pipe_fds + 2))
		return 1;
	for (int i = 0; i < THREADS; i++) {
		if (pthread_create(&threads[i], NULL, call_and_block, pipe_fds))
			return 1;
	}
	for (int i = 0; i < THREADS; i++) {
		if (read(pipe_fds[2], &tid, sizeof(tid)) != sizeof(tid))
			return 1;
		do {
			(void)sched_yield();
		} while (!sleeps(tid));
	}
	if (pthread_create(&last, NULL, execute, argv[0]))
		return 1;
	pthread_join(last, NULL);
	return 1;
}
