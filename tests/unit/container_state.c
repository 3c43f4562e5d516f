/*
 * container_state.c: which state files are believed.  The processes they name are this test and
 * children of it.
 */
#include "container_state.h"

#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "scope.h"
#include "tap.h"

enum { NOBODY = 65534, OTHER = 65533, INNER = 65532, LONG_AGO = 1000000000, TOO_LONG_S = 20 };

static char dir[] = "/tmp/sysclamp-test.XXXXXX";

static const char *state_path(void)
{
	static char path[PATH_MAX];

	(void)snprintf(path, sizeof(path), "%s/state", dir);
	return path;
}

static void put(const char *text)
{
	scoped_file FILE *file = NULL;

	(void)unlink(state_path());
	file = fopen(state_path(), "we");
	if (file)
		(void)fputs(text, file);
}

static void put_pid(pid_t pid)
{
	char text[32];

	(void)snprintf(text, sizeof(text), "%d\n", pid);
	put(text);
}

static pid_t by_number(void)
{
	return container_state_pid(state_path(), "web", NULL, NULL);
}

static pid_t by_json(void)
{
	return container_state_pid(state_path(), "web", "pid", "start");
}

/* As if the file had been written before any process of now began. */
static void age(void)
{
	const struct timespec times[2] = {{.tv_sec = LONG_AGO}, {.tv_sec = LONG_AGO}};

	(void)utimensat(AT_FDCWD, state_path(), times, 0);
}

static void test_used_again(void)
{
	char text[128];

	put_pid(getpid());
	ok(by_number() == getpid(), "a process that is older than its pidfile is meant");
	age();
	ok(!by_number(), "a younger one has the number of the one that was meant");
	(void)snprintf(text, sizeof(text), "{\"pid\": %d}", getpid());
	put(text);
	ok(by_json() == getpid(), "JSON without a start time: an older process is meant");
	age();
	ok(!by_json(), "a younger one is not");
	(void)snprintf(text, sizeof(text), "{\"pid\": %d, \"start\": %" PRIu64 "}", getpid(),
		container_start_time(getpid()));
	put(text);
	age();
	ok(by_json() == getpid(), "the same start time: meant, whatever the file's time");
	(void)snprintf(text, sizeof(text), "{\"pid\": %d, \"start\": %" PRIu64 "}", getpid(),
		container_start_time(getpid()) + 1);
	put(text);
	ok(!by_json(), "another start time: not meant, whatever the file's time");
}

/* Would it wait, it would be ended. */
static void read_fifo(void *arg)
{
	(void)arg;
	(void)alarm(TOO_LONG_S);
	_exit(by_number() || by_json());
}

static void test_no_file(void)
{
	char target[PATH_MAX];

	(void)unlink(state_path());
	(void)mkfifo(state_path(), 0644);
	ok(tap_child(read_fifo, NULL) == 0, "a FIFO is no state file, and is not waited for");
	put_pid(getpid());
	(void)snprintf(target, sizeof(target), "%s/target", dir);
	(void)rename(state_path(), target);
	(void)!symlink(target, state_path());
	ok(!by_number(), "a symbolic link is none");
	(void)unlink(target);
	(void)unlink(state_path());
	(void)mkdir(state_path(), 0755);
	ok(!by_number(), "nor is a directory");
	(void)rmdir(state_path());
	put("");
	ok(!by_number() && !by_json(), "an empty file names nobody");
	put("{\"pid\": 1, \"pid\": 1}");
	ok(!by_json(), "nor does one with a key twice");
}

static void tell(int fd, bool is_done)
{
	(void)!write(fd, is_done ? "y" : "n", 1);
}

static bool hear(int fd)
{
	char told = 'n';

	return read(fd, &told, 1) == 1 && told == 'y';
}

/* In the child: become @uid, and, if @apart, root of a user namespace of one's own. */
static void be_user(int fd, uid_t uid, bool apart)
{
	bool is_done = !setresuid(uid, uid, uid) && (!apart || !unshare(CLONE_NEWUSER));

	tell(fd, is_done);
	if (apart)
		tell(fd, is_done && hear(fd) && !setresuid(0, 0, 0));
	for (;;)
		(void)pause();
}

/* As newuidmap(1) does: root of the child's namespace is INNER outside of it. */
static bool map_inner(pid_t pid)
{
	char path[64];
	scoped_file FILE *map = NULL;

	(void)snprintf(path, sizeof(path), "/proc/%d/uid_map", pid);
	map = fopen(path, "we");
	return map && fprintf(map, "0 %d 1\n", INNER) > 0 && fflush(map) == 0;
}

