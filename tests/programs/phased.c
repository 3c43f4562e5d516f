/* build: -static */
/*
 * A server whose calls tell its phases apart.  Before it waits for work it makes a call of its own,
 * then others on command: one for each letter that it reads, which it answers with the letter.
 *
 *	phased listen|inherited|never poll|epoll|select|thread
 *
 * "inherited": somebody gave it a listening socket; "thread": its second thread waits, by poll.
 */
#include <poll.h>
#include <pthread.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

static const struct {
	char letter;
	long nr;
} CALLS[] = {
	{'a', SYS_getpgid},
	{'b', SYS_getsid},
	{'c', SYS_getrusage},
	{'d', SYS_times},
	{'e', SYS_sysinfo},
};

static void begin_to_listen(void)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	/* The kernel chooses a name: unix(7), autobind. */
	if (fd < 0 ||
		bind(fd, (struct sockaddr *)&address, offsetof(struct sockaddr_un, sun_path)) ||
		listen(fd, 1))
		exit(1);
}

static void wait_for_work(const char *how)
{
	struct epoll_event event = {.events = EPOLLIN};
	static int epoll_fd = -1;
	fd_set fds;

	if (!strcmp(how, "select")) {
		FD_ZERO(&fds);
		FD_SET(STDIN_FILENO, &fds);
		(void)select(1, &fds, NULL, NULL, NULL);
	} else if (!strcmp(how, "epoll")) {
		if (epoll_fd < 0) {
			epoll_fd = epoll_create1(0);
			(void)epoll_ctl(epoll_fd, EPOLL_CTL_ADD, STDIN_FILENO, &event);
		}
		(void)epoll_wait(epoll_fd, &event, 1, -1);
	} else {
		struct pollfd input = {.fd = STDIN_FILENO, .events = POLLIN};

		(void)poll(&input, 1, -1);
	}
}

static void *serve(void *how)
{
	char letter;

	for (;;) {
		wait_for_work(how);
		if (read(STDIN_FILENO, &letter, 1) != 1)
			return NULL;
		for (size_t i = 0; i < sizeof(CALLS) / sizeof(CALLS[0]); i++) {
			static char room[1024];

			if (CALLS[i].letter == letter)
				(void)syscall(CALLS[i].nr, CALLS[i].nr == SYS_sysinfo ? room : NULL,
					room);
		}
		if (write(STDOUT_FILENO, &letter, 1) != 1)
			return NULL;
	}
}

int main(int argc, char **argv)
{
	pthread_t thread;

	if (argc < 3)
		return 2;
	/* No wait for work: nobody listens yet. */
	if (!strcmp(argv[1], "listen")) {
		(void)poll(NULL, 0, 0);
		begin_to_listen();
	}
	(void)syscall(SYS_sched_get_priority_max, 0);
	if (write(STDOUT_FILENO, "+", 1) != 1)
		return 1;
	if (strcmp(argv[2], "thread") != 0) {
		serve(argv[2]);
	} else if (pthread_create(&thread, NULL, serve, "poll") || pthread_join(thread, NULL)) {
		return 1;
	}
	(void)syscall(SYS_sched_get_priority_min, 0);
	return 0;
}
