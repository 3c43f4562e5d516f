#include "copy_up.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

#include "scope.h"

enum { DEPTH_MAX = 64 };

static int copy_content(int from, int to)
{
	ssize_t size;

	do
		size = sendfile(to, from, NULL, INT_MAX);
	while (size > 0 || (size < 0 && errno == EINTR));
	return size ? -errno : 0;
}

/* As the one that it is a copy of.  An owner who is nobody here stays who made it:
 * user_namespaces(7), "Unmapped user and group IDs". */
static int take_over(int to, const struct stat *st)
{
	if (fchown(to, st->st_uid, st->st_gid) && errno != EINVAL)
		return -errno;
	return fchmod(to, st->st_mode & 07777) ? -errno : 0;
}

/* What is open counts, not what the name stood for before. */
static int copy_file(int from_dir, int to_dir, const char *name)
{
	scoped_fd int from = openat(
		from_dir, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	scoped_fd int to = openat(to_dir, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	struct stat st;
	int code;

	if (from < 0 || to < 0 || fstat(from, &st))
		return -errno;
	if (!S_ISREG(st.st_mode))
		return -ESTALE;
	code = copy_content(from, to);
	return code ? code : take_over(to, &st);
}

static int copy_link(int from_dir, int to_dir, const char *name, const struct stat *st)
{
	char text[PATH_MAX];
	ssize_t len = readlinkat(from_dir, name, text, sizeof(text) - 1);

	if (len < 0)
		return -errno;
	text[len] = '\0';
	if (symlinkat(text, to_dir, name))
		return -errno;
	return fchownat(to_dir, name, st->st_uid, st->st_gid, AT_SYMLINK_NOFOLLOW) &&
			       errno != EINVAL
		       ? -errno
		       : 0;
}

static int copy_directory(int from, int to, unsigned depth);

static int copy_below(int from_dir, int to_dir, const char *name, unsigned depth)
{
	scoped_fd int from = openat(
		from_dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	scoped_fd int to = -1;
	struct stat st;
	int code;

	if (from < 0 || fstat(from, &st) || mkdirat(to_dir, name, 0700))
		return -errno;
	to = openat(to_dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (to < 0)
		return -errno;
	code = copy_directory(from, to, depth + 1);
	return code ? code : take_over(to, &st);
}

static int copy_one(int from, int to, const char *name, unsigned depth)
{
	struct stat st;

	if (fstatat(from, name, &st, AT_SYMLINK_NOFOLLOW))
		return -errno;
	if (S_ISREG(st.st_mode))
		return copy_file(from, to, name);
	if (S_ISLNK(st.st_mode))
		return copy_link(from, to, name, &st);
	return S_ISDIR(st.st_mode) ? copy_below(from, to, name, depth) : 0;
}

static int copy_directory(int from, int to, unsigned depth)
{
	int again = openat(from, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	scoped(scope_closedir) DIR *dir = again < 0 ? NULL : fdopendir(again);
	struct dirent *entry;
	int code = 0;

	if (!dir)
		return -errno;
	if (depth > DEPTH_MAX)
		return -ELOOP;
	while (!code && (entry = readdir(dir))) {
		if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
			code = copy_one(from, to, entry->d_name, depth);
	}
	return code;
}

int copy_up(int from, int to, struct err *e)
{
	int code = copy_directory(from, to, 0);

	return code ? err_sys(e, -code, "copying what it covers into it") : 0;
}
