#include "container_state.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/nsfs.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <time.h>

#include "json.h"
#include "num.h"
#include "scope.h"

/* user_namespaces(7): namespaces can be nested 32 levels deep. */
enum {
	STATE_SIZE_MAX = 4 * 1024 * 1024,
	NESTED_MAX = 32,
	PROC_NAME_MAX = 64,
	ROUNDING_SECONDS = 2
};

/* What a state file says. */
struct claim {
	pid_t pid;
	uint64_t start; /* container_start_time(); 0: it does not tell */
	uid_t owner; /* of the file */
	time_t written;
};

uint64_t container_start_time(pid_t pid)
{
	char path[PROC_NAME_MAX], line[1024];
	scoped_file FILE *file = NULL;
	unsigned long long start;
	const char *fields;
	char state;

	(void)snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	file = fopen(path, "re");
	if (!file || !fgets(line, sizeof(line), file))
		return 0;
	/* The name, in parentheses, may hold anything. */
	fields = strrchr(line, ')');
	if (!fields || sscanf(fields + 1,
			       " %c %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s "
			       "%*s %*s %*s %llu",
			       &state, &start) != 2)
		return 0;
	return state == 'Z' || state == 'X' ? 0 : start;
}

/* Read the text of a regular file.  It must not wait: a user may have put a FIFO in its place. */
static bool read_text(const char *path, char **out_text, size_t *out_size, struct claim *claim)
{
	scoped_fd int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);
	scoped_free char *text = NULL;
	struct stat st;
	ssize_t size;

	if (fd < 0 || fstat(fd, &st) || !S_ISREG(st.st_mode) || st.st_size > STATE_SIZE_MAX)
		return false;
	text = malloc((size_t)st.st_size + 1);
	/* In one piece: engines put whole files in place. */
	size = text ? read(fd, text, (size_t)st.st_size) : -1;
	if (size <= 0)
		return false;
	text[size] = '\0';
	claim->owner = st.st_uid;
	claim->written = st.st_mtime;
	*out_size = (size_t)size;
	*out_text = steal_ptr(text);
	return true;
}

static bool get_u64(const struct json_at *at, const char *key, uint64_t max, uint64_t *out)
{
	struct json_at value;
	struct err e = {0};

	return json_get(at, key, &value) && !json_u64(&value, max, out, &e);
}

static bool claim_of_json(const char *path, char *text, size_t size, const char *pid_key,
	const char *start_key, struct claim *claim)
{
	scoped(json_doc_done) struct json_doc doc = {0};
	struct json_at root;
	struct err e = {0};
	uint64_t pid;

	if (json_parse(path, text, size, &doc, &e))
		return false;
	root = json_root(&doc);
	if (json_expect_object(&root, &e) || !get_u64(&root, pid_key, INT_MAX, &pid))
		return false;
	claim->pid = (pid_t)pid;
	(void)get_u64(&root, start_key, UINT64_MAX, &claim->start);
	return true;
}

static bool claim_read(
	const char *path, const char *pid_key, const char *start_key, struct claim *claim)
{
	scoped_free char *text = NULL;
	size_t size = 0;

	if (!read_text(path, &text, &size, claim))
		return false;
	if (pid_key)
		return claim_of_json(path, text, size, pid_key, start_key, claim);
	text[strcspn(text, "\n")] = '\0';
	return !num_parse_pid(text, &claim->pid);
}

/* Whether the process is in a user namespace of @uid's, or in one within such: ioctl_nsfs(2). */
static bool is_in_space_of(pid_t pid, uid_t uid)
{
	char path[PROC_NAME_MAX];
	scoped_fd int space = -1;
	uid_t owner;

	(void)snprintf(path, sizeof(path), "/proc/%d/ns/user", pid);
	space = open(path, O_RDONLY | O_CLOEXEC);
	for (unsigned i = 0; space >= 0 && i < NESTED_MAX; i++) {
		int outer;

		if (!ioctl(space, NS_GET_OWNER_UID, &owner) && owner == uid)
			return true;
		outer = ioctl(space, NS_GET_PARENT);
		(void)close(space);
		space = outer;
	}
	return false;
}

/* Others than root may speak of what is theirs: a user could else point us to any process. */
static bool may_claim(const struct claim *claim)
{
	char path[PROC_NAME_MAX];
	struct stat st;

	if (claim->owner == 0 || claim->owner == geteuid())
		return true;
	(void)snprintf(path, sizeof(path), "/proc/%d", claim->pid);
	return (!stat(path, &st) && st.st_uid == claim->owner) ||
	       is_in_space_of(claim->pid, claim->owner);
}

/* Whether @id is the end of a component of @line, but for ".scope". */
static bool line_names(const char *line, const char *id)
{
	size_t len = strlen(id);

	for (const char *at = line; (at = strstr(at, id)); at++) {
		bool begins = at > line && strchr("/-:", at[-1]);
		const char *end = at + len;

		end += strncmp(end, ".scope", strlen(".scope")) ? 0 : strlen(".scope");
		if (begins && strchr("/\n", *end))
			return true;
	}
	return false;
}

static bool is_in_cgroup_named(pid_t pid, const char *id)
{
	char path[PROC_NAME_MAX], line[PATH_MAX];
	scoped_file FILE *file = NULL;

	(void)snprintf(path, sizeof(path), "/proc/%d/cgroup", pid);
	file = fopen(path, "re");
	while (file && fgets(line, sizeof(line), file)) {
		if (line_names(line, id))
			return true;
	}
	return false;
}

/* When a process that started @ticks after boot did so by the clock of files. */
static time_t start_by_clock(uint64_t ticks)
{
	struct timespec now, up;

	(void)clock_gettime(CLOCK_REALTIME, &now);
	(void)clock_gettime(CLOCK_BOOTTIME, &up);
	return now.tv_sec - up.tv_sec + (time_t)(ticks / (uint64_t)sysconf(_SC_CLK_TCK));
}

/*
 * Whether the process that has the number now is the one that was meant.  Where the file does not
 * tell when it started: one that is older than the file, or that is in a cgroup of that name.
 * Either will do: a container may be without a cgroup of its own, and clocks are set.
 */
static bool is_meant(const struct claim *claim, const char *id)
{
	uint64_t start = container_start_time(claim->pid);

	if (!start || claim->start)
		return start && start == claim->start;
	return start_by_clock(start) <= claim->written + ROUNDING_SECONDS ||
	       is_in_cgroup_named(claim->pid, id);
}

pid_t container_state_pid(
	const char *path, const char *id, const char *pid_key, const char *start_key)
{
	struct claim claim = {0};

	if (!claim_read(path, pid_key, start_key, &claim) || claim.pid <= 0)
		return 0;
	return may_claim(&claim) && is_meant(&claim, id) ? claim.pid : 0;
}
