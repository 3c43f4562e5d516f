/*
 * Files that take another's place in one step.
 */
#include "file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "scope.h"

/* How a file is replaced; one at a time is bound to get through. */
enum { EXACT_MODE = 1, SYNCED = 2, WRITERS_MAX = 10000 };

/* A file on the way to its name. */
struct fresh {
	int dir_fd;
	const char *name; /* one component */
	const char *shown; /* what messages call it */
	const void *bytes;
	size_t size;
	mode_t mode;
	unsigned how;
	int fd; /* -1: to be made when its turn has come */
};

static int refuse_fresh(const struct fresh *fresh, int code, const char *what, struct err *e)
{
	return err_sys(e, -code, "%s: cannot %s", fresh->shown, what);
}

/*
 * Signals wait while a name is in the directory that shall not stay, and while bytes are written:
 * past a limit on the size of files the error says what SIGXFSZ does.
 */
static void hold_signals(sigset_t *before)
{
	sigset_t all;

	sigfillset(&all);
	(void)pthread_sigmask(SIG_BLOCK, &all, before);
}

static void let_signals(const sigset_t *before)
{
	const struct timespec now = {0};
	sigset_t past_limit;

	sigemptyset(&past_limit);
	sigaddset(&past_limit, SIGXFSZ);
	if (!sigismember(before, SIGXFSZ))
		(void)sigtimedwait(&past_limit, NULL, &now);
	(void)pthread_sigmask(SIG_SETMASK, before, NULL);
}

/* Write and sync it. */
static int fill(const struct fresh *fresh)
{
	sigset_t before;
	int code;

	hold_signals(&before);
	code = file_write_all(fresh->fd, fresh->bytes, fresh->size);
	if (!code && ((fresh->how & EXACT_MODE && fchmod(fresh->fd, fresh->mode)) ||
			     (fresh->how & SYNCED && fsync(fresh->fd))))
		code = -errno;
	let_signals(&before);
	return code;
}

/*
 * Fill a file that has no name yet: wherever the process ends, nothing of it is left.  It is locked
 * before anybody can find it.  Not all file systems have such files (open(2): EOPNOTSUPP, or
 * EISDIR); there it is made later, with a name.
 */
static int fresh_fill(struct fresh *fresh, struct err *e)
{
	int code;

	fresh->fd = openat(fresh->dir_fd, ".", O_TMPFILE | O_WRONLY | O_CLOEXEC, fresh->mode);
	if (fresh->fd < 0 && (errno == EOPNOTSUPP || errno == EISDIR))
		return 0;
	if (fresh->fd < 0)
		return refuse_fresh(fresh, -errno, "write the new file", e);
	(void)flock(fresh->fd, LOCK_EX);
	code = fill(fresh);
	return code ? refuse_fresh(fresh, code, "write the new file", e) : 0;
}

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

/* Make a new file of that name. */
static int make_named(struct fresh *fresh, const char *temporary)
{
	scoped_fd int fd = openat(fresh->dir_fd, temporary,
		O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, fresh->mode);
	int code;

	if (fd < 0)
		return -errno;
	/* Between the two steps another one may have taken it for one that was left. */
	if ((flock(fd, LOCK_EX | LOCK_NB) && errno == EWOULDBLOCK) ||
		!is_in_place(fresh->dir_fd, temporary, fd))
		return -EEXIST;
	fresh->fd = steal_fd(&fd);
	code = fill(fresh);
	if (code)
		(void)unlinkat(fresh->dir_fd, temporary, 0);
	return code;
}

/* Give the file that name; one that cannot get any (linkat(2) needs /proc) is made anew. */
static int give_name(struct fresh *fresh, const char *temporary)
{
	char from[sizeof("/proc/self/fd/") + 3 * sizeof(int)];

	if (fresh->fd < 0)
		return make_named(fresh, temporary);
	(void)snprintf(from, sizeof(from), "/proc/self/fd/%d", fresh->fd);
	if (!linkat(AT_FDCWD, from, fresh->dir_fd, temporary, AT_SYMLINK_FOLLOW))
		return 0;
	if (errno == EEXIST)
		return -EEXIST;
	(void)close(steal_fd(&fresh->fd));
	return make_named(fresh, temporary);
}

