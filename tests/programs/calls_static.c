/* build: -static */
/*
 * A static program: 1000 getppid, 20 times sched_yield in a forked child.
 */
#include <sched.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

int main(void)
{
	pid_t child;

	for (int i = 0; i < 1000; i++)
		(void)getppid();
	child = fork();
	if (child == 0) {
		for (int i = 0; i < 20; i++)
			(void)sched_yield();
		_exit(0);
	}
	if (child < 0 || waitpid(child, NULL, 0) != child)
		return 1;
	puts("called");
	return 0;
}
