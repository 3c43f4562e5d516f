/*
 * The files that a container's annotations name: which of them a hook of root's takes.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "file.h"
#include "hook.h"
#include "profile.h"
#include "scope.h"

bool hook_extends(const struct hook_request *request)
{
	return request->base_profile && (strcmp(request->base_profile, request->profile) != 0 ||
						file_holds_something(request->profile));
}

/* Can @what be written to @file, an absolute path? */
static int check_output(const char *file, const char *what, struct err *e)
{
	scoped_free char *dir = strndup(file, (size_t)(strrchr(file, '/') - file) + 1);
	struct stat st;

	if (!dir)
		return err_nomem(e);
	if (!stat(file, &st) && S_ISDIR(st.st_mode))
		return err_set(e, EISDIR, "%s: is a directory", file);
	if (access(dir, W_OK | X_OK))
		return err_sys(e, errno, "%s: cannot write %s there", file, what);
	return 0;
}

int hook_refuse_other(const struct err *why, struct err *e)
{
	return err_set(
		e, EEXIST, "%s; what is there is kept: name another file, or remove it", why->text);
}

static int check_profile(const struct hook_request *request, struct err *e)
{
	scoped(profile_done) struct profile there = {0}, base = {0};
	struct err why = {0};

	if (check_output(request->profile, "a profile", e))
		return -e->code;
	if (file_holds_something(request->profile) &&
		profile_read(request->profile, &there, NULL, &why))
		return hook_refuse_other(&why, e);
	return hook_extends(request) ? profile_read(request->base_profile, &base, NULL, e) : 0;
}

/* Where it leads to, or will, behind all links; heap, NULL with errno. */
static char *destination(const char *file)
{
	scoped_free char *dir = strndup(file, (size_t)(strrchr(file, '/') - file) + 1);

	return access(file, F_OK) && dir ? realpath(dir, NULL) : realpath(file, NULL);
}

static bool is_inside(const char *path, const char *directory)
{
	size_t len = strlen(directory);

	/* The root directory alone ends in a slash. */
	return !strncmp(path, directory, len) &&
	       (directory[len - 1] == '/' || path[len] == '/' || !path[len]);
}

static int check_inside(const struct hook_request *request, const char *file, struct err *e)
{
	scoped_free char *directory = NULL, *to = NULL;

	if (!request->directory || !file)
		return 0;
	directory = realpath(request->directory, NULL);
	if (!directory)
		return err_sys(e, errno, "-d %s", request->directory);
	to = destination(file);
	if (!to)
		return err_sys(e, errno, "%s", file);
	return is_inside(to, directory)
		       ? 0
		       : err_set(e, EACCES, "%s: is not in %s, where alone this hook has files",
				 file, request->directory);
}

int hook_check_files(const struct hook_request *request, struct err *e)
{
	if (check_inside(request, request->recording, e) ||
		check_inside(request, request->profile, e) ||
		check_inside(request, request->base_profile, e))
		return -e->code;
	if (request->recording && check_output(request->recording, "a recording", e))
		return -e->code;
	return request->profile ? check_profile(request, e) : 0;
}
