/* build: -pthread -rdynamic */
/*
 * What processes and threads there may be when the moment comes at which a command is to be held:
 * moment() is called.  They then report how they are held; the command's own ends with status 5.
 *
 *	late_tree CASE
 */
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "late_cases.h"

enum { THREADS = 5 };

/* The letter of proc(5). */
static char state_of(const char *format, pid_t number)
{
	char path[64], line[256] = "";
	FILE *stat;

	(void)snprintf(path, sizeof(path), format, number);
	stat = fopen(path, "r");
	if (!stat)
		return 0;
	if (!fgets(line, sizeof(line), stat))
		line[0] = 0;
	(void)fclose(stat);
	return strrchr(line, ')') ? *(strrchr(line, ')') + 2) : 0;
}

static void *go_on(void *unused)
{
	char end;

	(void)unused;
	moment();
	report("thread");
	(void)!read(STDIN_FILENO, &end, 1);
	_exit(STATUS);
}

/* The first thread has ended, and another one goes on. */
static void without_leader(void)
{
	pthread_t thread;

	(void)pthread_create(&thread, NULL, go_on, NULL);
	pthread_exit(NULL);
}

/* One child cannot be held, since it has no vDSO any more; the command goes on until its input
 * ends. */
static void unholdable_child(void)
{
	char line[512];
	unsigned long start, end;
	int ready[2];
	FILE *maps = fopen("/proc/self/maps", "r");

	while (maps && fgets(line, sizeof(line), maps)) {
		if (strstr(line, "[vdso]"))
			break;
	}
	if (!maps || sscanf(line, "%lx-%lx", &start, &end) != 2 || pipe(ready))
		_exit(1);
	if (!fork()) {
		(void)syscall(SYS_munmap, start, end - start);
		(void)!write(ready[1], "", 1);
		for (;;)
			pause();
	}
	(void)!read(ready[0], line, 1);
	moment();
	report("parent");
	(void)!read(STDIN_FILENO, line, 1);
}

static void serve(void)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);
	struct pollfd input = {.fd = fd, .events = POLLIN};

	if (bind(fd, (struct sockaddr *)&address, offsetof(struct sockaddr_un, sun_path)) ||
		listen(fd, 1))
		_exit(1);
	(void)poll(&input, 1, 10);
}

/* The first process ends as soon as there is another, which serves. */
static void daemonize(void)
{
	if (fork())
		_exit(STATUS);
	serve();
	report("daemon");
}

/* A child is stopped when the moment comes, and stays so. */
static void stopped_child(void)
{
	pid_t pid = fork();
	int status;

	if (!pid) {
		(void)raise(SIGSTOP);
		report("child");
		_exit(0);
	}
	(void)waitpid(pid, &status, WUNTRACED);
	moment();
	/* It is stopped anew when nobody traces it any more. */
	while (state_of("/proc/%d/stat", pid) != 'T')
		(void)sched_yield();
	(void)kill(pid, SIGCONT);
	(void)waitpid(pid, &status, 0);
	report("own");
}

/* The moment comes in a child of vfork(2), whose parent cannot be stopped until it has ended. */
static void vfork_child(void)
{
	pid_t pid = vfork();

	if (!pid) {
		moment();
		report("child");
		_exit(0);
	}
	(void)waitpid(pid, NULL, 0);
	report("parent");
}

static volatile pid_t tids[THREADS];

static int receive(void)
{
	const struct timeval timeout = {.tv_usec = 300000};
	char byte;
	int fds[2];

	if (socketpair(AF_UNIX, SOCK_STREAM, 0, fds) ||
		setsockopt(fds[0], SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof(timeout)))
		return 0;
	return (int)recv(fds[0], &byte, 1, 0);
}

