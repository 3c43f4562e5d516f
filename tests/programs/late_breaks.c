/* build: -pthread -rdynamic */
/*
 * Who there may be beside whoever comes to the moment, for whom its breakpoint is not meant: it
 * stands in their code as well.
 *
 *	late_breaks CASE
 */
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
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

static const struct late_case CASES[] = {
	{"former-children", former_children},
	{"own-steps", traps_of_its_own},
	{"prey", prey},
};

int main(int argc, char **argv)
{
	return late_run(CASES, sizeof(CASES) / sizeof(CASES[0]), argc, argv);
}
