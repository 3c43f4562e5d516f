/* build: -static */
/*
 * from_file FILE COMMAND [ARGUMENT...]: execute a command whose standard input is a file.  It makes
 * three calls for that, openat, dup2 and execve, which is less than a shell makes.
 */
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	int fd = argc > 2 ? open(argv[1], O_RDONLY | O_CLOEXEC) : -1;

	if (fd < 0 || dup2(fd, STDIN_FILENO) != STDIN_FILENO)
		return 1;
	execvp(argv[2], argv + 2);
	perror(argv[2]);
	return 1;
}
