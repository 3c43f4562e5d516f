#include "ebpf_session.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "phase.h"
#include "scope.h"

static struct ebpf_reader *reader_of(struct ebpf_session *session, uint32_t target)
{
	if (target >= session->kernel->limits.targets)
		return NULL;
	if (!session->readers[target] && session->found && target > 0)
		return session->found(session->ctx, target);
	return session->readers[target];
}

static void on_origin(
	struct ebpf_session *session, struct ebpf_reader *reader, const struct ebpf_origin *seen)
{
	uint32_t *ack = &session->kernel->state->acks[seen->tid % EBPF_ACKS];
	struct rec_origin *origin = ebpf_reader_origin(reader, seen);
	bool captured = origin && session->stacks &&
			stacks_capture_held(session->stacks, (pid_t)seen->pid, (pid_t)seen->tid,
				seen->regs, seen->bits32);

	/* It may go on. */
	__atomic_store_n(ack, seen->tid, __ATOMIC_RELEASE);
	if (captured)
		stacks_name(session->stacks, origin);
}

static int on_event(void *ctx, void *data, size_t size)
{
	struct ebpf_session *session = ctx;
	const struct ebpf_event *event = data;
	struct ebpf_reader *reader;

	if (size < sizeof(*event))
		return 0;
	reader = reader_of(session, event->target);
	if (event->kind == EBPF_EVENT_PROGRAM)
		ebpf_paths_add(&session->paths, event, size);
	else if (event->kind == EBPF_EVENT_MAPPED && reader)
		ebpf_reader_mapped(reader, event, size);
	else if (event->kind == EBPF_EVENT_ORIGIN && reader && size >= sizeof(struct ebpf_origin))
		on_origin(session, reader, data);
	else if (event->kind == EBPF_EVENT_SCAN)
		session->scan_wanted = true;
	return 0;
}

int ebpf_session_init(
	struct ebpf_session *out, struct ebpf_kernel *kernel, bool stacks, struct err *e)
{
	out->kernel = kernel;
	(void)pthread_mutex_init(&out->lock, NULL);
	(void)pthread_mutex_lock(&out->lock);
	out->readers = calloc(kernel->limits.targets, sizeof(struct ebpf_reader *));
	if (!out->readers)
		return err_nomem(e);
	if (stacks && stacks_new(&out->stacks, e))
		return -e->code;
	kernel->state->holds = stacks;
	if (ebpf_paths_init(&out->paths, &kernel->limits, e))
		return -e->code;
	return ebpf_kernel_listen(kernel, on_event, out, e);
}

void ebpf_session_done(struct ebpf_session *session)
{
	ebpf_session_stop(session);
	for (uint32_t i = 0; session->readers && i < session->kernel->limits.targets; i++)
		free(session->readers[i]);
	free(session->readers);
	ebpf_paths_done(&session->paths);
	stacks_free(session->stacks);
	rec_names_done(&session->marks);
}

static void read_ring(void *ctx)
{
	struct ebpf_session *session = ctx;

	(void)pthread_mutex_lock(&session->lock);
	ebpf_kernel_poll(session->kernel);
	(void)pthread_mutex_unlock(&session->lock);
}

int ebpf_session_attach(struct ebpf_session *session, struct err *e)
{
	if (ebpf_alarm_start(session->kernel, &session->alarm, e))
		return -e->code;
	session->readers_of_ring = (struct ebpf_threads){
		.fd = ebpf_kernel_fd(session->kernel), .answer = read_ring, .ctx = session};
	if (session->stacks && ebpf_threads_start(&session->readers_of_ring, e) < 0)
		return -e->code;
	return ebpf_kernel_attach(session->kernel, e);
}

void ebpf_session_stop(struct ebpf_session *session)
{
	(void)pthread_mutex_unlock(&session->lock);
	ebpf_threads_stop(&session->readers_of_ring);
	(void)pthread_mutex_lock(&session->lock);
	ebpf_alarm_stop(&session->alarm);
}

int ebpf_session_wait(struct ebpf_session *session, struct pollfd *waits, nfds_t n)
{
	int ready;

	(void)pthread_mutex_unlock(&session->lock);
	ready = poll(waits, n, -1);
	(void)pthread_mutex_lock(&session->lock);
	return ready;
}

int ebpf_session_add(
	struct ebpf_session *session, uint32_t index, struct recording *rec, struct err *e)
{
	struct ebpf_reader *reader = calloc(1, sizeof(*reader));

	if (!reader)
		return err_nomem(e);
	*reader = (struct ebpf_reader){
		.kernel = session->kernel,
		.paths = &session->paths,
		.marks = &session->marks,
		.rec = rec,
		.target = index,
	};
	ebpf_kernel_losses(session->kernel, reader->lost_before);
	session->readers[index] = reader;
	return 0;
}

void ebpf_session_remove(struct ebpf_session *session, uint32_t index)
{
	free(session->readers[index]);
	session->readers[index] = NULL;
	ebpf_target_free(session->kernel, index);
	ebpf_paths_forget(&session->paths, index);
}

int ebpf_session_mark(void *ctx, const char *name, struct err *e)
{
	struct ebpf_session *session = ctx;
	size_t phase = PHASE_SERVE, known = session->marks.n_names;

	if (strcmp(name, phase_name(PHASE_SERVE)) != 0) {
		phase = PHASE_MARKS + rec_names_index(&session->marks, name);
		if (phase >= PHASES_MAX && session->marks.n_names > known)
			free(session->marks.names[--session->marks.n_names]);
	}
	if (phase >= PHASES_MAX)
		return phase_err_full(e);
	for (uint32_t i = 1; i < session->kernel->limits.targets; i++) {
		if (session->kernel->targets[i].state == EBPF_IN_USE)
			ebpf_target_begin_phase(session->kernel, i, (unsigned)phase);
	}
	return 0;
}

int ebpf_ticks_fd(unsigned period_ms, struct err *e)
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

void ebpf_drain(int fd)
{
	char buffer[sizeof(struct signalfd_siginfo)];

	(void)!read(fd, buffer, sizeof(buffer));
}
