/* build: -m32 -static */
/*
 * A 32-bit program: 100 getppid (64), and 50 getuid32 (199) in a forked child.
 */
#include <stdio.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

int main(void)
{
	pid_t child;

	for (int i = 0; i < 100; i++)
		(void)syscall(SYS_getppid);
	child = fork();
	if (child == 0) {
		for (int i = 0; i < 50; i++)
			(void)syscall(SYS_getuid32);
		_exit(0);
	}
	if (child < 0 || waitpid(child, NULL, 0) != child)
		return 1;
	puts("called");
	return 0;
}
