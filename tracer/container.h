/*
 * container.h: containers that run on this host, found as their engines left traces of them: in
 * state directories, and in the names of cgroups.  No engine is asked.
 */
#ifndef SYSCLAMP_CONTAINER_H
#define SYSCLAMP_CONTAINER_H

#include <stdbool.h>
#include <sys/types.h>

#include "err.h"

enum { CONTAINER_ID_MAX = 256, CONTAINER_ENGINE_MAX = 24 };

struct container {
	char id[CONTAINER_ID_MAX];
	char engine[CONTAINER_ENGINE_MAX]; /* by whose directory it was found, or "cgroup" */
	pid_t pid; /* of its first process */
};

/**
 * Find a running container by a prefix of its id that no other one's begins with, or by all of it.
 *
 * @root: what stands in front of the state directories' paths: "" or a directory; processes are
 * looked for in our own /proc.
 * Errors: -ENOENT none, with where was looked; -EACCES none where we may look; -EEXIST several,
 * also of one id in two engines, with ids and processes; -ENOMEM.
 */
int container_find(const char *root, const char *prefix, struct container *out, struct err *e);

/**
 * Whether a container was created and not started: its first process is the runtime's until that
 * executes the container's program.  runc and crun wait for that at a FIFO, exec.fifo.
 */
bool container_is_created(const char *root, const char *id);

/**
 * Call @each for every running container that the state directories tell of; for one that several
 * tell of several times, the same process each time.  What it returns other than 0 ends that, and
 * is returned.
 */
int container_each(
	const char *root, int (*each)(void *ctx, const struct container *container), void *ctx);

/**
 * The id in a cgroup's path or name as engines make them: of 64 hex digits, behind one of their
 * prefixes and before ".scope", or alone ("cri-containerd-<id>.scope", "/kubepods/pod<uid>/<id>").
 * What holds a container's monitor ("libpod-conmon-<id>") is none.
 *
 * Returns false if there is none; @out is untouched then.
 */
bool container_id_in_path(const char *path, char out[CONTAINER_ID_MAX]);

/**
 * The id in the names of a process's cgroups, as container_id_in_path() finds it.
 *
 * Returns false if there is none, or no such process.
 */
bool container_id_of(pid_t pid, char out[CONTAINER_ID_MAX]);

/** Whether a text may be a container's id: letters, digits and "_.+-", no "." in front. */
bool container_id_is_valid(const char *id);

#endif
