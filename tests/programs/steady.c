/*
 * steady: print "started", make getppid in rounds of 1000 until standard input has a line to read
 * or ends, take that line, then print how many it made: "made 123000".
 */
#include <poll.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <unistd.h>

int main(void)
{
	struct pollfd input = {.fd = STDIN_FILENO, .events = POLLIN};
	char line[64];
	long made = 0;

	puts("started");
	fflush(stdout);
	do {
		for (int i = 0; i < 1000; i++)
			(void)syscall(SYS_getppid);
		made += 1000;
	} while (poll(&input, 1, 0) != 1);
	(void)!read(STDIN_FILENO, line, sizeof(line));
	printf("made %ld\n", made);
	return 0;
}
