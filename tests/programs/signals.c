/*
 * 100 signals to itself, each through a handler that makes one getppid and returns through
 * rt_sigreturn; then a read that a signal interrupts and the kernel restarts, 10 times.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static volatile sig_atomic_t handled;

static void handle(int signo)
{
	(void)signo;
	handled++;
	(void)getppid();
}

/* Signal the parent, which is about to read, and then let it read. */
static void interrupt_parent(const int *pipe_fds)
{
	if (kill(getppid(), SIGUSR2) || write(pipe_fds[1], "", 1) != 1)
		_exit(1);
	_exit(0);
}

static int read_interrupted(const int *pipe_fds)
{
	pid_t child = fork();
	char byte;
	int status;

	if (child == 0)
		interrupt_parent(pipe_fds);
	if (child < 0 || read(pipe_fds[0], &byte, 1) != 1)
		return 1;
	while (waitpid(child, &status, 0) != child) {
		if (errno != EINTR)
			return 1;
	}
	return status;
}

int main(void)
{
	struct sigaction act = {.sa_handler = handle, .sa_flags = SA_RESTART};
	int pipe_fds[2];

	if (pipe(pipe_fds) || sigaction(SIGUSR1, &act, NULL) || sigaction(SIGUSR2, &act, NULL))
		return 1;
	for (int i = 0; i < 100; i++)
		raise(SIGUSR1);
	for (int i = 0; i < 10; i++) {
		if (read_interrupted(pipe_fds))
			return 1;
	}
	printf("%d handled\n", (int)handled);
	return handled == 110 ? 0 : 1;
}
