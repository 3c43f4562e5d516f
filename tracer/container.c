#include "container.h"

#include <dirent.h>
#include <errno.h>
#include <glob.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "container_state.h"
#include "num.h"
#include "proc.h"
#include "scope.h"

/*
 * Where engines note the first process of a container.  The id is the name of the directory that
 * is @up components above the file.  Those that say most come first.
 */
static const struct place {
	const char *engine;
	const char *pattern; /* glob(7) */
	unsigned up;
	/* Keys in JSON; NULL: the file is the number of the process and nothing else. */
	const char *pid_key;
	const char *start_key; /* field 22 of /proc/PID/stat, proc(5) */
} PLACES[] = {
	/* containerd, pkg/process/init.go: the shim's bundle directory. */
	{"containerd", "/run/containerd/io.containerd.runtime.v2.task/*/*/init.pid", 1, NULL, NULL},
	/* containers/storage: podman's and CRI-O's directories of containers. */
	{"podman or CRI-O", "/run/containers/storage/*-containers/*/userdata/pidfile", 2, NULL,
		NULL},
	{"podman", "/run/user/*/containers/*-containers/*/userdata/pidfile", 2, NULL, NULL},
	/* runc, libcontainer/container.go: BaseState. */
	{"containerd", "/run/containerd/runc/*/*/state.json", 1, "init_process_pid",
		"init_process_start"},
	{"docker", "/run/docker/runtime-runc/*/*/state.json", 1, "init_process_pid",
		"init_process_start"},
	{"runc", "/run/runc/*/state.json", 1, "init_process_pid", "init_process_start"},
	{"runc", "/run/user/*/runc/*/state.json", 1, "init_process_pid", "init_process_start"},
	/* crun, src/libcrun/status.c. */
	{"crun", "/run/crun/*/status", 1, "pid", "process-start-time"},
	{"crun", "/run/user/*/crun/*/status", 1, "pid", "process-start-time"},
};

/* The name of the directory @up components above the file; @path is cut. */
static const char *id_in(char *path, unsigned up)
{
	char *slash = NULL;

	for (unsigned i = 0; i < up; i++) {
		slash = strrchr(path, '/');
		*slash = '\0';
	}
	return strrchr(path, '/') + 1;
}

static int look(const struct place *place, const char *path,
	int (*each)(void *ctx, const struct container *container), void *ctx)
{
	struct container container = {.pid = 0};
	scoped_free char *cut = strdup(path);
	const char *id = cut ? id_in(cut, place->up) : "";

	if (!container_id_is_valid(id))
		return 0;
	container.pid = container_state_pid(path, id, place->pid_key, place->start_key);
	if (!container.pid)
		return 0;
	strcpy(container.id, id);
	strcpy(container.engine, place->engine);
	return each(ctx, &container);
}

static int look_at_all(const struct place *place, const char *root,
	int (*each)(void *ctx, const struct container *container), void *ctx)
{
	char pattern[PATH_MAX];
	glob_t found = {0};
	int code = 0;

	(void)snprintf(pattern, sizeof(pattern), "%s%s", root, place->pattern);
	if (!glob(pattern, GLOB_NOSORT, NULL, &found)) {
		for (size_t i = 0; i < found.gl_pathc && !code; i++)
			code = look(place, found.gl_pathv[i], each, ctx);
	}
	globfree(&found);
	return code;
}

int container_each(
	const char *root, int (*each)(void *ctx, const struct container *container), void *ctx)
{
	for (size_t i = 0; i < ARRAY_LEN(PLACES); i++) {
		int code = look_at_all(&PLACES[i], root, each, ctx);

		if (code)
			return code;
	}
	return 0;
}

bool container_is_created(const char *root, const char *id)
{
	/* runc, libcontainer/container_linux.go: execFifoFilename; crun, src/libcrun/status.c. */
	static const char *const ROOTS[] = {"/run/runc", "/run/crun", "/run/containerd/runc/*",
		"/run/docker/runtime-runc/*", "/run/user/*/runc", "/run/user/*/crun"};
	char pattern[PATH_MAX];
	bool is_there = false;

	for (size_t i = 0; i < ARRAY_LEN(ROOTS) && !is_there; i++) {
		glob_t found = {0};

		(void)snprintf(pattern, sizeof(pattern), "%s%s/%s/exec.fifo", root, ROOTS[i], id);
		is_there = !glob(pattern, GLOB_NOSORT, NULL, &found);
		globfree(&found);
	}
	return is_there;
}

