/*
 * file.h: whole files, read with a limit and replaced atomically.
 */
#ifndef SYSCLAMP_FILE_H
#define SYSCLAMP_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "err.h"

/**
 * Read a whole file, or standard input when @path is "-".
 *
 * @limit: the largest size accepted, in bytes; a larger file is refused before it is read.
 * @out_text: heap, owned by the caller, with a NUL behind the last byte.
 * @out_size: its size in bytes without that NUL.
 * Errors name @path: missing, without a name, a directory, empty, too large, unreadable.
 */
int file_read(const char *path, size_t limit, char **out_text, size_t *out_size, struct err *e);

/**
 * Replace @path by @size bytes in one step: whoever reads it sees the old file or the new one,
 * whole.
 *
 * The bytes go to a file without a name in the same directory (open(2), O_TMPFILE), which is
 * synced, gets the fixed name ".<name>.tmp", is renamed over @path, and its directory synced
 * (rename(2) is atomic, but durable only so).  Where the file system has none without a name it has
 * that one from the beginning.  Of several writers each waits for the one before (flock(2)); the
 * last one's file stays.  A failure leaves @path as it was and no temporary file; so does a signal,
 * but for SIGKILL while there is a temporary name: the next writer takes away what that leaves.
 * What exists and is no regular file (a terminal, a pipe, /dev/null) is written to directly.  "-"
 * is standard output.
 *
 * @mode: permission bits of a new file; the umask applies.  One that exists keeps its own.
 */
int file_replace(const char *path, const void *bytes, size_t size, mode_t mode, struct err *e);

/**
 * The same without waiting for the disk, for what is replaced again soon: after a crash of the
 * machine, not of this process, the file may be the old one, or, as file systems go, empty.
 */
int file_replace_unsynced(
	const char *path, const void *bytes, size_t size, mode_t mode, struct err *e);

/* What one of several files shall hold. */
struct file_content {
	const char *path;
	const void *bytes;
	size_t size;
};

/**
 * Replace @n files together: none is touched before all are written and synced but for their names.
 *
 * What is written to directly, as standard output, comes before the first is renamed; then they are
 * renamed in the order given.  What can still fail then leaves those that come before replaced: a
 * rename, and, where the file system has no files without a name, the writing of the next one.
 *
 * @mode: of each that is new, as with file_replace().
 */
int file_replace_all(const struct file_content *files, size_t n, mode_t mode, struct err *e);

/**
 * The same as file_replace() inside an open directory: @name is one path component and must be no
 * symbolic link. The mode is set exactly, whatever the umask.
 */
int file_replace_at(
	int dir_fd, const char *name, const void *bytes, size_t size, mode_t mode, struct err *e);

/** Whether it is there and not empty, as mktemp(1) makes it. */
bool file_holds_something(const char *path);

/**
 * Wait for one's turn at a file that several processes read and replace: those that change files
 * of its directory this way come one after the other (flock(2)).
 *
 * Returns a descriptor, to be closed when the file is replaced; -1 where nothing can be locked:
 * then there is no turn to be had, and the last one's file stays.
 */
int file_turn(const char *path);

/** Write all of it, resuming after short writes and EINTR.  Returns 0 or -errno. */
int file_write_all(int fd, const void *bytes, size_t size);

#endif
