/* build: -pthread -rdynamic */
/*
 * Who there may be beside whoever comes to the moment, for whom its breakpoint is not meant: it
 * stands in their code as well.
 *
 *	late_breaks CASE
 */
#include <fcntl.h>
#include <linux/io_uring.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

#include "late_cases.h"

enum {
	FORMERS = 12, /* programs that the command is before */
	PREY = 20, /* processes */
	FLAG_TRAP = 0x100, /* of the processor: a trap behind each instruction */
	GATE_IN = 100, /* numbers of descriptors */
	GATE_OUT,
};

/* Its first instruction has one byte; the other one, @turns times, begins behind that. */
void turn(long a, long b, long c, unsigned long turns);
__asm__(".globl turn\n.type turn, @function\nturn: nop\n1: loop 1b\nret\n.size turn, 4\n");

static void make_gate(void)
{
	int gate[2];

	if (pipe(gate) || dup2(gate[0], GATE_IN) < 0 || dup2(gate[1], GATE_OUT) < 0 ||
		close(gate[0]) || close(gate[1]))
		_exit(1);
}

static void execute_again(const char *name, const char *variable, int value)
{
	char *const argv[] = {"late_breaks", (char *)name, NULL};
	char number[16];

	(void)snprintf(number, sizeof(number), "%d", value);
	(void)setenv(variable, number, 1);
	(void)execv("/proc/self/exe", argv);
	_exit(1);
}

/* Children of all that the command was before: they come to the moment behind it. */
static void former_children(void)
{
	const char *text = getenv("FORMERS");
	int done = text ? atoi(text) : 0;
	char byte;

	if (!done)
		make_gate();
	if (done < FORMERS && !fork()) {
		(void)close(GATE_OUT);
		(void)!read(GATE_IN, &byte, 1);
		moment();
		report("child");
		_exit(0);
	}
	if (done < FORMERS)
		execute_again("former-children", "FORMERS", done + 1);
	moment();
	(void)close(GATE_OUT);
	while (wait(NULL) > 0)
		;
	report("own");
}

static volatile sig_atomic_t steps;

static void count_step(int sig)
{
	(void)sig;
	steps++;
}

static void switch_steps(void)
{
	__asm__ volatile("pushfq\nxorq %0, (%%rsp)\npopfq" ::"i"(FLAG_TRAP) : "memory", "cc");
}

/* It goes through it step by step, and stays in it with a trap that it does not take. */
static void turn_on(void)
{
	sigset_t trap;

	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	(void)signal(SIGTRAP, count_step);
	switch_steps();
	turn(0, 0, 0, 1);
	switch_steps();
	sigemptyset(&trap);
	sigaddset(&trap, SIGTRAP);
	(void)sigprocmask(SIG_BLOCK, &trap, NULL);
	(void)kill(getpid(), SIGTRAP);
	(void)!write(GATE_OUT, "", 1);
	turn(0, 0, 0, -1UL);
}

static void traps_of_its_own(void)
{
	const char *text = getenv("CHILD");
	pid_t child;
	char byte;

	if (!text) {
		make_gate();
		child = fork();
		if (!child)
			turn_on();
		execute_again("own-steps", "CHILD", child);
	}
	(void)!read(GATE_IN, &byte, 1);
	turn(0, 0, 0, 1);
	(void)kill(atoi(text), SIGKILL);
	(void)wait(NULL);
	report("own");
}

static void *wait_for_end(void *unused)
{
	(void)pause();
	return unused;
}

/* Some have threads, and of these some no first one any more. */
static void be_prey(size_t i)
{
	pthread_t thread;

	if (i % 3 == 0)
		(void)pthread_create(&thread, NULL, wait_for_end, NULL);
	if (i % 6 == 0)
		pthread_exit(NULL);
	for (;;)
		(void)pause();
}

/* Of children, which somebody else kills meanwhile, it says the numbers. */
static void prey(void)
{
	pid_t children[PREY];
	char text[16 * PREY];
	size_t size = 0;

	for (size_t i = 0; i < PREY; i++) {
		children[i] = fork();
		if (!children[i])
			be_prey(i);
		size += (size_t)snprintf(text + size, sizeof(text) - size, "%d ", children[i]);
	}
	text[size - 1] = '\n';
	(void)!write(STDERR_FILENO, text, size);
	turn(0, 0, 0, 1000000);
	moment();
	for (size_t i = 0; i < PREY; i++)
		(void)kill(children[i], SIGKILL);
	while (wait(NULL) > 0)
		;
	report("own");
}

/* A child that hides from tracers. */
static pid_t fork_untraced(void)
{
	return (pid_t)syscall(SYS_clone, CLONE_UNTRACED | SIGCHLD, NULL, NULL, NULL, 0L);
}

static void report_at_end(const char *who)
{
	char byte;

	(void)close(GATE_OUT);
	(void)!read(GATE_IN, &byte, 1);
	report(who);
	_exit(0);
}

static char thread_stack[64 * 1024] __attribute__((aligned(16)));

/* A thread that hides from tracers; it has no memory of its own. */
static void start_untraced(int (*run)(void *started), void *started)
{
	const int flags = CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD |
			  CLONE_SYSVSEM | CLONE_UNTRACED;

	if (clone(run, thread_stack + sizeof(thread_stack), flags, started) < 0)
		_exit(1);
}

static int fork_from_thread(void *started)
{
	if (!syscall(SYS_clone, (long)SIGCHLD, NULL, NULL, NULL, 0L))
		report_at_end("thread's child");
	(void)!write(*(int *)started, "", 1);
	while (syscall(SYS_pause))
		continue;
	return 0;
}

