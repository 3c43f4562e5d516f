#include "file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "scope.h"

enum { READ_CHUNK = 64 * 1024 };

static int refuse_size(const char *path, size_t limit, struct err *e)
{
	return err_set(e, EFBIG, "%s: larger than the limit of %zu KiB for such a file", path,
		limit / 1024);
}

/* Make room for more (and the final NUL) behind @used bytes. */
static int text_grow(char **text, size_t used, size_t *room, struct err *e)
{
	size_t wanted = *room * 2;
	char *grown;

	if (used + 1 < *room)
		return 0;
	grown = realloc(*text, wanted);
	if (!grown)
		return err_nomem(e);
	*text = grown;
	*room = wanted;
	return 0;
}

/* @room: for how much memory is taken first; it should hold a NUL more than there is. */
static int read_until_end(int fd, const char *path, size_t room, size_t limit, char **out_text,
	size_t *out_size, struct err *e)
{
	scoped_free char *text = malloc(room);
	size_t used = 0;
	ssize_t got;

	if (!text)
		return err_nomem(e);
	for (;;) {
		if (text_grow(&text, used, &room, e))
			return -e->code;
		got = read(fd, text + used, room - used - 1);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return err_sys(e, errno, "%s", path);
		if (got == 0)
			break;
		used += (size_t)got;
		if (used > limit)
			return refuse_size(path, limit, e);
	}
	if (used == 0)
		return err_set(e, EINVAL, "%s: empty file", path);
	text[used] = '\0';
	*out_text = steal_ptr(text);
	*out_size = used;
	return 0;
}

int file_read(const char *path, size_t limit, char **out_text, size_t *out_size, struct err *e)
{
	scoped_fd int opened = -1;
	struct stat st;
	size_t room;

	if (!strcmp(path, "-"))
		return read_until_end(
			STDIN_FILENO, "standard input", READ_CHUNK, limit, out_text, out_size, e);
	opened = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	if (opened < 0 || fstat(opened, &st))
		return err_sys(e, errno, "%s", path);
	if (S_ISDIR(st.st_mode))
		return err_set(e, EISDIR, "%s: is a directory; name a file", path);
	if (S_ISREG(st.st_mode) && (size_t)st.st_size > limit)
		return refuse_size(path, limit, e);
	/* One byte more than the file has: then the read that finds its end needs no more room. */
	room = S_ISREG(st.st_mode) && st.st_size > 0 ? (size_t)st.st_size + 2 : READ_CHUNK;
	return read_until_end(opened, path, room, limit, out_text, out_size, e);
}

int file_write_all(int fd, const void *bytes, size_t size)
{
	const char *next = bytes;

	while (size > 0) {
		ssize_t put = write(fd, next, size);

		if (put < 0 && errno == EINTR)
			continue;
		if (put < 0)
			return -errno;
		next += put;
		size -= (size_t)put;
	}
	return 0;
}

/* How a file is replaced; one at a time is bound to get through. */
enum { EXACT_MODE = 1, SYNCED = 2, WRITERS_MAX = 10000 };

static bool is_in_place(int dir_fd, const char *name, int fd)
{
	struct stat here, opened;

	return !fstatat(dir_fd, name, &here, AT_SYMLINK_NOFOLLOW) && !fstat(fd, &opened) &&
	       here.st_dev == opened.st_dev && here.st_ino == opened.st_ino;
}

/*
 * Another writer has its file there: wait until it is done with it (flock(2): or is gone).  What is
 * there then was left by one that was killed, and is nobody's any more.
 */
static void outwait(int dir_fd, const char *temporary)
{
	scoped_fd int fd = openat(
		dir_fd, temporary, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);

	if (fd < 0 && errno == ENOENT)
		return;
	if (fd >= 0)
		(void)flock(fd, LOCK_EX);
	if (fd < 0 || is_in_place(dir_fd, temporary, fd))
		(void)unlinkat(dir_fd, temporary, 0);
}

/* A new file of that name, which is ours until it is closed; its descriptor or -errno. */
static int open_temporary(int dir_fd, const char *temporary, mode_t mode)
{
	for (int tries = 0; tries < WRITERS_MAX; tries++) {
		scoped_fd int fd = openat(dir_fd, temporary,
			O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode);

		if (fd < 0 && errno != EEXIST)
			return -errno;
		/* Between the two steps another one may have taken it for one that was left. */
		if (fd >= 0 && (!flock(fd, LOCK_EX | LOCK_NB) || errno != EWOULDBLOCK) &&
			is_in_place(dir_fd, temporary, fd))
			return steal_fd(&fd);
		outwait(dir_fd, temporary);
	}
	return -EBUSY;
}

