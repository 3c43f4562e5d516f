#include "supervisor.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include "host.h"
#include "scope.h"
#include "time_units.h"

/* Since Linux 6.6; include/uapi/linux/seccomp.h. */
#ifndef SECCOMP_IOCTL_NOTIF_SET_FLAGS
#define SECCOMP_USER_NOTIF_FD_SYNC_WAKE_UP (1UL << 0)
#define SECCOMP_IOCTL_NOTIF_SET_FLAGS	   SECCOMP_IOW(4, __u64)
#endif

enum { HELD_WAIT_MS = 100 };

/*
 * What is waited for beside calls: children, the guard's end and its continuation, the clock, the
 * guard's word that all shall end, and keys while a question is asked.
 */
static const int SIGNALS[] = {SIGCHLD, SIGCONT, SIGALRM, SIGTERM, SIGINT, SIGQUIT};

static int check_kernel(struct supervision *at, struct err *e)
{
	struct seccomp_notif_sizes sizes = {0};

	if (host_has_filter_flag(SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV) != 1)
		return err_set(e, ENOSYS,
			"--on-deny needs a kernel whose seccomp has WAIT_KILLABLE_RECV (Linux "
			"5.19): see sysclamp doctor");
	if (syscall(SYS_seccomp, SECCOMP_GET_NOTIF_SIZES, 0, &sizes))
		return err_sys(e, errno, "the sizes of seccomp's notifications");
	if (sizes.seccomp_notif > NOTIF_ROOM || sizes.seccomp_notif_resp > NOTIF_ROOM)
		return err_set(e, ENOSYS, "this kernel's seccomp notifications have %u bytes",
			sizes.seccomp_notif);
	at->notif_size = sizes.seccomp_notif;
	return 0;
}

/* poll(2) refuses when somebody has taken all descriptors from us (prlimit(2)); epoll does not. */
static bool wait_for(int waits, int fd, uint32_t events)
{
	struct epoll_event event = {.events = events, .data.fd = fd};

	return !epoll_ctl(waits, EPOLL_CTL_ADD, fd, &event);
}

int supervision_open(
	const struct supervisor *by, struct guard *guard, struct supervision *out, struct err *e)
{
	sigset_t set;

	*out = SUPERVISION_CLOSED;
	out->by = by;
	out->guard = guard;
	if (check_kernel(out, e))
		return -e->code;
	sigemptyset(&set);
	for (size_t i = 0; i < ARRAY_LEN(SIGNALS); i++)
		sigaddset(&set, SIGNALS[i]);
	out->signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	out->waits = epoll_create1(EPOLL_CLOEXEC);
	out->pause = epoll_create1(EPOLL_CLOEXEC);
	if (out->signals < 0 || !wait_for(out->waits, out->signals, EPOLLIN) ||
		!wait_for(out->pause, out->signals, EPOLLIN))
		return err_sys(e, errno, "descriptors for the supervisor");
	return by->begin ? by->begin(by->ctx, e) : 0;
}

void supervision_done(struct supervision *at)
{
	const struct itimerval never = {0};
	int *fds[] = {&at->signals, &at->listener, &at->waits, &at->pause};

	(void)setitimer(ITIMER_REAL, &never, NULL);
	for (size_t i = 0; i < ARRAY_LEN(fds); i++) {
		scope_close(fds[i]);
		*fds[i] = -1;
	}
}

static struct held held_of(struct supervision *at)
{
	return (struct held){at->listener, &at->asked.notif, &at->answer.resp};
}

bool denial_waits(const struct denial *denial)
{
	return !ioctl(denial->listener, SECCOMP_IOCTL_NOTIF_ID_VALID, &denial->id);
}

void supervision_end(struct supervision *at)
{
	at->ending = true;
	if (at->command > 0)
		(void)kill(at->command, SIGKILL);
}