/* Those whose ids begin with what is looked for. */
struct search {
	const char *prefix;
	struct container found; /* the first one, or the one of exactly that id */
	bool exact;
	unsigned n; /* different ids */
	char others[ERR_TEXT_MAX / 2]; /* all ids, for people */
};

static void search_add(struct search *search, const struct container *container)
{
	size_t used = strlen(search->others);

	if (strncmp(container->id, search->prefix, strlen(search->prefix)) != 0 ||
		(search->n > 0 && !strcmp(search->found.id, container->id)))
		return;
	if (!strcmp(container->id, search->prefix))
		search->exact = true;
	if (search->n++ == 0 || !strcmp(container->id, search->prefix))
		search->found = *container;
	(void)snprintf(search->others + used, sizeof(search->others) - used, "%s%.64s",
		used ? ", " : "", container->id);
}

static int search_one(void *ctx, const struct container *container)
{
	search_add(ctx, container);
	return 0;
}

bool container_id_of(pid_t pid, char out[CONTAINER_ID_MAX])
{
	char name[64], line[PATH_MAX];
	scoped_file FILE *file = NULL;

	(void)snprintf(name, sizeof(name), "/proc/%d/cgroup", pid);
	file = fopen(name, "re");
	while (file && fgets(line, sizeof(line), file)) {
		line[strcspn(line, "\n")] = '\0';
		if (container_id_in_path(line, out))
			return true;
	}
	return false;
}

/* The id in one line of /proc/PID/cgroup: of an engine's, or a name that is looked for itself. */
static bool line_id(const struct search *search, char *line, char id[CONTAINER_ID_MAX])
{
	char *path = strchr(line, '/'), *last;

	if (!path)
		return false;
	path[strcspn(path, "\n")] = '\0';
	if (container_id_in_path(path, id))
		return true;
	last = strrchr(path, '/') + 1;
	if (strcmp(last, search->prefix) != 0 || !container_id_is_valid(last))
		return false;
	strcpy(id, last);
	return true;
}

/* What the cgroups of a process say.  The first process of a container is its oldest. */
static void search_process(struct search *search, pid_t pid)
{
	char name[64], line[PATH_MAX];
	struct container container = {.engine = "cgroup", .pid = pid};
	scoped_file FILE *file = NULL;

	(void)snprintf(name, sizeof(name), "/proc/%d/cgroup", pid);
	file = fopen(name, "re");
	while (file && fgets(line, sizeof(line), file)) {
		if (!line_id(search, line, container.id))
			continue;
		if (search->n > 0 && !strcmp(search->found.id, container.id) &&
			container_start_time(pid) < container_start_time(search->found.pid))
			search->found.pid = pid;
		search_add(search, &container);
	}
}

/* Where no state directory tells of it: an engine with directories of its own. */
static void search_cgroups(struct search *search)
{
	DIR *dir = opendir("/proc");
	const struct dirent *entry;
	pid_t pid;

	while (dir && (entry = readdir(dir))) {
		if (!num_parse_pid(entry->d_name, &pid))
			search_process(search, pid);
	}
	if (dir)
		(void)closedir(dir);
}

int container_find(const char *root, const char *prefix, struct container *out, struct err *e)
{
	struct search search = {.prefix = prefix};

	if (!container_id_is_valid(prefix))
		return err_set(e, EINVAL, "\"%s\" is no container's id", prefix);
	(void)container_each(root, search_one, &search);
	if (search.n == 0)
		search_cgroups(&search);
	if (search.n == 0)
		return err_set(e, ENOENT,
			"no container that runs has an id that begins with \"%s\": neither the "
			"state "
			"directories of runc, crun, containerd, podman and CRI-O nor a cgroup tell "
			"of "
			"one",
			prefix);
	if (search.n > 1 && !search.exact)
		return err_set(e, EEXIST, "%u containers have ids that begin with \"%s\": %s",
			search.n, prefix, search.others);
	*out = search.found;
	return 0;
}
