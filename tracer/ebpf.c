#include "ebpf.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <sys/timerfd.h>
#include <sys/wait.h>

#include "ebpf_alarm.h"
#include "ebpf_read.h"
#include "proc.h"
#include "scope.h"
#include "tracee.h"

int ebpf_open(void **out_state, struct err *e)
{
	struct ebpf_kernel *kernel;

	if (ebpf_kernel_new(&EBPF_LIMITS, &kernel, e))
		return -e->code;
	*out_state = kernel;
	return 0;
}

void ebpf_close(void *state)
{
	ebpf_kernel_free(state);
}

/* A recording under way. */
struct session {
	struct ebpf_kernel *kernel;
	const struct tracer_job *job;
	struct recording *rec;
	struct launch_end *end;
	struct ebpf_reader reader;
	struct ebpf_alarm alarm;
	struct tracee tracee;
	bool ended; /* the command, not all that it started */
	bool told_listeners;
};

static int on_event(void *ctx, void *data, size_t size)
{
	struct session *s = ctx;
	const struct ebpf_event *event = data;

	if (size >= sizeof(*event) && event->kind == EBPF_EVENT_PROGRAM)
		ebpf_reader_program(&s->reader, event, size);
	return 0;
}

static int sync_all(struct session *s, struct err *e)
{
	ebpf_kernel_poll(s->kernel);
	return ebpf_reader_sync(&s->reader, e);
}

static void warn(struct session *s)
{
	if (!s->kernel->state->listeners || s->told_listeners)
		return;
	s->told_listeners = true;
	tracer_tell_notifying(s->job);
}

static int tick(struct session *s, bool suspending, struct err *e)
{
	warn(s);
	if (!s->kernel->state->started || !s->job->tick)
		return 0;
	if (sync_all(s, e))
		return -e->code;
	s->job->tick(s->job->ctx, s->rec, s->tracee.pid, suspending);
	return 0;
}

/* The command has stopped, gone on, or ended; or an orphan has that fell to us as process 1. */
static int on_child(struct session *s, struct err *e)
{
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG | WUNTRACED)) > 0) {
		if (pid != s->tracee.pid || s->ended)
			continue;
		if (!WIFSTOPPED(status)) {
			s->end->wait_status = status;
			s->ended = true;
		} else {
			if (tick(s, true, e))
				return -e->code;
			launch_suspend_with(s->tracee.pid, WSTOPSIG(status));
		}
	}
	return 0;
}

/* Somebody who wants the recorder to end when the command has: what it left behind goes on. */
static bool is_asked_to_end(void)
{
	int sig = launch_left_signal();

	return sig == SIGINT || sig == SIGTERM || sig == SIGHUP || sig == SIGQUIT;
}

/* One that never started leaves nobody behind; it may have ended before its end was watched. */
static bool is_over(const struct session *s)
{
	const struct ebpf_state *state = s->kernel->state;

	return s->ended && (!state->started || is_asked_to_end() ||
				   !__atomic_load_n(&state->live, __ATOMIC_ACQUIRE));
}

/* Read away what made @fd readable. */
static void drain(int fd)
{
	char buffer[sizeof(struct signalfd_siginfo)];

	(void)!read(fd, buffer, sizeof(buffer));
}

enum { WAIT_RING, WAIT_CHILD, WAIT_TICK, WAITS };

static int wait_step(struct session *s, struct pollfd waits[WAITS], struct err *e)
{
	if (poll(waits, WAITS, -1) < 0)
		return errno == EINTR ? 0 : err_sys(e, errno, "waiting for the workload");
	if (waits[WAIT_RING].revents)
		ebpf_kernel_poll(s->kernel);
	if (waits[WAIT_CHILD].revents) {
		drain(waits[WAIT_CHILD].fd);
		if (on_child(s, e))
			return -e->code;
	}
	if (waits[WAIT_TICK].revents) {
		drain(waits[WAIT_TICK].fd);
		return tick(s, false, e);
	}
	return 0;
}

