/* build: -pthread */
/*
 * in_flight WAY: the first thread makes one blocking call (WAY names it, and perhaps how), while
 * another one reads standard input: at a byte it brings about what the call waits for.  Prints "+"
 * before the call and, when it has returned, "WAY RESULT ERRNO", with "early: " in front if that
 * was before it could.
 *
 * in_flight: print the ways, each with the call that it makes and the result that it must have.
 */
#include "in_flight.h"

static long call_read(void)
{
	char bytes[128];

	return read(in, bytes, sizeof(bytes)) > 0;
}

static long call_write(void)
{
	static char bytes[1 << 16];

	return write(out, bytes, sizeof(bytes));
}

static long call_recv(void)
{
	char byte;

	return recv(in, &byte, 1, 0);
}

static long call_recv_all(void)
{
	char bytes[2];

	return recv(in, bytes, sizeof(bytes), MSG_WAITALL);
}

static long call_accept(void)
{
	return accept(in, NULL, NULL) > 0;
}

static long call_connect(void)
{
	return connect(out, (struct sockaddr *)&address, address_size);
}

static int epoll(void)
{
	struct epoll_event event = {.events = EPOLLIN};
	int fd = epoll_create1(0);

	if (epoll_ctl(fd, EPOLL_CTL_ADD, in, &event))
		_exit(3);
	return fd;
}

static long call_epoll_wait(void)
{
	struct epoll_event event;

	return syscall(SYS_epoll_wait, epoll(), &event, 1L, -1L);
}

static long call_epoll_wait_timed(void)
{
	struct epoll_event event;

	return syscall(SYS_epoll_wait, epoll(), &event, 1L, HOUR_S * 1000L);
}

static long call_epoll_pwait(void)
{
	struct epoll_event event;
	sigset_t set;

	sigemptyset(&set);
	return epoll_pwait(epoll(), &event, 1, -1, &set);
}

static long call_epoll_pwait2(void)
{
	struct epoll_event event;

	return syscall(SYS_epoll_pwait2, epoll(), &event, 1L, &HOUR, NULL, 0L);
}

static long poll_for(int ms)
{
	struct pollfd input = {.fd = in, .events = POLLIN};

	return syscall(SYS_poll, &input, 1L, (long)ms);
}

static long call_poll(void)
{
	return poll_for(-1);
}

static long call_poll_timed(void)
{
	return poll_for(HOUR_S * 1000);
}

static long call_ppoll(void)
{
	struct pollfd input = {.fd = in, .events = POLLIN};
	sigset_t set;

	sigemptyset(&set);
	return ppoll(&input, 1, &HOUR, &set);
}

static long call_select(void)
{
	struct timeval hour = {.tv_sec = HOUR_S};
	fd_set set;

	FD_ZERO(&set);
	FD_SET(in, &set);
	return syscall(SYS_select, in + 1L, &set, NULL, NULL, &hour);
}

static long call_pselect(void)
{
	sigset_t mask;
	fd_set set;

	sigemptyset(&mask);
	FD_ZERO(&set);
	FD_SET(in, &set);
	return pselect(in + 1, &set, NULL, NULL, NULL, &mask);
}

/* The kernel writes back what is left of the time, and cannot: such a call is not begun again. */
static long call_pselect_constant(void)
{
	fd_set set;

	FD_ZERO(&set);
	FD_SET(in, &set);
	return syscall(SYS_pselect6, in + 1L, &set, NULL, NULL, &HOUR, NULL);
}

static long call_nanosleep(void)
{
	return syscall(SYS_nanosleep, &NAP, NULL);
}

static long call_clock_nanosleep(void)
{
	return clock_nanosleep(CLOCK_MONOTONIC, 0, &NAP, NULL);
}

static long call_clock_nanosleep_until(void)
{
	const struct timespec until = after(NAP);

	return clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL);
}

static long futex(int op, const struct timespec *timeout)
{
	return syscall(SYS_futex, &word, op, 0, timeout, NULL, FUTEX_BITSET_MATCH_ANY);
}

static long call_futex(void)
{
	return futex(FUTEX_WAIT_PRIVATE, NULL);
}

static long call_futex_timed(void)
{
	return futex(FUTEX_WAIT_PRIVATE, &HOUR);
}

static long call_futex_until(void)
{
	const struct timespec until = after(HOUR);

	return futex(FUTEX_WAIT_BITSET_PRIVATE, &until);
}

