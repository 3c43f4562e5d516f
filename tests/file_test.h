/*
 * file_test.h: what the tests of reading and of replacing files share.
 */
#ifndef SYSCLAMP_FILE_TEST_H
#define SYSCLAMP_FILE_TEST_H

#include <dirent.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "file.h"
#include "scope.h"

enum { LIMIT = 100 * 1024 /* bytes that are read of a file */ };

/* A path below the folder that all of it happens in; good for four at a time. */
static inline const char *in(const char *dir, const char *name)
{
	static char paths[4][512];
	static unsigned next;
	char *path = paths[next++ % 4];

	snprintf(path, sizeof(paths[0]), "%s/%s", dir, name);
	return path;
}

static inline void put(const char *path, const char *text, size_t size)
{
	scoped_fd int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

	if (fd < 0 || file_write_all(fd, text, size))
		printf("# cannot prepare %s\n", path);
}

/* Whether @path holds exactly @text. */
static inline bool holds(const char *path, const char *text)
{
	scoped_free char *got = NULL;
	struct err e;
	size_t size;

	return !file_read(path, LIMIT, &got, &size, &e) && size == strlen(text) &&
	       !strcmp(got, text);
}

static inline mode_t mode_of(const char *path)
{
	struct stat st;

	return lstat(path, &st) ? 0 : st.st_mode & 07777;
}

/* The number of entries in a folder but for "." and ".."; -1 on failure. */
static inline int entries(const char *path)
{
	DIR *dir = opendir(path);
	int count = -2;

	if (!dir)
		return -1;
	while (readdir(dir))
		count++;
	closedir(dir);
	return count;
}

#endif