static void untraced(void)
{
	pid_t parent;
	int started[2];
	char byte;

	make_gate();
	if (pipe(started))
		_exit(1);
	if (!fork_untraced())
		report_at_end("child");
	parent = fork_untraced();
	if (!parent && !fork())
		report_at_end("orphan");
	if (!parent)
		_exit(0);
	(void)waitpid(parent, NULL, 0);
	start_untraced(fork_from_thread, &started[1]);
	(void)!read(started[0], &byte, 1);
	moment();
	report("own");
}

/* One is left behind, and the moment does not come. */
static void untraced_rest(void)
{
	if (!fork_untraced())
		for (;;)
			(void)pause();
}

/* A child dies of a SIGTRAP of its own. */
static void trapped_child(void)
{
	if (!fork())
		(void)raise(SIGTRAP);
	(void)wait(NULL);
	moment();
	report("own");
}

/* A child of a child that ends, which waits for the end of a gate; its number. */
static pid_t start_orphan(void (*run)(void), const int gate[2])
{
	pid_t orphan = 0, parent;
	int number[2];
	char byte;

	if (pipe(number))
		_exit(1);
	parent = fork();
	if (!parent) {
		orphan = fork();
		if (orphan)
			_exit(write(number[1], &orphan, sizeof(orphan)) < 0);
		(void)close(gate[1]);
		(void)!read(gate[0], &byte, 1);
		run();
		_exit(0);
	}
	(void)waitpid(parent, NULL, 0);
	(void)!read(number[0], &orphan, sizeof(orphan));
	return orphan;
}

static pid_t launcher;

static void say_parent(void)
{
	printf("adopted: %d\n", getppid() == launcher);
}

static void nothing(void)
{
}

/* Whose parents end before the moment are waited for, those behind it are others' children. */
static void orphans(void)
{
	int before[2], behind[2];
	pid_t orphan;

	if (pipe(before) || pipe(behind))
		_exit(1);
	launcher = getppid();
	orphan = start_orphan(nothing, before);
	moment();
	(void)close(before[1]);
	(void)alarm(20); /* should it never be */
	while (!kill(orphan, 0))
		continue;
	(void)alarm(0);
	(void)start_orphan(say_parent, behind);
	(void)close(behind[1]);
	report("own");
}

static void untraced_trap(void)
{
	if (!fork_untraced()) {
		moment();
		_exit(0);
	}
	(void)wait(NULL);
	moment();
	report("own");
}

static int come_to_moment(void *unused)
{
	(void)unused;
	moment();
	return 0;
}

static void untraced_thread_trap(void)
{
	start_untraced(come_to_moment, NULL);
	for (;;)
		(void)pause();
}

/* Its code at another place, breakpoint included. */
static void own_copy(void)
{
	enum { SIZE = 16 };
	void *copy = mmap(
		NULL, SIZE, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	void (*run)(void);

	memcpy(copy, (const void *)moment, SIZE);
	memcpy(&run, &copy, sizeof(run));
	run();
	report("own");
}

/* Its code from its file again, as those do that change it. */
static void dropped_code(void)
{
	const size_t page = (size_t)sysconf(_SC_PAGESIZE);

	if (madvise((void *)((size_t)moment & -page), page, MADV_DONTNEED))
		_exit(1);
	moment();
}

/* A child in strict mode, which a call made in its name would end. */
static void strict_child(void)
{
	int started[2];
	char byte;

	make_gate();
	if (pipe(started))
		_exit(1);
	if (!fork()) {
		(void)close(GATE_OUT);
		(void)prctl(PR_SET_SECCOMP, SECCOMP_MODE_STRICT);
		(void)!write(started[1], "", 1);
		(void)!read(GATE_IN, &byte, 1);
		(void)syscall(SYS_exit, 0);
	}
	(void)!read(started[0], &byte, 1);
	moment();
	report("own");
}

/* A child that executes the same program anew, and comes to its moment first. */
static void executing_child(void)
{
	if (!fork())
		execute_again("held", "HELD", 1);
	(void)wait(NULL);
	moment();
	report("own");
}

static void held(void)
{
	moment();
	report("own");
}

static void *hold_thread(void *unused)
{
	moment();
	report("thread");
	_exit(STATUS);
	return unused;
}

/*
 * A thread of the kernel's, where it has io_uring: the first one when that of the program has
 * ended.  Calls cannot be made in its name.
 */
static void kernel_thread(void)
{
	pthread_t thread;
	struct io_uring_params params = {
		.flags = IORING_SETUP_SQPOLL, .sq_thread_idle = 60000 /* ms */};

	(void)syscall(SYS_io_uring_setup, 1L, &params);
	(void)pthread_create(&thread, NULL, hold_thread, NULL);
	pthread_exit(NULL);
}

static const struct late_case CASES[] = {
	{"untraced", untraced},
	{"untraced-rest", untraced_rest},
	{"untraced-trap", untraced_trap},
	{"trapped-child", trapped_child},
	{"orphans", orphans},
	{"untraced-thread-trap", untraced_thread_trap},
	{"own-copy", own_copy},
	{"dropped-code", dropped_code},
	{"strict-child", strict_child},
	{"executing-child", executing_child},
	{"held", held},
	{"kernel-thread", kernel_thread},
	{"former-children", former_children},
	{"own-steps", traps_of_its_own},
	{"prey", prey},
};

int main(int argc, char **argv)
{
	return late_run(CASES, sizeof(CASES) / sizeof(CASES[0]), argc, argv);
}
