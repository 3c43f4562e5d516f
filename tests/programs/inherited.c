/* build: -static */
/*
 * What a program was given, one line each: its open descriptors, the signals that are blocked, the
 * signals that are ignored.
 */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>

enum { FDS = 1024 };

static void print_fds(void)
{
	/* Found before any is printed: whatever printing may open is not counted. */
	char is_open[FDS];

	for (int fd = 0; fd < FDS; fd++)
		is_open[fd] = fcntl(fd, F_GETFD) >= 0;
	printf("open:");
	for (int fd = 0; fd < FDS; fd++) {
		if (is_open[fd])
			printf(" %d", fd);
	}
	printf("\n");
}

int main(void)
{
	struct sigaction act;
	sigset_t blocked;

	print_fds();
	sigprocmask(SIG_BLOCK, NULL, &blocked);
	printf("blocked:");
	for (int sig = 1; sig < NSIG; sig++) {
		if (sigismember(&blocked, sig) == 1)
			printf(" %d", sig);
	}
	printf("\nignored:");
	for (int sig = 1; sig < NSIG; sig++) {
		if (!sigaction(sig, NULL, &act) && act.sa_handler == SIG_IGN)
			printf(" %d", sig);
	}
	printf("\n");
	return 0;
}
