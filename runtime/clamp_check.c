#include "clamp_check.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/seccomp.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "clamp.h"
#include "host.h"
#include "proc.h"
#include "scope.h"
#include "syscalls.h"

enum {
	FIRST_PID_NAMESPACE = 0xEFFFFFFC, /* its inode number: include/linux/proc_ns.h */
	LINE_MAX_SIZE = 256,
};

/* What the host starts from now on, services and logins, would be held. */
static bool is_init_of_host(pid_t pid)
{
	struct stat st;

	return pid == 1 && (stat("/proc/self/ns/pid", &st) || st.st_ino == FIRST_PID_NAMESPACE);
}

/* Calls can be made in the name of native programs only.  What cannot be read is left to them. */
static int check_program(pid_t pid, struct err *e)
{
	char path[32];
	Elf64_Ehdr header;
	scoped_fd int fd = -1;

	(void)snprintf(path, sizeof(path), "/proc/%d/exe", pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || read(fd, &header, sizeof(header)) != (ssize_t)sizeof(header) ||
		memcmp(header.e_ident, ELFMAG, SELFMAG) != 0)
		return 0;
	if (header.e_ident[EI_CLASS] == ELFCLASS64 && header.e_machine == EM_X86_64)
		return 0;
	return err_set(e, ENOEXEC,
		"process %d executes a program of another ABI; only %s ones can be held while they "
		"run; start it with sysclamp run",
		pid, abi_native()->name);
}

static int check_kind(pid_t pid, const struct thread_status *status, struct err *e)
{
	if (status->process != pid)
		return err_set(e, EINVAL, "%d is a thread of process %d: name that one", pid,
			status->process);
	if (status->is_kernel)
		return err_set(
			e, EINVAL, "process %d is a kernel thread; no filter applies to it", pid);
	if (thread_status_has_ended(status))
		return err_set(e, ESRCH, "process %d has ended", pid);
	return 0;
}

static int refuse_traced(pid_t tid, pid_t tracer, struct err *e)
{
	char path[PROC_PATH_MAX];

	return err_set(e, EBUSY,
		"process %d is traced by process %d (%s), and the kernel allows one tracer only: "
		"end that first",
		tid, tracer, proc_program(tracer, path) ? path : "unknown");
}

int clamp_check(pid_t pid, struct err *e)
{
	struct thread_status status;

	if (pid == getpid())
		return err_set(e, EINVAL, "process %d is sysclamp itself; name another one", pid);
	if (is_init_of_host(pid))
		return err_set(e, EINVAL,
			"process 1 is this host's init: all that it starts from now on would be "
			"held, every service and login; name the service's own process");
	if (thread_status_read(pid, &status, e))
		return e->code == ESRCH ? err_set(e, ESRCH, "there is no process %d", pid)
					: -e->code;
	if (check_kind(pid, &status, e))
		return -e->code;
	if (status.tracer)
		return refuse_traced(pid, status.tracer, e);
	if (status.mode == SECCOMP_MODE_STRICT)
		return err_set(e, EBUSY,
			"process %d is in seccomp's strict mode, which no filter can be added to: "
			"it allows read, write, exit and rt_sigreturn",
			pid);
	return check_program(pid, e);
}

int clamp_explain_refusal(pid_t tid, int code, struct err *e)
{
	struct thread_status status = {0};
	char scope[LINE_MAX_SIZE];

	if (code == ESRCH || thread_status_read(tid, &status, e))
		return err_set(e, ESRCH, "process %d has ended", tid);
	if (status.tracer)
		return refuse_traced(tid, status.tracer, e);
	if (code != EPERM)
		return err_sys(e, code, "process %d: stopping it", tid);
	if (geteuid() != status.user)
		return err_set(e, EPERM,
			"process %d belongs to another user (%u): it takes CAP_SYS_PTRACE; run as "
			"root",
			tid, status.user);
	if (host_line("/proc/sys/kernel/yama/ptrace_scope", scope, sizeof(scope)) &&
		strcmp(scope, "0") != 0)
		return err_set(e, EPERM,
			"process %d may not be traced: kernel.yama.ptrace_scope is %s%s", tid,
			scope,
			strcmp(scope, "3") != 0 ? "; run as root"
						: ", until the next boot for everybody");
	return err_set(e, EPERM,
		"process %d may not be traced, as one with privileges of its own or where a "
		"security module forbids it: it takes CAP_SYS_PTRACE; run as root",
		tid);
}

/*
 * Calls that an interruption does not undo or prolong but ends in the middle: they return how far
 * they have come.  Where a condition on an argument is given, only with it.
 */
static const struct {
	const char *name;
	unsigned arg;
	uint64_t bits; /* one of these is set in it; 0: no condition */
} SHORT[] = {
	{"write", 0, 0},
	{"writev", 0, 0},
	{"pwrite64", 0, 0},
	{"pwritev", 0, 0},
	{"pwritev2", 0, 0},
	{"sendto", 0, 0},
	{"sendmsg", 0, 0},
	{"sendmmsg", 0, 0},
	{"sendfile", 0, 0},
	{"splice", 0, 0},
	{"vmsplice", 0, 0},
	{"copy_file_range", 0, 0},
	{"recvfrom", 3, MSG_WAITALL},
	{"recvmsg", 2, MSG_WAITALL},
	{"recvmmsg", 2, ~UINT64_C(1)}, /* two messages or more */
	{"io_getevents", 1, ~UINT64_C(1)}, /* two events or more */
	{"io_pgetevents", 1, ~UINT64_C(1)},
};

static bool returns_short(const char *name, const uint64_t args[SYSCALL_ARGS])
{
	for (size_t i = 0; i < ARRAY_LEN(SHORT); i++) {
		if (!strcmp(SHORT[i].name, name))
			return !SHORT[i].bits || args[SHORT[i].arg] & SHORT[i].bits;
	}
	return false;
}

/* The call that a sleeping thread is in: proc(5), /proc/PID/syscall. */
static bool find_call(pid_t tid, char name[SYSCALL_NAME_MAX], uint64_t args[SYSCALL_ARGS])
{
	char path[40], line[LINE_MAX_SIZE];
	uint32_t nr;

	(void)snprintf(path, sizeof(path), "/proc/%d/syscall", tid);
	return host_line(path, line, sizeof(line)) &&
	       sscanf(line,
		       "%" SCNu32 " %" SCNx64 " %" SCNx64 " %" SCNx64 " %" SCNx64 " %" SCNx64
		       " %" SCNx64,
		       &nr, &args[0], &args[1], &args[2], &args[3], &args[4],
		       &args[5]) == 1 + SYSCALL_ARGS &&
	       syscall_name(abi_native(), nr, name);
}

int clamp_check_moment(pid_t tid, const struct thread_status *status, struct err *e)
{
	char name[SYSCALL_NAME_MAX];
	uint64_t args[SYSCALL_ARGS];

	if (status->state == 'D')
		return err_set(e, ETIMEDOUT,
			"thread %d is in a system call that cannot be interrupted", tid);
	if (status->state == 'S' && find_call(tid, name, args) && returns_short(name, args))
		return err_set(e, ETIMEDOUT,
			"thread %d is in the middle of %s, which an interruption would end early",
			tid, name);
	return 0;
}
