#include "targets.h"

#include <errno.h>
#include <limits.h>
#include <linux/magic.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>

#include "inside.h"
#include "scope.h"

enum { PROC_ROOT_INODE = 1 }; /* of any proc: include/linux/proc_fs.h */

/* File systems that show the system. */
static const char *const SHOWING[] = {
	"proc", "sysfs", "devpts", "mqueue", "cgroup", "cgroup2", "securityfs", "bpf"};

static const char *const SYSTEM[] = {"/dev", "/proc", "/sys"};

/* What lxcfs and its like replace; as runc has it (libcontainer/rootfs_linux.go). */
static const char *const REPLACEABLE[] = {
	"/proc/cpuinfo",
	"/proc/diskstats",
	"/proc/loadavg",
	"/proc/meminfo",
	"/proc/slabinfo",
	"/proc/stat",
	"/proc/swaps",
	"/proc/uptime",
	"/proc/sys/crypto/fips_enabled",
	"/proc/sys/kernel/ns_last_pid",
};

static bool is_listed(const char *const list[], size_t n, const char *text)
{
	for (size_t i = 0; i < n; i++) {
		if (!strcmp(list[i], text))
			return true;
	}
	return false;
}

static bool is_below(const char *path, const char *directory)
{
	size_t len = strlen(directory);

	return !strncmp(path, directory, len) && (!path[len] || path[len] == '/');
}

/* The text without what says nothing in front: "//dev", "/./dev", "/../dev". */
static const char *plain(const char *path)
{
	for (;;) {
		const char *name = path + strspn(path, "/");
		size_t len = strcspn(name, "/");

		if (!len || len > 2 || strncmp(name, "..", len) != 0)
			return name == path ? path : name - 1;
		path = name + len;
	}
}

static bool is_strict(const struct cage_mount *mount)
{
	const char *path = plain(mount->target);

	for (size_t i = 0; i < ARRAY_LEN(SYSTEM); i++) {
		if (is_below(path, SYSTEM[i]))
			return true;
	}
	return mount->type && is_listed(SHOWING, ARRAY_LEN(SHOWING), mount->type);
}

static bool is_directory(int fd)
{
	struct stat st;

	return !fstat(fd, &st) && S_ISDIR(st.st_mode);
}

static bool is_whole_proc(int tree)
{
	struct statfs fs;
	struct stat st;

	return !fstatfs(tree, &fs) && fs.f_type == PROC_SUPER_MAGIC && !fstat(tree, &st) &&
	       st.st_ino == PROC_ROOT_INODE;
}

/* @path: where it leads. */
static int check(const struct cage_mount *mount, const char *path, int tree, struct err *e)
{
	if (!is_below(path, "/proc") || is_listed(REPLACEABLE, ARRAY_LEN(REPLACEABLE), path))
		return 0;
	if (strcmp(path, "/proc") != 0)
		return err_set(e, EPERM,
			"%s: %s is in /proc, where what the kernel shows is not replaced; remove "
			"it, or mask the path or make it read-only",
			mount->where, mount->target);
	if (is_whole_proc(tree))
		return 0;
	return err_set(e, EPERM,
		"%s: only a file system of type proc is mounted on /proc, or a whole one bound "
		"there",
		mount->where);
}

int target_open(int root, const struct cage_mount *mount, int tree, bool directory, struct err *e)
{
	scoped_fd int target = inside_make(root, mount->target, directory, is_strict(mount), e);
	char path[PATH_MAX];
	int code;

	if (target < 0)
		return err_prefix(e, "%s: ", mount->where);
	if (inside_is_root(root, target))
		return err_set(e, EINVAL,
			"%s: %s is the root itself: for another one say --root (a bundle: "
			"root.path), to have it read-only --read-only (root.readonly)",
			mount->where, mount->target);
	if (!directory && is_directory(target))
		return err_set(e, EISDIR, "%s: %s is a directory, and the source is none",
			mount->where, mount->target);
	code = inside_path(root, target, path);
	if (code)
		return err_sys(e, -code, "%s: where %s is", mount->where, mount->target);
	return check(mount, path, tree, e) ? -e->code : steal_fd(&target);
}
