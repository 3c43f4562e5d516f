#include "inside.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "scope.h"

enum { DIRECTORY_MODE = 0755, FILE_MODE = 0644 };

int inside_open(int root, const char *path, int flags, bool strict)
{
	const struct open_how how = {
		.flags = (unsigned)flags | O_CLOEXEC,
		.resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS |
			   (strict ? RESOLVE_NO_SYMLINKS : 0U),
	};
	long fd;

	do
		fd = syscall(SYS_openat2, root, path, &how, sizeof(how));
	while (fd < 0 && errno == EAGAIN); /* something was renamed meanwhile: openat2(2) */
	return fd < 0 ? -errno : (int)fd;
}

/* Of a path: how long what is in front of its last part is; 0: nothing but slashes. */
static size_t parent_length(const char *path, const char **out_name)
{
	const char *slash = strrchr(path, '/');
	size_t len = slash ? (size_t)(slash - path) : 0;

	*out_name = slash ? slash + 1 : path;
	while (len && path[len - 1] == '/')
		len--;
	return len;
}

static bool is_name(const char *name)
{
	return *name && strcmp(name, ".") != 0 && strcmp(name, "..") != 0;
}

/* Without slashes at its end. */
static int copy_path(const char *path, char copy[PATH_MAX], struct err *e)
{
	size_t len = strlen(path);

	while (len > 1 && path[len - 1] == '/')
		len--;
	if (!len || len >= PATH_MAX)
		return err_set(e, len ? ENAMETOOLONG : EINVAL, "%s: %s", path,
			len ? "longer than 4095 bytes" : "an empty path");
	memcpy(copy, path, len);
	copy[len] = '\0';
	return 0;
}

/* In a directory that is open: by its name alone, and only if it is no link. */
static int make_one(int parent, const char *name, bool directory)
{
	scoped_fd int file = -1;

	if (directory)
		return mkdirat(parent, name, DIRECTORY_MODE) && errno != EEXIST ? -errno : 0;
	file = openat(
		parent, name, O_CREAT | O_EXCL | O_NOFOLLOW | O_WRONLY | O_CLOEXEC, FILE_MODE);
	return file < 0 && errno != EEXIST ? -errno : 0;
}

static int make_missing(int root, const char *path, bool directory, struct err *e)
{
	const char *name;
	scoped_fd int parent = inside_parent(root, path, &name, e);
	int code;

	if (parent < 0)
		return parent;
	code = make_one(parent, name, directory);
	if (!code) /* Of a link that leads nowhere: ELOOP. */
		code = inside_open(parent, name, O_PATH | O_NOFOLLOW, true);
	return code < 0 ? err_sys(e, -code, "%s inside, which had to be made", path) : code;
}

int inside_make(int root, const char *path, bool directory, bool strict, struct err *e)
{
	int flags = O_PATH | (directory ? O_DIRECTORY : 0);
	char copy[PATH_MAX];
	int fd;

	if (copy_path(path, copy, e))
		return -e->code;
	fd = inside_open(root, copy, flags, strict);
	if (fd == -ENOENT)
		return make_missing(root, copy, directory, e);
	if (fd == -ELOOP)
		return err_set(e, ELOOP,
			"%s inside: a symbolic link on the way, and nothing is mounted through one "
			"here",
			path);
	return fd < 0 ? err_sys(e, -fd, "%s inside", path) : fd;
}

int inside_parent(int root, const char *path, const char **out_name, struct err *e)
{
	size_t len = parent_length(path, out_name);
	char parent[PATH_MAX];

	if (!is_name(*out_name) || len >= sizeof(parent))
		return err_set(e, EINVAL, "%s: not the path of something in a directory", path);
	memcpy(parent, len ? path : "/", len ? len : 1);
	parent[len ? len : 1] = '\0';
	return inside_make(root, parent, true, false, e);
}
