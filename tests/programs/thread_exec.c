/* build: -pthread */
/*
 * Four threads of 25 getppid each; then one that is not the leader executes the program anew, while
 * the others wait in a read.  The new image makes 11 getuid.
 */
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static void *call_and_block(void *arg)
{
	int *pipe_fds = arg;
	char byte;

	for (int i = 0; i < 25; i++)
		(void)getppid();
	if (write(pipe_fds[3], "", 1) == 1)
		(void)!read(pipe_fds[0], &byte, 1);
	return NULL;
}

static void *execute(void *arg)
{
	char *self = arg;

	execl(self, self, "again", (char *)NULL);
	return NULL;
}

int main(int argc, char **argv)
{
	pthread_t threads[4], last;
	int pipe_fds[4];
	char bytes[4];

	if (argc > 1 && !strcmp(argv[1], "again")) {
		for (int i = 0; i < 11; i++)
			(void)getuid();
		puts("again");
		return 7;
	}
	if (pipe(pipe_fds) || pipe(pipe_fds + 2))
		return 1;
	for (int i = 0; i < 4; i++) {
		if (pthread_create(&threads[i], NULL, call_and_block, pipe_fds))
			return 1;
	}
	for (int i = 0; i < 4; i++) {
		if (read(pipe_fds[2], &bytes[i], 1) != 1)
			return 1;
	}
	if (pthread_create(&last, NULL, execute, argv[0]))
		return 1;
	pthread_join(last, NULL);
	return 1;
}
