#include "ebpf.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <sys/wait.h>

#include "ebpf_session.h"
#include "proc.h"
#include "scope.h"
#include "tracee.h"

int ebpf_open(enum tracer_room room, void **out_state, struct err *e)
{
	static const struct ebpf_limits *const LIMITS[] = {
		[TRACER_COMMAND] = &EBPF_LIMITS,
		[TRACER_ONE] = &EBPF_LIMITS,
		[TRACER_SEVERAL] = &EBPF_LIMITS_SEVERAL,
		[TRACER_NODE] = &EBPF_LIMITS_NODE,
	};
	struct ebpf_limits limits = *LIMITS[room];
	struct ebpf_kernel *kernel;

	limits.attaches = room != TRACER_COMMAND;
	limits.discovers = room == TRACER_NODE;
	limits.origins = room != TRACER_NODE; /* for which their memory is too much */
	if (ebpf_kernel_new(&limits, &kernel, e))
		return -e->code;
	*out_state = kernel;
	return 0;
}

void ebpf_close(void *state)
{
	ebpf_kernel_free(state);
}

/* The command's target: the only one. */
enum { TARGET = 1 };

/* A recording under way. */
struct session {
	struct ebpf_session common;
	const struct tracer_job *job;
	struct recording *rec;
	struct launch_end *end;
	struct tracee tracee;
	bool ended; /* the command, not all that it started */
	bool told_listeners;
};

static const struct ebpf_target *target_of(const struct session *s)
{
	return &s->common.kernel->targets[TARGET];
}

static int sync_all(struct session *s, struct err *e)
{
	ebpf_kernel_poll(s->common.kernel);
	return ebpf_reader_sync(s->common.readers[TARGET], e);
}

static void warn(struct session *s)
{
	if (!s->common.kernel->state->listeners || s->told_listeners)
		return;
	s->told_listeners = true;
	tracer_tell_notifying(s->job);
}

static int tick(struct session *s, bool suspending, struct err *e)
{
	warn(s);
	if (!target_of(s)->started || !s->job->tick)
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
	const struct ebpf_target *target = target_of(s);

	return s->ended && (!target->started || is_asked_to_end() ||
				   !__atomic_load_n(&target->live, __ATOMIC_ACQUIRE));
}

enum { WAIT_RING, WAIT_CHILD, WAIT_TICK, WAIT_MARKS, WAITS };

static int wait_step(struct session *s, struct pollfd waits[WAITS], struct err *e)
{
	if (ebpf_session_wait(&s->common, waits, WAITS) < 0)
		return errno == EINTR ? 0 : err_sys(e, errno, "waiting for the workload");
	if (waits[WAIT_RING].revents)
		ebpf_kernel_poll(s->common.kernel);
	if (waits[WAIT_MARKS].revents)
		marks_serve(s->job->marks, ebpf_session_mark, &s->common);
	if (waits[WAIT_CHILD].revents) {
		ebpf_drain(waits[WAIT_CHILD].fd);
		if (on_child(s, e))
			return -e->code;
	}
	if (waits[WAIT_TICK].revents) {
		ebpf_drain(waits[WAIT_TICK].fd);
		return tick(s, false, e);
	}
	return 0;
}

/* Until the last thread of the workload has ended. */
static int wait_all(struct session *s, int child_fd, int tick_fd, struct err *e)
{
	struct pollfd waits[WAITS] = {
		[WAIT_RING] = {.fd = ebpf_kernel_fd(s->common.kernel), .events = POLLIN},
		[WAIT_CHILD] = {.fd = child_fd, .events = POLLIN},
		[WAIT_TICK] = {.fd = tick_fd, .events = POLLIN},
		[WAIT_MARKS] = {.fd = s->job->marks ? marks_fd(s->job->marks) : -1,
			.events = POLLIN},
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

static int start(struct session *s, struct err *e)
{
	const struct ebpf_target_keys keys = {.starting = true, .listening = s->job->listening};
	struct ebpf_kernel *kernel = s->common.kernel;
	uint32_t target;

	/* What holds us holds the command: a filter on this process may deny its calls. */
	if (proc_filters(getpid()) > 0 && ebpf_kernel_watch_returns(kernel, e))
		return -e->code;
	if (ebpf_target_new(kernel, &keys, &target, e) ||
		ebpf_session_add(&s->common, target, s->rec, e) ||
		ebpf_target_begin(kernel, target, s->tracee.pid, e) ||
		ebpf_session_attach(&s->common, e))
		return -e->code;
	return launch_forward_signals(s->tracee.pid, e);
}

/* Origins are for people; what is missing is told, and no loss; beside losses it is nothing. */
static void tell_origins(const struct session *s)
{
	const struct ebpf_state *state = s->common.kernel->state;

	if (recording_losses(s->rec))
		return;
	if (state->origins_untold)
		notice_tell(&s->job->notice,
			"%ju origins are not noted: they came faster than they were read",
			(uintmax_t)state->origins_untold);
	if (state->late)
		notice_tell(&s->job->notice,
			"%u stacks were read late, as no CPU was free: they may be wrong",
			state->late);
}

/* The watch has ended: what was seen in all. */
static int finish(struct session *s, struct err *e)
{
	uint64_t lost[LOSS_WAYS];

	ebpf_session_stop(&s->common);
	ebpf_kernel_stop(s->common.kernel);
	warn(s);
	ebpf_kernel_losses(s->common.kernel, lost);
	ebpf_reader_losses(s->common.readers[TARGET], lost);
	tell_origins(s);
	if (!target_of(s)->started)
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
	tick_fd = ebpf_ticks_fd(s->job->tick_ms, e);
	if (tick_fd < 0)
		return tick_fd;
	if (tracee_go(&s->tracee, e) || wait_all(s, child_fd, tick_fd, e))
		return -e->code;
	return finish(s, e);
}

int ebpf_record(void *state, const struct tracer_job *job, struct recording *rec,
	struct launch_end *end, struct err *e)
{
	struct session s = {.job = job, .rec = rec, .end = end};
	int code;

	*end = (struct launch_end){0};
	code = ebpf_session_init(&s.common, state, job->stacks, e);
	if (!code)
		code = launch_hold_signals(e);
	if (!code)
		code = tracee_start(job, false, &s.tracee, e);
	if (!code) {
		code = follow(&s, e);
		ebpf_session_stop(&s.common);
		tracee_done(&s.tracee);
	}
	ebpf_session_done(&s.common);
	return code;
}