/* Until the last thread of the workload has ended. */
static int wait_all(struct session *s, int child_fd, int tick_fd, struct err *e)
{
	struct pollfd waits[WAITS] = {
		[WAIT_RING] = {.fd = ebpf_kernel_fd(s->kernel), .events = POLLIN},
		[WAIT_CHILD] = {.fd = child_fd, .events = POLLIN},
		[WAIT_TICK] = {.fd = tick_fd, .events = POLLIN},
	};

	/* What happened to it before child_fd was there. */
	if (on_child(s, e))
		return -e->code;
	while (!is_over(s)) {
		if (wait_step(s, waits, e))
			return -e->code;
	}
	return 0;
}

static int children_fd(struct err *e)
{
	sigset_t child;
	int fd;

	sigemptyset(&child);
	sigaddset(&child, SIGCHLD);
	(void)sigprocmask(SIG_BLOCK, &child, NULL);
	fd = signalfd(-1, &child, SFD_CLOEXEC | SFD_NONBLOCK);
	return fd < 0 ? err_sys(e, errno, "cannot wait for the command") : fd;
}

static int ticks_fd(unsigned period_ms, struct err *e)
{
	const struct timespec period = {
		.tv_sec = period_ms / 1000,
		.tv_nsec = (long)(period_ms % 1000) * 1000000,
	};
	const struct itimerspec setting = {.it_interval = period, .it_value = period};
	scoped_fd int fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);

	if (fd < 0 || timerfd_settime(fd, 0, &setting, NULL))
		return err_sys(e, errno, "cannot set up a timer");
	return steal_fd(&fd);
}

static int start(struct session *s, struct err *e)
{
	/* What holds us holds the command: a filter on this process may deny its calls. */
	if (proc_filters(getpid()) > 0 && ebpf_kernel_watch_returns(s->kernel, e))
		return -e->code;
	if (ebpf_alarm_start(s->kernel, &s->alarm, e))
		return -e->code;
	if (ebpf_kernel_watch(s->kernel, s->tracee.pid, e) ||
		launch_forward_signals(s->tracee.pid, e))
		return -e->code;
	return 0;
}

/* The watch has ended: what was seen in all. */
static int finish(struct session *s, struct err *e)
{
	ebpf_alarm_stop(&s->alarm);
	ebpf_kernel_stop(s->kernel);
	warn(s);
	ebpf_kernel_losses(s->kernel, s->rec);
	if (!s->kernel->state->started)
		return tracee_failure(&s->tracee, s->job, s->end, e);
	return sync_all(s, e);
}

static int follow(struct session *s, struct err *e)
{
	scoped_fd int child_fd = -1, tick_fd = -1;

	if (start(s, e))
		return -e->code;
	child_fd = children_fd(e);
	if (child_fd < 0)
		return child_fd;
	tick_fd = ticks_fd(s->job->tick_ms, e);
	if (tick_fd < 0)
		return tick_fd;
	if (tracee_go(&s->tracee, e) || wait_all(s, child_fd, tick_fd, e))
		return -e->code;
	return finish(s, e);
}

int ebpf_record(void *state, const struct tracer_job *job, struct recording *rec,
	struct launch_end *end, struct err *e)
{
	struct session s = {.kernel = state, .job = job, .rec = rec, .end = end};
	int code;

	*end = (struct launch_end){0};
	ebpf_reader_init(&s.reader, s.kernel, rec);
	code = ebpf_kernel_listen(s.kernel, on_event, &s, e);
	if (!code)
		code = launch_hold_signals(e);
	if (!code)
		code = tracee_start(job, false, &s.tracee, e);
	if (!code) {
		code = follow(&s, e);
		ebpf_alarm_stop(&s.alarm);
		tracee_done(&s.tracee);
	}
	return code;
}
