/* build: -static */
/*
 * wait_signal N: print "ready PID", then take N signals of any kind but SIGCONT, print the number
 * of each, exit 40 + the last.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	sigset_t all;
	int sig = 0;

	sigfillset(&all);
	sigdelset(&all, SIGCONT);
	sigprocmask(SIG_BLOCK, &all, NULL);
	setvbuf(stdout, NULL, _IOLBF, 0);
	printf("ready %d\n", (int)getpid());
	for (int left = argc > 1 ? atoi(argv[1]) : 1; left > 0; left--) {
		if (sigwait(&all, &sig))
			return 1;
		printf("%d\n", sig);
	}
	return 40 + sig;
}
