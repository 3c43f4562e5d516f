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
#include "targets.h"

#define HOST "/sys/fs/cgroup"

enum { LINE_SIZE = PATH_MAX, NAME_SIZE = PATH_MAX + 64 };

static const uint64_t CLOSED = MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV |
			       MOUNT_ATTR_NOEXEC;

/* What is under way. */
struct showing {
	int root;
	const struct cage *cage;
	const struct cage_mount *mount;
};

/* "4:memory:/path": hierarchy, controllers (or "name=NAME"), the caller's cgroup: cgroups(7).  Of
 * version 2, "0::/path", the controllers are empty. */
struct line {
	const char *controllers;
	const char *directory; /* below HOST */
	const char *path;
};

static bool is_unified(void)
{
	struct statfs fs;

	return !statfs(HOST, &fs) && fs.f_type == CGROUP2_SUPER_MAGIC;
}

static bool split(char *text, struct line *out)
{
	char *controllers = strchr(text, ':');
	char *path = controllers ? strchr(controllers + 1, ':') : NULL;

	if (!path)
		return false;
	*path++ = '\0';
	path[strcspn(path, "\n")] = '\0';
	*out = (struct line){controllers + 1, controllers + 1, path};
	if (!strncmp(out->controllers, "name=", strlen("name=")))
		out->directory += strlen("name=");
	return true;
}

/* Of the namespace's hierarchy: its root is the command's cgroup: cgroup_namespaces(7). */
static int mount_anew(const struct showing *showing, const struct line *line, struct err *e)
{
	char data[NAME_SIZE];
	const struct cage_mount fresh = {
		.where = showing->mount->where,
		.source = "cgroup",
		.type = *line->controllers ? "cgroup" : "cgroup2",
		.data = *line->controllers ? data : NULL,
		.attr_set = CLOSED,
	};

	(void)snprintf(data, sizeof(data), "%s%s",
		line->directory != line->controllers ? "none," : "", line->controllers);
	return mount_new(showing->cage, &fresh, e);
}

/* The host's, read-only whatever was asked for. */
static int copy(const struct showing *showing, const char *from, struct err *e)
{
	scoped_fd int tree = mount_copy(AT_FDCWD, from, false);
	int code = tree < 0 ? tree : mount_change(tree, CLOSED, 0, 0, false);

	return code ? err_sys(e, -code, "%s: %s", showing->mount->where, from) : steal_fd(&tree);
}

static int show(
	const struct showing *showing, const struct line *line, const char *to, struct err *e)
{
	const struct cage_mount at = {
		.where = showing->mount->where, .target = to, .type = "cgroup"};
	scoped_fd int target = -1, tree = -1;
	char from[NAME_SIZE];
	int code;

	(void)snprintf(from, sizeof(from), HOST "/%s%s", line->directory, line->path);
	if (showing->cage->namespaces[CAGE_NS_CGROUP].how != CAGE_NS_SHARED)
		tree = mount_anew(showing, line, e);
	else if (access(from, F_OK) && errno == ENOENT && *line->controllers)
		return 0; /* it may be mounted elsewhere */
	else
		tree = copy(showing, from, e);
	if (tree < 0)
		return tree;
	target = target_open(showing->root, &at, tree, true, e);
	if (target < 0)
		return target;
	code = mount_attach(tree, target);
	return code ? err_sys(e, -code, "%s: %s on %s", at.where, from, to) : 0;
}

/* "cpu,cpuacct" is known as "cpu" and as "cpuacct" as well: systemd's and everybody's habit. */
static int add_names(const struct showing *showing, const struct line *line, struct err *e)
{
	scoped_fd int around = -1;
	char names[NAME_SIZE], *at = names, *name;

	if (!strchr(line->directory, ','))
		return 0;
	around = inside_make(showing->root, showing->mount->target, true, true, e);
	if (around < 0)
		return err_prefix(e, "%s: ", showing->mount->where);
	(void)snprintf(names, sizeof(names), "%s", line->directory);
	while ((name = strsep(&at, ","))) {
		if (symlinkat(line->directory, around, name) && errno != EEXIST)
			return err_sys(e, errno, "%s: the link %s", showing->mount->where, name);
	}
	return 0;
}

static int show_hierarchy(const struct showing *showing, const struct line *line, struct err *e)
{
	char to[NAME_SIZE];

	(void)snprintf(to, sizeof(to), "%s/%s", showing->mount->target, line->directory);
	return show(showing, line, to, e) ? -e->code : add_names(showing, line, e);
}

/* Those of version 1, or the one of version 2. */
static int show_all(const struct showing *showing, bool unified, struct err *e)
{
	scoped_file FILE *file = fopen("/proc/self/cgroup", "re");
	char text[LINE_SIZE];
	struct line line;

	while (file && fgets(text, sizeof(text), file)) {
		if (!split(text, &line) || unified == (*line.controllers != '\0'))
			continue;
		if (unified ? show(showing, &line, showing->mount->target, e)
			    : show_hierarchy(showing, &line, e))
			return -e->code;
	}
	if (!file || ferror(file))
		return err_sys(e, EIO, "%s: /proc/self/cgroup", showing->mount->where);
	return 0;
}

/* Around the hierarchies. */
static int mount_tmpfs(const struct showing *showing, struct err *e)
{
	const struct cage_mount around = {
		.where = showing->mount->where,
		.source = "tmpfs",
		.target = showing->mount->target,
		.type = "tmpfs",
		.data = "mode=755",
		.attr_set = CLOSED & ~(uint64_t)MOUNT_ATTR_RDONLY,
	};

	return mount_in(showing->root, showing->cage, &around, e);
}

static int close_tmpfs(const struct showing *showing, struct err *e)
{
	scoped_fd int around = inside_make(showing->root, showing->mount->target, true, true, e);
	int code;

	if (around < 0)
		return err_prefix(e, "%s: ", showing->mount->where);
	code = mount_change(around, MOUNT_ATTR_RDONLY, 0, 0, false);
	return code ? err_sys(e, -code, "%s: making it read-only", showing->mount->where) : 0;
}

int cgroup_mount_in(
	int root, const struct cage *cage, const struct cage_mount *mount, struct err *e)
{
	const struct showing showing = {root, cage, mount};

	if (is_unified())
		return show_all(&showing, true, e);
	if (mount_tmpfs(&showing, e) || show_all(&showing, false, e))
		return -e->code;
	return close_tmpfs(&showing, e);
}
