/*
 * root.c and what it uses, against a root in which a directory and a link to outside change places
 * all the time, for as many set-ups as SETUPS; and without that, which descriptors stay open.
 * As root in a mount namespace, as anybody else in a user namespace with one.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "root.h"
#include "scope.h"
#include "tap.h"

enum { SETUPS = 600, SKIPPED = 77 };

#define BASE	"/tmp" /* a tmpfs of the test's own */
#define ROOT	BASE "/root"
#define OUTSIDE BASE "/outside"

/* What a child finds out. */
enum found { HELD, REFUSED, ESCAPED, LEFT_OPEN, BROKEN };

static int write_text(const char *path, const char *text)
{
	scoped_fd int fd = open(path, O_WRONLY | O_CLOEXEC);

	return fd < 0 || write(fd, text, strlen(text)) < 0 ? -1 : 0;
}

static int enter_user_namespace(void)
{
	char uid[32], gid[32];

	(void)snprintf(uid, sizeof(uid), "0 %u 1", geteuid());
	(void)snprintf(gid, sizeof(gid), "0 %u 1", getegid());
	return unshare(CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWPID) ||
			       write_text("/proc/self/setgroups", "deny") ||
			       write_text("/proc/self/uid_map", uid) ||
			       write_text("/proc/self/gid_map", gid)
		       ? -1
		       : 0;
}

/* A room of the test's own, which no signal leaves; false: not possible here. */
static bool enter_room(void)
{
	if (geteuid() == 0 ? unshare(CLONE_NEWNS | CLONE_NEWPID) : enter_user_namespace())
		return false;
	umask(0);
	return !mount(NULL, "/", NULL, MS_PRIVATE | MS_REC, NULL) &&
	       !mount("room", BASE, "tmpfs", 0, "mode=755") && !mkdir(ROOT, 0755) &&
	       !mkdir(OUTSIDE, 0755) && !mknod(OUTSIDE "/canary", S_IFREG | 0644, 0) &&
	       !mkdir(ROOT "/swap", 0755) && !mkdir(ROOT "/proc", 0755) &&
	       !mknod(ROOT "/swap/canary", S_IFREG | 0644, 0);
}

static struct cage_mount MOUNTS[] = {
	{.where = "tmpfs", .target = "/swap/one/fs", .type = "tmpfs", .source = "x"},
	{.where = "file", .target = "/swap/file", .source = "/dev/null"},
	{.where = "copied", .target = "/swap", .type = "tmpfs", .source = "x", .copies_up = true},
};
static struct cage_device DEVICES[] = {
	{"device", "/swap/null", S_IFCHR, 1, 3, 0666, 0, 0},
	{"fifo", "/swap/deep/fifo", S_IFIFO, 0, 0, 0666, 0, 0},
};
static const char *PATHS[] = {"/swap/canary", "/swap"};

/* @with: which of the mounts; devices are strict, and would end most set-ups before the masks. */
static struct cage make_cage(unsigned with)
{
	return (struct cage){
		.used = true,
		.root = {.path = ROOT, .where = "the test's root"},
		.mounts = &MOUNTS[with % ARRAY_LEN(MOUNTS)],
		.n_mounts = 1,
		.devices = DEVICES,
		.n_devices = with & 1 ? ARRAY_LEN(DEVICES) : 0,
		.masked = PATHS,
		.n_masked = 1,
		.readonly = &PATHS[1],
		.n_readonly = 1,
	};
}

/* A mount below the directory outside, in our view, before the root is entered. */
static bool mounted_outside(void)
{
	scoped_file FILE *file = fopen("/proc/self/mountinfo", "re");
	char line[4096];

	while (file && fgets(line, sizeof(line), file)) {
		if (strstr(line, " " OUTSIDE))
			return true;
	}
	return !file;
}

static unsigned open_descriptors(void)
{
	unsigned n = 0;

	for (int fd = 0; fd < 256; fd++)
		n += fcntl(fd, F_GETFD) >= 0;
	return n;
}

static enum found try_once(unsigned with, bool must_hold)
{
	struct cage cage = make_cage(with);
	unsigned before = open_descriptors();
	struct root root = {-1};
	struct err e;

