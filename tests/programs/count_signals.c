/*
 * count_signals SIGNAL...: print "started", handle these signal numbers by printing "caught 2",
 * with the window size "43x132" of standard input behind it for SIGWINCH, and after a line of input
 * print how many there were: "seen 3".  Ends with 5.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

static volatile sig_atomic_t seen;

/* snprintf() is not for handlers in general; this one interrupts nothing but read(). */
static void handle(int signo)
{
	struct winsize size;
	char line[64];
	int saved = errno;

	seen++;
	if (signo == SIGWINCH && !ioctl(STDIN_FILENO, TIOCGWINSZ, &size))
		snprintf(
			line, sizeof(line), "caught %d %hux%hu\n", signo, size.ws_row, size.ws_col);
	else
		snprintf(line, sizeof(line), "caught %d\n", signo);
	(void)!write(STDOUT_FILENO, line, strlen(line));
	errno = saved;
}

int main(int argc, char **argv)
{
	struct sigaction act = {.sa_handler = handle};
	char line[64];

	for (int i = 1; i < argc; i++)
		sigaction(atoi(argv[i]), &act, NULL);
	(void)!write(STDOUT_FILENO, "started\n", 8);
	while (read(STDIN_FILENO, line, sizeof(line)) < 0 && errno == EINTR)
		;
	printf("seen %d\n", (int)seen);
	return 5;
}
