#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "file_test.h"
#include "tap.h"

static void test_read(const char *dir)
{
	scoped_free char *text = NULL, *big = calloc(1, LIMIT + 1), *got = NULL;
	size_t size = 0;
	struct err e;

	memset(big, 'x', LIMIT + 1);
	put(in(dir, "small"), "a\0b\n", 4);
	ok(file_read(in(dir, "small"), LIMIT, &text, &size, &e) == 0 && size == 4 &&
			!memcmp(text, "a\0b\n", 5),
		"a file is read whole, with a NUL behind it");
	put(in(dir, "full"), big, LIMIT);
	ok(file_read(in(dir, "full"), LIMIT, &got, &size, &e) == 0 && size == LIMIT,
		"a file as large as the limit is read");
	put(in(dir, "large"), big, LIMIT + 1);
	ok(file_read(in(dir, "large"), LIMIT, NULL, NULL, &e) == -EFBIG &&
			strstr(e.text, "large: larger than the limit of 100 KiB"),
		"one byte more is refused");
}

static void test_read_errors(const char *dir)
{
	char *text = NULL;
	size_t size = 42;
	struct err e;

	ok(file_read(in(dir, "missing"), LIMIT, &text, &size, &e) == -ENOENT &&
			strstr(e.text, "missing: No such file or directory"),
		"a missing file is named");
	ok(file_read(dir, LIMIT, &text, &size, &e) == -EISDIR && strstr(e.text, dir) &&
			strstr(e.text, "is a directory; name a file"),
		"a directory is one");
	put(in(dir, "empty"), "", 0);
	ok(file_read(in(dir, "empty"), LIMIT, &text, &size, &e) == -EINVAL &&
			strstr(e.text, "empty: empty file"),
		"an empty file is refused");
	ok(file_read("/dev/zero", LIMIT, &text, &size, &e) == -EFBIG,
		"an endless device is read up to the limit");
	ok(file_read("/dev/null", LIMIT, &text, &size, &e) == -EINVAL, "/dev/null is empty");
	ok(file_read(in(dir, "small/x"), LIMIT, &text, &size, &e) == -ENOTDIR,
		"a file is no directory");
	ok(!text && size == 42, "errors leave the outputs alone");
}

static void read_stdin(void *arg)
{
	size_t *limit = arg;
	char *text;
	size_t size;
	struct err e;

	if (file_read("-", *limit, &text, &size, &e))
		_exit(e.code == EFBIG && strstr(e.text, "standard input: larger") ? 2 : 1);
	if (strcmp(text, "from a pipe") != 0)
		_exit(1);
	free(text);
}

/* What a child that reads a pipe of 11 bytes from its standard input answers. */
static int stdin_status(size_t limit)
{
	int ends[2], saved = fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 10), status;

	if (pipe2(ends, O_CLOEXEC) || file_write_all(ends[1], "from a pipe", 11))
		return -1;
	close(ends[1]);
	dup2(ends[0], STDIN_FILENO);
	close(ends[0]);
	status = tap_child(read_stdin, &limit);
	if (saved >= 0)
		dup2(saved, STDIN_FILENO);
	else
		close(STDIN_FILENO);
	close(saved);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void test_stdin(void)
{
	ok(stdin_status(11) == 0, "\"-\" reads standard input");
	ok(stdin_status(10) == 2, "of which one byte more than the limit is refused");
}

int main(void)
{
	char dir[] = "/tmp/sysclamp-file.XXXXXX", command[64];

	if (!mkdtemp(dir) || chmod(dir, 0755))
		return 1;
	test_read(dir);
	test_read_errors(dir);
	test_stdin();
	snprintf(command, sizeof(command), "rm -rf %s", dir);
	ok(system(command) == 0, "and the folder is gone");
	return tap_done();
}
