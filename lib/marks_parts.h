/*
 * marks_parts.h: what the two sides of marks.h share: the directory, its sockets, and the answer.
 *
 * Sockets are of type SOCK_SEQPACKET.  A connection carries one request, the name without a NUL,
 * and one answer: "ok\nLABEL" or "no\nLABEL\nERROR".
 */
#ifndef SYSCLAMP_MARKS_PARTS_H
#define SYSCLAMP_MARKS_PARTS_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>
#include <sys/un.h>

#include "err.h"

enum {
	MARKS_LABEL_MAX = 256, /* with the NUL */
	MARKS_ANSWER_MAX = ERR_TEXT_MAX + MARKS_LABEL_MAX + 8,
	MARKS_NAME_MAX = 32, /* of a socket in the directory, with the NUL */
};

/** {0} is one that is not open. */
struct marks_dir {
	char *path; /* for messages; heap */
	int fd; /* -1, or valid if there is a path */
};

/**
 * Open the directory.
 *
 * @make: make it if it is missing; otherwise that is -ENOENT.
 */
int marks_dir_open(struct marks_dir *out, bool make, struct err *e);
void marks_dir_done(struct marks_dir *dir);

/** Remove the directory if it is empty, and none that somebody chose. */
void marks_dir_remove(const struct marks_dir *dir);

/** The address of the socket @name in it, however long the path of the directory is. */
struct sockaddr_un marks_dir_address(const struct marks_dir *dir, const char *name);

/** The name of the socket of process @pid, printed to @buf (MARKS_NAME_MAX bytes) and returned. */
const char *marks_socket_name(pid_t pid, char *buf);

/**
 * The processes that have a socket there, in ascending order.
 *
 * @out_pids: heap, owned by the caller.
 */
int marks_dir_list(const struct marks_dir *dir, pid_t **out_pids, size_t *out_len, struct err *e);

/**
 * Connect to the socket of process @pid; remove it if nobody listens any more.
 *
 * @timeout_s: for this and for each send and receive; 0: no waiting (SOCK_NONBLOCK).
 * Returns 0, -ENOENT when nobody listens, -EAGAIN after the timeout, or another -errno.
 */
int marks_dir_connect(const struct marks_dir *dir, pid_t pid, unsigned timeout_s, int *out_fd);

/** Whether the other end of a connection is of our own user or root. */
bool marks_peer_is_trusted(int fd);

#endif
