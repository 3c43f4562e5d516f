/*
 * ebpf.h: recording what runs already: targets that are known, or containers as they come and go.
 */
#include "ebpf.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/signalfd.h>

#include "ebpf_session.h"
#include "phase.h"
#include "scope.h"

enum { ASKED_MAX = 5, DEPTH_MAX = 16 };

/* A target that is none of ours, as far as can be told. */
struct untold {
	unsigned asked; /* how often */
	unsigned ticks;
};

struct session {
	struct ebpf_session common;
	const struct tracer_attach *job;
	struct err error; /* of a callback */
	struct untold *untold; /* heap, by target */
	uint64_t no_room; /* of the kernel's, as far as it was told */
	bool crowded; /* somebody waits for a target that is free */
	bool freed; /* one, since the last scan for them */
	uint64_t news, news_ns; /* of all targets, and since when */
	bool told_listeners;
};

static struct ebpf_target *target_at(const struct session *s, uint32_t index)
{
	return &s->common.kernel->targets[index];
}

/* A thread that ends tells; one that has just been found may not have begun yet. */
static bool is_over(const struct session *s, uint32_t index)
{
	const struct ebpf_target *target = target_at(s, index);

	if (target->state != EBPF_IN_USE || target->leaves ||
		(target->found_pid && !__atomic_load_n(&target->started, __ATOMIC_ACQUIRE)))
		return false;
	return !__atomic_load_n(&target->live, __ATOMIC_ACQUIRE);
}

static void target_free(struct session *s, uint32_t index)
{
	ebpf_session_remove(&s->common, index);
	s->untold[index] = (struct untold){0};
	s->freed = true;
}

/* What the reader has becomes the recording, as it stays, and the target's room is free. */
static int reader_end(struct session *s, struct ebpf_reader *reader, bool gone, struct err *e)
{
	uint32_t index = reader->target;
	uint64_t lost[LOSS_WAYS];

	if (ebpf_reader_sync(reader, e))
		return -e->code;
	ebpf_kernel_losses(s->common.kernel, lost);
	ebpf_reader_losses(reader, lost);
	s->job->ended(s->job->ctx, reader->rec, gone);
	target_free(s, index);
	return 0;
}

/*
 * Those that are over are recorded to their ends before another one begins: it may be the same
 * container, of which a process that ended a moment ago was found first.
 */
static int readers_end(struct session *s, struct err *e)
{
	for (uint32_t i = 1; i < s->common.kernel->limits.targets; i++) {
		struct ebpf_reader *reader = s->common.readers[i];

		if (reader && is_over(s, i) && reader_end(s, reader, true, e))
			return -e->code;
	}
	return 0;
}

static struct ebpf_reader *ask(struct session *s, uint32_t index)
{
	const struct ebpf_target *target = target_at(s, index);
	const struct tracer_found found = {
		.pid = (pid_t)target->found_pid,
		/* Without ids the next container may have its number already. */
		.mount_space = is_over(s, index) ? 0 : target->mount_space,
		.cgroups = {target->cgroup[0], target->cgroup[1], target->cgroup[2]},
	};
	struct recording *rec;

	if (!s->job->found || target->state != EBPF_IN_USE)
		return NULL;
	if (readers_end(s, &s->error))
		return NULL;
	s->untold[index].asked++;
	rec = s->job->found(s->job->ctx, &found);
	if (!rec || ebpf_session_add(&s->common, index, rec, &s->error)) {
		ebpf_target_judge(s->common.kernel, index,
			s->untold[index].asked < ASKED_MAX ? EBPF_UNSURE : EBPF_UNWANTED);
		return NULL;
	}
	ebpf_target_judge(s->common.kernel, index, EBPF_WANTED);
	return s->common.readers[index];
}

/* The programs have found a mount namespace. */
static struct ebpf_reader *on_found(void *ctx, uint32_t index)
{
	struct session *s = ctx;

	return s->untold[index].asked ? NULL : ask(s, index);
}

/*
 * One that was not told of, as the ring was full, or that is none of ours: when it was found its
 * engine may not have noted yet what it is.
 */
static void find_untold(struct session *s)
{
	for (uint32_t i = 1; i < s->common.kernel->limits.targets; i++) {
		struct untold *untold = &s->untold[i];

		if (s->common.readers[i] || target_at(s, i)->state != EBPF_IN_USE)
			continue;
		/* After 0, 1, 4, 16... ticks. */
		if (!untold->asked || (untold->asked < ASKED_MAX &&
					      ++untold->ticks >= 1u << 2 * (untold->asked - 1)))
			(void)ask(s, i);
	}
}

/* Containers are found by an execve, or by a scan. */
static void find_crowded(struct session *s)
{
	uint64_t no_room = __atomic_load_n(&s->common.kernel->state->no_room, __ATOMIC_RELAXED);

	if (no_room != s->no_room) {
		s->no_room = no_room;
		s->crowded = true;
		if (s->job->crowded)
			s->job->crowded(s->job->ctx, s->common.kernel->limits.targets - 1);
	}
	if (s->crowded && s->freed) {
		s->common.scan_wanted = true;
		s->crowded = s->freed = false;
	}
}

