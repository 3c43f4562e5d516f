#include "file.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
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
	if (!*path)
		return err_set(e, ENOENT, "\"\": no file has such a name; name one");
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
