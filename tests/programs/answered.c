/* build: -pthread */
/*
 * answered WAY: what becomes of getppid, in one way or another; prints what it sees.
 *
 *	call     the errno, or 0
 *	handled  the same, with a handler for SIGSYS, which prints what it is told
 *	thread   a second thread makes the call; whether the first goes on
 *	traced   a child makes the call; a tracer tells of the event and lets it go on
 *	skipped  the same, but the tracer has the call skipped: it sets the number to -1
 */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

static int call(void)
{
	errno = 0;
	return syscall(SYS_getppid) == -1 ? errno : 0;
}

static int way_call(void)
{
	printf("errno %d\n", call());
	return 0;
}

static void tell(int signo, siginfo_t *info, void *context)
{
	(void)context;
	printf("signal %d code %d errno %d call %d arch %x\n", signo, info->si_code, info->si_errno,
		info->si_syscall, info->si_arch);
}

/* Behind TRAP the result is what stands in the register: the number of the call (seccomp(2)). */
static int way_handled(void)
{
	struct sigaction act = {.sa_sigaction = tell, .sa_flags = SA_SIGINFO};
	long result;

	if (sigaction(SIGSYS, &act, NULL))
		return 1;
	errno = 0;
	result = syscall(SYS_getppid);
	printf("returned %s, errno %d\n",
		result == -1		? "-1"
		: result == SYS_getppid ? "its number"
					: "a process",
		errno);
	return 0;
}

static void *call_once(void *answer)
{
	*(int *)answer = call();
	return NULL;
}

static int way_thread(void)
{
	pthread_t thread;
	int answer = -1;

	if (pthread_create(&thread, NULL, call_once, &answer) || pthread_join(thread, NULL))
		return 1;
	printf("the first thread goes on; the other one: %d\n", answer);
	return 0;
}

/* The child: stops to be traced, and ends with the errno. */
static void be_traced(void)
{
	if (ptrace(PTRACE_TRACEME, 0, NULL, NULL) || raise(SIGSTOP))
		_exit(100);
	_exit(call());
}

static int skip_call(pid_t child)
{
#ifdef __x86_64__
	return (int)ptrace(
		PTRACE_POKEUSER, child, offsetof(struct user_regs_struct, orig_rax), -1L);
#else
	(void)child;
	return -1;
#endif
}

/* Go on from stop to stop until the child has ended. */
static int follow(pid_t child, int skips)
{
	int status, signo = 0;
	unsigned long message;

	for (;;) {
		if (ptrace(PTRACE_CONT, child, NULL, (void *)(long)signo) ||
			waitpid(child, &status, 0) != child)
			return 1;
		if (!WIFSTOPPED(status))
			break;
		signo = WSTOPSIG(status);
		if (status >> 8 != (SIGTRAP | PTRACE_EVENT_SECCOMP << 8))
			continue;
		signo = 0;
		if (ptrace(PTRACE_GETEVENTMSG, child, NULL, &message))
			return 1;
		printf("event %lu\n", message);
		if (skips && skip_call(child))
			return 1;
	}
	if (WIFSIGNALED(status))
		printf("signal %d\n", WTERMSIG(status));
	else
		printf("errno %d\n", WEXITSTATUS(status));
	return 0;
}

static int trace(int skips)
{
	pid_t child = fork();
	int status;

	if (child == 0)
		be_traced();
	if (child < 0 || waitpid(child, &status, 0) != child || !WIFSTOPPED(status) ||
		ptrace(PTRACE_SETOPTIONS, child, NULL,
			(void *)(PTRACE_O_TRACESECCOMP | PTRACE_O_EXITKILL)))
		return 1;
	return follow(child, skips);
}

static int way_traced(void)
{
	return trace(0);
}

static int way_skipped(void)
{
	return trace(1);
}

int main(int argc, char **argv)
{
	static const struct {
		const char *name;
		int (*run)(void);
	} WAYS[] = {
		{"call", way_call},
		{"handled", way_handled},
		{"thread", way_thread},
		{"traced", way_traced},
		{"skipped", way_skipped},
	};

	setvbuf(stdout, NULL, _IONBF, 0);
	for (size_t i = 0; argc > 1 && i < sizeof(WAYS) / sizeof(WAYS[0]); i++) {
		if (!strcmp(WAYS[i].name, argv[1]))
			return WAYS[i].run();
	}
	return 2;
}
