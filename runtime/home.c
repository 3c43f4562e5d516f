#include "home.h"

#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "scope.h"

static const char NAME[] = "HOME=";

/* Not by getpwuid(3), which would load code from a root that is not trusted.  What stands there may
 * be no file. */
static FILE *open_passwd(void)
{
	scoped_fd int fd = open("/etc/passwd", O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	struct stat st;
	FILE *file;

	if (fd < 0 || fstat(fd, &st) || !S_ISREG(st.st_mode))
		return NULL;
	file = fdopen(fd, "r");
	if (file)
		(void)steal_fd(&fd);
	return file;
}

/* Heap: "HOME=/directory"; NULL without memory. */
static char *variable_of(uid_t uid)
{
	scoped_file FILE *file = open_passwd();
	const char *directory = "/";
	struct passwd *user = NULL;
	char *variable;

	do
		user = file ? fgetpwent(file) : NULL;
	while (user && user->pw_uid != uid);
	if (user && *user->pw_dir)
		directory = user->pw_dir;
	return asprintf(&variable, "%s%s", NAME, directory) < 0 ? NULL : variable;
}

int home_add(char *const *env, uid_t uid, char *const **out_env, struct err *e)
{
	size_t n = 0;
	char **grown;

	for (; env[n]; n++) {
		if (!strncmp(env[n], NAME, strlen(NAME))) {
			*out_env = env;
			return 0;
		}
	}
	grown = calloc(n + 2, sizeof(*grown));
	if (!grown)
		return err_nomem(e);
	memcpy(grown, env, n * sizeof(*grown));
	grown[n] = variable_of(uid);
	if (!grown[n]) {
		free(grown);
		return err_nomem(e);
	}
	*out_env = grown;
	return 0;
}