/* On success signals are held. */
static int take_turn(struct fresh *fresh, const char *temporary, sigset_t *before)
{
	for (int tries = 0; tries < WRITERS_MAX; tries++) {
		int code;

		hold_signals(before);
		code = give_name(fresh, temporary);
		if (!code)
			return 0;
		let_signals(before);
		if (code != -EEXIST)
			return code;
		outwait(fresh->dir_fd, temporary);
	}
	return -EBUSY;
}

/* On failure nothing of it is left. */
static int fresh_place(struct fresh *fresh, struct err *e)
{
	char temporary[NAME_MAX + 1];
	sigset_t before;
	int code;

	if ((size_t)snprintf(temporary, sizeof(temporary), ".%s.tmp", fresh->name) >=
		sizeof(temporary))
		return err_sys(e, ENAMETOOLONG, "%s", fresh->shown);
	code = take_turn(fresh, temporary, &before);
	if (code)
		return refuse_fresh(fresh, code, "write the new file", e);
	if (renameat(fresh->dir_fd, temporary, fresh->dir_fd, fresh->name)) {
		code = -errno;
		(void)unlinkat(fresh->dir_fd, temporary, 0);
	}
	let_signals(&before);
	if (code)
		return refuse_fresh(fresh, code, "put the new file in place", e);
	if (fresh->how & SYNCED && fsync(fresh->dir_fd) && errno != EINVAL && errno != EROFS)
		return refuse_fresh(fresh, -errno, "sync its directory", e);
	return 0;
}

int file_replace_at(
	int dir_fd, const char *name, const void *bytes, size_t size, mode_t mode, struct err *e)
{
	struct fresh fresh = {dir_fd, name, name, bytes, size, mode, EXACT_MODE | SYNCED, -1};
	struct stat st;
	int code;

	if (!fstatat(dir_fd, name, &st, AT_SYMLINK_NOFOLLOW) && !S_ISREG(st.st_mode))
		return err_set(
			e, EEXIST, "%s: exists and is no regular file; remove it first", name);
	code = fresh_fill(&fresh, e) ? -e->code : fresh_place(&fresh, e);
	scope_close(&fresh.fd);
	return code;
}

/* One of several files that are replaced together. */
struct target {
	const struct file_content *content;
	bool is_stream; /* written to directly */
	char *path; /* heap: what is replaced, behind links; NULL for a stream */
	struct fresh fresh;
};

struct targets {
	struct target *list; /* heap */
	size_t n;
};

static void targets_done(struct targets *targets)
{
	for (size_t i = 0; i < targets->n; i++) {
		scope_close(&targets->list[i].fresh.fd);
		scope_close(&targets->list[i].fresh.dir_fd);
		free(targets->list[i].path);
	}
	free(targets->list);
}

/* Heap; NULL without memory. */
static char *directory_of(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? strndup(path, (size_t)(slash - path) + 1) : strdup(".");
}

static int open_directory(struct target *target, struct err *e)
{
	const char *slash = strrchr(target->path, '/');
	scoped_free char *dir = directory_of(target->path);

	if (!dir)
		return err_nomem(e);
	target->fresh.name = slash ? slash + 1 : target->path;
	target->fresh.shown = target->path;
	target->fresh.dir_fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (target->fresh.dir_fd < 0)
		return err_sys(e, errno, "%s: cannot open its directory", target->path);
	return 0;
}

/* Find out what the path is, and open its directory. */
static int target_open(struct target *target, struct err *e)
{
	const char *path = target->content->path;
	bool is_new;
	struct stat st;

	target->is_stream = !strcmp(path, "-");
	if (target->is_stream)
		return 0;
	if (!*path)
		return err_set(e, ENOENT, "\"\": no file has such a name; name one");
	is_new = stat(path, &st);
	if (!is_new && S_ISDIR(st.st_mode))
		return err_set(e, EISDIR, "%s: is a directory; name a file", path);
	target->is_stream = !is_new && !S_ISREG(st.st_mode);
	if (target->is_stream)
		return 0;
	/* The file behind a symbolic link is what the user means: the link stays. */
	target->path = is_new ? strdup(path) : realpath(path, NULL);
	if (!target->path)
		return err_sys(e, errno, "%s", path);
	if (!is_new) {
		target->fresh.mode = st.st_mode & 0777;
		target->fresh.how |= EXACT_MODE;
	}
	return open_directory(target, e);
}

