/*
 * A tree whose parents end first: 4 children with 2 grandchildren each.  The grandchildren wait
 * until their grandparent, the first process, has ended with status 3; then each makes 20 getuid
 * and writes a dot.  With the path of a FIFO as argument each writes a "w" first, and waits until
 * the FIFO's last writer has closed it.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

/* Until the last writer has closed. */
static void wait_for_end(int fd)
{
	char byte;

	while (read(fd, &byte, 1) > 0)
		;
}

static void grandchild(const int *ends, int fifo)
{
	close(ends[1]);
	wait_for_end(ends[0]);
	if (fifo >= 0) {
		(void)!write(STDOUT_FILENO, "w", 1);
		wait_for_end(fifo);
	}
	for (int i = 0; i < 20; i++)
		(void)getuid();
	(void)!write(STDOUT_FILENO, ".", 1);
	_exit(0);
}

int main(int argc, char **argv)
{
	int fifo = argc > 1 ? open(argv[1], O_RDONLY) : -1;
	int ends[2];

	if (pipe(ends) || (argc > 1 && fifo < 0))
		return 1;
	for (int i = 0; i < 4; i++) {
		pid_t child = fork();

		if (child == 0) {
			for (int k = 0; k < 2; k++) {
				if (fork() == 0)
					grandchild(ends, fifo);
			}
			_exit(0);
		}
		if (child < 0 || waitpid(child, NULL, 0) != child)
			return 1;
	}
	return 3;
}
