#include "cage_spaces.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/nsfs.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cage_names.h"
#include "scope.h"

enum { CLOCK_TEXT_SIZE = 128 };

unsigned long spaces_new(const struct cage *cage)
{
	unsigned long flags = 0;

	for (int kind = 0; kind < CAGE_NS_COUNT; kind++) {
		if (kind != CAGE_NS_TIME && cage->namespaces[kind].how == CAGE_NS_NEW)
			flags |= (unsigned long)cage_ns_flag(kind);
	}
	return flags;
}

bool spaces_joins(const struct cage *cage)
{
	for (int kind = 0; kind < CAGE_NS_COUNT; kind++) {
		if (cage->namespaces[kind].how == CAGE_NS_JOIN)
			return true;
	}
	return false;
}

static const char *name_of_flag(int flag)
{
	for (int kind = 0; kind < CAGE_NS_COUNT; kind++) {
		if (cage_ns_flag(kind) == flag)
			return cage_ns_name(kind);
	}
	return "other";
}

/* How errors begin. */
static const char *place(const struct cage_namespace *space)
{
	return space->where ? space->where : space->path;
}

static int check_kind(int fd, int kind, const struct cage_namespace *space, struct err *e)
{
	int type = ioctl(fd, NS_GET_NSTYPE);

	if (type < 0)
		return err_set(e, EINVAL, "%s: %s is no namespace; name one as /proc/PID/ns/net",
			place(space), space->path);
	if (type != cage_ns_flag(kind))
		return err_set(e, EINVAL, "%s: %s is a %s namespace, not a %s namespace",
			place(space), space->path, name_of_flag(type), cage_ns_name(kind));
	return 0;
}

static bool is_own_user_space(int fd)
{
	struct stat own, other;

	return !fstat(fd, &other) && !stat("/proc/self/ns/user", &own) &&
	       own.st_dev == other.st_dev && own.st_ino == other.st_ino;
}

static int open_one(int kind, const struct cage_namespace *space, int *out_fd, struct err *e)
{
	/* Should it be a FIFO, nothing is waited for. */
	scoped_fd int fd = open(space->path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);

	if (fd < 0)
		return err_sys(e, errno, "%s: %s", place(space), space->path);
	if (check_kind(fd, kind, space, e))
		return -e->code;
	if (kind != CAGE_NS_USER || !is_own_user_space(fd))
		*out_fd = steal_fd(&fd);
	return 0;
}

int spaces_open(const struct cage *cage, struct spaces *out, struct err *e)
{
	*out = SPACES_NONE;
	for (int kind = 0; kind < CAGE_NS_COUNT; kind++) {
		const struct cage_namespace *space = &cage->namespaces[kind];

		if (space->how == CAGE_NS_JOIN && open_one(kind, space, &out->fds[kind], e))
			return -e->code;
	}
	return 0;
}

static void close_one(struct spaces *spaces, int kind)
{
	scope_close(&spaces->fds[kind]);
	spaces->fds[kind] = -1;
}

void spaces_done(struct spaces *spaces)
{
	for (int kind = 0; kind < CAGE_NS_COUNT; kind++)
		close_one(spaces, kind);
}

/* @later: what the caller may not join now is left for another time. */
static int join_one(
	const struct cage *cage, struct spaces *spaces, int kind, bool later, struct err *e)
{
	const struct cage_namespace *space = &cage->namespaces[kind];

	if (spaces->fds[kind] < 0)
		return 0;
	if (!setns(spaces->fds[kind], cage_ns_flag(kind))) {
		close_one(spaces, kind);
		return 0;
	}
	if (errno == EPERM && later)
		return 0;
	if (errno == EPERM)
		return err_set(e, EPERM,
			"%s: joining the %s namespace %s takes CAP_SYS_ADMIN in the user namespace "
			"that it belongs to: run as root, or join that one too",
			place(space), cage_ns_name(kind), space->path);
	return err_sys(e, errno, "%s: joining the %s namespace %s", place(space),
		cage_ns_name(kind), space->path);
}

static int join_all_but_user(
	const struct cage *cage, struct spaces *spaces, bool later, struct err *e)
{
	for (int kind = 0; kind < CAGE_NS_COUNT; kind++) {
		if (kind != CAGE_NS_USER && join_one(cage, spaces, kind, later, e))
			return -e->code;
	}
	return 0;
}

int spaces_join(const struct cage *cage, struct spaces *spaces, struct err *e)
{
	bool has_user = spaces->fds[CAGE_NS_USER] >= 0;

	if (join_all_but_user(cage, spaces, has_user, e))
		return -e->code;
	if (!has_user)
		return 0;
	if (join_one(cage, spaces, CAGE_NS_USER, false, e))
		return -e->code;
	return join_all_but_user(cage, spaces, false, e);
}

static int write_clocks(const struct cage *cage, struct err *e)
{
	scoped_fd int fd = open("/proc/self/timens_offsets", O_WRONLY | O_CLOEXEC);
	char text[CLOCK_TEXT_SIZE];
	int len = snprintf(text, sizeof(text), "monotonic %lld %u\nboottime %lld %u\n",
		(long long)cage->monotonic.s, cage->monotonic.ns, (long long)cage->boottime.s,
		cage->boottime.ns);

	if (fd < 0)
		return err_sys(e, errno, "/proc/self/timens_offsets");
	if (write(fd, text, (size_t)len) == len)
		return 0;
	if (errno == ERANGE)
		return err_set(e, ERANGE,
			"the clocks of the time namespace: none may be before zero, nor beyond 146 "
			"years (time_namespaces(7))");
	return err_sys(e, errno, "the clocks of the time namespace");
}

/*
 * Only children are in it at first; and programs, but not in all kernels that have time namespaces,
 * so that nothing but setns(2) is sure.
 */
static int enter_time_space(struct err *e)
{
	scoped_fd int fd = open("/proc/self/ns/time_for_children", O_RDONLY | O_CLOEXEC);

	if (fd < 0 || setns(fd, CLONE_NEWTIME))
		return err_sys(e, errno, "entering the time namespace");
	return 0;
}

int spaces_set_clocks(const struct cage *cage, struct err *e)
{
	if (cage->namespaces[CAGE_NS_TIME].how != CAGE_NS_NEW)
		return 0;
	if (unshare(CLONE_NEWTIME))
		return spaces_explain(cage, errno, e);
	if (cage->set_clocks && write_clocks(cage, e))
		return -e->code;
	return enter_time_space(e);
}

int spaces_explain(const struct cage *cage, int error, struct err *e)
{
	enum cage_ns_how user = cage->namespaces[CAGE_NS_USER].how;

	if (error == EPERM && user == CAGE_NS_NEW)
		return err_set(e, EPERM,
			"the kernel refuses a new user namespace to this user: look at "
			"kernel.unprivileged_userns_clone and at user_namespaces(7), or run as "
			"root");
	if (error == EPERM)
		return err_set(e, EPERM,
			"new namespaces take CAP_SYS_ADMIN: run as root, or with a user namespace "
			"of their own (--userns private)");
	if (error == ENOSPC)
		return err_set(e, ENOSPC,
			"the kernel allows no more namespaces of a kind, or no deeper ones: look "
			"at sysctl user");
	if (error == EINVAL)
		return err_set(e, EINVAL,
			"the kernel lacks a kind of namespace that is asked for: look at "
			"/proc/self/ns");
	return err_sys(e, error, "starting a process in new namespaces");
}
