/*
 * fork_bomb ATTEMPTS: processes that fork as fast as they can, and so do their children, until
 * ATTEMPTS forks have been tried in all; then each makes one sched_yield and ends.  Meant for a
 * place with a limit on processes.  Prints "tried T made M": what the forks came to.
 */
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

struct shared {
	atomic_long left, tried, made;
};

static void bomb(struct shared *shared)
{
	while (atomic_fetch_sub(&shared->left, 1) > 0) {
		long pid = syscall(SYS_fork);

		/* Counted by the parent: once each. */
		if (pid != 0)
			atomic_fetch_add(&shared->tried, 1);
		if (pid > 0)
			atomic_fetch_add(&shared->made, 1);
		/* Some room is made, so that there are failures and successes until the end. */
		if (pid == 0 && atomic_load(&shared->left) % 3 == 0)
			break;
	}
	(void)sched_yield();
}

int main(int argc, char **argv)
{
	struct shared *shared = mmap(
		NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	pid_t first = getpid();
	int ends[2];
	char byte;

	if (argc < 2 || shared == MAP_FAILED || pipe(ends))
		return 2;
	atomic_store(&shared->left, atol(argv[1]));
	bomb(shared);
	if (getpid() != first)
		_exit(0);
	/* Until the last of them has ended, which closes the pipe. */
	close(ends[1]);
	if (read(ends[0], &byte, 1) != 0)
		return 1;
	printf("tried %ld made %ld\n", atomic_load(&shared->tried), atomic_load(&shared->made));
	return 0;
}
