/* build: -O2 -fomit-frame-pointer -pthread */
/*
 * nested.h, called in a thread.
 */
#include <pthread.h>
#include <stddef.h>

#include "nested.h"

static void *begin(void *arg)
{
	(void)nested_outer(*(volatile int *)arg);
	return NULL;
}

int main(void)
{
	pthread_t thread;

	if (pthread_create(&thread, NULL, begin, (void *)&nested_size))
		return 1;
	return pthread_join(thread, NULL);
}
