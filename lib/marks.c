#include "marks.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "marks_parts.h"
#include "phase.h"
#include "scope.h"

enum { TRIES_MAX = 8, BACKLOG = 64 };

struct marks_server {
	struct marks_dir dir;
	char name[MARKS_NAME_MAX]; /* of the socket in it; "" while it has none */
	char label[MARKS_LABEL_MAX];
	int epoll_fd, listen_fd; /* epoll_fd: of the listening socket and of all clients */
	int clients[MARKS_CLIENTS_MAX]; /* connected, have said nothing yet; the oldest first */
	size_t n_clients;
};

static void server_free(struct marks_server *server)
{
	if (!server)
		return;
	if (server->name[0] && !unlinkat(server->dir.fd, server->name, 0))
		marks_dir_remove(&server->dir);
	for (size_t i = 0; i < server->n_clients; i++)
		(void)close(server->clients[i]);
	scope_close(&server->listen_fd);
	scope_close(&server->epoll_fd);
	marks_dir_done(&server->dir);
	free(server);
}

static void scope_server_free(struct marks_server **server)
{
	server_free(*server);
}

/* Sockets of recorders that are no more are removed by trying them. */
static int sweep(const struct marks_dir *dir, struct err *e)
{
	scoped_free pid_t *pids = NULL;
	size_t len = 0;

	if (marks_dir_list(dir, &pids, &len, e))
		return -e->code;
	for (size_t i = 0; i < len; i++) {
		scoped_fd int fd = -1;

		(void)marks_dir_connect(dir, pids[i], 0, &fd);
	}
	return 0;
}

/*
 * Bound and listening under another name first: nobody shall find a socket that is not listened to
 * yet and take it for a stale one.
 */
static int publish(struct marks_server *server, struct err *e)
{
	char name[MARKS_NAME_MAX], early[MARKS_NAME_MAX];
	struct sockaddr_un address;
	int dir_fd = server->dir.fd;

	(void)marks_socket_name(getpid(), name);
	(void)snprintf(early, sizeof(early), ".%d.new", getpid());
	address = marks_dir_address(&server->dir, early);
	(void)unlinkat(dir_fd, early, 0);
	if (bind(server->listen_fd, (const struct sockaddr *)&address, sizeof(address)))
		return err_sys(e, errno, "%s/%s: cannot make the socket (which needs /proc)",
			server->dir.path, name);
	if (listen(server->listen_fd, BACKLOG) ||
		renameat2(dir_fd, early, dir_fd, name, RENAME_NOREPLACE)) {
		(void)err_sys(e, errno,
			"%s/%s: cannot listen there; set SYSCLAMP_RUNTIME_DIR to another directory",
			server->dir.path, name);
		(void)unlinkat(dir_fd, early, 0);
		return -e->code;
	}
	memcpy(server->name, name, sizeof(name));
	return 0;
}

static int watch(const struct marks_server *server, int fd)
{
	struct epoll_event event = {.events = EPOLLIN, .data.fd = fd};

	return epoll_ctl(server->epoll_fd, EPOLL_CTL_ADD, fd, &event);
}

/* In the directory, which the last recorder of others may be removing right now. */
static int settle(struct marks_server *server, struct err *e)
{
	const struct err before = *e;
	int code = -ENOENT;

	for (int tries = 0; code == -ENOENT && tries < TRIES_MAX; tries++) {
		*e = before;
		marks_dir_done(&server->dir);
		if (marks_dir_open(&server->dir, true, e) || sweep(&server->dir, e))
			return -e->code;
		code = publish(server, e);
	}
	return code;
}

int marks_open(struct marks *out, const char *label, struct err *e)
{
	scoped(scope_server_free) struct marks_server *server = calloc(1, sizeof(*server));

	*out = (struct marks){0};
	if (!server)
		return err_nomem(e);
	server->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	server->listen_fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (server->epoll_fd < 0 || server->listen_fd < 0)
		return err_sys(e, errno, "a socket for marks");
	(void)snprintf(server->label, sizeof(server->label), "%s", label);
	text_tame(server->label);
	if (settle(server, e))
		return -e->code;
	if (watch(server, server->listen_fd))
		return err_sys(e, errno, "%s/%s", server->dir.path, server->name);
	out->server = steal_ptr(server);
	return 0;
}

void marks_close(struct marks *m)
{
	server_free(m->server);
	*m = (struct marks){0};
}

int marks_fd(const struct marks *m)
{
	return m->server ? m->server->epoll_fd : -1;
}

struct handler {
	int (*begin)(void *ctx, const char *name, struct err *e);
	void *ctx;
};

static int check_and_begin(
	const struct handler *handler, const char *name, size_t size, struct err *e)
{
	if (strlen(name) != size)
		return err_set(e, EINVAL, "a phase's name has a NUL in it");
	if (phase_check_name(name, e))
		return -e->code;
	return handler->begin(handler->ctx, name, e);
}

static bool has_gone(int fd)
{
	struct pollfd poll_fd = {.fd = fd};

	return poll(&poll_fd, 1, 0) > 0 && (poll_fd.revents & POLLHUP);
}

/* Answer what a client has sent; whether that is all with it. */
static bool answer(const struct marks_server *server, int fd, const struct handler *handler)
{
	char name[PHASE_NAME_MAX + 2] = "", text[MARKS_ANSWER_MAX];
	struct err e = {0};
	ssize_t size = recv(fd, name, sizeof(name) - 1, MSG_DONTWAIT);

	if (size < 0)
		return errno != EAGAIN && errno != EINTR;
	if (size == 0 || has_gone(fd))
		return true;
	if (check_and_begin(handler, name, (size_t)size, &e))
		(void)snprintf(text, sizeof(text), "no\n%s\n%s", server->label, e.text);
	else
		(void)snprintf(text, sizeof(text), "ok\n%s", server->label);
	(void)send(fd, text, strlen(text), MSG_DONTWAIT | MSG_NOSIGNAL);
	return true;
}

static void drop(struct marks_server *server, size_t at)
{
	(void)close(server->clients[at]);
	server->n_clients--;
	memmove(&server->clients[at], &server->clients[at + 1],
		(server->n_clients - at) * sizeof(server->clients[0]));
}

/* A connection that has said nothing yet is kept; of those that are too many, the oldest goes. */
static void keep(struct marks_server *server, int fd)
{
	if (watch(server, fd)) {
		(void)close(fd);
		return;
	}
	if (server->n_clients == MARKS_CLIENTS_MAX)
		drop(server, 0);
	server->clients[server->n_clients++] = fd;
}

void marks_serve(
	struct marks *m, int (*begin)(void *ctx, const char *name, struct err *e), void *ctx)
{
	const struct handler handler = {begin, ctx};
	struct marks_server *server = m->server;

	if (!server)
		return;
	for (size_t i = server->n_clients; i-- > 0;) {
		if (answer(server, server->clients[i], &handler))
			drop(server, i);
	}
	/* Not more at a time: the caller has other work, too. */
	for (size_t i = 0; i < MARKS_CLIENTS_MAX; i++) {
		int fd = accept4(server->listen_fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

		if (fd < 0)
			return;
		if (!marks_peer_is_trusted(fd) || answer(server, fd, &handler))
			(void)close(fd);
		else
			keep(server, fd);
	}
}
