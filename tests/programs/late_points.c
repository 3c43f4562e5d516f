/*
 * The points of a program's life at which it may be held: how it is, it says at each.
 *
 *	late_points
 *
 * A line each for `constructor`, `main`, `symbol` (in the function moment), `listening` (before the
 * first wait for work), `serving` (behind it): Seccomp, Seccomp_filters, NoNewPrivs, and the errno
 *of a call (sched_yield).  Then it returns 42 from main, having left a line to be printed at exit.
 *
 *	late_points own|held TRIAL
 *
 * Strict mode, entered by itself or by somebody else: it says so, waits for a byte to read, and
 * tries: `return` 42 from main; `exit`, the call, with 42; `getpid`, the call; `stdio`, the same as
 * `return` behind a line that is left in the buffer; `thread` has had one before main.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

enum {
	STATUS = 42,
	MODE_STRICT = 1, /* SECCOMP_MODE_STRICT of linux/seccomp.h, which is not musl's */
};

static void say(const char *text)
{
	(void)!write(STDOUT_FILENO, text, strlen(text));
}

static const char *field(const char *status, const char *name)
{
	const char *found = strstr(status, name);

	return found ? found + strlen(name) : "0";
}

static void report(const char *point)
{
	char status[8192], text[128];
	int fd = open("/proc/self/status", O_RDONLY);
	ssize_t size = read(fd, status, sizeof(status) - 1);

	(void)close(fd);
	status[size < 0 ? 0 : size] = '\0';
	(void)snprintf(text, sizeof(text), "%s: %d %d %d %d\n", point,
		atoi(field(status, "\nSeccomp:\t")), atoi(field(status, "\nSeccomp_filters:\t")),
		atoi(field(status, "\nNoNewPrivs:\t")), syscall(SYS_sched_yield) ? errno : 0);
	say(text);
}

__attribute__((noinline)) void moment(void);
void moment(void)
{
	__asm__ volatile("");
	report("symbol");
}

static void *stay(void *unused)
{
	for (;;)
		(void)pause();
	return unused;
}

__attribute__((constructor)) static void construct(void)
{
	pthread_t thread;

	if (!getenv("LATE_POINTS"))
		report("constructor");
	else if (!strcmp(getenv("LATE_POINTS"), "thread"))
		(void)pthread_create(&thread, NULL, stay, NULL);
}

static void live(void)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);
	struct pollfd input = {.fd = fd, .events = POLLIN};

	report("main");
	moment();
	if (bind(fd, (struct sockaddr *)&address, offsetof(struct sockaddr_un, sun_path)) ||
		listen(fd, 1))
		_exit(1);
	report("listening");
	(void)poll(&input, 1, 0);
	report("serving");
	(void)printf("at exit\n");
}

int main(int argc, char **argv)
{
	char byte;

	if (argc < 3) {
		live();
		return STATUS;
	}
	if (!strcmp(argv[1], "own") && prctl(PR_SET_SECCOMP, MODE_STRICT))
		return 1;
	say("in main\n");
	(void)!read(STDIN_FILENO, &byte, 1);
	if (!strcmp(argv[2], "exit"))
		(void)syscall(SYS_exit, STATUS);
	else if (!strcmp(argv[2], "getpid"))
		(void)syscall(SYS_getpid);
	else if (!strcmp(argv[2], "stdio"))
		(void)printf("at exit\n");
	say("returns\n");
	return STATUS;
}
