#include "host.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "scope.h"

bool host_line(const char *path, char *buf, size_t size)
{
	scoped_file FILE *file = fopen(path, "re");

	if (!file || !fgets(buf, (int)size, file))
		return false;
	buf[strcspn(buf, "\n")] = '\0';
	return true;
}

/* PROC_USER_INIT_INO, include/linux/proc_ns.h; told to programs as USER_NS_INIT_INO, linux/nsfs.h
 */
#define FIRST_USER_NAMESPACE 0xeffffffdu

enum host_answer host_in_user_namespace(void)
{
	struct stat st;

	if (stat("/proc/self/ns/user", &st))
		return HOST_UNKNOWN;
	return st.st_ino == FIRST_USER_NAMESPACE ? HOST_NO : HOST_YES;
}

/* Blanks, line ends and backslashes stand as \ooo: mangle_path() in fs/seq_file.c. */
static void unescape(char *text)
{
	char *to = text;
	unsigned byte;

	for (; *text; to++) {
		if (sscanf(text, "\\%3o", &byte) == 1) {
			*to = (char)byte;
			text += strlen("\\ooo");
		} else {
			*to = *text++;
		}
	}
	*to = '\0';
}

static void take_mount(struct host_cgroups *cgroups, const char *path, const char *type)
{
	cgroups->hierarchies += !strcmp(type, "cgroup");
	if (strcmp(type, "cgroup2") != 0 || cgroups->v2)
		return;
	cgroups->v2 = true;
	cgroups->v2_readable = !access(path, R_OK | X_OK);
	(void)snprintf(cgroups->v2_path, sizeof(cgroups->v2_path), "%s", path);
}

int host_cgroups(struct host_cgroups *out)
{
	scoped_file FILE *mounts = fopen("/proc/self/mountinfo", "re");
	scoped_free char *line = NULL;
	size_t room = 0;

	if (!mounts)
		return -errno;
	*out = (struct host_cgroups){0};
	while (getline(&line, &room, mounts) > 0) {
		/* id parent device root PATH options fields... - TYPE source options */
		const char *fields = strstr(line, " - ");
		char path[HOST_PATH_MAX], type[16];

		if (fields && sscanf(line, "%*s %*s %*s %*s %255s", path) == 1 &&
			sscanf(fields, " - %15s", type) == 1) {
			unescape(path);
			take_mount(out, path, type);
		}
	}
	return 0;
}