/* What became of children: the command, and orphans that were adopted. */
static void take_children(struct supervision *at)
{
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG | WUNTRACED)) > 0) {
		if (pid != at->command)
			continue;
		if (WIFSTOPPED(status)) {
			if (at->private_stops)
				continue;
			at->suspended = guard_suspend(at->guard, WSTOPSIG(status));
			continue;
		}
		at->wait_status = status;
		at->command = 0;
	}
}

static void take_continue(struct supervision *at)
{
	if (guard_is_gone(at->guard))
		at->ending = true;
	else if (at->suspended && at->command > 0)
		launch_continue(at->command);
	at->suspended = false;
}

static void take_signals(struct supervision *at)
{
	struct signalfd_siginfo infos[ARRAY_LEN(SIGNALS)];
	ssize_t size = read(at->signals, infos, sizeof(infos));
	uint64_t seen = 0;

	for (ssize_t i = 0; (i + 1) * (ssize_t)sizeof(infos[0]) <= size; i++)
		seen |= 1ULL << infos[i].ssi_signo;
	/* First: it looks at whether the command has stopped again since. */
	if (seen >> SIGCONT & 1)
		take_continue(at);
	if (seen >> SIGCHLD & 1)
		take_children(at);
	if (seen >> SIGTERM & 1 && at->command == 0)
		at->ending = true;
	at->interrupted = seen & (1ULL << SIGINT | 1ULL << SIGQUIT);
	if (seen >> SIGALRM & 1 && at->by->tick)
		at->by->tick(at->by->ctx);
}

int supervision_wait(struct supervision *at, const struct denial *denial, int fd, uint32_t events)
{
	struct epoll_event met[2];
	bool ready = fd < 0;
	int n;

	if (fd >= 0 && !wait_for(at->pause, fd, events))
		return -errno;
	do {
		/* Nobody tells that the thread was killed. */
		n = epoll_wait(at->pause, met, ARRAY_LEN(met), HELD_WAIT_MS);
		take_signals(at);
		for (int i = 0; i < n; i++)
			ready |= met[i].data.fd == fd;
	} while (!ready && !at->ending && !at->interrupted && denial_waits(denial));
	if (fd >= 0)
		(void)epoll_ctl(at->pause, EPOLL_CTL_DEL, fd, NULL);
	if (at->ending || !denial_waits(denial))
		return -ESRCH;
	return at->interrupted ? -EINTR : 0;
}

void supervision_share_stops(struct supervision *at, bool stops)
{
	/* Those until here. */
	take_signals(at);
	at->private_stops = !stops;
}

void supervision_suspend(struct supervision *at)
{
	if (!at->suspended)
		at->suspended = guard_suspend(at->guard, SIGTTIN);
}

static int serve(struct supervision *at, struct err *e)
{
	struct seccomp_notif *notif = &at->asked.notif;
	struct held held = held_of(at);
	struct denial denial;
	pid_t process = 0;
	uint32_t action;

	memset(notif, 0, at->notif_size);
	if (ioctl(at->listener, SECCOMP_IOCTL_NOTIF_RECV, notif)) {
		/* It was killed before its call could be read; or there is nobody left. */
		if (errno == ENOENT || errno == EINTR || errno == ENOTCONN)
			return 0;
		return err_sys(e, errno, "reading what the filter asks");
	}
	denial = (struct denial){
		.tid = (pid_t)notif->pid,
		.call = &notif->data,
		.starts = at->starting,
		.listener = at->listener,
		.id = notif->id,
	};
	at->starting = false;
	action = at->by->decide(at->by->ctx, at, &denial);
	if (at->ending)
		return 0;
	switch (answer_give(&held, action, &process)) {
	case ANSWER_FAILED:
		return err_sys(e, errno, "answering what the filter asks");
	case ANSWERED_KILLED:
		at->killed |= process == at->command;
		return 0;
	default:
		return 0;
	}
}

void supervision_watch(struct supervision *at, pid_t command)
{
	at->command = command;
	guard_tell_command(at->guard, command);
}