	if (unshare(CLONE_NEWNS))
		return BROKEN;
	if (root_prepare(&cage, &root, &e) || root_enter(&cage, &root, &e)) {
		bool escaped = mounted_outside();

		root_done(&root);
		if (must_hold)
			printf("# %s\n", e.text);
		fflush(stdout);
		return open_descriptors() != before ? LEFT_OPEN : escaped ? ESCAPED : REFUSED;
	}
	if (!access(OUTSIDE, F_OK) && !access(OUTSIDE "/canary", F_OK))
		return ESCAPED;
	return open_descriptors() != before ? LEFT_OPEN : HELD;
}

static enum found set_up_once(unsigned with, bool must_hold)
{
	int status;
	pid_t pid = fork();

	if (pid == 0)
		_exit(try_once(with, must_hold));
	if (pid < 0 || waitpid(pid, &status, 0) != pid || !WIFEXITED(status))
		return BROKEN;
	return WEXITSTATUS(status);
}

static bool untouched(void)
{
	scoped(scope_closedir) DIR *dir = opendir(OUTSIDE);
	struct dirent *entry;
	unsigned n = 0;
	struct stat st;

	while (dir && (entry = readdir(dir)))
		n++;
	return n == 3 && !stat(OUTSIDE "/canary", &st) && st.st_mode == (S_IFREG | 0644) &&
	       st.st_nlink == 1;
}

static _Noreturn void be_racer(void)
{
	(void)prctl(PR_SET_PDEATHSIG, (long)SIGKILL, 0L, 0L, 0L);
	for (;;)
		(void)syscall(SYS_renameat2, AT_FDCWD, ROOT "/swap", AT_FDCWD, ROOT "/other",
			2 /* RENAME_EXCHANGE */);
}

/* Set up while the racer runs; false: it could not be started. */
static bool set_up_all(unsigned found[BROKEN + 1])
{
	pid_t racer = fork();

	if (racer < 0)
		return false;
	if (racer == 0)
		be_racer();
	for (unsigned i = 0; i < SETUPS; i++)
		found[set_up_once(i, false)]++;
	return !kill(racer, SIGKILL) && waitpid(racer, NULL, 0) == racer;
}

/* @text: of the link that changes places with a directory. */
static void test_race(const char *text)
{
	unsigned found[BROKEN + 1] = {0};
	struct stat st;
	bool ran = !symlink(text, ROOT "/other") && set_up_all(found);

	/* Which of them is the link now? */
	if (!lstat(ROOT "/swap", &st) && S_ISLNK(st.st_mode))
		ran = ran && !rename(ROOT "/swap", ROOT "/link") &&
		      !rename(ROOT "/other", ROOT "/swap") && !unlink(ROOT "/link");
	else
		ran = ran && !unlink(ROOT "/other");
	ok(ran && !found[ESCAPED] && !found[LEFT_OPEN] && !found[BROKEN] && found[HELD],
		"-> %s: of %d set-ups none leaves the root (%u hold, %u refused; %u escaped, %u "
		"left descriptors open, %u broken)",
		text, SETUPS, found[HELD], found[REFUSED], found[ESCAPED], found[LEFT_OPEN],
		found[BROKEN]);
	ok(untouched(), "-> %s: what is outside is as it was", text);
}

static void test_inside(void *arg)
{
	(void)arg;
	for (unsigned with = 0; with < 2 * ARRAY_LEN(MOUNTS); with++)
		ok(set_up_once(with, true) == HELD,
			"set-up %u: the root is entered, no descriptor stays open", with);
	test_race("../outside");
	test_race(OUTSIDE);
	(void)tap_done();
	fflush(stdout);
	_exit(tap_failed ? 1 : 0);
}

static void test_all(void *arg)
{
	int status;

	if (!enter_room())
		_exit(SKIPPED);
	status = tap_child(test_inside, arg); /* the first process of the pid namespace */
	_exit(WIFEXITED(status) ? WEXITSTATUS(status) : 1);
}

int main(void)
{
	int status = tap_child(test_all, NULL);

	if (WIFEXITED(status) && WEXITSTATUS(status) == SKIPPED) {
		tap_skip("userns", "a root that changes", "no mount namespace can be made");
		return tap_done();
	}
	return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}
