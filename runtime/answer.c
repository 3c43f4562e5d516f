#include "answer.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "scope.h"

enum { STATUS_SIZE = 4096, NAME_SIZE = 64, HEX = 16, DECIMAL = 10 };

/* Of /proc/TID/status. */
struct status {
	bool known;
	pid_t process;
	uint64_t blocked, ignored; /* signals: bit n - 1 */
};

bool held_waits(const struct held *held)
{
	return !ioctl(held->listener, SECCOMP_IOCTL_NOTIF_ID_VALID, &held->notif->id);
}

static bool find_number(const char *text, const char *key, int base, uint64_t *out)
{
	const char *at = strstr(text, key);

	if (!at)
		return false;
	*out = strtoull(at + strlen(key), NULL, base);
	return true;
}

/* Read in one piece: the signals are in its first 2 KiB (fs/proc/array.c). */
static struct status read_status(const struct held *held)
{
	char name[NAME_SIZE], text[STATUS_SIZE];
	struct status status = {0};
	uint64_t process;
	scoped_fd int fd = -1;
	ssize_t size;

	(void)snprintf(name, sizeof(name), "/proc/%u/status", held->notif->pid);
	fd = open(name, O_RDONLY | O_CLOEXEC);
	size = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);
	if (size <= 0)
		return status;
	text[size] = '\0';
	status.known = find_number(text, "\nTgid:", DECIMAL, &process) &&
		       find_number(text, "\nSigBlk:", HEX, &status.blocked) &&
		       find_number(text, "\nSigIgn:", HEX, &status.ignored) && held_waits(held);
	status.process = status.known ? (pid_t)process : 0;
	return status;
}

static enum answered send(const struct held *held, int64_t value, int error, uint32_t flags)
{
	held->resp->id = held->notif->id;
	held->resp->val = value;
	held->resp->error = -error;
	held->resp->flags = flags;
	if (!ioctl(held->listener, SECCOMP_IOCTL_NOTIF_SEND, held->resp) || errno == ENOENT)
		return ANSWERED;
	return ANSWER_FAILED;
}

/* SIGKILL reaches the thread in its call, which then asks no more. */
static bool send_kill(const struct held *held, pid_t process)
{
	/* Opened while the thread waits, it is that process's, and stays that. */
	scoped_fd int fd = process > 0 ? (int)syscall(SYS_pidfd_open, process, 0) : -1;

	if (!held_waits(held))
		return true;
	if (fd >= 0)
		return !syscall(SYS_pidfd_send_signal, fd, SIGKILL, NULL, 0);
	return !syscall(SYS_tkill, held->notif->pid, SIGKILL);
}

static enum answered kill_process(const struct held *held, pid_t process, pid_t *out_process)
{
	/* Whom we may not kill, has at least no call made. */
	if (!send_kill(held, process))
		return send(held, 0, ENOSYS, 0);
	*out_process = process > 0 ? process : (pid_t)held->notif->pid;
	return ANSWERED_KILLED;
}

static bool queue_signal(const struct held *held, pid_t process, uint16_t reason)
{
	const struct seccomp_data *call = &held->notif->data;
	siginfo_t info = {.si_signo = SIGSYS, .si_errno = reason, .si_code = SI_QUEUE};
	pid_t tid = (pid_t)held->notif->pid;

	/* NOLINTNEXTLINE(performance-no-int-to-ptr): an address in another process */
	info.si_call_addr = (void *)(uintptr_t)call->instruction_pointer;
	info.si_syscall = call->nr;
	info.si_arch = call->arch;
	if (!syscall(SYS_rt_tgsigqueueinfo, process, tid, SIGSYS, &info))
		return true;
	/* No room in its queue: without the fields, as it would be with a kernel out of memory. */
	return errno == EAGAIN && !syscall(SYS_tgkill, process, tid, SIGSYS);
}

/*
 * What the kernel leaves in the register when it takes a call back: syscall_rollback() of
 * arch/x86/include/asm/syscall.h, the number; of arch/arm64/include/asm/syscall.h, the first
 * argument, whose register it is.
 */
static int64_t taken_back(const struct seccomp_data *call)
{
#ifdef __aarch64__
	return (int64_t)call->args[0];
#else
	return call->nr;
#endif
}

/* The signal is there before the call returns. */
static enum answered trap(const struct held *held, uint16_t reason, pid_t *out_process)
{
	const uint64_t bit = 1ULL << (SIGSYS - 1);
	struct status status = read_status(held);

	if (!status.known || ((status.blocked | status.ignored) & bit) ||
		!queue_signal(held, status.process, reason))
		return kill_process(held, status.process, out_process);
	return send(held, taken_back(&held->notif->data), 0, 0);
}

enum answered answer_give(const struct held *held, uint32_t action, pid_t *out_process)
{
	uint32_t data = action & SECCOMP_RET_DATA;

	memset(held->resp, 0, sizeof(*held->resp));
	switch (action & SECCOMP_RET_ACTION_FULL) {
	case SECCOMP_RET_ALLOW:
	case SECCOMP_RET_LOG:
		return send(held, 0, 0, SECCOMP_USER_NOTIF_FLAG_CONTINUE);
	case SECCOMP_RET_ERRNO:
		return send(held, 0, (int)data, 0);
	case SECCOMP_RET_TRACE:
		return send(held, 0, ENOSYS, 0);
	case SECCOMP_RET_TRAP:
		return trap(held, (uint16_t)data, out_process);
	default:
		return kill_process(held, read_status(held).process, out_process);
	}
}
