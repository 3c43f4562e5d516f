/* build: -pthread -Wl,-z,now */
/*
 * odd_process WAY: a process in a state that is hard to be held in.  Prints "+" when it is in it,
 * and when its standard input has ended "well", or else what is wrong.
 */
#include <errno.h>
#include <linux/filter.h>
#include <linux/membarrier.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/rseq.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <ucontext.h>
#include <unistd.h>

#ifndef PR_SET_SYSCALL_USER_DISPATCH
#define PR_SET_SYSCALL_USER_DISPATCH 59
#endif

enum { STACK_SIZE = 64 << 10, LEFT_OF_STACK = 1400, DEADLINE_S = 30 };

static volatile bool over;

static void say(const char *text)
{
	if (write(1, text, strlen(text)) < 0)
		_exit(9);
}

static void *await_end(void *arg)
{
	char byte;

	while (read(0, &byte, 1) > 0)
		;
	over = true;
	return arg;
}

static void start(void *(*run)(void *arg))
{
	pthread_t thread;

	if (pthread_create(&thread, NULL, run, NULL))
		_exit(8);
}

/* The parent cannot be interrupted until the child has ended. */
static bool in_vfork(void)
{
	int status;
	pid_t child = vfork();

	if (!child) {
		say("+\n");
		await_end(NULL);
		_exit(0);
	}
	return waitpid(child, &status, 0) == child && !status;
}

/* Strict mode leaves read, write and exit. */
static bool in_strict_mode(void)
{
	if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_STRICT))
		return false;
	say("+\n");
	await_end(NULL);
	say("well\n");
	syscall(SYS_exit, 0);
	return false;
}

static void *diverge(void *arg)
{
	struct sock_filter allow = BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
	struct sock_fprog prog = {1, &allow};

	if (prctl(PR_SET_NO_NEW_PRIVS, 1L, 0L, 0L, 0L) ||
		syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &prog))
		_exit(7);
	say("+\n");
	pause();
	return arg;
}

/* One thread has a filter that the others do not have. */
static bool divided(void)
{
	start(diverge);
	await_end(NULL);
	return true;
}

static char selector = 1; /* SYSCALL_DISPATCH_FILTER_BLOCK */

static void on_dispatch(int sig)
{
	(void)sig;
}

/* Calls of the vDSO's code, and of what is above, are answered by a handler, which it keeps. */
static bool dispatched(void)
{
	if (signal(SIGSYS, on_dispatch) == SIG_ERR ||
		prctl(PR_SET_SYSCALL_USER_DISPATCH, 1L, 0L, getauxval(AT_SYSINFO_EHDR), &selector))
		return false;
	say("+\n");
	await_end(NULL);
	return signal(SIGSYS, SIG_DFL) == on_dispatch;
}

static void *wait_alone(void *arg)
{
	struct epoll_event event = {.events = EPOLLIN};
	int epoll = epoll_create1(0), n;

	epoll_ctl(epoll, EPOLL_CTL_ADD, 0, &event);
	say("+\n");
	n = epoll_wait(epoll, &event, 1, -1);
	say(n == 1 ? "well\n" : "epoll_wait failed\n");
	_exit(0);
	return arg;
}

/* The first thread has ended, and is a zombie until the others have. */
static bool without_first(void)
{
	start(wait_alone);
	pthread_exit(NULL);
}

static volatile unsigned long alarms;

static void on_alarm(int signo)
{
	(void)signo;
	alarms++;
}

/* Registers of all kinds in use, and a signal each millisecond. */
static bool busy(void)
{
	const struct itimerval tick = {{0, 1000}, {0, 1000}};
	struct sigaction action = {.sa_handler = on_alarm, .sa_flags = SA_RESTART};
	uint64_t a = 1, b = 2, c = 3;
	double x = 1, y = 2;

	sigaction(SIGALRM, &action, NULL);
	start(await_end);
	setitimer(ITIMER_REAL, &tick, NULL);
	say("+\n");
	while (!over || !alarms) {
		for (int i = 0; i < 1000; i++) {
			a += b, b += c, c += a;
			x += 1, y += 2;
		}
		for (int i = 0; i < 1000; i++) {
			c -= a, b -= c, a -= b;
			x -= 1, y -= 2;
		}
		if (a != 1 || b != 2 || c != 3 || x != 1 || y != 2)
			return false;
	}
	return true;
}

/* --- a sequence that is to be restarted whenever its thread was away: rseq(2) --- */

