#include "cgroup_mount.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/magic.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "inside.h"
#include "mounts.h"
#include "scope.h"

#define HOST "/sys/fs/cgroup"

enum { LINE_SIZE = PATH_MAX, NAME_SIZE = PATH_MAX + 64 };

static bool is_unified(void)
{
	struct statfs fs;

	return !statfs(HOST, &fs) && fs.f_type == CGROUP2_SUPER_MAGIC;
}

/* A copy of a directory of the host, read-only whatever was asked for. */
static int show(int root, const char *from, const char *to, struct err *e)
{
	scoped_fd int target = inside_make(root, to, true, true, e);
	scoped_fd int tree = -1;
	int code;

	if (target < 0)
		return target;
	tree = mount_copy(AT_FDCWD, from, false);
	if (tree < 0)
		return err_sys(e, -tree, "%s", from);
	code = mount_change(tree,
		MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC, 0, 0,
		false);
	if (!code)
		code = mount_attach(tree, target);
	return code ? err_sys(e, -code, "%s on %s", from, to) : 0;
}

/* "4:memory:/path": hierarchy, controllers (or "name=NAME"), the caller's cgroup: cgroups(7). */
struct line {
	const char *directory; /* of the hierarchy, below HOST */
	const char *path;
};

static bool split(char *text, struct line *out)
{
	char *controllers = strchr(text, ':');
	char *path = controllers ? strchr(controllers + 1, ':') : NULL;

	if (!path || path == controllers + 1)
		return false; /* that of v2 */
	*path++ = '\0';
	path[strcspn(path, "\n")] = '\0';
	out->directory = controllers + 1;
	if (!strncmp(out->directory, "name=", strlen("name=")))
		out->directory += strlen("name=");
	out->path = path;
	return true;
}

static int show_hierarchy(int root, const char *target, const struct line *line, struct err *e)
{
	char from[NAME_SIZE], to[NAME_SIZE];

	(void)snprintf(from, sizeof(from), HOST "/%s%s", line->directory, line->path);
	/* It may be mounted elsewhere, or be outside of the caller's cgroup namespace. */
	if (access(from, F_OK))
		return errno == ENOENT ? 0 : err_sys(e, errno, "%s", from);
	(void)snprintf(to, sizeof(to), "%s/%s", target, line->directory);
	return show(root, from, to, e);
}

static int show_hierarchies(int root, const char *target, struct err *e)
{
	scoped_file FILE *file = fopen("/proc/self/cgroup", "re");
	char text[LINE_SIZE];
	struct line line;

	if (!file)
		return err_sys(e, errno, "/proc/self/cgroup");
	while (fgets(text, sizeof(text), file)) {
		if (split(text, &line) && show_hierarchy(root, target, &line, e))
			return -e->code;
	}
	if (ferror(file))
		return err_sys(e, EIO, "/proc/self/cgroup");
	return 0;
}

/* That of v2, at the caller's cgroup. */
static int show_unified(int root, const char *target, struct err *e)
{
	scoped_file FILE *file = fopen("/proc/self/cgroup", "re");
	char text[LINE_SIZE], from[NAME_SIZE];

	if (!file || !fgets(text, sizeof(text), file) || strncmp(text, "0::", 3) != 0)
		return err_set(e, ENOENT, "/proc/self/cgroup names no cgroup of version 2");
	text[strcspn(text, "\n")] = '\0';
	(void)snprintf(from, sizeof(from), HOST "%s", text + 3);
	return show(root, from, target, e);
}

/* Around the hierarchies. */
static int mount_tmpfs(int root, const struct cage_mount *mount, struct err *e)
{
	const struct cage_mount around = {
		.where = mount->where,
		.source = "tmpfs",
		.target = mount->target,
		.type = "tmpfs",
		.data = "mode=755",
		.attr_set = (mount->attr_set & ~(uint64_t)MOUNT_ATTR_RDONLY) | MOUNT_ATTR_NOSUID |
			    MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC,
	};

	return mount_in(root, &around, e);
}

int cgroup_mount_in(int root, const struct cage_mount *mount, struct err *e)
{
	bool unified = is_unified();

	if (!unified && mount_tmpfs(root, mount, e))
		return -e->code;
	if (unified ? show_unified(root, mount->target, e)
		    : show_hierarchies(root, mount->target, e))
		return err_prefix(e, "%s: ", mount->where);
	return 0;
}
