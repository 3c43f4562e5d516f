#include "place.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "file.h"
#include "scope.h"

enum { DIR_MODE = 0755, FILE_MODE = 0644, OPEN_DIR = O_RDONLY | O_DIRECTORY | O_CLOEXEC };

static int open_root(const char *root, int *out_fd, struct err *e)
{
	int fd = open(root, OPEN_DIR);

	if (fd < 0 && errno == ENOENT)
		return err_set(e, ENOENT,
			"%s: no such directory: is this a node? --kubelet-dir names another one",
			root);
	if (fd < 0)
		return err_sys(e, errno, "%s", root);
	*out_fd = fd;
	return 0;
}

static bool is_symlink(int dir_fd, const char *name)
{
	struct stat st;

	return !fstatat(dir_fd, name, &st, AT_SYMLINK_NOFOLLOW) && S_ISLNK(st.st_mode);
}

/* Make a directory with its mode whatever the umask, and lasting. */
static int make_dir(int dir_fd, const char *name)
{
	scoped_fd int fd = -1;

	if (mkdirat(dir_fd, name, DIR_MODE))
		return errno == EEXIST ? 0 : -errno;
	fd = openat(dir_fd, name, OPEN_DIR | O_NOFOLLOW);
	if (fd < 0 || fchmod(fd, DIR_MODE))
		return -errno;
	if (fsync(dir_fd) && errno != EINVAL && errno != EROFS)
		return -errno;
	return 0;
}

/*
 * Open one directory in another, made if need be.  A single component and O_NOFOLLOW: nothing
 * leads out of the tree, on kernels without openat2(2) too.
 *
 * @out_fd: -1 if it is missing and not to be made.
 */
static int open_dir(int dir_fd, const char *name, bool make, int *out_fd)
{
	int fd = openat(dir_fd, name, OPEN_DIR | O_NOFOLLOW);
	int code;

	if (fd < 0 && errno == ENOENT && make) {
		code = make_dir(dir_fd, name);
		if (code)
			return code;
		fd = openat(dir_fd, name, OPEN_DIR | O_NOFOLLOW);
	}
	if (fd < 0 && (errno != ENOENT || make))
		return is_symlink(dir_fd, name) ? -ELOOP : -errno;
	*out_fd = fd;
	return 0;
}

static int dir_err(const struct place *place, size_t len, int code, struct err *e)
{
	if (code == -ELOOP)
		return err_set(e, ELOOP,
			"%s/%.*s: is a symbolic link, and none is followed below the kubelet's "
			"directory; replace it by a directory",
			place->root, (int)len, place->dirs);
	return err_sys(e, -code, "%s/%.*s: cannot open or make the directory", place->root,
		(int)len, place->dirs);
}

/* @out_fd: of the innermost directory, -1 if it is missing and not to be made. */
static int open_dirs(const struct place *place, bool make, int *out_fd, struct err *e)
{
	scoped_fd int fd = -1;
	const char *end, *at = place->dirs;

	if (open_root(place->root, &fd, e))
		return -e->code;
	for (; *at && fd >= 0; at = *end ? end + 1 : end) {
		char name[NAME_MAX + 1];
		int code, inner = -1;

		end = strchrnul(at, '/');
		(void)snprintf(name, sizeof(name), "%.*s", (int)(end - at), at);
		code = open_dir(fd, name, make, &inner);
		if (code)
			return dir_err(place, (size_t)(end - place->dirs), code, e);
		(void)close(fd);
		fd = inner;
	}
	*out_fd = steal_fd(&fd);
	return 0;
}

/* A temporary file of file_replace_at() under this stem, whatever its hash. */
static bool is_leftover(const char *entry, const char *stem)
{
	size_t len = strlen(stem);

	if (entry[0] != '.' || strncmp(entry + 1, stem, len) != 0 || entry[1 + len] != '-')
		return false;
	entry += 2 + len;
	return strspn(entry, "0123456789abcdef") == PLACE_HASH_LEN &&
	       !strcmp(entry + PLACE_HASH_LEN, ".json.tmp");
}

/* Best effort: what stays is in nobody's way. */
static void remove_leftovers(int dir_fd, const char *stem)
{
	scoped_fd int fd = openat(dir_fd, ".", OPEN_DIR);
	scoped(scope_closedir) DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	const struct dirent *entry;

	if (!dir)
		return;
	(void)steal_fd(&fd); /* dir closes it */
	while ((entry = readdir(dir))) {
		if (is_leftover(entry->d_name, stem))
			(void)unlinkat(dir_fd, entry->d_name, 0);
	}
}

/* Returns 1 for the same bytes, 0 for others, or -errno. */
static int same_bytes(int fd, const char *bytes, size_t size)
{
	char part[4096];
	size_t used = 0;

	for (;;) {
		ssize_t got = read(fd, part, sizeof(part));

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return -errno;
		if (got == 0)
			return used == size;
		if ((size_t)got > size - used || memcmp(part, bytes + used, (size_t)got) != 0)
			return 0;
		used += (size_t)got;
	}
}

/* Look at what has the file's name already. */
static int look_at(int dir_fd, const char *name, const void *bytes, size_t size,
	enum placed *out_placed, struct err *e)
{
	scoped_fd int fd = openat(
		dir_fd, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	struct stat st;
	int same;

	*out_placed = PLACED_NEW;
	if (fd < 0 && errno == ENOENT)
		return 0;
	if (fd < 0 && errno == ELOOP)
		return err_set(e, ELOOP, "%s: is a symbolic link; remove it first", name);
	if (fd < 0 || fstat(fd, &st))
		return err_sys(e, errno, "%s: cannot look at what is there", name);
	same = S_ISREG(st.st_mode) ? same_bytes(fd, bytes, size) : 0;
	if (same < 0)
		return err_sys(e, -same, "%s: cannot look at what is there", name);
	if (!same)
		return err_set(e, EEXIST,
			"%s: exists and holds something else, and is never changed; remove it, or "
			"choose another --name",
			name);
	*out_placed = PLACED_BEFORE;
	return 0;
}

static int place_in(int dir_fd, const struct place *place, const void *bytes, size_t size,
	bool look_only, enum placed *out_placed, struct err *e)
{
	char name[NAME_MAX + 1];
	enum placed placed;

	if ((size_t)snprintf(name, sizeof(name), "%s-%s.json", place->stem, place->hash) >=
		sizeof(name))
		return err_sys(e, ENAMETOOLONG, "%s", place->stem);
	/* The temporary name is fixed: two writers at a time would write to one file.  The lock
	 * goes with the descriptor; where there are none, there is one writer at most. */
	while (!look_only && flock(dir_fd, LOCK_EX) && errno == EINTR)
		;
	if (!look_only)
		remove_leftovers(dir_fd, place->stem);
	if (look_at(dir_fd, name, bytes, size, &placed, e))
		return -e->code;
	if (placed == PLACED_NEW && !look_only &&
		file_replace_at(dir_fd, name, bytes, size, FILE_MODE, e))
		return -e->code;
	*out_placed = placed;
	return 0;
}

int place_file(const struct place *place, const void *bytes, size_t size, bool look_only,
	enum placed *out_placed, struct err *e)
{
	scoped_fd int dir_fd = -1;

	if (open_dirs(place, !look_only, &dir_fd, e))
		return -e->code;
	if (dir_fd < 0) {
		*out_placed = PLACED_NEW;
		return 0;
	}
	if (place_in(dir_fd, place, bytes, size, look_only, out_placed, e))
		return err_prefix(e, "%s/%s/", place->root, place->dirs);
	return 0;
}