static int add_target(struct session *s, const struct tracer_target *target, struct err *e)
{
	const struct ebpf_target_keys keys = {
		.process = target->pid,
		.cgroup = target->cgroup,
		.mount_space = target->mount_space,
		.starting = target->starting,
		.listening = target->pid && phase_has_listener(target->pid),
	};
	uint32_t index;

	if (ebpf_target_new(s->common.kernel, &keys, &index, e))
		return -e->code;
	return ebpf_session_add(&s->common, index, target->rec, e);
}

static int target_end(struct session *s, uint32_t index, bool gone, struct err *e)
{
	struct ebpf_reader *reader = s->common.readers[index];

	/* One that was not told of, as the ring was full. */
	if (!reader && !s->untold[index].asked)
		reader = ask(s, index);
	if (reader)
		return reader_end(s, reader, gone, e);
	target_free(s, index);
	return 0;
}

/* Whether a callback has failed. */
static int failed(const struct session *s, struct err *e)
{
	if (!s->error.code)
		return 0;
	*e = s->error;
	return -e->code;
}

static int end_those_over(struct session *s, struct err *e)
{
	for (uint32_t i = 1; i < s->common.kernel->limits.targets; i++) {
		if (!is_over(s, i))
			continue;
		/* What it told last. */
		ebpf_kernel_poll(s->common.kernel);
		if (is_over(s, i) && target_end(s, i, true, e))
			return -e->code;
	}
	return failed(s, e);
}

static bool anybody_left(const struct session *s)
{
	if (s->job->found)
		return true;
	for (uint32_t i = 1; i < s->common.kernel->limits.targets; i++) {
		if (s->common.readers[i])
			return true;
	}
	return false;
}

static void look_for_news(struct session *s)
{
	uint64_t news = 0;

	for (uint32_t i = 1; i < s->common.kernel->limits.targets; i++) {
		if (s->common.readers[i])
			news += __atomic_load_n(&target_at(s, i)->news, __ATOMIC_RELAXED) + 1;
	}
	if (news != s->news)
		s->news_ns = steady_ns();
	s->news = news;
}

static int refresh(struct session *s, struct ebpf_reader *reader, const uint64_t lost[LOSS_WAYS],
	struct err *e)
{
	if (!s->job->wants(s->job->ctx, reader->rec, ebpf_reader_has_news(reader)))
		return 0;
	if (ebpf_reader_sync(reader, e))
		return -e->code;
	ebpf_reader_losses(reader, lost);
	s->job->refresh(s->job->ctx, reader->rec);
	return 0;
}

/* Returns 1 when recording is to end. */
static int tick(struct session *s, struct err *e)
{
	/* Asking the kernel takes longer than reading a target. */
	uint64_t lost[LOSS_WAYS];

	find_untold(s);
	find_crowded(s);
	look_for_news(s);
	ebpf_kernel_losses(s->common.kernel, lost);
	for (uint32_t i = 1; i < s->common.kernel->limits.targets; i++) {
		if (s->common.readers[i] && refresh(s, s->common.readers[i], lost, e))
			return -e->code;
	}
	return !s->job->tick(s->job->ctx, s->news_ns);
}

/* What has mounts of its own may be an engine, and its children containers: one after the other. */
static int scan(struct session *s, struct err *e)
{
	for (int depth = 0; depth < DEPTH_MAX; depth++) {
		if (ebpf_targets_scan(s->common.kernel, e))
			return -e->code;
		if (!s->common.kernel->state->undecided)
			break;
		ebpf_kernel_poll(s->common.kernel);
		find_untold(s);
	}
	return 0;
}

enum { WAIT_RING, WAIT_SIGNAL, WAIT_TICK, WAIT_MARKS, WAITS };

/* Returns 1 when recording is to end. */
static int wait_step(struct session *s, struct pollfd waits[WAITS], struct err *e)
{
	if (ebpf_session_wait(&s->common, waits, WAITS) < 0)
		return errno == EINTR ? 0 : err_sys(e, errno, "waiting for the workload");
	ebpf_kernel_poll(s->common.kernel);
	if (s->common.scan_wanted) {
		s->common.scan_wanted = false;
		if (scan(s, e))
			return -e->code;
	}
	if (end_those_over(s, e))
		return -e->code;
	if (waits[WAIT_MARKS].revents)
		marks_serve(s->job->marks, ebpf_session_mark, &s->common);
	if (waits[WAIT_SIGNAL].revents)
		return 1;
	if (waits[WAIT_TICK].revents) {
		ebpf_drain(waits[WAIT_TICK].fd);
		return tick(s, e);
	}
	return 0;
}

static int wait_all(struct session *s, int signals_fd, int tick_fd, struct err *e)
{
	struct pollfd waits[WAITS] = {
		[WAIT_RING] = {.fd = ebpf_kernel_fd(s->common.kernel), .events = POLLIN},
		[WAIT_SIGNAL] = {.fd = signals_fd, .events = POLLIN},
		[WAIT_TICK] = {.fd = tick_fd, .events = POLLIN},
		[WAIT_MARKS] = {.fd = s->job->marks ? marks_fd(s->job->marks) : -1,
			.events = POLLIN},
	};
	int code = end_those_over(s, e);

	while (!code && anybody_left(s))
		code = wait_step(s, waits, e);
	return code < 0 ? code : 0;
}

