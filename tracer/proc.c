#include "proc.h"

#include <dirent.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "num.h"
#include "scope.h"

enum { PROC_NAME_MAX = 64 };

bool proc_program(pid_t tid, char *path)
{
	char link[PROC_NAME_MAX];
	ssize_t len;

	(void)snprintf(link, sizeof(link), "/proc/%d/exe", tid);
	len = readlink(link, path, PROC_PATH_MAX - 1);
	if (len < 0)
		return false;
	path[len] = '\0';
	return true;
}

unsigned proc_filters(pid_t tid)
{
	char name[PROC_NAME_MAX], line[256];
	unsigned filters = 0;
	scoped_file FILE *status = NULL;

	(void)snprintf(name, sizeof(name), "/proc/%d/status", tid);
	status = fopen(name, "re");
	while (status && fgets(line, sizeof(line), status)) {
		if (sscanf(line, "Seccomp_filters: %u", &filters) == 1)
			break;
	}
	return filters;
}

static void scope_closedir(DIR **dir)
{
	if (*dir)
		(void)closedir(*dir);
}

void proc_each_thread(pid_t tid, void (*each)(void *ctx, pid_t tid), void *ctx)
{
	char name[PROC_NAME_MAX];
	scoped(scope_closedir) DIR *dir = NULL;
	const struct dirent *entry;

	(void)snprintf(name, sizeof(name), "/proc/%d/task", tid);
	dir = opendir(name);
	while (dir && (entry = readdir(dir))) {
		uint64_t thread;

		if (!num_parse(entry->d_name, INT_MAX, &thread))
			each(ctx, (pid_t)thread);
	}
}
