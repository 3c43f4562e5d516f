#include "phase.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#include "num.h"
#include "scope.h"

static const char *const NAMES[PHASE_MARKS] = {
	[PHASE_START] = "start",
	[PHASE_SERVE] = "serve",
	[PHASE_EXEC] = "exec",
};

const char *phase_name(unsigned index)
{
	return index < PHASE_MARKS ? NAMES[index] : NULL;
}

int phase_check_name(const char *name, struct err *e)
{
	static const char GOOD[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				   "0123456789_.:@/-";
	size_t len = strlen(name);

	if (len == 0)
		return err_set(e, EINVAL, "a phase needs a name");
	if (len > PHASE_NAME_MAX)
		return err_set(e, EINVAL, "phase \"%.16s...\": the name has more than %d bytes",
			name, PHASE_NAME_MAX);
	if (strspn(name, GOOD) != len)
		return err_set(e, EINVAL,
			"phase \"%s\": a name has letters, digits and _.:@/- only", name);
	if (!strcmp(name, NAMES[PHASE_START]) || !strcmp(name, NAMES[PHASE_EXEC]))
		return err_set(e, EINVAL,
			"phase \"%s\": the recorder alone begins it; choose another name", name);
	return 0;
}

static const struct {
	const char *name;
	enum phase_role role;
} CALLS[] = {
	{"listen", PHASE_ROLE_LISTEN},
	{"accept", PHASE_ROLE_WAIT},
	{"accept4", PHASE_ROLE_WAIT},
	{"epoll_wait", PHASE_ROLE_WAIT},
	{"epoll_wait_old", PHASE_ROLE_WAIT},
	{"epoll_pwait", PHASE_ROLE_WAIT},
	{"epoll_pwait2", PHASE_ROLE_WAIT},
	{"poll", PHASE_ROLE_WAIT},
	{"ppoll", PHASE_ROLE_WAIT},
	{"ppoll_time64", PHASE_ROLE_WAIT},
	{"select", PHASE_ROLE_WAIT},
	{"_newselect", PHASE_ROLE_WAIT},
	{"pselect6", PHASE_ROLE_WAIT},
	{"pselect6_time64", PHASE_ROLE_WAIT},
};

int phase_err_full(struct err *e)
{
	return err_set(
		e, ENOSPC, "a recording has at most %d phases that are marked", PHASES_MARKED_MAX);
}

enum phase_role phase_role(const char *syscall_name)
{
	for (size_t i = 0; i < ARRAY_LEN(CALLS); i++) {
		if (!strcmp(CALLS[i].name, syscall_name))
			return CALLS[i].role;
	}
	return PHASE_ROLE_NONE;
}

/* Nothing else is worth a copy of the descriptor. */
static bool is_socket(int dir_fd, const char *name)
{
	static const char SOCKET[] = "socket:[";
	char target[32];
	ssize_t len = readlinkat(dir_fd, name, target, sizeof(target));

	return len >= (ssize_t)sizeof(SOCKET) && !memcmp(target, SOCKET, sizeof(SOCKET) - 1);
}

static bool is_listening(int fd)
{
	int listens = 0;
	socklen_t size = sizeof(listens);

	return !getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listens, &size) && listens;
}

/* Descriptor @number of the process of @pid_fd; -1: our own. */
static bool is_listener(int pid_fd, int number)
{
	scoped_fd int copy = -1;

	if (pid_fd < 0)
		return is_listening(number);
	copy = (int)syscall(SYS_pidfd_getfd, pid_fd, number, 0);
	return copy >= 0 && is_listening(copy);
}

bool phase_has_listener(pid_t pid)
{
	scoped_fd int pid_fd = -1;
	scoped(scope_closedir) DIR *dir = NULL;
	char path[32] = "/proc/self/fd";
	uint64_t number;

	/* First the process, then its number in a path: it cannot be another one's by then. */
	if (pid) {
		pid_fd = (int)syscall(SYS_pidfd_open, pid, 0);
		if (pid_fd < 0)
			return false;
		(void)snprintf(path, sizeof(path), "/proc/%d/fd", pid);
	}
	dir = opendir(path);
	if (!dir)
		return false;
	for (struct dirent *entry = readdir(dir); entry; entry = readdir(dir)) {
		if (!num_parse(entry->d_name, INT_MAX, &number) &&
			is_socket(dirfd(dir), entry->d_name) && is_listener(pid_fd, (int)number))
			return true;
	}
	return false;
}
