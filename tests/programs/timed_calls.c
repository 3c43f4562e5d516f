/* build: -static */
/*
 * timed_calls LOG [NR:US]...: make a system call of each number, its arguments all -1, after US
 * microseconds each; then end.
 *
 * To LOG, which is appended to, goes a line when each has returned: its number, and the times
 * before and after it (CLOCK_REALTIME, nanoseconds).  Who kills the program knows by that which
 * calls it has made.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static long long now_ns(void)
{
	struct timespec now = {0};

	(void)clock_gettime(CLOCK_REALTIME, &now);
	return now.tv_sec * 1000000000ll + now.tv_nsec;
}

static int step(int fd, const char *text)
{
	char *end;
	long nr = strtol(text, &end, 10), us = *end == ':' ? strtol(end + 1, NULL, 10) : 0;
	struct timespec wait = {.tv_sec = us / 1000000, .tv_nsec = us % 1000000 * 1000};
	char line[96];
	long long before;
	int size;

	(void)nanosleep(&wait, NULL);
	before = now_ns();
	(void)syscall(nr, -1L, -1L, -1L, -1L, -1L, -1L);
	size = snprintf(line, sizeof(line), "%ld %lld %lld\n", nr, before, now_ns());
	return write(fd, line, (size_t)size) == size ? 0 : -1;
}

int main(int argc, char **argv)
{
	int fd = argc < 2 ? -1 : open(argv[1], O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0644);

	if (fd < 0)
		return 125;
	for (int i = 2; i < argc; i++) {
		if (step(fd, argv[i]))
			return 125;
	}
	return 0;
}
