/*
 * pool: print "started" when two threads more than the first nap in turns of 50 ms, and end, all
 * threads joined, after SIGTERM.
 */
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

enum { THREADS = 2, NAP_US = 50000 };

static volatile sig_atomic_t done;

static void on_term(int number)
{
	(void)number;
	done = 1;
}

static void *work(void *arg)
{
	while (!done)
		usleep(NAP_US);
	return arg;
}

int main(void)
{
	pthread_t threads[THREADS];

	signal(SIGTERM, on_term);
	for (int i = 0; i < THREADS; i++) {
		if (pthread_create(&threads[i], NULL, work, NULL))
			return 1;
	}
	puts("started");
	fflush(stdout);
	(void)work(NULL);
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	return 0;
}
