#include "masks.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/magic.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "devices.h"
#include "inside.h"
#include "mounts.h"
#include "scope.h"

/* Which namespace a parameter is of, by how its name begins: sysctl(2), Linux
 * Documentation/admin-guide/sysctl. */
static const struct {
	const char *prefix;
	enum cage_ns kind;
} PARAMETERS[] = {
	{"net/", CAGE_NS_NET},
	{"fs/mqueue/", CAGE_NS_IPC},
	{"kernel/msg", CAGE_NS_IPC},
	{"kernel/sem", CAGE_NS_IPC},
	{"kernel/shm", CAGE_NS_IPC},
	{"kernel/domainname", CAGE_NS_UTS},
	{"kernel/hostname", CAGE_NS_UTS},
	{"user/", CAGE_NS_USER},
};

static bool is_of_cage(const struct cage *cage, const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(PARAMETERS); i++) {
		if (!strncmp(name, PARAMETERS[i].prefix, strlen(PARAMETERS[i].prefix)))
			return cage->namespaces[PARAMETERS[i].kind].how != CAGE_NS_SHARED;
	}
	return false;
}

static bool is_proc(int fd)
{
	struct statfs fs;

	return !fstatfs(fd, &fs) && fs.f_type == PROC_SUPER_MAGIC;
}

/* "net.ipv4.conf.eth0/1.x" with dots for slashes and the other way round: sysctl.d(5). */
static int parameter_path(const struct cage_sysctl *sysctl, char path[PATH_MAX])
{
	const char *first = strpbrk(sysctl->name, "./");
	bool dots = first && *first == '.';
	int len = snprintf(path, PATH_MAX, "/proc/sys/%s", sysctl->name);

	if (len < 0 || len >= PATH_MAX)
		return -ENAMETOOLONG;
	for (char *at = path + strlen("/proc/sys/"); dots && *at; at++)
		*at = *at == '.' ? '/' : *at == '/' ? '.' : *at;
	return 0;
}

static int set_parameter(
	int root, const struct cage *cage, const struct cage_sysctl *sysctl, struct err *e)
{
	size_t size = strlen(sysctl->value);
	char path[PATH_MAX];
	scoped_fd int fd = -1;

	if (parameter_path(sysctl, path))
		return err_set(e, ENAMETOOLONG, "%s: too long", sysctl->where);
	if (!is_of_cage(cage, path + strlen("/proc/sys/")))
		return err_set(e, EPERM,
			"%s: %s is of no namespace that the command has for itself: it would be "
			"changed for the host",
			sysctl->where, sysctl->name);
	fd = inside_open(root, path, O_WRONLY, true);
	if (fd < 0)
		return err_sys(e, -fd, "%s: %s", sysctl->where, path);
	if (!is_proc(fd))
		return err_set(e, EPERM, "%s: %s is not the kernel's", sysctl->where, path);
	if (write(fd, sysctl->value, size) != (ssize_t)size)
		return err_sys(e, errno, "%s: %s", sysctl->where, path);
	return 0;
}

static int empty_directory(struct err *e)
{
	const struct cage_mount empty = {
		.where = "masked paths",
		.source = "tmpfs",
		.type = "tmpfs",
		.attr_set = MOUNT_ATTR_RDONLY,
	};

	return mount_new(&empty, e);
}

/* Returns a descriptor; -ENOENT: there is nothing there. */
static int open_path(int root, const char *path, struct err *e)
{
	int fd = inside_open(root, path, O_PATH, false);

	if (fd == -ENOENT || fd == -ENOTDIR)
		return -ENOENT;
	return fd < 0 ? err_sys(e, -fd, "%s inside", path) : fd;
}

static int mask(int root, const char *path, struct err *e)
{
	scoped_fd int target = open_path(root, path, e);
	scoped_fd int cover = -1;
	struct stat st;
	int code;

	if (target < 0)
		return target == -ENOENT ? 0 : target;
	if (fstat(target, &st))
		return err_sys(e, errno, "%s inside", path);
	cover = S_ISDIR(st.st_mode) ? empty_directory(e) : devices_null(e);
	if (cover < 0)
		return cover;
	code = mount_attach(cover, target);
	return code ? err_sys(e, -code, "masking %s", path) : 0;
}

static int make_readonly(int root, const char *path, struct err *e)
{
	scoped_fd int target = open_path(root, path, e);
	scoped_fd int tree = -1;
	int code;

	if (target < 0)
		return target == -ENOENT ? 0 : target;
	tree = mount_copy(target, "", true);
	code = tree < 0 ? tree : mount_change(tree, MOUNT_ATTR_RDONLY, 0, 0, true);
	if (!code)
		code = mount_attach(tree, target);
	return code ? err_sys(e, -code, "making %s read-only", path) : 0;
}

int masks_set(int root, const struct cage *cage, struct err *e)
{
	for (size_t i = 0; i < cage->n_sysctls; i++) {
		if (set_parameter(root, cage, &cage->sysctls[i], e))
			return -e->code;
	}
	for (size_t i = 0; i < cage->n_readonly; i++) {
		if (make_readonly(root, cage->readonly[i], e))
			return -e->code;
	}
	for (size_t i = 0; i < cage->n_masked; i++) {
		if (mask(root, cage->masked[i], e))
			return -e->code;
	}
	return 0;
}
