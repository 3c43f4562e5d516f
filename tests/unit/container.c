/*
 * container.h: containers by their engines' traces, laid out in a directory as the engines do it.
 * The processes are children of this test.
 */
#include "container.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <signal.h>
#include <stdint.h>
#include <sys/prctl.h>
#include <sys/stat.h>

#include "scope.h"
#include "tap.h"

#define ID_A "aa11c0de5e9d4f0b8a7c6d5e4f3a2b1c0d9e8f7a6b5c4d3e2f1a0b9c8d7e6f5a"
#define ID_B "aa11c0debbbb4f0b8a7c6d5e4f3a2b1c0d9e8f7a6b5c4d3e2f1a0b9c8d7e6f5b"
#define ID_C "cc33c0de5e9d4f0b8a7c6d5e4f3a2b1c0d9e8f7a6b5c4d3e2f1a0b9c8d7e6f5c"

enum { ROOM = 256 };

static char root[] = "/tmp/sysclamp-test.XXXXXX";
static pid_t alive, gone; /* a child that waits, and the number of one that has ended */

/* Make @path below the root, directories included. */
static void put(const char *text, const char *format, ...)
{
	char path[PATH_MAX], command[PATH_MAX + 64];
	size_t len = (size_t)snprintf(path, sizeof(path), "%s", root);
	scoped_file FILE *file = NULL;
	va_list args;

	va_start(args, format);
	(void)vsnprintf(path + len, sizeof(path) - len, format, args);
	va_end(args);
	(void)snprintf(command, sizeof(command), "mkdir -p \"$(dirname '%s')\"", path);
	if (system(command) == 0)
		file = fopen(path, "we");
	if (file)
		(void)fputs(text, file);
}

static void forget_all(void)
{
	char command[sizeof(root) + 64];

	(void)snprintf(command, sizeof(command), "rm -rf %s/*", root);
	(void)!system(command);
}

/* Field 22 of /proc/PID/stat; the name of this program has no blank in it. */
static uint64_t start_of(pid_t pid)
{
	char path[64];
	scoped_file FILE *file = NULL;
	uint64_t start = 0;

	(void)snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	file = fopen(path, "re");
	for (int field = 1; file && field < 22; field++)
		(void)!fscanf(file, "%*s");
	if (file)
		(void)!fscanf(file, "%" SCNu64, &start);
	return start;
}

/* Texts stay until the test has gone on for a while. */
static char *room(void)
{
	static char texts[32][ROOM];
	static unsigned next;

	return texts[next++ % ARRAY_LEN(texts)];
}

static const char *state_of_runc(pid_t pid, uint64_t start)
{
	char *text = room();

	/* runc, libcontainer/container.go: BaseState; much else stands there too. */
	(void)snprintf(text, ROOM,
		"{\"id\":\"x\",\"init_process_pid\":%d,\"init_process_start\":%" PRIu64
		",\"created\":\"2026-01-01T00:00:00Z\",\"config\":{}}",
		pid, start);
	return text;
}

static const char *state_of_crun(pid_t pid, uint64_t start)
{
	char *text = room();

	/* crun, src/libcrun/status.c: libcrun_write_container_status(). */
	(void)snprintf(text, ROOM,
		"{\"pid\": %d, \"process-start-time\": %" PRIu64 ", \"cgroup-path\": \"\"}", pid,
		start);
	return text;
}

static const char *number(pid_t pid)
{
	char *text = room();

	(void)snprintf(text, ROOM, "%d", pid);
	return text;
}

