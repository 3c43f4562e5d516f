#include "container.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "container_state.h"
#include "num.h"
#include "proc.h"
#include "scope.h"

enum { SEARCH_CHUNK = 16, NAMED_MAX = 4 };

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
	struct container *found; /* heap; id and number together once */
	size_t n, room;
	bool is_out_of_memory;
};

static void search_done(struct search *search)
{
	free(search->found);
}

static void search_add(struct search *search, const struct container *container)
{
	if (search->n == search->room) {
		size_t room = search->room + SEARCH_CHUNK;
		struct container *grown = reallocarray(search->found, room, sizeof(*grown));

		search->is_out_of_memory |= !grown;
		if (!grown)
			return;
		search->found = grown;
		search->room = room;
	}
	search->found[search->n++] = *container;
}

/* Of a state directory: several may tell of one container. */
static int search_one(void *ctx, const struct container *container)
{
	struct search *search = ctx;

	if (strncmp(container->id, search->prefix, strlen(search->prefix)) != 0)
		return 0;
	for (size_t i = 0; i < search->n; i++) {
		if (search->found[i].pid == container->pid &&
			!strcmp(search->found[i].id, container->id))
			return 0;
	}
	search_add(search, container);
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

/* Of a cgroup: the first process of a container is its oldest. */
static void search_member(struct search *search, const struct container *container)
{
	for (size_t i = 0; i < search->n; i++) {
		struct container *found = &search->found[i];

		if (strcmp(found->id, container->id) != 0)
			continue;
		if (container_start_time(container->pid) < container_start_time(found->pid))
			found->pid = container->pid;
		return;
	}
	search_add(search, container);
}

/* What the cgroups of a process say, of which it has one a hierarchy. */
static void search_process(struct search *search, pid_t pid)
{
	char name[64], line[PATH_MAX];
	struct container container = {.engine = "cgroup", .pid = pid};
	scoped_file FILE *file = NULL;

	if (!container_start_time(pid))
		return;
	(void)snprintf(name, sizeof(name), "/proc/%d/cgroup", pid);
	file = fopen(name, "re");
	while (file && fgets(line, sizeof(line), file)) {
		if (line_id(search, line, container.id) &&
			!strncmp(container.id, search->prefix, strlen(search->prefix)))
			search_member(search, &container);
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

/* The first directory of state that we must not list, and so know nothing of. */
static int refuse_denied(const char *root, const char *prefix, struct err *e)
{
	for (size_t i = 0; i < ARRAY_LEN(PLACES); i++) {
		const char *pattern = PLACES[i].pattern;
		char dir[PATH_MAX];
		scoped_fd int fd = -1;

		(void)snprintf(
			dir, sizeof(dir), "%s%.*s", root, (int)strcspn(pattern, "*"), pattern);
		*strrchr(dir, '/') = '\0';
		fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		if (fd < 0 && errno == EACCES)
			return err_sys(e, EACCES,
				"container \"%.64s\": %s may not be read; run this as root", prefix,
				dir);
	}
	return 0;
}

static int refuse_none(const char *root, const char *prefix, struct err *e)
{
	if (refuse_denied(root, prefix, e))
		return -e->code;
	return err_set(e, ENOENT,
		"no container that runs has an id that begins with \"%.64s\": neither the state "
		"directories of runc, crun, containerd, podman and CRI-O nor a cgroup tell of one; "
		"if it is a name: podman inspect -f '{{.Id}}' %.64s; 'docker ps', 'crictl ps' and "
		"'runc list' show ids, too",
		prefix, prefix);
}

static int refuse_several(const struct search *search, struct err *e)
{
	char names[ERR_TEXT_MAX] = "";
	size_t used = 0;

	for (size_t i = 0; i < search->n && i < NAMED_MAX; i++) {
		const struct container *one = &search->found[i];

		used += (size_t)snprintf(names + used, sizeof(names) - used, "%s%.64s (%s, pid %d)",
			i ? ", " : "", one->id, one->engine, one->pid);
	}
	return err_set(e, EEXIST, "%zu containers have ids that begin with \"%.24s\": %s%s",
		search->n, search->prefix, names, search->n > NAMED_MAX ? ", ..." : "");
}

/* "web" means web, although web-2 begins with it too. */
static void prefer_exact(struct search *search)
{
	size_t n = 0;

	for (size_t i = 0; i < search->n; i++) {
		if (!strcmp(search->found[i].id, search->prefix))
			search->found[n++] = search->found[i];
	}
	if (n > 0)
		search->n = n;
}

int container_find(const char *root, const char *prefix, struct container *out, struct err *e)
{
	scoped(search_done) struct search search = {.prefix = prefix};

	if (!container_id_is_valid(prefix))
		return err_set(e, EINVAL, "\"%s\" is no container's id", prefix);
	(void)container_each(root, search_one, &search);
	if (search.n == 0)
		search_cgroups(&search);
	if (search.is_out_of_memory)
		return err_nomem(e);
	prefer_exact(&search);
	if (search.n == 0)
		return refuse_none(root, prefix, e);
	if (search.n > 1)
		return refuse_several(&search, e);
	*out = search.found[0];
	return 0;
}
