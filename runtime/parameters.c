#include "parameters.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/magic.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "cage_names.h"
#include "scope.h"

static int open_proc(struct err *e)
{
	scoped_fd int proc = open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC);
	struct statfs fs;

	if (proc < 0)
		return err_sys(e, errno, "/proc");
	if (fstatfs(proc, &fs) || fs.f_type != PROC_SUPER_MAGIC)
		return err_set(e, EPERM, "/proc is not the kernel's: no parameter can be set");
	return steal_fd(&proc);
}

/* Nothing that is mounted in it, no link, and no way out (runc's CVE-2025-52881). */
static int open_parameter(int proc, const char *path)
{
	const struct open_how how = {
		.flags = O_WRONLY | O_CLOEXEC,
		.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_XDEV,
	};
	long fd = syscall(SYS_openat2, proc, path, &how, sizeof(how));

	return fd < 0 ? -errno : (int)fd;
}

/* With dots for slashes and the other way round: sysctl.d(5).  The first of them tells. */
static int make_path(const char *name, char path[PATH_MAX])
{
	const char *first = strpbrk(name, "./");
	bool dots = first && *first == '.';
	int len = snprintf(path, PATH_MAX, "sys/%s", name);

	if (len >= PATH_MAX)
		return -ENAMETOOLONG;
	for (char *at = path + strlen("sys/"); dots && *at; at++)
		*at = *at == '.' ? '/' : *at == '/' ? '.' : *at;
	return 0;
}

static int check(const struct cage *cage, const struct cage_sysctl *sysctl, struct err *e)
{
	enum cage_ns owner;

	if (!cage_sysctl_is_name(sysctl->name))
		return err_set(e, EINVAL, "%s: \"%s\" is no name of a kernel parameter",
			sysctl->where, sysctl->name);
	owner = cage_sysctl_owner(sysctl->name);
	if (owner == CAGE_NS_COUNT || cage->namespaces[owner].how == CAGE_NS_SHARED)
		return err_set(e, EPERM,
			"%s: %s is of no namespace that the command has for itself: it would be "
			"changed for the host",
			sysctl->where, sysctl->name);
	return 0;
}

static int set(int proc, const struct cage_sysctl *sysctl, struct err *e)
{
	size_t size = strlen(sysctl->value);
	char path[PATH_MAX];
	scoped_fd int fd = -1;

	if (make_path(sysctl->name, path))
		return err_set(e, ENAMETOOLONG, "%s: too long", sysctl->where);
	fd = open_parameter(proc, path);
	if (fd == -EXDEV)
		return err_set(e, EXDEV,
			"%s: /proc/%s: something is mounted over it here, and it is not written "
			"through that",
			sysctl->where, path);
	if (fd < 0)
		return err_sys(e, -fd, "%s: /proc/%s%s", sysctl->where, path,
			fd == -ENOENT ? ", which this kernel does not have" : "");
	if (write(fd, sysctl->value, size) != (ssize_t)size)
		return err_sys(e, errno, "%s: writing \"%s\" to /proc/%s", sysctl->where,
			sysctl->value, path);
	return 0;
}

int parameters_set(const struct cage *cage, struct err *e)
{
	scoped_fd int proc = -1;

	if (!cage->n_sysctls)
		return 0;
	proc = open_proc(e);
	if (proc < 0)
		return proc;
	for (size_t i = 0; i < cage->n_sysctls; i++) {
		if (check(cage, &cage->sysctls[i], e) || set(proc, &cage->sysctls[i], e))
			return -e->code;
	}
	return 0;
}