/* One way of 300 ms for each thread; whether it was cut short. */
static void *wait_somehow(void *which)
{
	const struct timespec time = {.tv_nsec = 300000000};
	struct epoll_event event;
	sigset_t usr2;
	intptr_t way = (intptr_t)which;

	sigemptyset(&usr2);
	sigaddset(&usr2, SIGUSR2);
	errno = 0;
	if (way < THREADS)
		tids[way] = gettid();
	if (way == 0)
		(void)epoll_wait(epoll_create1(0), &event, 1, 300);
	else if (way == 1)
		(void)sigtimedwait(&usr2, NULL, &time);
	else if (way == 2)
		(void)nanosleep(&time, NULL);
	else if (way == 3)
		(void)poll(NULL, 0, 300);
	else
		(void)receive();
	return (void *)(intptr_t)(errno == EINTR);
}

static int blocked_threads(void)
{
	int blocked = 0;

	for (size_t i = 0; i < THREADS; i++)
		blocked += state_of("/proc/self/task/%d/stat", tids[i]) == 'S';
	return blocked;
}

/* Threads that wait: each of them to the end, whatever stops them meanwhile. */
static void waiting_threads(void)
{
	pthread_t threads[THREADS];
	intptr_t cut = 0;

	for (intptr_t i = 0; i < THREADS; i++)
		(void)pthread_create(&threads[i], NULL, wait_somehow, (void *)i);
	while (blocked_threads() < THREADS)
		(void)sched_yield();
	moment();
	for (size_t i = 0; i < THREADS; i++) {
		void *result;

		(void)pthread_join(threads[i], &result);
		cut += (intptr_t)result;
	}
	printf("interrupted: %d\n", (int)cut);
	report("own");
}

static void many_forks(void)
{
	for (int i = 0; i < 2000; i++) {
		pid_t pid = fork();

		if (!pid)
			_exit(0);
		(void)waitpid(pid, NULL, 0);
	}
	moment();
	report("own");
}

static void *moment_and_report(void *unused)
{
	moment();
	report("thread");
	return unused;
}

static bool is_denied(void)
{
	return syscall(SYS_sched_yield) && errno == 95;
}

static void *nothing(void *unused)
{
	return unused;
}

/* Processes and threads that start others all the time. */
static void crowd(void)
{
	int ready[2];
	char byte;

	if (pipe(ready))
		_exit(1);
	for (int i = 0; i < 4; i++) {
		if (fork())
			continue;
		for (int n = 0;; n++) {
			pthread_t thread;
			pid_t pid = n % 2 ? fork() : vfork();

			if (!pid)
				_exit(0);
			(void)pthread_create(&thread, NULL, nothing, NULL);
			(void)waitpid(pid, NULL, 0);
			(void)pthread_join(thread, NULL);
			(void)!write(ready[1], "", 1);
			if (!is_denied())
				continue;
			report("child");
			_exit(0);
		}
	}
	for (int i = 0; i < 40; i++)
		(void)!read(ready[0], &byte, 1);
	moment();
	report("own");
	(void)close(ready[0]);
	while (wait(NULL) > 0)
		;
}

/* Processes of which each starts its successor and ends, until they are held, or it takes too long.
 */
static void relay(void)
{
	time_t end = time(NULL) + 20;
	int ready[2];
	char byte;

	if (pipe(ready))
		_exit(1);
	for (int i = 0; i < 4; i++) {
		if (fork())
			continue;
		while (!is_denied() && time(NULL) < end) {
			(void)!write(ready[1], "", 1);
			if (fork())
				_exit(0);
		}
		report("child");
		_exit(0);
	}
	(void)close(ready[1]);
	for (int i = 0; i < 100; i++)
		(void)!read(ready[0], &byte, 1);
	moment();
	report("own");
	while (read(ready[0], &byte, 1) > 0)
		;
}

static void traces(void)
{
	pid_t pid = fork();
	int status = 0;

	if (!pid)
		_exit(ptrace(PTRACE_TRACEME, 0, NULL, NULL) ? 1 : 0);
	(void)waitpid(pid, &status, 0);
	printf("traced: %d\n", !WEXITSTATUS(status));
	report("own");
}

static void in_thread(void)
{
	pthread_t thread;

	(void)pthread_create(&thread, NULL, moment_and_report, NULL);
	(void)pthread_join(thread, NULL);
	report("own");
}