/* Where an engine leaves what, and what is found of it. */
static void test_places(void)
{
	const struct {
		const char *path, *text, *engine;
	} rows[] = {
		{"/run/runc/" ID_A "/state.json", state_of_runc(alive, start_of(alive)), "runc"},
		/* rootless: $XDG_RUNTIME_DIR/runc */
		{"/run/user/1000/runc/" ID_A "/state.json", state_of_runc(alive, start_of(alive)),
			"runc"},
		{"/run/crun/" ID_A "/status", state_of_crun(alive, start_of(alive)), "crun"},
		{"/run/user/1000/crun/" ID_A "/status", state_of_crun(alive, start_of(alive)),
			"crun"},
		/* containerd, pkg/process/init.go, in the bundle of runtime v2. */
		{"/run/containerd/io.containerd.runtime.v2.task/k8s.io/" ID_A "/init.pid",
			number(alive), "containerd"},
		/* containerd's root for runc: options.Root, or /run/containerd/runc/<ns>. */
		{"/run/containerd/runc/default/" ID_A "/state.json",
			state_of_runc(alive, start_of(alive)), "containerd"},
		{"/run/docker/runtime-runc/moby/" ID_A "/state.json",
			state_of_runc(alive, start_of(alive)), "docker"},
		/* containers/storage, store.go: ContainerRunDirectory(); podman and CRI-O. */
		{"/run/containers/storage/overlay-containers/" ID_A "/userdata/pidfile",
			number(alive), "podman or CRI-O"},
		{"/run/containers/storage/vfs-containers/" ID_A "/userdata/pidfile", number(alive),
			"podman or CRI-O"},
		{"/run/user/1000/containers/overlay-containers/" ID_A "/userdata/pidfile",
			number(alive), "podman"},
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct container found = {0};
		struct err e = {0};

		forget_all();
		put(rows[i].text, "%s", rows[i].path);
		ok(!container_find(root, "aa11", &found, &e) && found.pid == alive, "%s: found %s",
			rows[i].path, e.text);
		is_text(found.id, ID_A, "its id");
		is_text(found.engine, rows[i].engine, "its engine");
	}
}

/* What is there and is no running container. */
static void test_not_running(void)
{
	const struct {
		const char *name, *path;
		const char *text;
	} rows[] = {
		{"the process has ended", "/run/runc/" ID_A "/state.json", state_of_runc(gone, 1)},
		{"its number is another's by now", "/run/crun/" ID_A "/status",
			state_of_crun(alive, start_of(alive) + 1)},
		{"no number", "/run/runc/" ID_A "/state.json", "{\"init_process_pid\": \"x\"}"},
		{"no process", "/run/crun/" ID_A "/status", "{\"pid\": 0}"},
		{"no JSON", "/run/runc/" ID_A "/state.json", "init_process_pid=1"},
		{"an array", "/run/runc/" ID_A "/state.json", "[1]"},
		{"an empty file", "/run/crun/" ID_A "/status", ""},
		{"a pidfile of words",
			"/run/containers/storage/overlay-containers/" ID_A "/userdata/pidfile",
			"one"},
		{"a name that is no id", "/run/crun/-rf ~/status",
			state_of_crun(alive, start_of(alive))},
		{"a hidden name", "/run/crun/.aa11/status", state_of_crun(alive, start_of(alive))},
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct container found = {.pid = 7};
		struct err e = {0};

		forget_all();
		put(rows[i].text, "%s", rows[i].path);
		ok(container_find(root, "aa11c0de", &found, &e) == -ENOENT && found.pid == 7,
			"%s: no container", rows[i].name);
		ok(strstr(e.text, "aa11c0de"), "the error names it: %s", e.text);
	}
}

static void test_prefixes(void)
{
	const char *running = state_of_runc(alive, start_of(alive));
	const struct {
		const char *prefix;
		int code;
		const char *id; /* or what the error says */
	} rows[] = {
		{"cc", 0, ID_C},
		{ID_C, 0, ID_C},
		{"aa11c0deb", 0, ID_B},
		{"aa11c0de", -EEXIST, "2 containers"},
		{"web", 0, "web"}, /* all of an id, although another begins with it */
		{"web-", 0, "web-2"},
		{"we", -EEXIST, "web"},
		{"dd", -ENOENT, "\"dd\""},
		{"dd", -ENOENT, "podman inspect -f '{{.Id}}' dd"},
		{"", -EINVAL, "no container's id"},
		{"a/b", -EINVAL, "\"a/b\" is no container's id"},
		{"..", -EINVAL, "\"..\" is no container's id"},
	};

	forget_all();
	put(running, "/run/runc/%s/state.json", ID_A);
	put(running, "/run/runc/%s/state.json", ID_B);
	put(running, "/run/runc/%s/state.json", ID_C);
	/* podman's containers are runc's as well. */
	put(number(alive), "/run/containers/storage/overlay-containers/%s/userdata/pidfile", ID_C);
	put(running, "/run/runc/web/state.json");
	put(running, "/run/runc/web-2/state.json");
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct container found = {0};
		struct err e = {0};
		int code = container_find(root, rows[i].prefix, &found, &e);

		ok(code == rows[i].code, "\"%s\": %d", rows[i].prefix, code);
		if (code)
			ok(strstr(e.text, rows[i].id), "it says: %s", e.text);
		else
			is_text(found.id, rows[i].id, "\"%s\": found", rows[i].prefix);
	}
}

