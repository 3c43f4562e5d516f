/* build: -pthread */
/*
 * many_calls PROCESSES THREADS CALLS [wait]: so many processes at once with so many threads each
 * make so many getppid each.  With "wait" it prints "ready" first and goes on when standard input
 * ends.
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum { THREADS_MAX = 64 };

static long calls;

static void *make_calls(void *unused)
{
	(void)unused;
	for (long i = 0; i < calls; i++)
		(void)syscall(SYS_getppid);
	return NULL;
}

static void process(int n_threads)
{
	pthread_t threads[THREADS_MAX];

	for (int i = 1; i < n_threads; i++) {
		if (pthread_create(&threads[i], NULL, make_calls, NULL))
			_exit(1);
	}
	(void)make_calls(NULL);
	for (int i = 1; i < n_threads; i++)
		pthread_join(threads[i], NULL);
	_exit(0);
}

static void wait_for_end(void)
{
	char byte;

	puts("ready");
	fflush(stdout);
	while (read(STDIN_FILENO, &byte, 1) > 0)
		;
}

int main(int argc, char **argv)
{
	int processes, threads, status, failed = 0;

	if (argc < 4)
		return 2;
	processes = atoi(argv[1]);
	threads = atoi(argv[2]);
	calls = atol(argv[3]);
	if (argc > 4 && !strcmp(argv[4], "wait"))
		wait_for_end();
	for (int i = 0; i < processes; i++) {
		pid_t pid = fork();

		if (pid == 0)
			process(threads);
		failed |= pid < 0;
	}
	while (wait(&status) > 0)
		failed |= status;
	return failed ? 1 : 0;
}