static struct {
	uint32_t version, flags;
	uint64_t start, length, abort;
} __attribute__((aligned(32))) sequence;
static volatile unsigned long aborts, passes;

static struct rseq *area(void)
{
	return (struct rseq *)((char *)__builtin_thread_pointer() + __rseq_offset);
}

/* Within the sequence until it is aborted, or over. */
static void run_sequence(void)
{
	volatile uint64_t *armed = (volatile uint64_t *)&area()->rseq_cs;

	__asm__ goto("leaq 1f(%%rip), %%rax\n\t"
		     "movq %%rax, 8+%[sequence]\n\t"
		     "leaq 2f(%%rip), %%rcx\n\t"
		     "subq %%rax, %%rcx\n\t"
		     "movq %%rcx, 16+%[sequence]\n\t"
		     "leaq 3f(%%rip), %%rax\n\t"
		     "movq %%rax, 24+%[sequence]\n\t"
		     "leaq %[sequence], %%rax\n\t"
		     "movq %%rax, (%[armed])\n\t"
		     "1:\n\t"
		     "incq %[passes]\n\t"
		     "cmpb $0, %[over]\n\t"
		     "je 1b\n\t"
		     "2:\n\t"
		     "jmp 4f\n\t"
		     ".byte 0x0f, 0xb9, 0x3d\n\t"
		     ".long 0x53053053\n\t" /* RSEQ_SIG */
		     "3:\n\t"
		     "jmp %l[aborted]\n\t"
		     "4:\n\t"
		     :
		     : [armed] "r"(armed), [sequence] "m"(sequence), [passes] "m"(passes),
		     [over] "m"(over)
		     : "rax", "rcx", "memory", "cc"
		     : aborted);
	return;
aborted:
	aborts++;
}

static void membarrier(int command)
{
	syscall(SYS_membarrier, command, 0, 0);
}

/* Whether the first thread is still sent to its abort handler. */
static void *try_to_abort(void *arg)
{
	unsigned long before;
	time_t until;

	await_end(NULL);
	over = false;
	before = aborts;
	until = time(NULL) + DEADLINE_S;
	while (aborts == before && time(NULL) < until)
		membarrier(MEMBARRIER_CMD_PRIVATE_EXPEDITED_RSEQ);
	say(aborts != before ? "well\n" : "its sequence is no longer aborted\n");
	_exit(0);
	return arg;
}

static bool in_sequence(void)
{
	membarrier(MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED_RSEQ);
	start(try_to_abort);
	say("+\n");
	for (;;)
		run_sequence();
	return false;
}

/* --- stacks of its own within the first one --- */

static ucontext_t back, there;
static bool intact;

static bool is_filled(const char *bytes, size_t size)
{
	for (size_t i = 0; i < size; i++) {
		if (bytes[i] != (char)0xa5)
			return false;
	}
	return true;
}

/*
 * With what is left of its stack, the next one's memory is not far below.  Linked with -z now:
 * binding a function when it is first called takes more.
 */
static void run_coroutine(void)
{
	volatile char used[STACK_SIZE - LEFT_OF_STACK];

	used[0] = 1;
	say("+\n");
	await_end(NULL);
	intact = used[0];
	swapcontext(&there, &back);
}

static bool on_stacks(void)
{
	char stacks[2][STACK_SIZE];

	memset(stacks, 0xa5, sizeof(stacks));
	getcontext(&there);
	there.uc_stack.ss_sp = stacks[1];
	there.uc_stack.ss_size = sizeof(stacks[1]);
	makecontext(&there, run_coroutine, 0);
	swapcontext(&back, &there);
	return intact && is_filled(stacks[0], sizeof(stacks[0]));
}

int main(int argc, char **argv)
{
	static const struct {
		const char *name;
		bool (*run)(void);
	} WAYS[] = {
		{"vfork", in_vfork},
		{"strict", in_strict_mode},
		{"divided", divided},
		{"dispatched", dispatched},
		{"without-first", without_first},
		{"busy", busy},
		{"sequence", in_sequence},
		{"stacks", on_stacks},
	};

	for (size_t i = 0; i < sizeof(WAYS) / sizeof(WAYS[0]); i++) {
		if (argc == 2 && !strcmp(WAYS[i].name, argv[1])) {
			say(WAYS[i].run() ? "well\n" : "ill\n");
			return 0;
		}
	}
	return 2;
}