/* All threads come to the moment at once; or with DELAY two, one of them that many turns of a loop
 * after the other. */
static _Atomic size_t arrived;
static size_t n_together = THREADS;

static void *come_together(void *delay)
{
	volatile unsigned left = *(const unsigned *)delay;

	left = arrived++ ? left : 0;
	while (arrived < n_together)
		(void)sched_yield();
	while (left)
		left--;
	moment();
	report("thread");
	return NULL;
}

static void together(void)
{
	const char *text = getenv("DELAY");
	unsigned delay = text ? (unsigned)atoi(text) : 0;
	pthread_t threads[THREADS];

	n_together = text ? 2 : THREADS;
	for (size_t i = 0; i < n_together; i++)
		(void)pthread_create(&threads[i], NULL, come_together, &delay);
	for (size_t i = 0; i < n_together; i++)
		(void)pthread_join(threads[i], NULL);
	report("own");
}

/* Whether the code of moment() is as the program's file has it. */
static bool is_as_written(void)
{
	unsigned char code[16] = {0};
	char line[512];
	unsigned long start, end, offset, at = (unsigned long)moment;
	FILE *maps = fopen("/proc/self/maps", "r"), *file = fopen("/proc/self/exe", "r");

	while (maps && file && fgets(line, sizeof(line), maps)) {
		if (sscanf(line, "%lx-%lx %*s %lx", &start, &end, &offset) != 3 || at < start ||
			at >= end)
			continue;
		(void)fseek(file, (long)(at - start + offset), SEEK_SET);
		(void)!fread(code, sizeof(code), 1, file);
	}
	return !memcmp((const void *)at, code, sizeof(code));
}

/* A child that was there before the moment looks at its code behind it, and comes to it itself. */
static void own_code(void)
{
	int gate[2];
	char byte;

	if (pipe(gate))
		_exit(1);
	if (!fork()) {
		(void)close(gate[1]);
		(void)!read(gate[0], &byte, 1);
		printf("child's: %d\n", is_as_written());
		moment();
		report("child");
		_exit(0);
	}
	moment();
	printf("own: %d\n", is_as_written());
	(void)close(gate[1]);
	(void)wait(NULL);
	report("own");
}

static void start_last(void)
{
	(void)close(atoi(getenv("GATE")));
	(void)wait(NULL);
	moment();
	report("own");
}

/* The command executes a program anew; a child of the one before comes to what was the moment. */
static void former_child(void)
{
	char name[] = "late_tree", last[] = "start-last", *again[] = {name, last, NULL};
	char number[16], byte;
	int gate[2];

	if (pipe(gate))
		_exit(1);
	if (!fork()) {
		(void)close(gate[1]);
		(void)!read(gate[0], &byte, 1);
		moment();
		report("child");
		_exit(0);
	}
	(void)snprintf(number, sizeof(number), "%d", gate[1]);
	(void)setenv("GATE", number, 1);
	(void)execv("/proc/self/exe", again);
}

static void main_child(void)
{
	report("main");
}

/* Before main; the child goes on to a main of its own, of which the command's waits for the end. */
static void __attribute__((constructor)) before(int argc, char **argv)
{
	if (argc > 1 && !strcmp(argv[1], "main-child") && fork())
		(void)wait(NULL);
}

static const struct late_case CASES[] = {
	{"together", together},
	{"own-code", own_code},
	{"former-child", former_child},
	{"start-last", start_last},
	{"main-child", main_child},
	{"without-leader", without_leader},
	{"unholdable-child", unholdable_child},
	{"daemon", daemonize},
	{"stopped-child", stopped_child},
	{"vfork-child", vfork_child},
	{"waiting-threads", waiting_threads},
	{"many-forks", many_forks},
	{"crowd", crowd},
	{"relay", relay},
	{"traces", traces},
	{"in-thread", in_thread},
};

int main(int argc, char **argv)
{
	return late_run(CASES, sizeof(CASES) / sizeof(CASES[0]), argc, argv);
}