/* Those that end us go to the descriptor; @out_before is to be restored. */
static int end_signals_fd(sigset_t *out_before, struct err *e)
{
	static const int ENDS[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT};
	sigset_t ends;
	int fd;

	sigemptyset(&ends);
	for (size_t i = 0; i < ARRAY_LEN(ENDS); i++)
		sigaddset(&ends, ENDS[i]);
	(void)sigprocmask(SIG_BLOCK, &ends, out_before);
	fd = signalfd(-1, &ends, SFD_CLOEXEC | SFD_NONBLOCK);
	return fd < 0 ? err_sys(e, errno, "cannot wait for signals") : fd;
}

/* A program that comes with a filter need not be held until returns are watched. */
static int watch_filtered(struct session *s, struct err *e)
{
	for (size_t i = 0; i < s->job->n_targets; i++) {
		if (s->job->targets[i].filtered)
			return ebpf_kernel_watch_returns(s->common.kernel, e);
	}
	return 0;
}

static uint32_t index_of(const struct session *s, const struct recording *rec)
{
	uint32_t index = 1;

	while (!s->common.readers[index] || s->common.readers[index]->rec != rec)
		index++;
	return index;
}

/*
 * A process that was named by its first thread, and in which another one has become the first by an
 * execve before the scan came by: it is there, and nothing of it was found.
 */
static int name_again(struct session *s, bool *out_again, struct err *e)
{
	*out_again = false;
	for (size_t i = 0; i < s->job->n_targets; i++) {
		const struct tracer_target *target = &s->job->targets[i];
		uint32_t index = index_of(s, target->rec);

		if (!target->pid || target_at(s, index)->live || kill(target->pid, 0))
			continue;
		if (ebpf_target_name(s->common.kernel, index, target->pid, target->starting, e)) {
			/* It has ended by now. */
			if (e->code != ESRCH)
				return -e->code;
			*e = (struct err){0};
			continue;
		}
		*out_again = true;
	}
	return 0;
}

static int scan_until_found(struct session *s, struct err *e)
{
	bool again = true;

	for (int tries = 0; again && tries < DEPTH_MAX; tries++) {
		if (scan(s, e) || name_again(s, &again, e))
			return -e->code;
	}
	return 0;
}

/* The threads for alarms inherit a mask that blocks all. */
static int attach(struct session *s, struct err *e)
{
	sigset_t all, before;
	int code;

	sigfillset(&all);
	(void)sigprocmask(SIG_BLOCK, &all, &before);
	code = ebpf_session_attach(&s->common, e);
	(void)sigprocmask(SIG_SETMASK, &before, NULL);
	if (!code)
		code = watch_filtered(s, e);
	return code ? code : scan_until_found(s, e);
}

/* Recording has ended before what was recorded. */
static int end_all(struct session *s, struct err *e)
{
	ebpf_session_stop(&s->common);
	ebpf_kernel_stop(s->common.kernel);
	ebpf_kernel_poll(s->common.kernel);
	find_untold(s);
	find_crowded(s);
	for (uint32_t i = 1; i < s->common.kernel->limits.targets; i++) {
		if (s->common.readers[i] && target_end(s, i, is_over(s, i), e))
			return -e->code;
	}
	return failed(s, e);
}

static int follow(struct session *s, struct err *e)
{
	scoped_fd int signals_fd = -1, tick_fd = -1;
	sigset_t before;
	int code;

	for (size_t i = 0; i < s->job->n_targets; i++) {
		if (add_target(s, &s->job->targets[i], e))
			return -e->code;
	}
	signals_fd = end_signals_fd(&before, e);
	if (signals_fd < 0)
		return signals_fd;
	tick_fd = ebpf_ticks_fd(s->job->tick_ms, e);
	code = tick_fd < 0 ? tick_fd : attach(s, e);
	if (!code) {
		ebpf_kernel_poll(s->common.kernel);
		s->job->attached(s->job->ctx);
		code = wait_all(s, signals_fd, tick_fd, e);
	}
	if (!code)
		code = end_all(s, e);
	ebpf_drain(signals_fd);
	(void)sigprocmask(SIG_SETMASK, &before, NULL);
	return code;
}

int ebpf_attach(void *state, const struct tracer_attach *job, struct err *e)
{
	struct session s = {
		.common = {.found = on_found, .ctx = &s}, .job = job, .news_ns = steady_ns()};
	struct ebpf_kernel *kernel = state;
	int code;

	s.untold = calloc(kernel->limits.targets, sizeof(*s.untold));
	if (!s.untold)
		return err_nomem(e);
	code = ebpf_session_init(&s.common, kernel, job->stacks, e);
	if (!code)
		code = follow(&s, e);
	ebpf_session_done(&s.common);
	free(s.untold);
	return code;
}
