/* build: -pthread */
/*
 * short_lives NR TIMES LIVES HOW [wait]: so many short lives, one after the other, all on the first
 * CPU; each makes the call NR so many times.  HOW: "processes"; "threads"; "travellers", processes
 * that make them on each CPU that there is, and end on the first; "entries", processes that make
 * them through int $0x80, too.  With "wait" it prints "ready" after the first and goes on when
 * standard input ends.
 *
 * short_lives NR TIMES then|filtered COMMAND...: make these calls itself, and become the command;
 * "filtered" by a filter that allows all.
 */
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static long nr, times;
static cpu_set_t cpus;

static int go_to(int cpu)
{
	cpu_set_t one;

	CPU_ZERO(&one);
	CPU_SET(cpu, &one);
	return sched_setaffinity(0, sizeof(one), &one);
}

static int first_cpu(void)
{
	int cpu = 0;

	while (!CPU_ISSET(cpu, &cpus))
		cpu++;
	return cpu;
}

static void *make_calls(void *unused)
{
	for (long i = 0; i < times; i++)
		(void)syscall(nr);
	return unused;
}

static void *travel(void *unused)
{
	for (int cpu = CPU_SETSIZE - 1; cpu >= 0; cpu--) {
		if (CPU_ISSET(cpu, &cpus) && !go_to(cpu))
			(void)make_calls(NULL);
	}
	return unused;
}

static void *enter_twice(void *unused)
{
	for (long i = 0; i < times; i++) {
		(void)syscall(nr);
#ifdef __x86_64__
		long result = nr;

		__asm__ volatile("int $0x80" : "+a"(result)::"memory");
#endif
	}
	return unused;
}

static int thread(void)
{
	pthread_t one;

	return pthread_create(&one, NULL, make_calls, NULL) || pthread_join(one, NULL);
}

static int process(void *(*live)(void *))
{
	int status = 1;
	pid_t child = fork();

	if (child == 0) {
		(void)live(NULL);
		_exit(0);
	}
	return child < 0 || waitpid(child, &status, 0) < 0 || status;
}

static int one_life(const char *how)
{
	if (!strcmp(how, "threads"))
		return thread();
	if (!strcmp(how, "entries"))
		return process(enter_twice);
	return process(strcmp(how, "travellers") ? make_calls : travel);
}

static int filter_nothing(void)
{
	struct sock_filter allow = BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
	struct sock_fprog program = {1, &allow};

	return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) ||
	       prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program);
}

static int become(const char *how, char **command)
{
	if (!strcmp(how, "filtered") && filter_nothing())
		return 3;
	(void)make_calls(NULL);
	execv(command[0], command);
	return 127;
}

static void wait_for_end(void)
{
	char byte;

	puts("ready");
	(void)fflush(stdout);
	while (read(STDIN_FILENO, &byte, 1) > 0)
		;
}

int main(int argc, char **argv)
{
	long lives;
	int failed;

	if (argc < 5 || sched_getaffinity(0, sizeof(cpus), &cpus) || go_to(first_cpu()))
		return 2;
	nr = atol(argv[1]);
	times = atol(argv[2]);
	lives = atol(argv[3]);
	if (!lives)
		return become(argv[3], argv + 4);
	failed = one_life(argv[4]);
	if (argc > 5)
		wait_for_end();
	for (long i = 1; i < lives; i++)
		failed |= one_life(argv[4]);
	return failed;
}
