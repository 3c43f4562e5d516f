/*
 * cage_check.c, cage_spaces.c, own_program.c and the nested launcher of launch.c, each by itself.
 */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>

#include "cage_check.h"
#include "cage_spaces.h"
#include "own_program.h"
#include "scope.h"
#include "tap.h"

enum { HOUR = 3600, AHEAD_S = 5000000, SKIPPED = 77 };

static int check(const struct cage *cage)
{
	const struct sandbox box = {.cage = cage};
	struct err e = {0};

	return cage_check(&box, &e);
}

/* What a namespace has to be there for; refused without, let through with it. */
static void test_needs(void)
{
	struct cage_mount mount = {.target = "/x", .type = "tmpfs"};
	struct cage_sysctl sysctl = {.name = "kernel.shmmax", .value = "1"};
	struct cage_map map = {0, 0, 1};
	const struct {
		const char *name;
		enum cage_ns kind;
		struct cage cage;
	} rows[] = {
		{"a host name", CAGE_NS_UTS, {.hostname = "x"}},
		{"a domain name", CAGE_NS_UTS, {.domainname = "x"}},
		{"clocks", CAGE_NS_TIME, {.set_clocks = true}},
		{"a root", CAGE_NS_MOUNT, {.root.path = "/"}},
		{"a read-only root", CAGE_NS_MOUNT, {.root.readonly = true}},
		{"a mount", CAGE_NS_MOUNT, {.mounts = &mount, .n_mounts = 1}},
		{"an init", CAGE_NS_PID, {.init = true}},
		{"a kernel parameter", CAGE_NS_IPC, {.sysctls = &sysctl, .n_sysctls = 1}},
		{"maps", CAGE_NS_USER, {.uid_maps = {&map, 1}, .gid_maps = {&map, 1}}},
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct cage cage = rows[i].cage;
		bool refused = check(&cage) == -EINVAL;
		int later;

		cage.namespaces[rows[i].kind].how = CAGE_NS_NEW;
		later = check(&cage);
		/* An ordinary user may lack the capability, which is another matter. */
		ok(refused && (later == 0 || later == -EPERM), "%s takes its namespace",
			rows[i].name);
	}
}

static void test_passed(void)
{
	int fds[] = {0, 777};
	struct cage cage = {.passed = fds, .n_passed = 1};
	bool fine = !check(&cage);

	cage.n_passed = 2;
	ok(fine && check(&cage) == -EBADF, "what is passed has to be open");
}

static int open_as(enum cage_ns kind, const char *path)
{
	scoped(spaces_done) struct spaces spaces = SPACES_NONE;
	struct cage cage = {0};
	struct err e = {0};

	cage.namespaces[kind] = (struct cage_namespace){CAGE_NS_JOIN, path, "--ns"};
	if (spaces_open(&cage, &spaces, &e))
		return -e.code;
	return spaces.fds[kind];
}

static void test_joined(void)
{
	ok(open_as(CAGE_NS_NET, "/proc/self/ns/net") >= 0, "a network namespace is one");
	ok(open_as(CAGE_NS_NET, "/proc/self/ns/ipc") == -EINVAL, "an IPC namespace is none");
	ok(open_as(CAGE_NS_NET, "/dev/null") == -EINVAL, "nor is a device");
	ok(open_as(CAGE_NS_NET, "/proc/self/ns/none") == -ENOENT, "nor what does not exist");
	ok(open_as(CAGE_NS_USER, "/proc/self/ns/user") == -1,
		"the caller's own user namespace is there already");
}

static long boottime(void)
{
	struct timespec now = {0};

	(void)clock_gettime(CLOCK_BOOTTIME, &now);
	return now.tv_sec;
}

static void in_time_namespace(void *arg)
{
	struct cage cage = {.set_clocks = true, .boottime = {.s = AHEAD_S}};
	struct err e = {0};
	long before = boottime(), ahead;

	(void)arg;
	cage.namespaces[CAGE_NS_TIME].how = CAGE_NS_NEW;
	if (unshare(CLONE_NEWUSER) && geteuid() != 0)
		_exit(SKIPPED);
	if (spaces_set_clocks(&cage, &e)) {
		printf("# %s\n", e.text);
		_exit(1);
	}
	ahead = boottime() - before - AHEAD_S;
	_exit(ahead >= 0 && ahead < HOUR ? 0 : 1);
}

static void test_clocks(void)
{
	int status = tap_child(in_time_namespace, NULL);

	if (WIFEXITED(status) && WEXITSTATUS(status) == SKIPPED)
		tap_skip("root", "clocks", "no user namespaces");
	else
		ok(WIFEXITED(status) && !WEXITSTATUS(status),
			"the caller itself is in the time namespace, without an execve");
}

static void in_directory(void (*body)(void))
{
	char path[] = "/tmp/sysclamp-parts.XXXXXX", command[64];
	scoped_fd int back = open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (!mkdtemp(path) || chdir(path)) {
		ok(false, "a directory");
		return;
	}
	body();
	(void)!fchdir(back);
	snprintf(command, sizeof(command), "rm -r %s", path);
	(void)!system(command);
}

static void put(const char *path, const char *text)
{
	scoped_fd int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0755);

	if (fd < 0 || write(fd, text, strlen(text)) != (ssize_t)strlen(text))
		ok(false, "%s", path);
}

static void try_programs(void)
{
	static const struct {
		const char *path;
		int code;
	} rows[] = {
		{"/proc/self/exe", -EPERM},
		{"./script", -EPERM},
		{"./chain", -EPERM},
		{"./link", -EPERM},
		{"./harmless", 0},
		{"./endless", 0},
		{"./void", 0},
		{"./none", 0},
		{"/", 0},
		{"/dev/null", 0},
		{"/bin/true", 0},
	};
	struct own_program own;
	struct err e = {0};

	put("script", "#!/proc/self/exe");
	put("chain", "#! ./script x\n");
	put("harmless", "#!/bin/true\n");
	put("endless", "#!./endless\n");
	put("void", "#!\n");
	if (symlink("/proc/self/exe", "link") || own_program_find(&own, &e))
		ok(false, "%s", e.text);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		ok(own_program_refuse(&own, rows[i].path, &e) == rows[i].code, "%s: %d",
			rows[i].path, rows[i].code);
}

static void nest(void *arg)
{
	struct launch_stops stops = {0};
	int ends[2];
	char byte = 0;

	(void)arg;
	if (launch_tell_stop(SIGTSTP) || socketpair(AF_UNIX, SOCK_STREAM, 0, ends))
		_exit(1);
	launch_nest(ends[0], &stops);
	if (!launch_tell_stop(SIGTSTP) || recv(ends[1], &byte, 1, 0) != 1 || byte != SIGTSTP ||
		stops.told != 1)
		_exit(2);
	/* Nobody listens any more: that is not waited for, nor does it end the caller. */
	close(ends[1]);
	_exit(launch_tell_stop(SIGTSTP) ? 0 : 3);
}

static void test_nested(void)
{
	ok(tap_child(nest, NULL) == 0, "who is nested tells of a stop");
}

int main(void)
{
	test_needs();
	test_passed();
	test_joined();
	test_clocks();
	in_directory(try_programs);
	test_nested();
	return tap_done();
}
