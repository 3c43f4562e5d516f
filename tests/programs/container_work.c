/* build: -static -pthread */
/*
 * container_work DIR SET N STATUS: work in a container that recorders can attach to in time.
 *
 * DIR holds two FIFOs. It starts a child and a thread, writes "ready" to DIR/said and waits for a
 * byte from DIR/go. Then it makes the calls of SET, has the child and the thread make theirs, and
 * so a new child and a new thread; writes "done", waits for another byte, and exits with STATUS.
 * All that it waits in are reads of a pipe, which the kernel begins anew after a tracer's stop.
 * When nobody holds DIR/go any more, it ends.
 *
 * Each call of SET is made N times by the program, 2 N and 3 N times by the children that were
 * there and that are new, 4 N and 5 N times by the threads.
 */
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum { CALLS = 3 };

struct call {
	long nr;
	long args[2];
};

struct set {
	const char *name;
	struct call main[CALLS], child, thread;
};

static char scrap[512];
#define SCRAP ((long)scrap)

/* tests/container_work.py has this table as well. */
static const struct set sets[] = {
	{"a", {{SYS_getppid, {0}}, {SYS_sched_yield, {0}}, {SYS_umask, {022}}}, {SYS_getpgid, {0}},
		{SYS_getpriority, {0}}},
	{"b", {{SYS_personality, {0xffffffff}}, {SYS_times, {0}}, {SYS_getuid, {0}}},
		{SYS_getsid, {0}}, {SYS_sched_getscheduler, {0}}},
	{"c", {{SYS_getgid, {0}}, {SYS_getrusage, {0, SCRAP}}, {SYS_sync_file_range, {-1}}},
		{SYS_getegid, {0}}, {SYS_sysinfo, {SCRAP}}},
	{"d", {{SYS_geteuid, {0}}, {SYS_getpgrp, {0}}, {SYS_sched_get_priority_max, {0}}},
		{SYS_sched_get_priority_min, {0}}, {SYS_getitimer, {0, SCRAP}}},
};

struct worker {
	const struct call *call;
	long times;
	int start[2];
};

static void make(const struct call *call, long times)
{
	while (times-- > 0)
		(void)syscall(call->nr, call->args[0], call->args[1]);
}

static void fail(const char *what)
{
	perror(what);
	exit(125);
}

/* Whether there was one byte to read. */
static int wait_byte(int fd)
{
	char byte;

	return read(fd, &byte, 1) == 1;
}

static void *work(void *data)
{
	struct worker *worker = data;

	if (wait_byte(worker->start[0]))
		make(worker->call, worker->times);
	return NULL;
}

static void begin(struct worker *worker, const struct call *call, long times)
{
	worker->call = call;
	worker->times = times;
	if (pipe(worker->start))
		fail("pipe");
}

static void let_go(const struct worker *worker)
{
	if (write(worker->start[1], "g", 1) != 1)
		fail("write");
}

static pid_t begin_child(struct worker *worker, const struct call *call, long times)
{
	pid_t pid;

	begin(worker, call, times);
	pid = fork();
	if (pid < 0)
		fail("fork");
	if (pid == 0) {
		close(worker->start[1]);
		work(worker);
		_exit(0);
	}
	return pid;
}

static pthread_t begin_thread(struct worker *worker, const struct call *call, long times)
{
	pthread_t thread;

	begin(worker, call, times);
	if (pthread_create(&thread, NULL, work, worker))
		fail("pthread_create");
	return thread;
}

static int open_in(const char *directory, const char *name, int flags)
{
	char path[4096];
	int fd;

	(void)snprintf(path, sizeof(path), "%s/%s", directory, name);
	fd = open(path, flags | O_CLOEXEC);
	if (fd < 0)
		fail(path);
	return fd;
}

static void say(int fd, const char *line)
{
	if (write(fd, line, strlen(line)) < 0)
		fail("said");
}

static const struct set *find_set(const char *name)
{
	for (size_t i = 0; i < sizeof(sets) / sizeof(sets[0]); i++) {
		if (!strcmp(sets[i].name, name))
			return &sets[i];
	}
	fprintf(stderr, "no set %s\n", name);
	exit(125);
}

static void finish(pid_t child, pthread_t thread, struct worker *by_child, struct worker *by_thread)
{
	let_go(by_child);
	let_go(by_thread);
	if (waitpid(child, NULL, 0) != child || pthread_join(thread, NULL))
		fail("wait");
}

int main(int argc, char **argv)
{
	struct worker workers[4];
	const struct set *set;
	pthread_t thread;
	pid_t child;
	int go, said;
	long n;

	if (argc != 5)
		return 125;
	set = find_set(argv[2]);
	n = atol(argv[3]);
	go = open_in(argv[1], "go", O_RDONLY);
	said = open_in(argv[1], "said", O_WRONLY);
	child = begin_child(&workers[0], &set->child, 2 * n);
	thread = begin_thread(&workers[1], &set->thread, 4 * n);
	say(said, "ready\n");
	if (!wait_byte(go))
		return 124;
	for (int i = 0; i < CALLS; i++)
		make(&set->main[i], n);
	finish(child, thread, &workers[0], &workers[1]);
	child = begin_child(&workers[2], &set->child, 3 * n);
	thread = begin_thread(&workers[3], &set->thread, 5 * n);
	finish(child, thread, &workers[2], &workers[3]);
	say(said, "done\n");
	return wait_byte(go) ? atoi(argv[4]) : 124;
}