/* What several directories tell of is one container; one id of two engines may be two. */
static void test_told_twice(void)
{
	struct container found = {0};
	struct err e = {0};

	forget_all();
	put(number(alive), "/run/containers/storage/overlay-containers/%s/userdata/pidfile", ID_A);
	put(number(alive), "/run/containers/storage/overlay-containers/%s/userdata/pidfile", ID_B);
	put(state_of_crun(alive, start_of(alive)), "/run/crun/%s/status", ID_A);
	put(state_of_crun(alive, start_of(alive)), "/run/crun/%s/status", ID_B);
	ok(container_find(root, "aa11", &found, &e) == -EEXIST &&
			strstr(e.text, "2 containers have ids that begin with \"aa11\": "),
		"each counts once: %s", e.text);
	forget_all();
	put(state_of_runc(alive, start_of(alive)), "/run/runc/web/state.json");
	put(state_of_crun(getpid(), start_of(getpid())), "/run/crun/web/status");
	ok(container_find(root, "web", &found, &e) == -EEXIST &&
			strstr(e.text, "web (runc, pid ") && strstr(e.text, "web (crun, pid "),
		"two containers of one id are told apart: %s", e.text);
	forget_all();
	for (unsigned i = 0; i < 40; i++)
		put(state_of_runc(alive, start_of(alive)), "/run/runc/%s%u/state.json", ID_A, i);
	ok(container_find(root, "aa11", &found, &e) == -EEXIST && strstr(e.text, "40 containers") &&
			strstr(e.text, ", ..."),
		"of many, some are named: %s", e.text);
}

static void find_denied(void *arg)
{
	enum { NOBODY = 65534 };
	struct container found = {0};
	struct err e = {0};

	(void)arg;
	if (setresuid(NOBODY, NOBODY, NOBODY))
		_exit(1);
	if (container_find(root, "aa11", &found, &e) != -EACCES)
		_exit(2);
	_exit(!strstr(e.text, "/run/runc may not be read; run this as root") ||
		container_find(root, "web", &found, &e) != 0);
}

static void test_denied(void)
{
	char path[PATH_MAX];

	if (geteuid() != 0) {
		tap_skip("root", "state that may not be read", "needs root to become another user");
		return;
	}
	forget_all();
	put(state_of_runc(alive, start_of(alive)), "/run/runc/%s/state.json", ID_A);
	put(state_of_crun(alive, start_of(alive)), "/run/crun/web/status");
	(void)snprintf(path, sizeof(path), "%s/run/runc", root);
	(void)chmod(path, 0700);
	(void)chmod(root, 0755);
	ok(tap_child(find_denied, NULL) == 0, "what may be there and may not be read is no "
					      "\"none\"; what is found elsewhere is found");
}

static void test_created(void)
{
	static const char *const ROOTS[] = {"/run/runc", "/run/crun", "/run/containerd/runc/k8s.io",
		"/run/docker/runtime-runc/moby", "/run/user/1000/runc", "/run/user/1000/crun"};

	for (size_t i = 0; i < ARRAY_LEN(ROOTS); i++) {
		forget_all();
		put("", "%s/%s/exec.fifo", ROOTS[i], ID_A);
		ok(container_is_created(root, ID_A) && !container_is_created(root, ID_B),
			"%s: created, and not started", ROOTS[i]);
	}
}

static int count(void *ctx, const struct container *container)
{
	(void)container;
	return ++*(int *)ctx == 3 ? 42 : 0;
}

static void test_each(void)
{
	int n = 0;

	forget_all();
	for (unsigned i = 0; i < 4; i++)
		put(state_of_runc(alive, start_of(alive)), "/run/runc/web-%u/state.json", i);
	ok(container_each(root, count, &n) == 42 && n == 3, "each ends when it is told to");
}

