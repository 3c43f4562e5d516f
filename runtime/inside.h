/*
 * inside.h: paths in a root that is not the caller's, by descriptors.
 *
 * Whoever made the root may have put symbolic links in it, and may exchange what is in it while it
 * is looked at.  So the kernel resolves each path, with the root as "/" for links too and without
 * the links of /proc that lead anywhere (openat2(2): RESOLVE_IN_ROOT, RESOLVE_NO_MAGICLINKS), and
 * what it has resolved is used by its descriptor only: nothing lies between check and use.
 */
#ifndef SYSCLAMP_INSIDE_H
#define SYSCLAMP_INSIDE_H

#include <limits.h>
#include <stdbool.h>
#include <sys/types.h>

#include "err.h"

/**
 * Open @path in the root @root (O_PATH).
 *
 * @flags: of open(2).  @strict: no symbolic link anywhere on the way.
 * Returns the descriptor, to be closed, or -errno: ELOOP for a link where there is to be none;
 * EAGAIN if what is in the root was moved about all the time (openat2(2)).
 */
int inside_open(int root, const char *path, int flags, bool strict);

/**
 * Open a place to mount something on (O_PATH), made if it is missing, with its parents: a
 * directory (mode 0755), or an empty file (0644), less the umask.  A symbolic link to what is
 * missing, such as an image's /etc/resolv.conf, is followed, and what it names is made.
 *
 * Returns the descriptor, which is never of a symbolic link, or -errno with @e saying what is wrong
 * with the path.
 */
int inside_make(int root, const char *path, bool directory, bool strict, struct err *e);

/**
 * Split a path: open the directory of its last part, made if it is missing, as inside_make() does;
 * @out_name points to that part, in @path.
 *
 * Returns the descriptor, or -errno with @e.  A path that ends in "/", "." or ".." has none:
 * EINVAL.
 */
int inside_parent(int root, const char *path, bool strict, const char **out_name, struct err *e);

/** Whether @fd is the root's own directory, in the mount that is the root. */
bool inside_is_root(int root, int fd);

/**
 * Where in the root @fd was, when it was last looked: its path without links ("/" for the root
 * itself), as proc(5) has it.  For rules about names; nothing is to be opened by it.
 *
 * Returns 0 or -errno.
 */
int inside_path(int root, int fd, char out[PATH_MAX]);

#endif
