/*
 * A poll with a timeout that is stopped and continued: the kernel resumes it through
 * restart_syscall. The parent stops the child only when it sleeps in poll, and ends the poll by a
 * byte.
 */
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* The state letter of /proc/PID/stat (proc(5)). */
static char state_of(pid_t pid)
{
	char path[64], comm[64], state = '?';
	FILE *stat;

	snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	stat = fopen(path, "re");
	if (!stat || fscanf(stat, "%*d %63s %c", comm, &state) != 2)
		state = '?';
	if (stat)
		fclose(stat);
	return state;
}

static void wait_until_asleep(pid_t pid)
{
	do
		(void)sched_yield();
	while (state_of(pid) != 'S');
}

static int stop_and_continue(pid_t child)
{
	int status;

	wait_until_asleep(child);
	if (kill(child, SIGSTOP) || waitpid(child, &status, WUNTRACED) != child ||
		!WIFSTOPPED(status))
		return 1;
	if (kill(child, SIGCONT) || waitpid(child, &status, WCONTINUED) != child ||
		!WIFCONTINUED(status))
		return 1;
	wait_until_asleep(child);
	return 0;
}

int main(void)
{
	struct pollfd poll_fd = {.events = POLLIN};
	int pipe_fds[2];
	int status;
	pid_t child;

	if (pipe(pipe_fds))
		return 1;
	poll_fd.fd = pipe_fds[0];
	child = fork();
	if (child == 0)
		_exit(poll(&poll_fd, 1, 600 * 1000) == 1 ? 0 : 1);
	if (child < 0 || stop_and_continue(child))
		return 1;
	if (write(pipe_fds[1], "", 1) != 1 || waitpid(child, &status, 0) != child)
		return 1;
	puts("resumed");
	return status ? 1 : 0;
}
