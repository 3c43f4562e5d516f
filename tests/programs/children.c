/*
 * children N [PROGRAM]: make N children, ten at a time; each makes one getppid and ends, or
 * executes PROGRAM.
 */
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum { AT_ONCE = 10 };

static void child(const char *program)
{
	char *const argv[] = {(char *)program, NULL};

	(void)syscall(SYS_getppid);
	if (!program)
		_exit(0);
	execv(program, argv);
	_exit(127);
}

int main(int argc, char **argv)
{
	int n = argc > 1 ? atoi(argv[1]) : 0, failed = 0, status;

	for (int started = 0, ended = 0; ended < n;) {
		if (started < n && started - ended < AT_ONCE) {
			pid_t pid = fork();

			if (pid == 0)
				child(argc > 2 ? argv[2] : NULL);
			if (pid < 0)
				return 1;
			started++;
			continue;
		}
		if (wait(&status) < 0)
			return 1;
		failed |= status;
		ended++;
	}
	return failed ? 1 : 0;
}