/* Fill and sync the temporary file. */
static int fill(int fd, const void *bytes, size_t size, mode_t mode, unsigned how)
{
	int code = file_write_all(fd, bytes, size);

	if (!code && ((how & EXACT_MODE && fchmod(fd, mode)) || (how & SYNCED && fsync(fd))))
		code = -errno;
	return code;
}

/* On failure nothing of the temporary file is left. */
static int replace_in(int dir_fd, const char *name, const void *bytes, size_t size, mode_t mode,
	unsigned how, struct err *e)
{
	char temporary[NAME_MAX + 1];
	scoped_fd int fd = -1;
	int code;

	if ((size_t)snprintf(temporary, sizeof(temporary), ".%s.tmp", name) >= sizeof(temporary))
		return err_sys(e, ENAMETOOLONG, "%s", name);
	fd = open_temporary(dir_fd, temporary, mode);
	if (fd < 0)
		return err_sys(e, -fd, "%s: cannot write the new file", name);
	code = fill(fd, bytes, size, mode, how);
	if (code) {
		(void)unlinkat(dir_fd, temporary, 0);
		return err_sys(e, -code, "%s: cannot write the new file", name);
	}
	if (renameat(dir_fd, temporary, dir_fd, name)) {
		code = errno;
		(void)unlinkat(dir_fd, temporary, 0);
		return err_sys(e, code, "%s: cannot put the new file in place", name);
	}
	if (how & SYNCED && fsync(dir_fd) && errno != EINVAL && errno != EROFS)
		return err_sys(e, errno, "%s: cannot sync its directory", name);
	return 0;
}

int file_replace_at(
	int dir_fd, const char *name, const void *bytes, size_t size, mode_t mode, struct err *e)
{
	struct stat st;

	if (!fstatat(dir_fd, name, &st, AT_SYMLINK_NOFOLLOW) && !S_ISREG(st.st_mode))
		return err_set(
			e, EEXIST, "%s: exists and is no regular file; remove it first", name);
	return replace_in(dir_fd, name, bytes, size, mode, EXACT_MODE | SYNCED, e);
}

static int write_directly(const char *path, const void *bytes, size_t size, struct err *e)
{
	scoped_fd int fd = open(path, O_WRONLY | O_CLOEXEC | O_NOCTTY);
	int code = fd < 0 ? -errno : file_write_all(fd, bytes, size);

	return code ? err_sys(e, -code, "%s", path) : 0;
}

static int replace_path(
	const char *path, const void *bytes, size_t size, mode_t mode, unsigned how, struct err *e)
{
	const char *slash = strrchr(path, '/');
	const char *name = slash ? slash + 1 : path;
	size_t dir_len = (size_t)(name - path);
	scoped_free char *dir = dir_len ? strndup(path, dir_len) : strdup(".");
	scoped_fd int dir_fd = -1;

	if (!dir)
		return err_nomem(e);
	dir_fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dir_fd < 0)
		return err_sys(e, errno, "%s: cannot open its directory", path);
	if (replace_in(dir_fd, name, bytes, size, mode, how, e))
		return dir_len ? err_prefix(e, "%s", dir) : -e->code;
	return 0;
}

static int replace(
	const char *path, const void *bytes, size_t size, mode_t mode, unsigned how, struct err *e)
{
	scoped_free char *real = NULL;
	struct stat st;
	int code;

	if (!strcmp(path, "-")) {
		code = file_write_all(STDOUT_FILENO, bytes, size);
		return code ? err_sys(e, -code, "standard output") : 0;
	}
	if (stat(path, &st))
		return replace_path(path, bytes, size, mode, how, e);
	if (S_ISDIR(st.st_mode))
		return err_set(e, EISDIR, "%s: is a directory; name a file", path);
	if (!S_ISREG(st.st_mode))
		return write_directly(path, bytes, size, e);
	/* The file behind a symbolic link is what the user means: the link stays. */
	real = realpath(path, NULL);
	if (!real)
		return err_sys(e, errno, "%s", path);
	return replace_path(real, bytes, size, st.st_mode & 0777, how | EXACT_MODE, e);
}

int file_replace(const char *path, const void *bytes, size_t size, mode_t mode, struct err *e)
{
	return replace(path, bytes, size, mode, SYNCED, e);
}

int file_replace_unsynced(
	const char *path, const void *bytes, size_t size, mode_t mode, struct err *e)
{
	return replace(path, bytes, size, mode, 0, e);
}
