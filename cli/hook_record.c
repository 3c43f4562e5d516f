#include "hook.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <syslog.h>
#include <unistd.h>

#include "file.h"
#include "marks.h"
#include "proc.h"
#include "profiler.h"
#include "record_subject.h"
#include "scope.h"
#include "tracer.h"

enum { TICK_MS = 1000, PROFILE_MODE = 0644 };

struct session {
	const struct hook_request *request;
	struct subject subject;
	void (*attached)(void *ctx);
	void *ctx;
	uint64_t refreshed_ns;
};

static void on_attached(void *ctx)
{
	const struct session *session = ctx;

	session->attached(session->ctx);
}

static bool on_tick(void *ctx, uint64_t news_ns)
{
	(void)ctx;
	(void)news_ns;
	return true;
}

static bool wants(void *ctx, const struct recording *rec, bool news)
{
	const struct session *session = ctx;

	(void)rec;
	return session->request->recording && news;
}

static void refresh(void *ctx, struct recording *rec)
{
	struct err e = {0};

	(void)ctx;
	/* The last writing decides. */
	(void)subject_write(subject_of(rec), &e);
}

static void on_ended(void *ctx, struct recording *rec, bool gone)
{
	(void)ctx;
	(void)gone;
	recording_end(rec, -1);
}

/* The container's init becomes its program: that is where the recording begins. */
static int attach(struct session *session, const struct tracer *tracer, struct err *e)
{
	const struct hook_request *request = session->request;
	uint64_t space = proc_mount_space(request->pid);
	scoped(marks_close) struct marks marks = {0};
	struct err no_marks = {0};
	struct tracer_target target = {
		.pid = request->pid,
		.mount_space = space == proc_mount_space(getpid()) ? 0 : space,
		.starting = true,
		.filtered = request->confined,
		.rec = &session->subject.rec,
	};
	const struct tracer_attach job = {
		.targets = &target,
		.n_targets = 1,
		.marks = &marks,
		.tick_ms = TICK_MS,
		.ctx = session,
		.attached = on_attached,
		.tick = on_tick,
		.wants = wants,
		.refresh = refresh,
		.ended = on_ended,
	};

	/* Without it no phases can be marked, and no more. */
	(void)marks_open(
		&marks, request->recording ? request->recording : request->profile, &no_marks);
	return tracer->backend->attach(tracer->state, &job, e);
}

static void log_notice(void *ctx, const char *text)
{
	syslog(LOG_NOTICE, "container %.12s: %s", (const char *)ctx, text);
}

static int write_profile(const struct session *session, struct err *e)
{
	const struct hook_request *request = session->request;
	const struct notice notice = {.tell = log_notice, .ctx = request->id};
	struct generate_options options = generate_defaults();
	scoped(profile_done) struct profile profile = {0}, base = {0};
	scoped_fd int turn = file_turn(request->profile);
	bool extends = hook_extends(request);
	scoped_free char *text = NULL;
	size_t size;

	options.nnp = request->nnp;
	if (profile_generate(
		    request->profile, &session->subject.rec, &options, &profile, &notice, e))
		return -e->code;
	if (extends) {
		if (profile_read(request->base_profile, &base, &notice, e) ||
			profile_extend(&base, &profile, e))
			return -e->code;
	}
	if (profile_emit(extends ? &base : &profile, &text, &size, e))
		return -e->code;
	return file_replace(request->profile, text, size, PROFILE_MODE, e);
}

/* What runs in the container; its process is still the runtime's. */
static int note_program(const struct hook_request *request, struct recording *rec, struct err *e)
{
	if (!request->argv)
		return 0;
	return recording_set_running(rec, request->argv, request->cwd ? request->cwd : "", e);
}

/*
 * An annotation is there for a container's next life and for its replicas, too: what they record
 * comes together.
 */
static int share_file(struct session *session, struct err *e)
{
	struct err why = {0};

	if (!session->request->recording || !subject_share(&session->subject, &why))
		return 0;
	return hook_refuse_other(&why, e);
}

int hook_record(
	const struct hook_request *request, void (*attached)(void *ctx), void *ctx, struct err *e)
{
	struct session session = {.request = request, .attached = attached, .ctx = ctx};
	scoped(tracer_close) struct tracer tracer = {0};
	char why[ERR_TEXT_MAX];
	int code = hook_check_files(request, e);

	if (!code)
		code = tracer_open("ebpf", TRACER_ONE, &tracer, why, e);
	if (!code)
		code = subject_init(&session.subject, request->pid,
			request->recording ? request->recording : "", false, e);
	if (!code)
		code = share_file(&session, e);
	if (!code)
		code = note_program(request, &session.subject.rec, e);
	if (!code)
		code = attach(&session, &tracer, e);
	if (!code && request->recording)
		code = subject_write(&session.subject, e);
	if (!code && request->profile)
		code = write_profile(&session, e);
	subject_done(&session.subject);
	return code;
}
