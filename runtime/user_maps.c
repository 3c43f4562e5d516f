#include "user_maps.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "caps.h"
#include "scope.h"

enum {
	PATH_SIZE = 64,
	NUMBER_SIZE = 12,
	NUMBERS = 3,
	MAPS_MAX = 340, /* UID_GID_MAP_MAX_EXTENTS of linux/user_namespace.h */
	SAID_SIZE = 200,
};

/* The two kinds of ids. */
struct kind {
	const char *file, *program, *subids;
	unsigned cap; /* that writing any map takes */
};

static const struct kind USERS = {"uid_map", "newuidmap", "/etc/subuid", CAP_SETUID};
static const struct kind GROUPS = {"gid_map", "newgidmap", "/etc/subgid", CAP_SETGID};

static int write_to_process(pid_t pid, const char *name, const char *text, struct err *e)
{
	char path[PATH_SIZE];
	scoped_fd int fd = -1;

	snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, name);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	/* In one piece: there is but one write(2). */
	if (fd < 0 || write(fd, text, strlen(text)) != (ssize_t)strlen(text))
		return err_sys(e, errno, "%s", path);
	return 0;
}

/* Heap: a line for each; NULL without memory. */
static char *text_of(const struct cage_maps *maps)
{
	size_t size = maps->n * (NUMBERS * NUMBER_SIZE) + 1, used = 0;
	char *text = calloc(1, size);

	for (size_t i = 0; text && i < maps->n; i++)
		used += (size_t)snprintf(text + used, size - used, "%u %u %u\n",
			maps->maps[i].inside, maps->maps[i].outside, maps->maps[i].count);
	return text;
}

static bool is_own(const struct cage_maps *maps, uint32_t id)
{
	return maps->n == 1 && maps->maps[0].count == 1 && maps->maps[0].outside == id;
}

/* The program's words, NULL-terminated, and the room that they lie in. */
struct words {
	char *argv[2 + NUMBERS * MAPS_MAX + 1];
	char room[1 + NUMBERS * MAPS_MAX][NUMBER_SIZE];
};

static void add_number(struct words *words, size_t *n, uint32_t number)
{
	snprintf(words->room[*n], NUMBER_SIZE, "%u", number);
	words->argv[1 + *n] = words->room[*n];
	(*n)++;
}

static struct words *words_of(const struct kind *kind, pid_t pid, const struct cage_maps *maps)
{
	struct words *words = calloc(1, sizeof(*words));
	size_t n = 0;

	if (!words)
		return NULL;
	words->argv[0] = (char *)kind->program;
	add_number(words, &n, (uint32_t)pid);
	for (size_t i = 0; i < maps->n; i++) {
		add_number(words, &n, maps->maps[i].inside);
		add_number(words, &n, maps->maps[i].outside);
		add_number(words, &n, maps->maps[i].count);
	}
	return words;
}

/* What the program is started with: no signal blocked, and what it says goes to @pipe_fd. */
static int set_up(posix_spawnattr_t *attributes, posix_spawn_file_actions_t *actions, int pipe_fd)
{
	sigset_t none;
	int error;

	sigemptyset(&none);
	error = posix_spawnattr_setflags(attributes, POSIX_SPAWN_SETSIGMASK);
	if (!error)
		error = posix_spawnattr_setsigmask(attributes, &none);
	return error ? error : posix_spawn_file_actions_adddup2(actions, pipe_fd, STDERR_FILENO);
}

static int spawn(char *const argv[], int pipe_fd, pid_t *out_pid)
{
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attributes;
	int error = posix_spawnattr_init(&attributes);

	if (error)
		return error;
	error = posix_spawn_file_actions_init(&actions);
	if (!error) {
		error = set_up(&attributes, &actions, pipe_fd);
		if (!error)
			error = posix_spawnp(
				out_pid, argv[0], &actions, &attributes, argv, environ);
		(void)posix_spawn_file_actions_destroy(&actions);
	}
	(void)posix_spawnattr_destroy(&attributes);
	return error;
}

/* The first line of what the program says, until its end; the rest is let go. */
static void hear(int fd, char line[SAID_SIZE])
{
	char rest[SAID_SIZE];
	size_t used = 0;
	ssize_t size;

	do {
		bool full = used == SAID_SIZE - 1;

		size = read(
			fd, full ? rest : line + used, full ? sizeof(rest) : SAID_SIZE - 1 - used);
		if (!full && size > 0)
			used += (size_t)size;
	} while (size > 0 || (size < 0 && errno == EINTR));
	line[used] = '\0';
	line[strcspn(line, "\n")] = '\0';
}