static long call_futex_waitv(void)
{
	const struct timespec until = after(HOUR);
	struct futex_waitv wait = {
		.uaddr = (uintptr_t)&word, .flags = FUTEX_32 | FUTEX_PRIVATE_FLAG};

	return syscall(SYS_futex_waitv, &wait, 1, 0, &until, CLOCK_MONOTONIC);
}

static long call_flock(void)
{
	return flock(in, LOCK_EX);
}

static long call_fcntl(void)
{
	struct flock all = {.l_type = F_WRLCK};

	return fcntl(in, F_OFD_SETLKW, &all);
}

static long call_wait4(void)
{
	return wait4(-1, NULL, 0, NULL) > 0;
}

static long call_waitid(void)
{
	siginfo_t info;

	return waitid(P_ALL, 0, &info, WEXITED);
}

static long call_semop(void)
{
	struct sembuf take = {.sem_op = -1};

	return semtimedop(id, &take, 1, NULL);
}

static long call_semtimedop(void)
{
	struct sembuf take = {.sem_op = -1};

	return semtimedop(id, &take, 1, &HOUR);
}

static long call_msgrcv(void)
{
	struct {
		long type;
		char text[8];
	} message;

	return msgrcv(id, &message, sizeof(message.text), 0, 0);
}

static long call_pause(void)
{
	return pause();
}

static long call_sigsuspend(void)
{
	sigset_t set;

	sigemptyset(&set);
	return sigsuspend(&set);
}

static long wait_signal(const struct timespec *timeout)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	return sigtimedwait(&set, NULL, timeout);
}

static long call_sigtimedwait(void)
{
	return wait_signal(&HOUR);
}

static long call_sigwaitinfo(void)
{
	return wait_signal(NULL);
}

static long call_io_getevents(void)
{
	struct io_event event;

	return syscall(SYS_io_getevents, aio, 1L, 1L, &event, &HOUR);
}

