/*
 * pinned [TRY...]: make calls with a few arguments, then each call that is named, and print what
 * came of it: "netlink: 0" or "netlink: 38" (the errno).  All calls of the first kind are made in
 * any case; those of the second have one argument that none of the first has.
 *
 * All by system call, so that two libraries make the same; but for those where libraries differ in
 * what is above an int.
 */
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define NOWHERE (-1) /* no descriptor: what is asked for fails, but the filter is asked first */
#define ABOVE	0x500000000
#define QUERY	0xffffffff /* personality(2): tells, changes nothing */
#define NETLINK 16
#define TMPFILE 020200000 /* O_TMPFILE */

static long process(unsigned long flags)
{
	long pid = syscall(SYS_clone, flags | SIGCHLD, 0, 0, 0, 0);

	if (pid == 0)
		_exit(0);
	if (pid > 0)
		waitpid((pid_t)pid, NULL, 0);
	return pid;
}

static long usual(void)
{
	int on = 1;

	syscall(SYS_socket, AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	syscall(SYS_socket, AF_INET, SOCK_STREAM, 0);
	syscall(SYS_socket, AF_INET, SOCK_DGRAM, 0);
	syscall(SYS_setsockopt, NOWHERE, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	ioctl(NOWHERE, FIONREAD, &on);
	/* Negative as an int, which is what musl takes it for. */
	ioctl(NOWHERE, TIOCGPTN, &on);
	fcntl(0, F_GETFD);
	prctl(PR_GET_DUMPABLE, 0, 0, 0, 0);
	personality(QUERY);
	syscall(SYS_openat, AT_FDCWD, "/dev/null", O_RDONLY, 0);
	syscall(SYS_unshare, 0);
	syscall(SYS_setns, NOWHERE, 0);
	return process(0);
}

enum try {
	FAMILY,
	KIND,
	TOGETHER,
	HIGH,
	SEEN_HIGH,
	PROTOCOL,
	OPTION,
	STUFF,
	STUFF_HIGH,
	STATUS,
	DUMPABLE,
	RANDOMIZE,
	TMP,
	UNSHARE,
	ENTER,
	USER,
	TRIES
};

static const char *const NAMES[TRIES] = {
	[FAMILY] = "family",
	[KIND] = "kind",
	[TOGETHER] = "together",
	[HIGH] = "high",
	[SEEN_HIGH] = "seen-high",
	[PROTOCOL] = "protocol",
	[OPTION] = "option",
	[STUFF] = "stuff",
	[STUFF_HIGH] = "stuff-high",
	[STATUS] = "status",
	[DUMPABLE] = "dumpable",
	[RANDOMIZE] = "randomize",
	[TMP] = "tmp",
	[UNSHARE] = "unshare",
	[ENTER] = "enter",
	[USER] = "user",
};

static long make(enum try what)
{
	int on = 1;

	switch (what) {
	case FAMILY:
		return syscall(SYS_socket, NETLINK, SOCK_STREAM, 0);
	case KIND:
		return syscall(SYS_socket, AF_INET, SOCK_SEQPACKET, 0);
	case TOGETHER:
		return syscall(SYS_socket, AF_UNIX, SOCK_DGRAM, 0);
	case HIGH:
		return syscall(SYS_socket, NETLINK | ABOVE, SOCK_DGRAM | ABOVE, 0);
	case SEEN_HIGH:
		return syscall(SYS_socket, AF_UNIX | ABOVE, SOCK_STREAM | ABOVE, ABOVE);
	case PROTOCOL:
		return syscall(SYS_socket, AF_INET, SOCK_STREAM, IPPROTO_TCP);
	case OPTION:
		return syscall(SYS_setsockopt, NOWHERE, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on));
	case STUFF:
		return syscall(SYS_ioctl, NOWHERE, TIOCSTI, "");
	case STUFF_HIGH:
		return syscall(SYS_ioctl, NOWHERE, TIOCSTI | ABOVE, "");
	case STATUS:
		return fcntl(0, F_GETFL);
	case DUMPABLE:
		return prctl(PR_SET_DUMPABLE, 1, 0, 0, 0);
	case RANDOMIZE:
		return personality(ADDR_NO_RANDOMIZE);
	case TMP:
		return syscall(SYS_openat, AT_FDCWD, "/nonexistent", TMPFILE | O_RDWR, 0600);
	case UNSHARE:
		return syscall(SYS_unshare, CLONE_NEWUTS);
	case ENTER:
		return syscall(SYS_setns, NOWHERE, CLONE_NEWUTS);
	case USER:
		return process(CLONE_NEWUSER);
	default:
		return 0;
	}
}

static int try_call(const char *name)
{
	for (enum try what = 0; what < TRIES; what++) {
		if (strcmp(NAMES[what], name))
			continue;
		errno = 0;
		if (make(what) >= 0)
			errno = 0;
		dprintf(STDOUT_FILENO, "%s: %d\n", name, errno);
		return 0;
	}
	return 1;
}

int main(int argc, char **argv)
{
	dprintf(STDOUT_FILENO, "usual: %d\n", usual() > 0);
	for (int i = 1; i < argc; i++) {
		if (try_call(argv[i]))
			return 2;
	}
	return 0;
}
