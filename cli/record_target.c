/*
 * record_attach.h: finding what is to be recorded.
 */
#include "record_attach.h"

#include <errno.h>
#include <limits.h>
#include <linux/magic.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "container.h"
#include "kubelet.h"
#include "num.h"
#include "proc.h"
#include "scope.h"
#include "thread_status.h"

/* What stands in front of the host's paths: a node recorder in a pod may see them elsewhere. */
static const char HOST_ROOT[] = "";

/* kill(2) finds threads by their IDs, too, and what waits to be reaped. */
static int check_process(pid_t pid, struct err *e)
{
	struct thread_status status;
	struct err unread;

	if (kill(pid, 0) && errno == ESRCH)
		return err_set(e, ESRCH, "--pid: there is no process %d; see ps -e", pid);
	if (thread_status_read(pid, &status, &unread))
		return 0;
	if (status.process != pid)
		return err_set(e, EINVAL, "--pid: %d is a thread of process %d: name that one", pid,
			status.process);
	if (thread_status_has_ended(&status))
		return err_set(e, ESRCH, "--pid: process %d has ended", pid);
	return 0;
}

static int find_process(const char *name, struct record_target *out, size_t *out_n, struct err *e)
{
	char program[PROC_PATH_MAX];
	pid_t pid;

	if (num_parse_pid(name, &pid))
		return err_set(e, EINVAL, "--pid: \"%s\" is no process ID", name);
	if (check_process(pid, e))
		return -e->code;
	out->pid = out->target.pid = pid;
	if (!proc_program(pid, program))
		strcpy(program, "process");
	(void)snprintf(out->label, sizeof(out->label), "%.200s-%s", basename(program), name);
	(void)snprintf(out->text, sizeof(out->text), "process %s", name);
	*out_n = 1;
	return 0;
}

static bool is_cgroup_2(const char *path)
{
	struct statfs fs;

	return !statfs(path, &fs) && fs.f_type == CGROUP2_SUPER_MAGIC;
}

/* Where version 2 is mounted, to @path; false if it is not. */
static bool cgroup_mount(char path[PATH_MAX])
{
	scoped_file FILE *mounts = fopen("/proc/self/mounts", "re");
	char line[2 * PATH_MAX];

	while (mounts && fgets(line, sizeof(line), mounts)) {
		char type[32];

		if (sscanf(line, "%*s %4095s %31s", path, type) == 2 && !strcmp(type, "cgroup2"))
			return true;
	}
	return false;
}

/* The name of a directory has none at its end. */
static void slashes_cut(char *path)
{
	for (size_t len = strlen(path); len > 1 && path[len - 1] == '/'; len--)
		path[len - 1] = '\0';
}

/* A directory, or the name that /proc/PID/cgroup shows. */
static int find_cgroup(const char *name, struct record_target *out, size_t *out_n, struct err *e)
{
	char mount[PATH_MAX] = "", path[PATH_MAX];
	struct stat st;

	(void)snprintf(path, sizeof(path), "%s", name);
	if (!is_cgroup_2(path)) {
		if (!cgroup_mount(mount))
			return err_set(e, ENOENT,
				"--cgroup %s: no cgroups of version 2 are mounted here; name the "
				"processes with --pid or --container",
				name);
		(void)snprintf(path, sizeof(path), "%.2000s/%.2000s", mount, name);
	}
	if (!is_cgroup_2(path) || stat(path, &st) || !S_ISDIR(st.st_mode))
		return err_set(e, ENOENT,
			"--cgroup %s: no cgroup of version 2: neither a directory nor one below %s",
			name, mount);
	out->target.cgroup = st.st_ino;
	(void)snprintf(out->text, sizeof(out->text), "cgroup %.250s", name);
	slashes_cut(path);
	(void)snprintf(out->label, sizeof(out->label), "%.200s", basename(path));
	strcpy(out->directory, path);
	*out_n = 1;
	return 0;
}

static int find_one(const struct container *container, struct record_target *out, struct err *e)
{
	char name[NAME_MAX + 1];

	*out = (struct record_target){
		.pid = container->pid, .target.mount_space = proc_mount_space(container->pid)};
	if (!out->target.mount_space && errno == EACCES)
		return err_set(e, EACCES,
			"container %.12s: its process %d is another user's; run this as root",
			container->id, container->pid);
	if (!out->target.mount_space)
		return err_sys(
			e, errno, "container %s: its process %d", container->id, container->pid);
	/* The runtime's own process becomes the container's when that is started. */
	out->target.starting = container_is_created(HOST_ROOT, container->id);
	if (out->target.starting)
		out->target.pid = container->pid;
	if (out->target.mount_space == proc_mount_space(getpid())) {
		/* Without one of its own: what its first process starts is all that is known. */
		out->target.mount_space = 0;
		out->target.pid = container->pid;
	}
	(void)snprintf(out->label, sizeof(out->label), "%.250s",
		kubelet_name(HOST_ROOT, container->id, name) ? container->id : name);
	(void)snprintf(out->text, sizeof(out->text), "container %.12s of %s (process %d)",
		container->id, container->engine, container->pid);
	return 0;
}

static int find_container(const char *name, struct record_target *out, size_t *out_n, struct err *e)
{
	struct container container;

	if (container_find(HOST_ROOT, name, &container, e) || find_one(&container, out, e))
		return -e->code;
	*out_n = 1;
	return 0;
}

/* Containers of a pod, as they are found. */
struct found {
	struct record_target *targets;
	size_t n;
	struct err *e;
};

static int add_of_pod(void *ctx, const struct container *container)
{
	struct found *found = ctx;

	if (found->n == RECORD_TARGETS_MAX)
		return err_set(found->e, E2BIG, "more than %d containers", RECORD_TARGETS_MAX);
	if (find_one(container, &found->targets[found->n], found->e))
		return -found->e->code;
	found->n++;
	return 0;
}

static int find_pod(const char *name, struct record_target *out, size_t *out_n, struct err *e)
{
	struct found found = {.targets = out, .e = e};

	if (kubelet_find(HOST_ROOT, name, add_of_pod, &found, e))
		return -e->code;
	*out_n = found.n;
	return 0;
}

int record_find(const struct record_request *request, struct record_target *out, size_t *out_n,
	struct err *e)
{
	static int (*const FIND[])(
		const char *name, struct record_target *out, size_t *out_n, struct err *e) = {
		[RECORD_PROCESS] = find_process,
		[RECORD_CGROUP] = find_cgroup,
		[RECORD_CONTAINER] = find_container,
		[RECORD_POD] = find_pod,
	};

	memset(out, 0, RECORD_TARGETS_MAX * sizeof(*out));
	return FIND[request->what](request->name, out, out_n, e);
}