static const struct way {
	const char *name;
	long nr;
	void (*begin)(void);
	long (*call)(void);
	void (*wake)(void); /* NULL: it ends by itself, after NAP */
	long result;
	int error;
} WAYS[] = {
	{"read", SYS_read, with_pipe, call_read, wake_pipe, 1, 0},
	{"eventfd", SYS_read, with_eventfd, call_read, wake_pipe, 1, 0},
	{"timerfd", SYS_read, with_timer, call_read, NULL, 1, 0},
	{"inotify", SYS_read, with_watch, call_read, wake_pipe, 1, 0},
	{"signalfd", SYS_read, with_signalfd, call_read, wake_signal, 1, 0},
	{"write", SYS_write, fill_pipe, call_write, drain_pipe, 1 << 16, 0},
	{"recv", SYS_recvfrom, with_sockets, call_recv, wake_pipe, 1, 0},
	{"recv-timed", SYS_recvfrom, with_timed_sockets, call_recv, wake_pipe, 1, 0},
	{"recv-all", SYS_recvfrom, with_sockets, call_recv_all, wake_twice, 2, 0},
	{"accept", SYS_accept, with_listener, call_accept, wake_accept, 1, 0},
	{"accept-timed", SYS_accept, with_timed_listener, call_accept, wake_accept, 1, 0},
	{"connect-timed", SYS_connect, with_full_listener, call_connect, wake_connect, 0, 0},
	{"epoll_wait", SYS_epoll_wait, with_pipe, call_epoll_wait, wake_pipe, 1, 0},
	{"epoll_wait-timed", SYS_epoll_wait, with_pipe, call_epoll_wait_timed, wake_pipe, 1, 0},
	{"epoll_wait-signal", SYS_epoll_wait, with_handler_and_pipe, call_epoll_wait, wake_signal,
		-1, EINTR},
	{"epoll_pwait", SYS_epoll_pwait, with_pipe, call_epoll_pwait, wake_pipe, 1, 0},
	{"epoll_pwait-signal", SYS_epoll_pwait, with_handler_blocked, call_epoll_pwait, wake_signal,
		-1, EINTR},
	{"epoll_pwait2", SYS_epoll_pwait2, with_pipe, call_epoll_pwait2, wake_pipe, 1, 0},
	{"poll", SYS_poll, with_pipe, call_poll, wake_pipe, 1, 0},
	{"poll-timed", SYS_poll, with_pipe, call_poll_timed, wake_pipe, 1, 0},
	{"ppoll", SYS_ppoll, with_pipe, call_ppoll, wake_pipe, 1, 0},
	{"select", SYS_select, with_pipe, call_select, wake_pipe, 1, 0},
	{"pselect", SYS_pselect6, with_pipe, call_pselect, wake_pipe, 1, 0},
	{"pselect-constant", SYS_pselect6, with_pipe, call_pselect_constant, wake_pipe, 1, 0},
	{"nanosleep", SYS_nanosleep, with_nothing, call_nanosleep, NULL, 0, 0},
	{"clock_nanosleep", SYS_clock_nanosleep, with_nothing, call_clock_nanosleep, NULL, 0, 0},
	{"clock_nanosleep-until", SYS_clock_nanosleep, with_nothing, call_clock_nanosleep_until,
		NULL, 0, 0},
	{"futex", SYS_futex, with_nothing, call_futex, wake_futex, 0, 0},
	{"futex-timed", SYS_futex, with_nothing, call_futex_timed, wake_futex, 0, 0},
	{"futex-until", SYS_futex, with_nothing, call_futex_until, wake_futex, 0, 0},
	{"futex_waitv", SYS_futex_waitv, with_nothing, call_futex_waitv, wake_futex, 0, 0},
	{"flock", SYS_flock, with_files, call_flock, unlock, 0, 0},
	{"fcntl", SYS_fcntl, with_range, call_fcntl, unlock, 0, 0},
	{"wait4", SYS_wait4, with_child, call_wait4, wake_pipe, 1, 0},
	{"waitid", SYS_waitid, with_child, call_waitid, wake_pipe, 0, 0},
	{"semop", SYS_semtimedop, with_semaphore, call_semop, wake_semaphore, 0, 0},
	{"semtimedop", SYS_semtimedop, with_semaphore, call_semtimedop, wake_semaphore, 0, 0},
	{"msgrcv", SYS_msgrcv, with_queue, call_msgrcv, wake_queue, 8, 0},
	{"pause", SYS_pause, with_handler, call_pause, wake_signal, -1, EINTR},
	{"sigsuspend", SYS_rt_sigsuspend, with_handler_blocked, call_sigsuspend, wake_signal, -1,
		EINTR},
	{"sigtimedwait", SYS_rt_sigtimedwait, with_blocked_signal, call_sigtimedwait, wake_signal,
		SIGUSR1, 0},
	{"sigwaitinfo", SYS_rt_sigtimedwait, with_blocked_signal, call_sigwaitinfo, wake_signal,
		SIGUSR1, 0},
	{"io_getevents", SYS_io_getevents, with_aio, call_io_getevents, wake_pipe, 1, 0},
};
enum { N_WAYS = sizeof(WAYS) / sizeof(WAYS[0]) };

static void *wait_for_input(void *arg)
{
	const struct way *way = arg;
	char byte;

	if (read(0, &byte, 1) != 1)
		_exit(5);
	woken = true;
	if (way->wake)
		way->wake();
	return NULL;
}

static bool is_early(const struct way *way)
{
	struct timespec now;
	long ms;

	if (way->wake)
		return !woken;
	clock_gettime(CLOCK_MONOTONIC, &now);
	ms = (now.tv_sec - begun.tv_sec) * 1000 + (now.tv_nsec - begun.tv_nsec) / MS_NS;
	return ms < NAP_MS - 1;
}

static int wait_in(const struct way *way)
{
	pthread_t other;
	long result;
	int error;

	first = pthread_self();
	clock_gettime(CLOCK_MONOTONIC, &begun);
	way->begin();
	if (pthread_create(&other, NULL, wait_for_input, (void *)way))
		return 3;
	puts("+");
	fflush(stdout);
	errno = 0;
	result = way->call();
	error = result < 0 ? errno : 0;
	printf("%s%s %ld %d\n", is_early(way) ? "early: " : "", way->name, result, error);
	fflush(stdout);
	_exit(0);
}

int main(int argc, char **argv)
{
	for (int i = 0; i < N_WAYS; i++) {
		if (argc == 1)
			printf("%s %ld %ld %d\n", WAYS[i].name, WAYS[i].nr, WAYS[i].result,
				WAYS[i].error);
		else if (!strcmp(argv[1], WAYS[i].name))
			return wait_in(&WAYS[i]);
	}
	return argc == 1 ? 0 : 2;
}
