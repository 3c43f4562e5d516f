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

static const int ON = 1;

static const struct
try {
	const char *name;
	long nr;
	unsigned long args[5];
}
TRIES[] = {
	{"family", SYS_socket, {NETLINK, SOCK_STREAM}},
	{"kind", SYS_socket, {AF_INET, SOCK_SEQPACKET}},
	{"together", SYS_socket, {AF_UNIX, SOCK_DGRAM}},
	{"high", SYS_socket, {NETLINK | ABOVE, SOCK_DGRAM | ABOVE}},
	{"seen-high", SYS_socket, {AF_UNIX | ABOVE, SOCK_STREAM | ABOVE, ABOVE}},
	{"protocol", SYS_socket, {AF_INET, SOCK_STREAM, IPPROTO_TCP}},
	{"option", SYS_setsockopt,
		{NOWHERE, SOL_SOCKET, SO_KEEPALIVE, (unsigned long)&ON, sizeof(ON)}},
	{"stuff", SYS_ioctl, {NOWHERE, TIOCSTI, (unsigned long)""}},
	{"stuff-high", SYS_ioctl, {NOWHERE, TIOCSTI | ABOVE, (unsigned long)""}},
	{"status", SYS_fcntl, {0, F_GETFL}},
	{"dumpable", SYS_prctl, {PR_SET_DUMPABLE, 1}},
	{"randomize", SYS_personality, {ADDR_NO_RANDOMIZE}},
	{"tmp", SYS_openat,
		{(unsigned long)AT_FDCWD, (unsigned long)"/nonexistent", TMPFILE | O_RDWR, 0600}},
	{"unshare", SYS_unshare, {CLONE_NEWUTS}},
	{"enter", SYS_setns, {NOWHERE, CLONE_NEWUTS}},
	{"user", SYS_clone, {CLONE_NEWUSER}},
};

static long make(const struct try *call)
{
	const unsigned long *args = call->args;

	if (call->nr == SYS_clone)
		return process(args[0]);
	return syscall(call->nr, args[0], args[1], args[2], args[3], args[4]);
}

static int try_call(const char *name)
{
	for (size_t i = 0; i < sizeof(TRIES) / sizeof(TRIES[0]); i++) {
		if (strcmp(TRIES[i].name, name) != 0)
			continue;
		errno = 0;
		if (make(&TRIES[i]) >= 0)
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
