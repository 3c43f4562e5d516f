#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "marks_parts.h"
#include "num.h"
#include "scope.h"

static const char SUFFIX[] = ".sock";

/* The directory that somebody chose, or NULL. */
static const char *dir_chosen(void)
{
	const char *chosen = getenv("SYSCLAMP_RUNTIME_DIR");

	return chosen && *chosen ? chosen : NULL;
}

/* Heap; NULL when out of memory. */
static char *dir_path(void)
{
	const char *chosen = dir_chosen(), *xdg = getenv("XDG_RUNTIME_DIR");
	char *path = NULL;
	int len;

	if (chosen)
		len = asprintf(&path, "%s", chosen);
	else if (geteuid() == 0)
		len = asprintf(&path, "/run/sysclamp");
	else if (xdg && *xdg == '/') /* the XDG specification: a relative one is to be ignored */
		len = asprintf(&path, "%s/sysclamp", xdg);
	else
		len = asprintf(&path, "/tmp/sysclamp-%u", geteuid());
	if (len < 0)
		return NULL;
	while (len > 1 && path[len - 1] == '/') /* it would make O_NOFOLLOW follow */
		path[--len] = '\0';
	return path;
}

static int check_dir(const char *path, int fd, struct err *e)
{
	struct stat st;

	if (fstat(fd, &st))
		return err_sys(e, errno, "%s", path);
	if (st.st_uid != geteuid())
		return err_set(e, EPERM,
			"%s: belongs to user %u; set SYSCLAMP_RUNTIME_DIR to a directory of yours",
			path, st.st_uid);
	if (st.st_mode & (S_IWGRP | S_IWOTH))
		return err_set(e, EPERM, "%s: others can write there; chmod it to 0700", path);
	return 0;
}

int marks_dir_open(struct marks_dir *out, bool make, struct err *e)
{
	scoped_free char *path = dir_path();
	scoped_fd int fd = -1;

	if (!path)
		return err_nomem(e);
	if (make && mkdir(path, 0700) && errno != EEXIST)
		return err_sys(e, errno,
			"%s: cannot be made; set SYSCLAMP_RUNTIME_DIR to a directory of yours",
			path);
	fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0 && (errno == ENOTDIR || errno == ELOOP))
		return err_set(e, ENOTDIR,
			"%s: no directory or a symbolic link; set SYSCLAMP_RUNTIME_DIR to a "
			"directory of yours",
			path);
	if (fd < 0)
		return err_sys(e, errno, "%s", path);
	if (check_dir(path, fd, e))
		return -e->code;
	*out = (struct marks_dir){.path = steal_ptr(path), .fd = steal_fd(&fd)};
	return 0;
}

void marks_dir_done(struct marks_dir *dir)
{
	if (dir->path && dir->fd >= 0)
		(void)close(dir->fd);
	free(dir->path);
	*dir = (struct marks_dir){.fd = -1};
}

void marks_dir_remove(const struct marks_dir *dir)
{
	if (!dir_chosen())
		(void)rmdir(dir->path);
}

struct sockaddr_un marks_dir_address(const struct marks_dir *dir, const char *name)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};

	/* sun_path has room for 108 bytes only; and this is the directory that was checked. */
	(void)snprintf(
		address.sun_path, sizeof(address.sun_path), "/proc/self/fd/%d/%s", dir->fd, name);
	return address;
}

const char *marks_socket_name(pid_t pid, char *buf)
{
	(void)snprintf(buf, MARKS_NAME_MAX, "%d%s", pid, SUFFIX);
	return buf;
}

/* Whether @name is that of a recorder's socket, "PID.sock". */
static bool parse_name(const char *name, pid_t *out_pid)
{
	size_t digits = strcspn(name, ".");
	char number[MARKS_NAME_MAX];

	if (digits >= sizeof(number) || strcmp(name + digits, SUFFIX) != 0)
		return false;
	memcpy(number, name, digits);
	number[digits] = '\0';
	return !num_parse_pid(number, out_pid);
}

static int compare_pids(const void *a, const void *b)
{
	return *(const pid_t *)a - *(const pid_t *)b;
}

int marks_dir_list(const struct marks_dir *dir, pid_t **out_pids, size_t *out_len, struct err *e)
{
	scoped_fd int fd = openat(dir->fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	scoped(scope_closedir) DIR *stream = fd < 0 ? NULL : fdopendir(fd);
	scoped_free pid_t *pids = NULL;
	size_t len = 0;
	pid_t pid;

	if (!stream)
		return err_sys(e, errno, "%s", dir->path);
	(void)steal_fd(&fd); /* it is the stream's */
	for (struct dirent *entry = readdir(stream); entry; entry = readdir(stream)) {
		pid_t *more;

		if (!parse_name(entry->d_name, &pid))
			continue;
		more = reallocarray(pids, len + 1, sizeof(*pids));
		if (!more)
			return err_nomem(e);
		pids = more;
		pids[len++] = pid;
	}
	if (len)
		qsort(pids, len, sizeof(*pids), compare_pids);
	*out_pids = steal_ptr(pids);
	*out_len = len;
	return 0;
}

static void remove_stale(const struct marks_dir *dir, const char *name)
{
	struct stat st;

	if (!fstatat(dir->fd, name, &st, AT_SYMLINK_NOFOLLOW) && S_ISSOCK(st.st_mode))
		(void)unlinkat(dir->fd, name, 0);
}

int marks_dir_connect(const struct marks_dir *dir, pid_t pid, unsigned timeout_s, int *out_fd)
{
	char name[MARKS_NAME_MAX];
	const struct sockaddr_un address = marks_dir_address(dir, marks_socket_name(pid, name));
	const struct timeval limit = {.tv_sec = timeout_s};
	scoped_fd int fd = socket(
		AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | (timeout_s ? 0 : SOCK_NONBLOCK), 0);

	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit)) ||
		setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit)))
		return -errno;
	if (!TEMP_FAILURE_RETRY(connect(fd, (const struct sockaddr *)&address, sizeof(address)))) {
		*out_fd = steal_fd(&fd);
		return 0;
	}
	if (errno != ECONNREFUSED)
		return -errno;
	remove_stale(dir, name);
	return -ENOENT;
}

bool marks_peer_is_trusted(int fd)
{
	struct ucred peer = {0};
	socklen_t size = sizeof(peer);

	return !getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) &&
	       (peer.uid == 0 || peer.uid == geteuid());
}
