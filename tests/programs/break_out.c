/* build: -static */
/*
 * break_out WAY: one of the ways out of a sandbox that launchers have been caught by
 * (CVE-2019-5736, CVE-2024-21626, CVE-2017-5226, ...).  Says in one line what came of it: "held",
 * or what could be reached.
 */
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/ptrace.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

enum { TRIES = 200, FDS_MAX = 4096, PATH_SIZE = 512 };

/* Calls @visit with each process that is to be seen but this one, until it returns text. */
static const char *each_process(const char *(*visit)(pid_t pid))
{
	DIR *proc = opendir("/proc");
	struct dirent *entry;
	const char *found = NULL;

	while (!found && proc && (entry = readdir(proc))) {
		pid_t pid = (pid_t)atoi(entry->d_name);

		if (isdigit((unsigned char)entry->d_name[0]) && pid != getpid())
			found = visit(pid);
	}
	return found;
}

static bool is_own_program(const char *path)
{
	struct stat theirs, own;

	return !stat(path, &theirs) && !stat("/proc/self/exe", &own) &&
	       theirs.st_ino == own.st_ino && theirs.st_dev == own.st_dev;
}

/* The file of a program that somebody executes: for writing, or for opening anew later. */
static const char *open_program(pid_t pid)
{
	char path[PATH_SIZE], again[PATH_SIZE];
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/exe", (int)pid);
	if (is_own_program(path))
		return NULL;
	if (open(path, O_WRONLY | O_CLOEXEC) >= 0)
		return "a program's file is open for writing";
	fd = open(path, O_PATH | O_CLOEXEC);
	if (fd < 0)
		return NULL;
	snprintf(again, sizeof(again), "/proc/self/fd/%d", fd);
	for (int i = 0; i < TRIES; i++) {
		if (open(again, O_WRONLY | O_CLOEXEC) >= 0)
			return "a program's file is open for writing, by a descriptor";
	}
	close(fd);
	return NULL;
}

static const char *programs(void)
{
	return each_process(open_program);
}

static const char *trace_launcher(pid_t pid)
{
	if (ptrace(PTRACE_SEIZE, pid, 0, 0))
		return NULL;
	(void)ptrace(PTRACE_DETACH, pid, 0, 0);
	return "the launcher can be traced";
}

static const char *write_to_launcher(pid_t pid)
{
	char path[PATH_SIZE], byte = 0;
	struct iovec here = {&byte, 1}, there = {(void *)(uintptr_t)4096, 1};

	snprintf(path, sizeof(path), "/proc/%d/mem", (int)pid);
	if (open(path, O_RDWR | O_CLOEXEC) >= 0)
		return "the launcher's memory is open";
	/* EFAULT: the address is wrong, but the way is free. */
	if (process_vm_writev(pid, &here, 1, &there, 1, 0) == 1 || errno == EFAULT)
		return "the launcher's memory can be written";
	return NULL;
}

/* The parent, whether /proc shows it or not. */
static const char *launcher(void)
{
	const char *found = getppid() ? trace_launcher(getppid()) : NULL;

	return found || !getppid() ? found : write_to_launcher(getppid());
}

static const char *descriptors(void)
{
	for (int fd = 3; fd < FDS_MAX; fd++) {
		if (fcntl(fd, F_GETFD) >= 0)
			return "a descriptor was left";
	}
	return NULL;
}

static const char *directory(void)
{
	char path[PATH_SIZE];

	if (syscall(SYS_getcwd, path, sizeof(path)) < 0 || path[0] != '/')
		return "the working directory is outside";
	return access("/outside-canary", F_OK) ? NULL : "the outside is to be seen";
}

/* tty_ioctl(4); the kernel looks at the lower half of the request only. */
static const char *terminal(void)
{
	static const unsigned long REQUESTS[] = {
		TIOCSTI, TIOCSTI | 1UL << 32, TIOCSTI | 0xffUL << 56};
	char c = '#', selection[16] = {3}; /* TIOCL_PASTESEL */

	for (size_t i = 0; i < sizeof(REQUESTS) / sizeof(REQUESTS[0]); i++) {
		if (!syscall(SYS_ioctl, STDIN_FILENO, REQUESTS[i], &c))
			return "the terminal takes input";
	}
	if (!syscall(SYS_ioctl, STDIN_FILENO, TIOCLINUX | 1UL << 32, selection))
		return "the terminal pastes";
	return NULL;
}

/* Below a new root, the working directory outside of it: chroot(2). */
static const char *roots(void)
{
	struct stat before, after;

	(void)stat("/", &before);
	(void)mkdir("/tmp/below", 0755);
	if (chroot("/tmp/below") && chroot("/proc"))
		return NULL; /* not permitted */
	for (int i = 0; i < TRIES; i++)
		(void)!chdir("..");
	(void)!chroot(".");
	(void)stat("/", &after);
	return before.st_ino == after.st_ino && before.st_dev == after.st_dev
		       ? NULL
		       : "there is another root above";
}

/* A program that belongs to root and has its set-user-ID bit. */
static const char *setuid_program(void)
{
	char path[] = "/setuid/break_out", way[] = "as-whom", *argv[] = {path, way, NULL};
	int status = 0;
	pid_t pid = fork();

	if (pid == 0) {
		execv(path, argv);
		_exit(9);
	}
	waitpid(pid, &status, 0);
	if (WEXITSTATUS(status) == 9)
		return "there is no such program";
	return WEXITSTATUS(status) ? "a set-user-ID program is root" : NULL;
}

/* Flags of clone(2) that a filter looks at are in memory for clone3(2), where it cannot. */
static const char *clone_flags(void)
{
	struct clone_args args = {.flags = CLONE_NEWUSER, .exit_signal = SIGCHLD};
	long pid = syscall(SYS_clone3, &args, sizeof(args));

	if (pid == 0)
		_exit(0);
	if (pid > 0)
		return "clone3 makes a user namespace";
	return unshare(CLONE_NEWUSER) ? NULL : "unshare makes a user namespace";
}

/* What is asked for through it is no system call. */
static const char *io_uring(void)
{
	unsigned char params[128] = {0}; /* struct io_uring_params: 120 */

	return syscall(SYS_io_uring_setup, 1, params) < 0 ? NULL : "there is an io_uring";
}

/* The same calls by the numbers of another ABI: getppid of x32, and of i386. */
static const char *other_abis(void)
{
	long result = syscall(0x40000000 | SYS_getppid);

	return result < 0 ? NULL : "x32 calls are made";
}

static const struct {
	const char *name;
	const char *(*try)(void);
} WAYS[] = {
	{"clone_flags", clone_flags},
	{"io_uring", io_uring},
	{"other_abis", other_abis},
	{"programs", programs},
	{"launcher", launcher},
	{"descriptors", descriptors},
	{"directory", directory},
	{"terminal", terminal},
	{"roots", roots},
	{"setuid", setuid_program},
};

int main(int argc, char **argv)
{
	if (argc > 1 && !strcmp(argv[1], "as-whom"))
		return geteuid() == 0 && getuid() != 0;
	for (size_t i = 0; argc > 1 && i < sizeof(WAYS) / sizeof(WAYS[0]); i++) {
		const char *found;

		if (strcmp(WAYS[i].name, argv[1]))
			continue;
		found = WAYS[i].try();
		printf("%s\n", found ? found : "held");
		return found != NULL;
	}
	return 2;
}