/* A child of user @uid that waits; if @apart, in a namespace of theirs; 0: not possible. */
static pid_t child_of(uid_t uid, bool apart)
{
	int ends[2];
	bool is_done;
	pid_t pid;

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends))
		return 0;
	fflush(stdout);
	pid = fork();
	if (pid == 0)
		be_user(ends[1], uid, apart);
	is_done = hear(ends[0]);
	if (apart) {
		tell(ends[0], map_inner(pid));
		is_done = hear(ends[0]);
	}
	(void)close(ends[0]);
	(void)close(ends[1]);
	if (is_done)
		return pid;
	(void)kill(pid, SIGKILL);
	(void)waitpid(pid, NULL, 0);
	return 0;
}

static void end_child(pid_t pid)
{
	if (!pid)
		return;
	(void)kill(pid, SIGKILL);
	(void)waitpid(pid, NULL, 0);
}

static void test_owners(void)
{
	pid_t own, apart;

	if (geteuid() != 0) {
		tap_skip("root", "whose processes a user's file may name", "needs root");
		return;
	}
	own = child_of(NOBODY, false);
	put_pid(own);
	ok(own && by_number() == own, "root's file may name a user's process");
	(void)!chown(state_path(), NOBODY, NOBODY);
	ok(by_number() == own, "a user's file may name a process of that user's");
	(void)!chown(state_path(), OTHER, OTHER);
	ok(!by_number(), "but none of another user's");
	put_pid(getpid());
	(void)!chown(state_path(), NOBODY, NOBODY);
	ok(!by_number(), "nor of root's");
	end_child(own);
	apart = child_of(NOBODY, true);
	if (!apart) {
		tap_skip("root", "rootless containers", "users may make no user namespaces");
		return;
	}
	put_pid(apart);
	(void)!chown(state_path(), NOBODY, NOBODY);
	ok(by_number() == apart, "a user's file may name another user in a namespace of theirs: a "
				 "rootless container");
	(void)!chown(state_path(), OTHER, OTHER);
	ok(!by_number(), "but none in a namespace of another user's");
	end_child(apart);
}

/* Make cgroup @name of a hierarchy that is there, with @pid in it; its path goes to @path. */
static bool cgroup_make(const char *name, pid_t pid, char path[PATH_MAX])
{
	static const char *const MOUNTS[] = {"/sys/fs/cgroup/pids", "/sys/fs/cgroup"};

	for (size_t i = 0; i < ARRAY_LEN(MOUNTS); i++) {
		char procs[PATH_MAX];
		scoped_file FILE *file = NULL;

		(void)snprintf(path, PATH_MAX, "%s/%s", MOUNTS[i], name);
		(void)snprintf(procs, sizeof(procs), "%s/%s/cgroup.procs", MOUNTS[i], name);
		if (mkdir(path, 0755))
			continue;
		file = fopen(procs, "we");
		if (file && fprintf(file, "%d", pid) > 0 && fflush(file) == 0)
			return true;
		(void)rmdir(path);
	}
	return false;
}

/* Clocks are set: a file may be older by the clock than the process that it names. */
static void test_cgroup(void)
{
	pid_t pid = child_of(geteuid(), false);
	char name[64], other[64], path[PATH_MAX];

	(void)snprintf(name, sizeof(name), "sysclamp-test-%d.scope", getpid());
	(void)snprintf(other, sizeof(other), "test-%d0", getpid());
	put_pid(pid);
	age();
	if (!cgroup_make(name, pid, path)) {
		tap_skip("root", "a process in a container's cgroup", "no cgroup can be made");
		end_child(pid);
		return;
	}
	*strrchr(name, '.') = '\0';
	ok(container_state_pid(state_path(), name, NULL, NULL) == pid &&
			container_state_pid(state_path(), strchr(name, '-') + 1, NULL, NULL) == pid,
		"a younger process in a cgroup of the container's name is meant");
	ok(!container_state_pid(state_path(), other, NULL, NULL) &&
			!container_state_pid(state_path(), "est", NULL, NULL),
		"but not in one of another name");
	end_child(pid);
	ok(rmdir(path) == 0, "the cgroup is left empty");
}

int main(void)
{
	if (!mkdtemp(dir))
		return 1;
	test_used_again();
	test_no_file();
	test_owners();
	test_cgroup();
	(void)unlink(state_path());
	(void)rmdir(dir);
	return tap_done();
}
