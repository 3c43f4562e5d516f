/* build: -pthread */
/*
 * carrying WAY: print "ready" and wait to be killed, carrying filters of one's own making.
 *
 * none: nothing.  stacked: three; getppid fails with 1, 2, 3, the newest being 3, and uname by the
 * second alone, with 22.  thread: one in the main thread, none in another.  many: 33.  strict:
 * strict mode, entered behind "ready".
 */
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

static int forbid(long nr, unsigned error)
{
	struct sock_filter insns[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (unsigned)nr, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | error),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog prog = {.len = sizeof(insns) / sizeof(insns[0]), .filter = insns};

	return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) ||
	       syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &prog);
}

static int carry_stacked(void)
{
	return forbid(SYS_getppid, 1) || forbid(SYS_getppid, 2) || forbid(SYS_uname, 22) ||
	       forbid(SYS_getppid, 3);
}

static int carry_many(void)
{
	int failed = 0;

	for (int i = 0; i < 33; i++)
		failed |= forbid(SYS_getppid, 1);
	return failed;
}

static void *idle(void *arg)
{
	for (;;)
		pause();
	return arg;
}

static int carry_thread(void)
{
	pthread_t thread;

	return pthread_create(&thread, NULL, idle, NULL) || forbid(SYS_getppid, 1);
}

static int is(const char *word, const char *way)
{
	return !strcmp(word, way);
}

int main(int argc, char **argv)
{
	const char *way = argc > 1 ? argv[1] : "none";
	char byte;

	if ((is(way, "stacked") && carry_stacked()) || (is(way, "many") && carry_many()) ||
		(is(way, "thread") && carry_thread()))
		return 1;
	printf("ready\n");
	fflush(stdout);
	if (is(way, "strict") && prctl(PR_SET_SECCOMP, SECCOMP_MODE_STRICT))
		return 1;
	while (read(0, &byte, 1) >= 0)
		continue;
	return 0;
}
