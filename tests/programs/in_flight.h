/*
 * in_flight.h: what the calls of in_flight.c need before, and what they wait for.
 */
#ifndef IN_FLIGHT_H
#define IN_FLIGHT_H

#include <errno.h>
#include <fcntl.h>
#include <linux/aio_abi.h>
#include <linux/futex.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/inotify.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/msg.h>
#include <sys/select.h>
#include <sys/sem.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { HOUR_S = 3600, NAP_MS = 1000, MS_NS = 1000000 };

static int in, out; /* the reading and the writing end of what the call is about */
static int id; /* of semaphores or a queue */
static uint32_t word; /* of a futex */
static pthread_t first;
static volatile bool woken;
static struct timespec begun;

static const struct timespec HOUR = {.tv_sec = HOUR_S};
static const struct timespec NAP = {.tv_sec = NAP_MS / 1000, .tv_nsec = NAP_MS % 1000 * MS_NS};

static struct timespec after(struct timespec period)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	now.tv_sec += period.tv_sec;
	now.tv_nsec += period.tv_nsec;
	now.tv_sec += now.tv_nsec / (1000 * MS_NS);
	now.tv_nsec %= 1000 * MS_NS;
	return now;
}

static void use(const int fds[2])
{
	in = fds[0];
	out = fds[1];
}

static void with_pipe(void)
{
	int fds[2];

	if (pipe(fds))
		_exit(3);
	use(fds);
}

static void fill_pipe(void)
{
	static char bytes[1 << 16];

	with_pipe();
	if (write(out, bytes, sizeof(bytes)) != sizeof(bytes))
		_exit(3);
}

static void with_sockets(void)
{
	int fds[2];

	if (socketpair(AF_UNIX, SOCK_STREAM, 0, fds))
		_exit(3);
	use(fds);
}

static void set_timeout(int fd, int which)
{
	const struct timeval hour = {.tv_sec = HOUR_S};

	if (setsockopt(fd, SOL_SOCKET, which, &hour, sizeof(hour)))
		_exit(3);
}

static void with_timed_sockets(void)
{
	with_sockets();
	set_timeout(in, SO_RCVTIMEO);
}

/* An abstract name of the kernel's choice (unix(7), autobind). */
static struct sockaddr_un address;
static socklen_t address_size = sizeof(address);

static void listening(int backlog)
{
	in = socket(AF_UNIX, SOCK_STREAM, 0);
	address.sun_family = AF_UNIX;
	if (bind(in, (struct sockaddr *)&address, sizeof(sa_family_t)) || listen(in, backlog) ||
		getsockname(in, (struct sockaddr *)&address, &address_size))
		_exit(3);
}

static int connect_now(void)
{
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	return connect(fd, (struct sockaddr *)&address, address_size) ? -1 : fd;
}

static void with_listener(void)
{
	listening(1);
}

static void with_timed_listener(void)
{
	listening(1);
	set_timeout(in, SO_RCVTIMEO);
}

/* Until nobody else is let in. */
static void with_full_listener(void)
{
	listening(0);
	if (connect_now() < 0)
		_exit(3);
	out = socket(AF_UNIX, SOCK_STREAM, 0);
	set_timeout(out, SO_SNDTIMEO);
}

static void with_files(void)
{
	in = memfd_create("locked", 0);
	char path[40];

	snprintf(path, sizeof(path), "/proc/self/fd/%d", in);
	out = open(path, O_RDWR);
	if (out < 0 || flock(out, LOCK_EX))
		_exit(3);
}

static void with_range(void)
{
	struct flock all = {.l_type = F_WRLCK};

	with_files();
	if (fcntl(out, F_OFD_SETLK, &all))
		_exit(3);
}

static void with_eventfd(void)
{
	in = out = eventfd(0, 0);
}

static void with_timer(void)
{
	const struct itimerspec once = {.it_value = NAP};

	in = timerfd_create(CLOCK_MONOTONIC, 0);
	if (timerfd_settime(in, 0, &once, NULL))
		_exit(3);
}

static void with_watch(void)
{
	char path[] = "/tmp/in_flight.XXXXXX";

	in = inotify_init1(0);
	out = mkstemp(path);
	if (inotify_add_watch(in, path, IN_MODIFY) < 0)
		_exit(3);
	unlink(path);
}

static sigset_t with_blocked(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	pthread_sigmask(SIG_BLOCK, &set, NULL);
	return set;
}

static void with_blocked_signal(void)
{
	(void)with_blocked();
}

static void with_signalfd(void)
{
	const sigset_t set = with_blocked();

	in = signalfd(-1, &set, 0);
}

static void on_signal(int signo)
{
	(void)signo;
}

static void with_handler(void)
{
	struct sigaction action = {.sa_handler = on_signal};

	sigaction(SIGUSR1, &action, NULL);
}

static void with_handler_and_pipe(void)
{
	with_handler();
	with_pipe();
}

static void with_handler_blocked(void)
{
	with_handler_and_pipe();
	with_blocked_signal();
}

static void with_child(void)
{
	with_pipe();
	if (!fork()) {
		char byte;

		close(out);
		_exit(read(in, &byte, 1) == 1 ? 0 : 1);
	}
}

static void with_semaphore(void)
{
	id = semget(IPC_PRIVATE, 1, 0600);
}

static void with_queue(void)
{
	id = msgget(IPC_PRIVATE, 0600);
}

static aio_context_t aio;

static void with_aio(void)
{
	struct iocb wait = {.aio_lio_opcode = IOCB_CMD_POLL, .aio_buf = POLLIN};
	struct iocb *all[] = {&wait};

	with_pipe();
	wait.aio_fildes = (uint32_t)in;
	if (syscall(SYS_io_setup, 1, &aio) || syscall(SYS_io_submit, aio, 1L, all) != 1)
		_exit(3);
}

static void with_nothing(void)
{
}

static void wake_pipe(void)
{
	if (write(out, "12345678", 8) != 8)
		_exit(4);
}

static void wake_twice(void)
{
	if (write(out, "1", 1) != 1 || write(out, "2", 1) != 1)
		_exit(4);
}

static void drain_pipe(void)
{
	static char bytes[1 << 16];

	if (read(in, bytes, sizeof(bytes)) <= 0)
		_exit(4);
}

static void wake_accept(void)
{
	if (connect_now() < 0)
		_exit(4);
}

static void wake_connect(void)
{
	if (accept(in, NULL, NULL) < 0)
		_exit(4);
}

static void wake_futex(void)
{
	word = 1;
	syscall(SYS_futex, &word, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
}

static void unlock(void)
{
	struct flock all = {.l_type = F_UNLCK};

	flock(out, LOCK_UN);
	fcntl(out, F_OFD_SETLK, &all);
}

static void wake_semaphore(void)
{
	struct sembuf give = {.sem_op = 1};

	semop(id, &give, 1);
}

static void wake_queue(void)
{
	const struct {
		long type;
		char text[8];
	} message = {1, "1234567"};

	msgsnd(id, &message, sizeof(message.text), 0);
}

static void wake_signal(void)
{
	pthread_kill(first, SIGUSR1);
}

#endif
