#include "inside.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "scope.h"

/* As many links on the way as the kernel follows: path_resolution(7).  Who exchanges directories
 * without end keeps nobody waiting without end. */
enum { DIRECTORY_MODE = 0755, FILE_MODE = 0644, LINKS_MAX = 40, TRIES_MAX = 10000 };

/* What is to be there. */
struct making {
	int root;
	bool directory, strict;
	bool missing; /* something had to be made */
	char path[PATH_MAX];
};

int inside_open(int root, const char *path, int flags, bool strict)
{
	const struct open_how how = {
		.flags = (unsigned)flags | O_CLOEXEC,
		.resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS |
			   (strict ? RESOLVE_NO_SYMLINKS : 0U),
	};
	unsigned tries = 0;
	long fd;

	do /* EAGAIN: something was renamed meanwhile: openat2(2) */
		fd = syscall(SYS_openat2, root, path, &how, sizeof(how));
	while (fd < 0 && errno == EAGAIN && ++tries < TRIES_MAX);
	return fd < 0 ? -errno : (int)fd;
}

/* The directory that a path's last part is in, and that part; false: it has none. */
static bool split(const char *path, char parent[PATH_MAX], const char **out_name)
{
	const char *slash = strrchr(path, '/');
	size_t len = slash ? (size_t)(slash - path) : 0;

	*out_name = slash ? slash + 1 : path;
	while (len && path[len - 1] == '/')
		len--;
	if (!**out_name || !strcmp(*out_name, ".") || !strcmp(*out_name, "..") || len >= PATH_MAX)
		return false;
	memcpy(parent, len ? path : "/", len ? len : 1);
	parent[len ? len : 1] = '\0';
	return true;
}

/* Without slashes at its end. */
static int copy_path(const char *path, char copy[PATH_MAX], struct err *e)
{
	size_t len = strlen(path);

	while (len > 1 && path[len - 1] == '/')
		len--;
	if (!len || len >= PATH_MAX)
		return err_set(e, len ? ENAMETOOLONG : EINVAL, "%s: %s",
			len ? "a path inside of more than 4095 bytes" : "an empty path", path);
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

/*
 * The path as it is behind the link that the first @end bytes name: resolving goes on there, from
 * the root.  Returns -ERESTART, which no system call says, or another -errno.
 */
static int follow(struct making *making, int parent, const char *name, const char *parent_path,
	const char *rest)
{
	char text[PATH_MAX], next[3 * PATH_MAX];
	ssize_t len = readlinkat(parent, name, text, sizeof(text) - 1);
	int size;

	if (len < 0)
		return -errno;
	text[len] = '\0';
	size = snprintf(next, sizeof(next), "%s/%s%s", *text == '/' ? "" : parent_path, text, rest);
	if (size >= PATH_MAX)
		return -ENAMETOOLONG;
	memcpy(making->path, next, (size_t)size + 1);
	return -ERESTART;
}

/* The first @end bytes of the path name something that is missing in a directory that is there. */
static int make_part(struct making *making, size_t end)
{
	bool directory = making->path[end] || making->directory;
	char part[PATH_MAX], parent_path[PATH_MAX];
	scoped_fd int parent = -1;
	const char *name;
	int code;

	memcpy(part, making->path, end);
	part[end] = '\0';
	making->missing = true;
	if (!split(part, parent_path, &name))
		return -EINVAL;
	parent = inside_open(making->root, parent_path, O_PATH | O_DIRECTORY, making->strict);
	if (parent < 0)
		return parent;
	code = make_one(parent, name, directory);
	/* Of a link, which may lead to nothing: ELOOP. */
	if (!code)
		code = inside_open(parent, name, O_PATH | (directory ? O_DIRECTORY : 0), true);
	if (code == -ELOOP && !making->strict)
		return follow(making, parent, name, parent_path, making->path + end);
	return code;
}

static int open_part(struct making *making, size_t end)
{
	bool directory = making->path[end] || making->directory;
	char part[PATH_MAX];
	int fd;

	memcpy(part, making->path, end);
	part[end] = '\0';
	fd = inside_open(
		making->root, part, O_PATH | (directory ? O_DIRECTORY : 0), making->strict);
	return fd == -ENOENT ? make_part(making, end) : fd;
}

/* Part by part, from the root on. */
static int make_parts(struct making *making)
{
	size_t end = 0;
	int fd;

	for (;;) {
		end += strspn(making->path + end, "/");
		end += strcspn(making->path + end, "/");
		fd = open_part(making, end);
		if (fd < 0 || !making->path[end + strspn(making->path + end, "/")])
			return fd;
		close(fd);
	}
}

static int make(struct making *making)
{
	int flags = O_PATH | (making->directory ? O_DIRECTORY : 0);
	int fd = inside_open(making->root, making->path, flags, making->strict);

	for (unsigned links = 0; fd == -ENOENT || fd == -ERESTART; links++) {
		if (links > LINKS_MAX)
			return -ELOOP;
		fd = make_parts(making);
	}
	return fd;
}

static int explain(const struct making *making, const char *path, int error, struct err *e)
{
	if (error == ELOOP && making->strict)
		return err_set(e, ELOOP,
			"%s inside: a symbolic link on the way, and nothing is mounted or made "
			"through one here; have a real directory in its place",
			path);
	if (error == ENOTDIR && making->directory)
		return err_set(e, ENOTDIR,
			"%s inside is no directory, or not in one, and what goes there is one",
			path);
	return err_sys(e, error, "%s inside%s", path,
		making->missing ? ", which is missing and had to be made" : "");
}

int inside_make(int root, const char *path, bool directory, bool strict, struct err *e)
{
	struct making making = {.root = root, .directory = directory, .strict = strict};
	int fd;

	if (copy_path(path, making.path, e))
		return -e->code;
	fd = make(&making);
	return fd < 0 ? explain(&making, path, -fd, e) : fd;
}

int inside_parent(int root, const char *path, bool strict, const char **out_name, struct err *e)
{
	char parent[PATH_MAX];

	if (!split(path, parent, out_name))
		return err_set(e, EINVAL, "%s: not the path of something in a directory", path);
	return inside_make(root, parent, true, strict, e);
}

bool inside_is_root(int root, int fd)
{
	const unsigned want = STATX_INO | STATX_MNT_ID;
	struct statx a, b;

	return !statx(root, "", AT_EMPTY_PATH, want, &a) &&
	       !statx(fd, "", AT_EMPTY_PATH, want, &b) && a.stx_mnt_id == b.stx_mnt_id &&
	       a.stx_ino == b.stx_ino && a.stx_dev_major == b.stx_dev_major &&
	       a.stx_dev_minor == b.stx_dev_minor;
}

static int path_of(int fd, char out[PATH_MAX])
{
	char link[sizeof("/proc/self/fd/2147483647")];
	ssize_t len;

	(void)snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	len = readlink(link, out, PATH_MAX - 1);
	if (len < 0)
		return -errno;
	out[len] = '\0';
	return 0;
}

int inside_path(int root, int fd, char out[PATH_MAX])
{
	char base[PATH_MAX], whole[PATH_MAX];
	size_t len;
	int code = path_of(root, base);

	if (!code)
		code = path_of(fd, whole);
	if (code)
		return code;
	len = strcmp(base, "/") != 0 ? strlen(base) : 0;
	if (strncmp(whole, base, len) != 0 || (whole[len] && whole[len] != '/'))
		return -EXDEV; /* moved out of it meanwhile */
	(void)snprintf(out, PATH_MAX, "%s", whole[len] ? whole + len : "/");
	return 0;
}
