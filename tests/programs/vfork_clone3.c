/*
 * Every way to start a process but fork: vfork, raw clone, raw clone3 (with and without
 * CLONE_VFORK), posix_spawn.  Each child makes 10 getppid, the spawned one 10 getuid.
 */
#include <linux/sched.h>
#include <signal.h>
#include <spawn.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static void ten_getppid(void)
{
	for (int i = 0; i < 10; i++)
		(void)syscall(SYS_getppid);
}

static int wait_for(pid_t child)
{
	int status;

	if (child < 0 || waitpid(child, &status, 0) != child || status != 0)
		return 1;
	return 0;
}

static int by_vfork(void)
{
	pid_t child = vfork();

	if (child == 0) {
		ten_getppid();
		_exit(0);
	}
	return wait_for(child);
}

static int by_clone(void)
{
	pid_t child = (pid_t)syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0);

	if (child == 0) {
		ten_getppid();
		_exit(0);
	}
	return wait_for(child);
}

static int by_clone3(uint64_t flags)
{
	struct clone_args args = {.flags = flags, .exit_signal = SIGCHLD};
	pid_t child = (pid_t)syscall(SYS_clone3, &args, sizeof(args));

	if (child == 0) {
		ten_getppid();
		_exit(0);
	}
	return wait_for(child);
}

static int by_spawn(char *self)
{
	char *argv[] = {self, (char *)"spawned", NULL};
	pid_t child;

	if (posix_spawn(&child, self, NULL, NULL, argv, environ))
		return 1;
	return wait_for(child);
}

int main(int argc, char **argv)
{
	if (argc > 1 && !strcmp(argv[1], "spawned")) {
		for (int i = 0; i < 10; i++)
			(void)getuid();
		return 0;
	}
	if (by_vfork() || by_clone() || by_clone3(0) || by_clone3(CLONE_VFORK) || by_spawn(argv[0]))
		return 1;
	puts("all came back");
	return 0;
}
