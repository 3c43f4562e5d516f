/* build: -pthread */
/*
 * epoll_server PATH THREADS: a server on a Unix socket, each thread, the first one too, with an
 * epoll of its own; answers each 8-byte number with the next one.  It bears no surprise: an EINTR
 * without a signal handler, a call that is denied, a part of a request end it, with the call's
 * name. One more thread sleeps, and one waits for a signal, with timeouts.  Ends at SIGTERM, with
 * 0.
 */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

enum { BACKLOG = 128, EVENTS = 16, TICK_NS = 2000000 };

static int listener;

static void fail(const char *what)
{
	dprintf(2, "%s: %s\n", what, strerror(errno));
	_exit(1);
}

static void watch(int epoll, int fd, uint32_t events)
{
	struct epoll_event event = {.events = events, .data.fd = fd};

	if (epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event))
		fail("epoll_ctl");
}

static void take_client(int epoll)
{
	int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

	if (fd >= 0)
		watch(epoll, fd, EPOLLIN);
	else if (errno != EAGAIN)
		fail("accept4");
}

static void answer(int fd)
{
	uint64_t number;
	ssize_t size = recv(fd, &number, sizeof(number), 0);

	if (size == 0) {
		close(fd);
		return;
	}
	if (size < 0 && errno == EAGAIN)
		return;
	if (size != sizeof(number))
		fail("recv");
	number++;
	if (send(fd, &number, sizeof(number), MSG_NOSIGNAL) != sizeof(number) && errno != EPIPE)
		fail("send");
}

static void *serve(void *arg)
{
	struct epoll_event events[EVENTS];
	int epoll = epoll_create1(EPOLL_CLOEXEC);

	(void)arg;
	watch(epoll, listener, EPOLLIN | EPOLLEXCLUSIVE);
	for (;;) {
		int n = epoll_wait(epoll, events, EVENTS, 60 * 1000);

		if (n < 0)
			fail("epoll_wait");
		for (int i = 0; i < n; i++) {
			if (events[i].data.fd == listener)
				take_client(epoll);
			else
				answer(events[i].data.fd);
		}
	}
	return NULL;
}

static void *sleep_on(void *arg)
{
	const struct timespec tick = {.tv_nsec = TICK_NS};

	(void)arg;
	for (;;) {
		if (nanosleep(&tick, NULL))
			fail("nanosleep");
	}
	return NULL;
}

static void *wait_for_end(void *arg)
{
	const struct timespec tick = {.tv_nsec = TICK_NS};

	for (;;) {
		int sig = sigtimedwait(arg, NULL, &tick);

		if (sig == SIGTERM)
			_exit(0);
		if (sig >= 0 || errno != EAGAIN)
			fail("sigtimedwait");
	}
	return NULL;
}

static void start(void *(*run)(void *arg), void *arg)
{
	pthread_t thread;

	errno = pthread_create(&thread, NULL, run, arg);
	if (errno)
		fail("pthread_create");
}

int main(int argc, char **argv)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	sigset_t set;

	if (argc != 3)
		return 2;
	snprintf(address.sun_path, sizeof(address.sun_path), "%s", argv[1]);
	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	pthread_sigmask(SIG_BLOCK, &set, NULL);
	listener = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (bind(listener, (struct sockaddr *)&address, sizeof(address)) ||
		listen(listener, BACKLOG))
		fail(argv[1]);
	start(sleep_on, NULL);
	start(wait_for_end, &set);
	for (int i = 1; i < atoi(argv[2]); i++)
		start(serve, NULL);
	puts("+");
	fflush(stdout);
	serve(NULL);
}
