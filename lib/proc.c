#include "proc.h"

#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/nsfs.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "num.h"
#include "scope.h"

/* Since Linux 6.11; include/uapi/linux/nsfs.h. */
#ifndef NS_GET_MNTNS_ID
#define NS_GET_MNTNS_ID _IOR(NSIO, 0x5, uint64_t)
#endif

enum { PROC_NAME_MAX = 64 };

/* Where /proc/TID/@name leads to. */
static bool read_link(pid_t tid, const char *name, char *path)
{
	char link[PROC_NAME_MAX];
	ssize_t len;

	(void)snprintf(link, sizeof(link), "/proc/%d/%s", tid, name);
	len = readlink(link, path, PROC_PATH_MAX - 1);
	path[len < 0 ? 0 : len] = '\0';
	return len >= 0;
}

bool proc_program(pid_t tid, char *path)
{
	return read_link(tid, "exe", path);
}

bool proc_file(pid_t tid, int fd, char *path)
{
	char name[PROC_NAME_MAX];

	(void)snprintf(name, sizeof(name), "fd/%d", fd);
	return read_link(tid, name, path) && *path == '/';
}

void proc_each_mapped(pid_t pid, void (*each)(void *ctx, const char *path), void *ctx)
{
	char name[PROC_NAME_MAX], line[PROC_PATH_MAX + 128], *path;
	scoped_file FILE *maps = NULL;

	(void)snprintf(name, sizeof(name), "/proc/%d/maps", pid);
	maps = fopen(name, "re");
	/* "55d0-55d3 r-xp 00000000 08:01 1234    /usr/bin/ls", proc(5) */
	while (maps && fgets(line, sizeof(line), maps)) {
		path = strchr(line, '/');
		if (!path || strcspn(line, " ") + 4 > strlen(line) ||
			line[strcspn(line, " ") + 3] != 'x')
			continue;
		path[strcspn(path, "\n")] = '\0';
		each(ctx, path);
	}
}

void proc_cwd(pid_t pid, char *path)
{
	(void)read_link(pid, "cwd", path);
}

/* A file of /proc/PID, as far as @room goes; returns its size. */
static size_t read_text(pid_t pid, const char *name, char *text, size_t room)
{
	char path[PROC_NAME_MAX];
	scoped_file FILE *file = NULL;
	size_t size = 0;

	(void)snprintf(path, sizeof(path), "/proc/%d/%s", pid, name);
	file = fopen(path, "re");
	if (file)
		size = fread(text, 1, room - 1, file);
	text[size] = '\0';
	return size;
}

/* "[name]" to @text, of a process without a command line; nothing if it has ended. */
static size_t read_bracketed(pid_t pid, char *text, size_t room)
{
	char name[PROC_NAME_MAX];
	size_t size = read_text(pid, "comm", name, sizeof(name));

	if (size == 0)
		return 0;
	name[strcspn(name, "\n")] = '\0';
	return (size_t)snprintf(text, room, "[%s]", name) + 1;
}

/* A title that the process has written over its words leaves the rest of their room empty. */
static size_t cut_title(const char *text, size_t size)
{
	size_t first = strlen(text) + 1;

	for (size_t i = first; i < size; i++) {
		if (text[i])
			return size;
	}
	return first < size ? first : size;
}

char **proc_command(pid_t pid)
{
	char text[PROC_PATH_MAX];
	size_t size = cut_title(text, read_text(pid, "cmdline", text, sizeof(text))), words = 0;
	char **argv, *to;

	if (size == 0)
		size = read_bracketed(pid, text, sizeof(text));
	/* At most a pointer for each byte, then the bytes. */
	argv = malloc((size + 2) * sizeof(*argv) + size + 1);
	if (!argv)
		return NULL;
	to = memcpy(argv + size + 2, text, size + 1);
	for (const char *end = to + size; to < end; to += strlen(to) + 1)
		argv[words++] = to;
	argv[words] = NULL;
	return argv;
}

/* The number of a line of /proc/TID/status, "Tgid:"; 0 if it is not there. */
static uint64_t read_status(pid_t tid, const char *key, int base)
{
	char name[PROC_NAME_MAX], line[256];
	scoped_file FILE *status = NULL;

	(void)snprintf(name, sizeof(name), "/proc/%d/status", tid);
	status = fopen(name, "re");
	while (status && fgets(line, sizeof(line), status)) {
		if (!strncmp(line, key, strlen(key)))
			return strtoull(line + strlen(key), NULL, base);
	}
	return 0;
}

pid_t proc_process(pid_t tid)
{
	return (pid_t)read_status(tid, "Tgid:", 10);
}

pid_t proc_tracer(pid_t tid)
{
	return (pid_t)read_status(tid, "TracerPid:", 10);
}

unsigned proc_filters(pid_t tid)
{
	return (unsigned)read_status(tid, "Seccomp_filters:", 10);
}

unsigned proc_seccomp(pid_t tid)
{
	return (unsigned)read_status(tid, "Seccomp:", 10);
}

unsigned proc_threads(pid_t tid)
{
	return (unsigned)read_status(tid, "Threads:", 10);
}

uint64_t proc_ignored_signals(pid_t tid)
{
	return read_status(tid, "SigIgn:", 16);
}

uint64_t proc_pending_signals(pid_t tid)
{
	return read_status(tid, "SigPnd:", 16) | read_status(tid, "ShdPnd:", 16);
}

static int mount_space_open(pid_t tid)
{
	char name[PROC_NAME_MAX];

	(void)snprintf(name, sizeof(name), "/proc/%d/ns/mnt", tid);
	return open(name, O_RDONLY | O_CLOEXEC);
}

uint64_t proc_mount_space(pid_t tid)
{
	scoped_fd int fd = mount_space_open(tid);
	struct stat st;
	uint64_t id;

	if (fd < 0)
		return 0;
	if (!ioctl(fd, NS_GET_MNTNS_ID, &id))
		return id;
	return fstat(fd, &st) ? 0 : st.st_ino;
}

bool proc_mount_spaces_are_ids(void)
{
	scoped_fd int fd = mount_space_open(getpid());
	uint64_t id;

	return fd >= 0 && !ioctl(fd, NS_GET_MNTNS_ID, &id);
}

void proc_each_thread(pid_t tid, void (*each)(void *ctx, pid_t tid), void *ctx)
{
	char name[PROC_NAME_MAX];
	scoped(scope_closedir) DIR *dir = NULL;
	const struct dirent *entry;

	(void)snprintf(name, sizeof(name), "/proc/%d/task", tid);
	dir = opendir(name);
	while (dir && (entry = readdir(dir))) {
		uint64_t thread;

		if (!num_parse(entry->d_name, INT_MAX, &thread))
			each(ctx, (pid_t)thread);
	}
}

bool proc_each_child(pid_t tid, void (*each)(void *ctx, pid_t pid), void *ctx)
{
	char name[PROC_NAME_MAX];
	scoped_file FILE *file = NULL;
	pid_t child;

	(void)snprintf(name, sizeof(name), "/proc/%d/task/%d/children", tid, tid);
	file = fopen(name, "re");
	while (file && fscanf(file, "%d", &child) == 1)
		each(ctx, child);
	return file;
}
