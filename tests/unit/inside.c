/*
 * inside.c: paths in a root, by descriptors, in directories of the test's own.
 */
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "inside.h"
#include "scope.h"
#include "tap.h"

enum { EXCHANGED = 2000, DEEP = 1900 };

static char scratch[] = "/dev/shm/sysclamp-inside.XXXXXX";
static int root = -1, outside = -1;

static int remove_one(const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
	(void)st, (void)flag, (void)ftw;
	return remove(path);
}

static void clean_up(void)
{
	(void)nftw(scratch, remove_one, 32, FTW_DEPTH | FTW_PHYS);
}

static void die(const char *what)
{
	perror(what);
	exit(1);
}

static void set_up(void)
{
	umask(0);
	if (!mkdtemp(scratch) || chdir(scratch))
		die("scratch");
	atexit(clean_up);
	if (mkdir("root", 0755) || mkdir("outside", 0755))
		die("directories");
	root = open("root", O_PATH | O_DIRECTORY | O_CLOEXEC);
	outside = open("outside", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (root < 0 || outside < 0 || mkdirat(root, "dir", 0755) || mkdirat(root, "real", 0755) ||
		mknodat(root, "file", S_IFREG | 0644, 0) ||
		mknodat(outside, "canary", S_IFREG | 0644, 0))
		die("root");
}

static bool is_same(int fd, int at, const char *name)
{
	struct stat a, b;

	return !fstat(fd, &a) && !fstatat(at, name, &b, AT_SYMLINK_NOFOLLOW) &&
	       a.st_ino == b.st_ino && a.st_dev == b.st_dev;
}

/* A link in the root; what making a directory at @path gives is then at @place. */
static void test_link(const char *text, const char *path, const char *place)
{
	struct err e = {0};
	scoped_fd int fd = -1;

	if (symlinkat(text, root, "link"))
		die("link");
	fd = inside_make(root, path, true, false, &e);
	ok(fd >= 0 && is_same(fd, root, place), "link -> %s: %s inside is %s (%s)", text, path,
		place, e.text);
	(void)unlinkat(root, "link", 0);
}

static void test_links(void)
{
	char up[PATH_MAX], absolute[sizeof(scratch) + 16], absolute_y[sizeof(scratch) + 16];

	(void)snprintf(absolute_y, sizeof(absolute_y), "%s/outside/y", scratch);
	(void)snprintf(up, sizeof(up), "../../../../../../../..%s/outside", scratch);
	(void)snprintf(absolute, sizeof(absolute), "%s/outside", scratch);
	test_link("real", "/link/a/b", "real/a/b");
	test_link("/real", "/link", "real");
	test_link("/missing/one", "/link", "missing/one");
	test_link("missing/two", "/link", "missing/two");
	test_link("../missing/three", "/link/x", "missing/three/x");
	test_link(absolute, "/link", absolute + 1);
	test_link(up, "/link", absolute + 1);
	test_link(absolute, "/link/x/../../outside/y", absolute_y + 1);
	ok(!faccessat(root, absolute + 1, F_OK, 0), "what a link outside names was made inside");
	ok(faccessat(outside, "x", F_OK, 0) && faccessat(outside, "y", F_OK, 0),
		"and nothing outside");
}

static void test_made(void)
{
	struct err e = {0};
	scoped_fd int directory = inside_make(root, "//n1/./n2//n3/", true, true, &e);
	scoped_fd int file = inside_make(root, "/n1/n2/f", false, true, &e);
	struct stat st;

	ok(directory >= 0 && !fstat(directory, &st) && st.st_mode == (S_IFDIR | 0755),
		"a directory is made with its parents (%s)", e.text);
	ok(file >= 0 && !fstat(file, &st) && st.st_mode == (S_IFREG | 0644) && !st.st_size,
		"an empty file is made (%s)", e.text);
	ok((fcntl(file, F_GETFL) & O_PATH) && (fcntl(file, F_GETFD) & FD_CLOEXEC),
		"its descriptor is for naming it, and is closed by execve");
}

static void test_refused(
	const char *path, bool directory, bool strict, int code, const char *said, const char *name)
{
	struct err e = {0};
	scoped_fd int fd = inside_make(root, path, directory, strict, &e);

	ok(fd == -code && e.code == code && strstr(e.text, said), "%s: %d, %s", name, fd, e.text);
}

static void test_refusals(void)
{
	char longer[PATH_MAX + 2];

	memset(longer, 'a', sizeof(longer) - 1);
	longer[0] = '/';
	longer[sizeof(longer) - 1] = '\0';
	if (symlinkat("dir", root, "to_dir") || symlinkat("nothing", root, "to_nothing") ||
		symlinkat("loop", root, "loop"))
		die("links");
	test_refused("", true, false, EINVAL, "empty", "no path");
	test_refused(longer, true, false, ENAMETOOLONG, "4095", "a path that is too long");
	test_refused("/file", true, false, ENOTDIR, "no directory", "a file for a directory");
	test_refused("/file/x", true, false, ENOTDIR, "no directory", "a file on the way");
	test_refused("/loop", true, false, ELOOP, "/loop", "a link to itself");
	test_refused("/loop/x", false, false, ELOOP, "/loop/x", "the same on the way");
	test_refused("/to_dir/x", true, true, ELOOP, "symbolic link", "strict: a link on the way");
	test_refused("/to_dir", true, true, ELOOP, "symbolic link", "strict: a link at the end");
	test_refused(
		"/to_nothing", true, true, ELOOP, "symbolic link", "strict: to what is missing");
	ok(faccessat(root, "nothing", F_OK, 0) && faccessat(root, "dir/x", F_OK, 0),
		"and nothing was made");
}

/* Each link names the next, which is missing: more of them than the kernel follows. */
static void test_chain(void)
{
	struct err e = {0};
	scoped_fd int fd = -1;

	for (int i = 0; i < 60; i++) {
		char name[32], next[32];

		(void)snprintf(name, sizeof(name), "chain%d", i);
		(void)snprintf(next, sizeof(next), "chain%d", i + 1);
		if (symlinkat(next, root, name))
			die("chain");
	}
	fd = inside_make(root, "/chain0", true, false, &e);
	ok(fd == -ELOOP, "sixty links in a row are not followed: %s", e.text);
	scope_close(&fd);
	e = (struct err){0};
	fd = inside_make(root, "/chain40", true, false, &e);
	ok(fd >= 0 && is_same(fd, root, "chain60"), "twenty are, and their end is made (%s)",
		e.text);
}

/* A directory for every two bytes: none of them takes stack. */
static void test_deep(void)
{
	char path[PATH_MAX] = "", at[] = "/d";
	struct err e = {0};
	scoped_fd int fd = -1;

	for (int i = 0; i < DEEP; i++)
		memcpy(path + 2 * i, at, sizeof(at));
	fd = inside_make(root, path, true, false, &e);
	ok(fd >= 0, "%d directories in one another are made (%s)", DEEP, e.text);
}

static void test_magic(void)
{
	scoped_fd int slash = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	scoped_fd int fd = inside_open(slash, "/proc/self/root/etc", O_PATH, false);

	ok(fd == -ELOOP, "links of /proc that lead anywhere are not followed: %d", fd);
}

static void test_parent(void)
{
	static const char *const NONE[] = {"/", "/a/", "/a/.", "/a/..", "..", ""};
	struct err e = {0};
	const char *name = NULL;
	scoped_fd int fd = inside_parent(root, "/p/q/last", true, &name, &e);

	ok(fd >= 0 && is_same(fd, root, "p/q") && !strcmp(name, "last"), "a path is split");
	for (size_t i = 0; i < ARRAY_LEN(NONE); i++)
		ok(inside_parent(root, NONE[i], true, &name, &e) == -EINVAL,
			"\"%s\" has no last part: %s", NONE[i], e.text);
}

static void test_path(void)
{
	char path[PATH_MAX] = "";
	scoped_fd int fd = inside_open(root, "/to_dir/../real", O_PATH, false);
	scoped_fd int top = inside_open(root, "/../..", O_PATH, false);

	ok(!inside_path(root, fd, path) && !strcmp(path, "/real"), "where it is: %s", path);
	ok(!inside_path(root, top, path) && !strcmp(path, "/"), "the root is /: %s", path);
	ok(inside_is_root(root, top) && !inside_is_root(root, fd), "which is told from others");
	ok(inside_path(root, outside, path) == -EXDEV, "what is outside is nowhere inside");
}

static atomic_bool racing = true;

/* A directory and a link to outside change places, all the time. */
static void *race(void *arg)
{
	(void)arg;
	while (atomic_load(&racing))
		(void)syscall(SYS_renameat2, root, "swap", root, "swap_link", 2 /* EXCHANGE */);
	return NULL;
}

/* Which of the results lie inside; @made: paths that are missing before. */
static void test_race(const char *text, bool strict)
{
	unsigned inside = 0, refused = 0, escaped = 0;
	pthread_t thread;

	atomic_store(&racing, true);
	if (mkdirat(root, "swap", 0755) || symlinkat(text, root, "swap_link") ||
		pthread_create(&thread, NULL, race, NULL))
		die("race");
	for (int i = 0; i < EXCHANGED; i++) {
		char path[64], where[PATH_MAX];
		struct err e;
		scoped_fd int fd = -1;

		/* ".." may have to be looked up again and again. */
		(void)snprintf(
			path, sizeof(path), "/swap/%s%d/%d", i % 16 ? "" : "../swap/", i % 64, i);
		fd = inside_make(root, path, i & 1, strict, &e);
		if (fd < 0)
			refused++;
		else if (inside_path(root, fd, where) != -EXDEV)
			inside++;
		else
			escaped++;
	}
	atomic_store(&racing, false);
	pthread_join(thread, NULL);
	ok(!escaped && inside,
		"%s%s: of %d paths through a directory that a link replaces none "
		"is outside (%u inside, %u refused)",
		text, strict ? ", strict" : "", EXCHANGED, inside, refused);
	ok(faccessat(outside, "0", F_OK, 0) && !faccessat(outside, "canary", F_OK, 0),
		"and nothing was made there");
	(void)renameat(root, "swap", root, strict ? "s1" : "n1s");
	(void)renameat(root, "swap_link", root, strict ? "s2" : "n2s");
}

int main(void)
{
	char absolute[sizeof(scratch) + sizeof("/outside")];

	set_up();
	test_made();
	test_links();
	test_refusals();
	test_chain();
	test_deep();
	test_magic();
	test_parent();
	test_path();
	(void)snprintf(absolute, sizeof(absolute), "%s/outside", scratch);
	test_race("../outside", false);
	test_race(absolute, true);
	return tap_done();
}