static int targets_open(struct targets *targets, const struct file_content *files, size_t n,
	mode_t mode, unsigned how, struct err *e)
{
	targets->list = calloc(n, sizeof(*targets->list));
	if (!targets->list)
		return err_nomem(e);
	for (; targets->n < n; targets->n++) {
		const struct file_content *file = &files[targets->n];

		targets->list[targets->n] = (struct target){
			.content = file,
			.fresh = {-1, NULL, NULL, file->bytes, file->size, mode, how, -1},
		};
	}
	for (size_t i = 0; i < n; i++) {
		if (target_open(&targets->list[i], e))
			return -e->code;
	}
	return 0;
}

/* A FIFO that nobody reads is not waited for, since nobody may ever: open(2), ENXIO. */
static int open_stream(const char *path)
{
	scoped_fd int fd = open(path, O_WRONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);

	return fd < 0 || fcntl(fd, F_SETFL, 0) ? -errno : steal_fd(&fd);
}

static bool is_fifo(const char *path)
{
	struct stat st;

	return !stat(path, &st) && S_ISFIFO(st.st_mode);
}

static int write_stream(const struct file_content *file, struct err *e)
{
	bool is_stdout = !strcmp(file->path, "-");
	scoped_fd int opened = is_stdout ? -1 : open_stream(file->path);
	int fd = is_stdout ? STDOUT_FILENO : opened;
	int code = fd < 0 ? fd : file_write_all(fd, file->bytes, file->size);

	if (code == -ENXIO && is_fifo(file->path))
		return err_set(e, ENXIO, "%s: nobody reads it; start its reader first", file->path);
	return code ? err_sys(e, -code, "%s", is_stdout ? "standard output" : file->path) : 0;
}

/* Do @step for those that are streams, or those that are not. */
static int each(const struct targets *targets, bool streams,
	int (*step)(struct target *target, struct err *e), struct err *e)
{
	for (size_t i = 0; i < targets->n; i++) {
		if (targets->list[i].is_stream == streams && step(&targets->list[i], e))
			return -e->code;
	}
	return 0;
}

static int target_stream(struct target *target, struct err *e)
{
	return write_stream(target->content, e);
}

static int target_fill(struct target *target, struct err *e)
{
	return fresh_fill(&target->fresh, e);
}

static int target_place(struct target *target, struct err *e)
{
	return fresh_place(&target->fresh, e);
}

static int replace(
	const struct file_content *files, size_t n, mode_t mode, unsigned how, struct err *e)
{
	scoped(targets_done) struct targets targets = {0};

	if (targets_open(&targets, files, n, mode, how, e) ||
		each(&targets, false, target_fill, e) || each(&targets, true, target_stream, e) ||
		each(&targets, false, target_place, e))
		return -e->code;
	return 0;
}

int file_replace(const char *path, const void *bytes, size_t size, mode_t mode, struct err *e)
{
	const struct file_content file = {path, bytes, size};

	return replace(&file, 1, mode, SYNCED, e);
}

int file_replace_all(const struct file_content *files, size_t n, mode_t mode, struct err *e)
{
	return replace(files, n, mode, SYNCED, e);
}

int file_replace_unsynced(
	const char *path, const void *bytes, size_t size, mode_t mode, struct err *e)
{
	const struct file_content file = {path, bytes, size};

	return replace(&file, 1, mode, 0, e);
}

bool file_holds_something(const char *path)
{
	struct stat st;

	return !stat(path, &st) && st.st_size > 0;
}

int file_turn(const char *path)
{
	scoped_free char *dir = directory_of(path);
	scoped_fd int fd = dir ? open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
	int code;

	do {
		code = fd < 0 ? 0 : flock(fd, LOCK_EX);
	} while (code && errno == EINTR);
	return code ? -1 : steal_fd(&fd);
}
