#include "attributes.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/close_range.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "scope.h"

enum { NUMBER_SIZE = 16, PATH_SIZE = 64 };

static int bring_up_loopback(struct err *e)
{
	struct ifreq request = {.ifr_name = "lo"};
	/* Any kind of socket will do: a kernel may be without IPv4 (netdevice(7)). */
	scoped_fd int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (fd < 0 || ioctl(fd, SIOCGIFFLAGS, &request))
		return err_sys(e, errno, "the loopback interface of the network namespace");
	request.ifr_flags |= IFF_UP;
	if (ioctl(fd, SIOCSIFFLAGS, &request))
		return err_sys(e, errno, "setting up the loopback interface");
	return 0;
}

int attributes_of_host(const struct cage *cage, struct err *e)
{
	if (cage->hostname && sethostname(cage->hostname, strlen(cage->hostname)))
		return err_sys(e, errno, "host name %s", cage->hostname);
	if (cage->domainname && setdomainname(cage->domainname, strlen(cage->domainname)))
		return err_sys(e, errno, "domain name %s", cage->domainname);
	return cage->namespaces[CAGE_NS_NET].how == CAGE_NS_NEW ? bring_up_loopback(e) : 0;
}

/* EPERM: raising it takes a capability that is looked for in the first user namespace only. */
static int explain_raise(const struct cage_limit *limit, int error, struct err *e)
{
	const char *where = limit->where ? limit->where : "a limit";

	if (error != EPERM)
		return err_sys(e, error, "%s", where);
	return err_set(e, EPERM,
		"%s: raising a hard limit takes CAP_SYS_RESOURCE, outside of any user namespace: "
		"run as root, or ask for at most what ulimit -H -a shows",
		where);
}

static int raise_limit(pid_t pid, const struct cage_limit *limit, struct err *e)
{
	__rlimit_resource_t resource = (__rlimit_resource_t)limit->resource;
	struct rlimit now;

	if (prlimit(pid, resource, NULL, &now))
		return err_sys(e, errno, "%s", limit->where ? limit->where : "a limit");
	if (limit->hard <= now.rlim_max)
		return 0;
	now.rlim_max = limit->hard;
	return prlimit(pid, resource, &now, NULL) ? explain_raise(limit, errno, e) : 0;
}

static int set_oom_score_adj(pid_t pid, int value, struct err *e)
{
	char path[PATH_SIZE], text[NUMBER_SIZE];
	scoped_fd int fd = -1;
	int len = snprintf(text, sizeof(text), "%d", value);

	(void)snprintf(path, sizeof(path), "/proc/%d/oom_score_adj", pid);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd >= 0 && write(fd, text, (size_t)len) == len)
		return 0;
	if (fd >= 0 && errno == EACCES)
		return err_set(e, EACCES,
			"OOM score adjustment %d: a lower one than before takes CAP_SYS_RESOURCE: "
			"run as root",
			value);
	return err_sys(e, errno, "OOM score adjustment %d", value);
}

int attributes_from_outside(const struct cage *cage, pid_t pid, struct err *e)
{
	for (size_t i = 0; i < cage->n_limits; i++) {
		if (raise_limit(pid, &cage->limits[i], e))
			return -e->code;
	}
	return cage->set_oom_score_adj ? set_oom_score_adj(pid, cage->oom_score_adj, e) : 0;
}

int attributes_session(const struct cage *cage, struct err *e)
{
	/* The caller is a new process: it leads no group, which setsid(2) would refuse. */
	if (cage->new_session && setsid() < 0)
		return err_sys(e, errno, "a session of its own");
	return 0;
}

int attributes_directory(const struct cage *cage, struct err *e)
{
	const char *where = cage->cwd_where ? cage->cwd_where : "working directory";
	char path[PATH_MAX];

	if (!cage->cwd && !cage->root.path)
		return 0;
	if (cage->cwd && chdir(cage->cwd))
		return err_sys(e, errno, "%s: %s", where, cage->cwd);
	/* By itself: the C library looks for the way there otherwise. */
	if (syscall(SYS_getcwd, path, sizeof(path)) < 0)
		return err_sys(e, errno, "%s: the way to it", where);
	if (path[0] != '/')
		return err_set(e, EPERM, "%s: %s is outside of the root: refused", where,
			cage->cwd ? cage->cwd : path);
	return 0;
}

static int compare(const void *left, const void *right)
{
	int a = *(const int *)left, b = *(const int *)right;

	return (a > b) - (a < b);
}

static int close_between(unsigned first, unsigned last, unsigned flags, struct err *e)
{
	if (first <= last && syscall(SYS_close_range, first, last, flags))
		return err_sys(e, errno, "closing descriptors (close_range(2): Linux 5.11)");
	return 0;
}

/* @fds: sorted; may be standard ones, and the same again. */
static int close_others(const int *fds, size_t n, unsigned flags, struct err *e)
{
	unsigned next = STDERR_FILENO + 1;

	for (size_t i = 0; i < n; i++) {
		unsigned fd = (unsigned)fds[i];

		if (fds[i] < 0 || fd < next)
			continue;
		if (close_between(next, fd - 1, flags, e))
			return -e->code;
		next = fd + 1;
	}
	return close_between(next, ~0U, flags, e);
}

static int pass(int fd, struct err *e)
{
	int flags = fcntl(fd, F_GETFD);

	if (flags < 0 || fcntl(fd, F_SETFD, flags & ~FD_CLOEXEC))
		return err_sys(e, errno, "descriptor %d, to be passed", fd);
	return 0;
}

int attributes_descriptors(const struct cage *cage, struct err *e)
{
	for (size_t i = 0; i < cage->n_passed; i++) {
		if (pass(cage->passed[i], e))
			return -e->code;
	}
	return attributes_close(cage, -1, CLOSE_RANGE_CLOEXEC, e);
}

int attributes_close(const struct cage *cage, int kept, unsigned flags, struct err *e)
{
	scoped_free int *fds = calloc(cage->n_passed + 1, sizeof(*fds));

	if (!fds)
		return err_nomem(e);
	for (size_t i = 0; i < cage->n_passed; i++)
		fds[i] = cage->passed[i];
	fds[cage->n_passed] = kept;
	qsort(fds, cage->n_passed + 1, sizeof(*fds), compare);
	return close_others(fds, cage->n_passed + 1, flags, e);
}