/* A child that nobody has waited for has a number, and runs no more. */
static void test_zombie(void)
{
	struct container found;
	struct err e = {0};
	pid_t pid = fork();
	siginfo_t info;

	if (pid == 0)
		_exit(0);
	(void)waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT);
	forget_all();
	put(number(pid), "/run/containerd/io.containerd.runtime.v2.task/x/%s/init.pid", ID_A);
	ok(container_find(root, "aa11c0de", &found, &e) == -ENOENT, "a zombie is no container");
	(void)waitpid(pid, NULL, 0);
}

static void test_cgroup_names(void)
{
	static const struct {
		const char *path, *id; /* NULL: none */
	} rows[] = {
		/* kubelet with cgroupfs, containerd: pkg/cri/server, getCgroupsPath(). */
		{"/kubepods/burstable/pod0f2c/" ID_A, ID_A},
		{"/kubepods/pod0f2c/" ID_A, ID_A},
		/* and with systemd */
		{"/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod0f2c.slice/"
		 "cri-containerd-" ID_A ".scope",
			ID_A},
		{"0::/system.slice/cri-containerd-" ID_B ".scope", ID_B},
		{"/kubepods.slice/kubepods-pod1.slice/crio-" ID_A ".scope", ID_A},
		{"/kubepods.slice/kubepods-pod1.slice/crio-" ID_A ".scope/container", ID_A},
		{"/kubepods.slice/kubepods-pod1.slice/crio-conmon-" ID_A ".scope", NULL},
		{"/machine.slice/libpod-" ID_A ".scope", ID_A},
		{"/machine.slice/libpod-" ID_A ".scope/container", ID_A},
		{"/libpod_parent/libpod-" ID_A, ID_A},
		{"/libpod_parent/conmon", NULL},
		{"/machine.slice/libpod-conmon-" ID_A ".scope", NULL},
		{"/user.slice/user-1000.slice/user@1000.service/user.slice/libpod-" ID_C
		 ".scope/container",
			ID_C},
		{"/docker/" ID_A, ID_A},
		{"/system.slice/docker-" ID_A ".scope", ID_A},
		{"/system.slice/nerdctl-" ID_A ".scope", ID_A},
		/* A node in a container: the innermost is meant. */
		{"/docker/" ID_A "/kubepods/besteffort/pod7/" ID_B, ID_B},
		{"/docker/" ID_A "/init.scope", ID_A},
		/* A name alone, as a cgroup's own. */
		{"cri-containerd-" ID_A ".scope", ID_A},
		{ID_A, ID_A},
		{"/", NULL},
		{"", NULL},
		{"/user.slice/session-3.scope", NULL},
		{"/kubepods/burstable/pod0f2c", NULL},
		/* One digit less, one more; upper case; other words around it. */
		{"/docker/a11c0de5e9d4f0b8a7c6d5e4f3a2b1c0d9e8f7a6b5c4d3e2f1a0b9c8d7e6f5a", NULL},
		{"/docker/" ID_A "0", NULL},
		{"/docker/AA11C0DE5E9D4F0B8A7C6D5E4F3A2B1C0D9E8F7A6B5C4D3E2F1A0B9C8D7E6F5A", NULL},
		{"/docker/x" ID_A, NULL},
		{"/docker/" ID_A ".service", NULL},
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		char id[CONTAINER_ID_MAX] = "none";

		(void)container_id_in_path(rows[i].path, id);
		is_text(id, rows[i].id ? rows[i].id : "none", "%s", rows[i].path);
	}
}

int main(void)
{
	if (!mkdtemp(root))
		return 1;
	gone = fork();
	if (gone == 0)
		_exit(0);
	(void)waitpid(gone, NULL, 0);
	alive = fork();
	if (alive == 0) {
		(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
		(void)pause();
		_exit(0);
	}
	test_places();
	test_not_running();
	test_prefixes();
	test_told_twice();
	test_denied();
	test_each();
	test_created();
	test_zombie();
	test_cgroup_names();
	forget_all();
	(void)rmdir(root);
	(void)kill(alive, SIGKILL);
	(void)waitpid(alive, NULL, 0);
	return tap_done();
}
