/*
 * waiting FOR: print "ready", wait once for input (epoll, poll, read) or SIGUSR1 (sigwait), print
 * what the wait returned and its errno.
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

static int wait_epoll(void)
{
	struct epoll_event event = {.events = EPOLLIN};
	int fd = epoll_create1(EPOLL_CLOEXEC);

	return epoll_ctl(fd, EPOLL_CTL_ADD, 0, &event) ? -2 : epoll_wait(fd, &event, 1, -1);
}

static int wait_poll(void)
{
	struct pollfd input = {.fd = 0, .events = POLLIN};

	return poll(&input, 1, -1);
}

static int wait_read(void)
{
	char byte;

	return (int)read(0, &byte, 1);
}

static int wait_signal(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	return sigwaitinfo(&set, NULL);
}

int main(int argc, char **argv)
{
	static const struct {
		const char *name;
		int (*wait)(void);
	} ways[] = {{"epoll", wait_epoll}, {"poll", wait_poll}, {"read", wait_read},
		{"sigwait", wait_signal}};
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	sigprocmask(SIG_BLOCK, &set, NULL);
	for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
		int result;

		if (argc < 2 || strcmp(ways[i].name, argv[1]))
			continue;
		printf("ready\n");
		fflush(stdout);
		errno = 0;
		result = ways[i].wait();
		printf("%d %d\n", result, errno);
		return 0;
	}
	return 2;
}
