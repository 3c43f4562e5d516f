/*
 * crowd N: N children that live at the same time; once all are there each makes one getppid and
 * ends.
 */
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static void child(const int *gate)
{
	char byte;

	close(gate[1]);
	(void)!read(gate[0], &byte, 1);
	(void)syscall(SYS_getppid);
	_exit(0);
}

int main(int argc, char **argv)
{
	int n = argc > 1 ? atoi(argv[1]) : 0, failed = 0, status, gate[2];

	if (pipe(gate))
		return 1;
	for (int i = 0; i < n; i++) {
		pid_t pid = fork();

		if (pid == 0)
			child(gate);
		failed |= pid < 0;
	}
	close(gate[1]);
	while (wait(&status) > 0)
		failed |= status;
	return failed ? 1 : 0;
}
