/*
 * traced.h: a program that is traced until it makes the call that is waited for: getppid, or a read
 * of descriptor -7.
 */
#ifndef SYSCLAMP_TRACED_H
#define SYSCLAMP_TRACED_H

#include <linux/audit.h>
#include <signal.h>
#include <stdbool.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum { TRACED_GETPPID_32 = 64, TRACED_FD = -7 };

struct traced {
	pid_t pid; /* -1: it has ended */
	pid_t tid; /* of the task that stands at the call */
};

/* Let @tid go on to its next stop at a call, and give it the signal that it stopped for. */
static inline void traced_resume(pid_t tid, int status)
{
	int sig = WSTOPSIG(status);
	bool event = sig == (SIGTRAP | 0x80) || sig == SIGTRAP || sig == SIGSTOP || status >> 16;

	(void)ptrace(PTRACE_SYSCALL, tid, NULL, (long)(event ? 0 : sig));
}

static inline bool traced_makes_it(pid_t tid)
{
	struct __ptrace_syscall_info info = {0};

	if (ptrace(PTRACE_GET_SYSCALL_INFO, tid, sizeof(info), &info) <= 0 ||
		info.op != PTRACE_SYSCALL_INFO_ENTRY)
		return false;
	if (info.arch == AUDIT_ARCH_I386)
		return info.entry.nr == TRACED_GETPPID_32;
	return info.entry.nr == SYS_getppid ||
	       (info.entry.nr == SYS_read && (int)info.entry.args[0] == TRACED_FD);
}

/* Until one of its threads makes the call; false: it has ended. */
static inline bool traced_wait(struct traced *traced)
{
	int status;

	while ((traced->tid = waitpid(-1, &status, __WALL)) > 0) {
		if (!WIFSTOPPED(status)) {
			if (traced->tid != traced->pid)
				continue;
			traced->pid = -1;
			return false;
		}
		if (WSTOPSIG(status) == (SIGTRAP | 0x80) && traced_makes_it(traced->tid))
			return true;
		traced_resume(traced->tid, status);
	}
	return false;
}

/* Start @argv, after @prepare (or NULL) in its process, and wait for its first such call; false:
 * there was none, and it has ended. */
static inline bool traced_start(struct traced *traced, char *const *argv, void (*prepare)(void))
{
	int status;

	traced->pid = fork();
	if (traced->pid == 0) {
		(void)ptrace(PTRACE_TRACEME, 0, NULL, NULL);
		(void)raise(SIGSTOP);
		if (prepare)
			prepare();
		(void)execvp(argv[0], argv);
		_exit(127);
	}
	if (waitpid(traced->pid, &status, 0) != traced->pid || !WIFSTOPPED(status))
		return false;
	(void)ptrace(PTRACE_SETOPTIONS, traced->pid, NULL,
		(long)(PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACECLONE | PTRACE_O_EXITKILL));
	traced_resume(traced->pid, status);
	return traced_wait(traced);
}

static inline void traced_end(struct traced *traced)
{
	int status;
	pid_t ended;

	if (traced->pid <= 0)
		return;
	(void)kill(traced->pid, SIGKILL);
	/* Its threads are to be waited for, too, before it. */
	do
		ended = waitpid(-1, &status, __WALL);
	while (ended > 0 && (ended != traced->pid || WIFSTOPPED(status)));
	traced->pid = -1;
}

#endif