static int wait_for(pid_t program, const struct kind *kind, int *out_status, struct err *e)
{
	while (waitpid(program, out_status, 0) < 0) {
		if (errno != EINTR)
			return err_sys(e, errno, "waiting for %s", kind->program);
	}
	return 0;
}

static int run(const struct kind *kind, char *const argv[], struct err *e)
{
	scoped_fd int reads = -1, writes = -1;
	char said[SAID_SIZE];
	int fds[2], status, error;
	pid_t program;

	if (pipe2(fds, O_CLOEXEC))
		return err_sys(e, errno, "a pipe to %s", kind->program);
	reads = fds[0];
	writes = fds[1];
	error = spawn(argv, writes, &program);
	if (error)
		return err_sys(e, error,
			"mapping other IDs than your own takes root or %s (Debian: package "
			"uidmap): %s",
			kind->program, kind->program);
	scope_close(&writes);
	writes = -1;
	hear(reads, said);
	if (wait_for(program, kind, &status, e))
		return -e->code;
	if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
		return 0;
	return err_set(e, EPERM, "%s: what you may map is in %s", *said ? said : kind->program,
		kind->subids);
}

static int by_program(
	const struct kind *kind, pid_t pid, const struct cage_maps *maps, struct err *e)
{
	scoped_free struct words *words = words_of(kind, pid, maps);

	return words ? run(kind, words->argv, e) : err_nomem(e);
}

static int explain_write(const struct kind *kind, struct err *e)
{
	struct err cause = *e;

	if (cause.code == EPERM)
		return err_set(e, EPERM,
			"%s: the kernel refuses the map: two parts overlap, or it has an ID that "
			"the caller's own user namespace lacks",
			kind->file);
	return -cause.code;
}

static int write_map(
	const struct kind *kind, pid_t pid, const struct cage_maps *maps, bool own, struct err *e)
{
	scoped_free char *text = NULL;

	if (!maps->n || maps->n > MAPS_MAX)
		return err_set(e, EINVAL, "%s: from 1 to %d maps are possible, not %zu", kind->file,
			MAPS_MAX, maps->n);
	if (!own && !cap_is_effective(kind->cap))
		return by_program(kind, pid, maps, e);
	text = text_of(maps);
	if (!text)
		return err_nomem(e);
	return write_to_process(pid, kind->file, text, e) ? explain_write(kind, e) : 0;
}

/* Who maps their own group, and may do no more, has to deny setgroups(2): user_namespaces(7). */
static bool denies_groups(const struct cage *cage)
{
	return is_own(&cage->gid_maps, getegid()) && !cap_is_effective(GROUPS.cap);
}

int user_maps_write(pid_t pid, const struct cage *cage, struct err *e)
{
	bool own_user = is_own(&cage->uid_maps, geteuid());
	bool own_group = is_own(&cage->gid_maps, getegid());

	if (denies_groups(cage) && write_to_process(pid, "setgroups", "deny", e))
		return -e->code;
	if (write_map(&GROUPS, pid, &cage->gid_maps, own_group, e))
		return -e->code;
	return write_map(&USERS, pid, &cage->uid_maps, own_user, e);
}

enum user_maps_fate user_maps_foresee_groups(const struct cage *cage)
{
	bool denied = false;
	struct err e;

	switch (cage->namespaces[CAGE_NS_USER].how) {
	case CAGE_NS_JOIN:
		return GROUPS_UNKNOWN;
	case CAGE_NS_NEW:
		if (denies_groups(cage))
			return GROUPS_STAY;
		/* What the caller's namespace denies, those made in it do: user_namespaces(7). */
		if (user_maps_groups(getpid(), &denied, &e))
			return GROUPS_UNKNOWN;
		return denied ? GROUPS_STAY : GROUPS_GO;
	default:
		return GROUPS_GO;
	}
}

int user_maps_groups(pid_t pid, bool *out_denied, struct err *e)
{
	char path[PATH_SIZE], text[NUMBER_SIZE] = "";
	scoped_fd int fd = -1;

	(void)snprintf(path, sizeof(path), "/proc/%d/setgroups", (int)pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || read(fd, text, sizeof(text) - 1) <= 0)
		return err_sys(e, errno, "%s", path);
	*out_denied = strcmp(text, "deny\n") == 0;
	return 0;
}