void supervision_look(struct supervision *at)
{
	take_signals(at);
}

_Static_assert(POLLIN == EPOLLIN && POLLHUP == EPOLLHUP && POLLERR == EPOLLERR, "events");

/*
 * Wait for signals and calls: what has happened to the listener, 0 if nothing has.  poll(2) takes
 * less time than epoll_wait(2), until it refuses.
 */
static int wait_for_events(struct supervision *at, uint32_t *out_events)
{
	struct pollfd fds[] = {
		{.fd = at->signals, .events = POLLIN}, {.fd = at->listener, .events = POLLIN}};
	struct epoll_event met[2];
	int n = at->poll_refuses ? -1 : poll(fds, ARRAY_LEN(fds), -1);

	*out_events = n > 0 ? (uint32_t)fds[1].revents : 0;
	if (n >= 0) {
		if (fds[0].revents)
			take_signals(at);
		return 0;
	}
	at->poll_refuses |= errno == EINVAL;
	n = at->poll_refuses ? epoll_wait(at->waits, met, ARRAY_LEN(met), -1) : 0;
	for (int i = 0; i < n; i++) {
		if (met[i].data.fd == at->signals)
			take_signals(at);
		else
			*out_events = met[i].events;
	}
	return n < 0 && errno != EINTR ? -errno : 0;
}

static int step(struct supervision *at, struct err *e)
{
	uint32_t events = 0;

	if (wait_for_events(at, &events))
		return err_sys(e, errno, "waiting for the workload");
	if (!at->ending && events & EPOLLIN)
		return serve(at, e);
	/* No thread has the filter, so nobody will ask any more. */
	if (events & (EPOLLHUP | EPOLLERR)) {
		scope_close(&at->listener);
		at->listener = -1;
	}
	return 0;
}

static void start_clock(const struct supervisor *by)
{
	struct timeval period = {.tv_sec = by->tick_ms / MS_PER_S,
		.tv_usec = (suseconds_t)(by->tick_ms % MS_PER_S) * US_PER_MS};
	struct itimerval timer = {period, period};

	if (by->tick_ms)
		(void)setitimer(ITIMER_REAL, &timer, NULL);
}

/*
 * The thread that asks and the supervisor take turns: each is woken where the other one goes to
 * sleep, rather than on another CPU, which would have to be woken as well.  Kernels before 6.6
 * refuse, and are slower.
 */
static int listen_to(struct supervision *at, int listener, struct err *e)
{
	at->listener = listener;
	if (listener < 0)
		return 0;
	(void)ioctl(listener, SECCOMP_IOCTL_NOTIF_SET_FLAGS, SECCOMP_USER_NOTIF_FD_SYNC_WAKE_UP);
	return wait_for(at->waits, listener, EPOLLIN)
		       ? 0
		       : err_sys(e, errno, "waiting for what the filter asks");
}

/* The command's end, when all has been ended. */
static void take_last(struct supervision *at)
{
	int status = 0;

	if (at->command > 0 && waitpid(at->command, &status, 0) == at->command)
		at->wait_status = status;
	at->command = 0;
	guard_end_all(at->guard);
}

int supervision_run(
	struct supervision *at, int listener, bool starting, int *out_status, struct err *e)
{
	int code = listen_to(at, listener, e);

	at->starting = starting;
	start_clock(at->by);
	while (!code && !at->ending && (at->listener >= 0 || at->command > 0))
		code = step(at, e);
	if (code || at->ending) {
		supervision_end(at);
		take_last(at);
	}
	if (!code && guard_is_gone(at->guard))
		code = err_set(e, EOWNERDEAD, "the guard is gone");
	*out_status = at->wait_status;
	if (at->killed && WIFSIGNALED(at->wait_status) && WTERMSIG(at->wait_status) == SIGKILL)
		*out_status = W_EXITCODE(0, SIGSYS);
	return code;
}
