/* Probes that make the call in question. */
#include <errno.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "host.h"
#include "scope.h"
#include "syscalls.h"

static void end_on(int signo)
{
	(void)signo;
	_exit(HOST_NO);
}

/*
 * Whether @call succeeds, in a child that it may end: a kernel without the 32-bit entry sends
 * SIGSEGV, a filter SIGSYS.  Signals are handled, so that neither a core nor a line in the kernel's
 * log is left; a filter that kills leaves no core either.
 */
static enum host_answer ask_child(bool (*call)(void))
{
	static const int ENDS[] = {SIGSEGV, SIGSYS, SIGILL, SIGBUS};
	int status = 0;
	pid_t pid = fork();

	if (pid == 0) {
		(void)prctl(PR_SET_DUMPABLE, 0L, 0L, 0L, 0L);
		for (size_t i = 0; i < ARRAY_LEN(ENDS); i++)
			(void)signal(ENDS[i], end_on);
		_exit(call() ? HOST_YES : HOST_NO);
	}
	if (pid < 0)
		return HOST_UNKNOWN;
	while (waitpid(pid, &status, 0) < 0) {
		if (errno != EINTR)
			return HOST_UNKNOWN;
	}
	return WIFEXITED(status) && WEXITSTATUS(status) == HOST_YES ? HOST_YES : HOST_NO;
}

#ifdef __x86_64__
static bool call_i386(void)
{
	enum { NR_I386_GETPID = 20 };
	long result;

	__asm__ volatile("int $0x80" : "=a"(result) : "a"((long)NR_I386_GETPID) : "memory");
	return result == getpid();
}

static bool call_x32(void)
{
	return syscall((long)(SYS_getpid | X32_BIT)) == getpid();
}
#else
static bool call_i386(void)
{
	return false;
}

static bool call_x32(void)
{
	return false;
}
#endif

enum host_answer host_runs_i386(void)
{
	return ask_child(call_i386);
}

enum host_answer host_runs_x32(void)
{
	return ask_child(call_x32);
}

int host_has_action(uint32_t action)
{
	if (!syscall(SYS_seccomp, SECCOMP_GET_ACTION_AVAIL, 0, &action))
		return 1;
	return errno == EOPNOTSUPP ? 0 : -errno;
}

int host_has_filter_flag(uint32_t flag)
{
	/* This one is refused without the other: seccomp_set_mode_filter() in kernel/seccomp.c. */
	uint32_t with = flag == SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV
				? SECCOMP_FILTER_FLAG_NEW_LISTENER
				: 0;

	/* Flags are looked at first, then the program, which is nowhere. */
	if (!syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flag | with, NULL))
		return -EPROTO;
	if (errno == EINVAL)
		return 0;
	return errno == EFAULT ? 1 : -errno;
}
