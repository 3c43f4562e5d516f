#include "descendants.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "num.h"
#include "scope.h"

/* At a time: the rest is met in the next round. */
enum { CHILDREN_MAX = 256, NAME_MAX_SIZE = 64, TEXT_SIZE = 4096 };

/* Children of the calling thread: this house starts processes from one thread only. */
#define OWN_CHILDREN "/proc/thread-self/children"

/* "12 34 56 ": numbers, each with a space behind it, as far as one read goes. */
static size_t take_numbers(char *text, pid_t *out, size_t room)
{
	size_t n = 0;
	char *rest = NULL;

	for (char *word = strtok_r(text, " ", &rest); word && n < room;
		word = strtok_r(NULL, " ", &rest)) {
		uint64_t pid;

		if (!num_parse(word, INT32_MAX, &pid))
			out[n++] = (pid_t)pid;
	}
	return n;
}

/* A number that was cut at the end of @text is left out. */
static size_t read_list(const char *path, pid_t *out, size_t room)
{
	char text[TEXT_SIZE];
	scoped_fd int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t size = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);
	char *end;

	if (size <= 0)
		return 0;
	text[size] = '\0';
	end = strrchr(text, ' ');
	if (end)
		*end = '\0';
	return take_numbers(text, out, room);
}

size_t descendants_children(pid_t pid, pid_t *out, size_t room)
{
	char name[NAME_MAX_SIZE];
	const struct dirent *entry;
	scoped(scope_closedir) DIR *tasks = NULL;
	size_t n = 0;

	if (pid == 0)
		return read_list(OWN_CHILDREN, out, room);
	(void)snprintf(name, sizeof(name), "/proc/%d/task", pid);
	tasks = opendir(name);
	while (tasks && n < room && (entry = readdir(tasks))) {
		uint64_t tid;

		if (num_parse(entry->d_name, INT32_MAX, &tid))
			continue;
		(void)snprintf(name, sizeof(name), "/proc/%d/task/%d/children", pid, (pid_t)tid);
		n += read_list(name, out + n, room - n);
	}
	return n;
}

int descendants_adopt(struct descendants *out, struct err *e)
{
	if (access(OWN_CHILDREN, R_OK))
		return err_sys(e, errno,
			"%s: without it nobody can tell what the command has started: mount /proc, "
			"on a kernel with CONFIG_PROC_CHILDREN",
			OWN_CHILDREN);
	out->n_spared = descendants_children(0, out->spared, DESCENDANTS_SPARED);
	if (out->n_spared == DESCENDANTS_SPARED)
		return err_set(e, E2BIG,
			"%d processes or more are children of this one already, and the command's "
			"cannot be told from them: start it as a process of its own, not by exec",
			DESCENDANTS_SPARED);
	if (prctl(PR_GET_CHILD_SUBREAPER, &out->was_reaper, 0L, 0L, 0L) ||
		prctl(PR_SET_CHILD_SUBREAPER, 1L, 0L, 0L, 0L))
		return err_sys(e, errno, "becoming a child subreaper");
	return 0;
}

void descendants_release(const struct descendants *before)
{
	(void)prctl(PR_SET_CHILD_SUBREAPER, (long)before->was_reaper, 0L, 0L, 0L);
}

bool descendants_spare(const struct descendants *before, pid_t pid)
{
	for (size_t i = 0; i < before->n_spared; i++) {
		if (before->spared[i] == pid)
			return true;
	}
	return false;
}

/* Returns how many there are, ended ones that nobody has waited for included. */
static size_t kill_children(const struct descendants *before)
{
	pid_t children[CHILDREN_MAX];
	size_t n = descendants_children(0, children, CHILDREN_MAX), met = 0;

	for (size_t i = 0; i < n; i++) {
		if (descendants_spare(before, children[i]))
			continue;
		(void)kill(children[i], SIGKILL);
		met++;
	}
	return met;
}

void descendants_end(const struct descendants *before)
{
	while (kill_children(before)) {
		/* One that was killed ends; the others that have ended meanwhile go with it. */
		if (waitpid(-1, NULL, __WALL) < 0 && errno == ECHILD)
			return;
		while (waitpid(-1, NULL, __WALL | WNOHANG) > 0)
			continue;
	}
}
