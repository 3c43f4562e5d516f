#include "attributes.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/close_range.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "scope.h"

enum { NUMBER_SIZE = 16, PATH_SIZE = 4096 };

static int bring_up_loopback(struct err *e)
{
	struct ifreq request = {.ifr_name = "lo"};
	scoped_fd int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

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

static int set_limit(const struct cage_limit *limit, struct err *e)
{
	const struct rlimit value = {.rlim_cur = limit->soft, .rlim_max = limit->hard};

	if (!setrlimit((__rlimit_resource_t)limit->resource, &value))
		return 0;
	if (errno == EPERM)
		return err_set(e, EPERM,
			"%s: raising a hard limit takes CAP_SYS_RESOURCE, in no user namespace; "
			"ask for at most what ulimit -H -a shows",
			limit->where);
	return err_sys(e, errno, "%s", limit->where);
}

static int set_oom_score_adj(int value, struct err *e)
{
	scoped_fd int fd = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);
	char text[NUMBER_SIZE];
	int len = snprintf(text, sizeof(text), "%d", value);

	if (fd < 0 || write(fd, text, (size_t)len) != len)
		return err_sys(e, errno,
			"OOM score adjustment %d (a lower one than before takes CAP_SYS_RESOURCE)",
			value);
	return 0;
}

int attributes_of_process(const struct cage *cage, struct err *e)
{
	for (size_t i = 0; i < cage->n_limits; i++) {
		if (set_limit(&cage->limits[i], e))
			return -e->code;
	}
	if (cage->set_oom_score_adj && set_oom_score_adj(cage->oom_score_adj, e))
		return -e->code;
	if (cage->set_umask)
		(void)umask(cage->umask);
	/* EPERM: it leads a session already. */
	if (cage->new_session && setsid() < 0 && errno != EPERM)
		return err_sys(e, errno, "a session of its own");
	return 0;
}

int attributes_directory(const struct cage *cage, struct err *e)
{
	const char *where = cage->cwd_where ? cage->cwd_where : cage->cwd;
	char path[PATH_SIZE];

	if (!cage->cwd && !cage->root.path)
		return 0;
	if (cage->cwd && chdir(cage->cwd))
		return err_sys(e, errno, "%s: working directory %s", where, cage->cwd);
	/* By itself: the C library looks for the way there otherwise. */
	if (syscall(SYS_getcwd, path, sizeof(path)) < 0)
		return err_sys(e, errno, "the working directory");
	if (path[0] != '/')
		return err_set(e, EPERM, "%s: working directory %s is outside of the root",
			cage->cwd ? where : "-", path);
	return 0;
}

static int compare(const void *left, const void *right)
{
	int a = *(const int *)left, b = *(const int *)right;

	return (a > b) - (a < b);
}

static int close_between(unsigned first, unsigned last, struct err *e)
{
	if (first <= last && syscall(SYS_close_range, first, last, CLOSE_RANGE_CLOEXEC))
		return err_sys(e, errno, "closing descriptors (close_range(2): Linux 5.11)");
	return 0;
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
	scoped_free int *passed = calloc(cage->n_passed + 1, sizeof(*passed));
	int next = STDERR_FILENO + 1;

	if (!passed)
		return err_nomem(e);
	if (cage->n_passed)
		memcpy(passed, cage->passed, cage->n_passed * sizeof(*passed));
	qsort(passed, cage->n_passed, sizeof(*passed), compare);
	for (size_t i = 0; i < cage->n_passed; i++) {
		if (pass(passed[i], e))
			return -e->code;
		if (passed[i] < next)
			continue; /* standard error, or the same again */
		if (close_between((unsigned)next, (unsigned)passed[i] - 1, e))
			return -e->code;
		next = passed[i] + 1;
	}
	return close_between((unsigned)next, ~0U, e);
}
