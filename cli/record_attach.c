#include "record_attach.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli.h"
#include "record_node.h"
#include "record_subject.h"
#include "record_view.h"
#include "scope.h"
#include "time_units.h"

enum { TICK_MS = 100 };

/* What runs already is written as often as what was started: see cmd_record.c. */
#define REFRESH_NS (8 * NS_PER_S / 10)

struct session {
	const struct record_request *request;
	struct tracer_target targets[RECORD_TARGETS_MAX];
	struct record_target found[RECORD_TARGETS_MAX];
	struct subject *subjects; /* heap, as many as targets */
	size_t n;
	uint64_t begun_ns;
	int status; /* the exit status */
};

static int fail(struct session *session, const struct err *e)
{
	view_clear();
	session->status = EXIT_NO;
	return cli_fail("record", EXIT_NO, e);
}

static void on_attached(void *ctx)
{
	const struct session *session = ctx;
	const struct notice notice = cli_notice("record");

	for (size_t i = 0; i < session->n; i++)
		notice_tell(&notice, "recording %s%s", session->found[i].text,
			session->request->duration_ns ? "" : "; Ctrl-C ends the recording");
}

static bool is_due(uint64_t since_ns, uint64_t period_ns)
{
	return steady_ns() - since_ns >= period_ns;
}

bool record_goes_on(const struct record_request *request, uint64_t begun_ns, uint64_t news_ns)
{
	if (request->duration_ns && is_due(begun_ns, request->duration_ns))
		return false;
	return !request->stable_ns || !is_due(news_ns, request->stable_ns);
}

static bool on_tick(void *ctx, uint64_t news_ns)
{
	const struct session *session = ctx;
	const char *directory = session->found[0].directory;

	/* An empty cgroup may be entered again, one that was removed may not. */
	if (*directory && access(directory, F_OK))
		return false;
	return record_goes_on(session->request, session->begun_ns, news_ns);
}

static bool wants(void *ctx, const struct recording *rec, bool news)
{
	const struct session *session = ctx;

	(void)news;
	return !session->request->quiet || is_due(subject_of(rec)->written_ns, REFRESH_NS);
}

static void refresh(void *ctx, struct recording *rec)
{
	const struct session *session = ctx;
	struct subject *subject = subject_of(rec);
	struct err e = {0};

	if (!session->request->quiet && session->n == 1)
		view_status(rec);
	if (subject->stream || !is_due(subject->written_ns, REFRESH_NS))
		return;
	if (!subject_write(subject, &e)) {
		subject->failed = false;
	} else if (!subject->failed) {
		/* The next refresh may have room again; the last one decides. */
		subject->failed = true;
		view_clear();
		(void)cli_fail("record", 0, &e);
	}
}

int record_finish(struct subject *subject, bool quiet, struct err *e)
{
	recording_end(&subject->rec, -1);
	subject->finished = true;
	if (subject_write(subject, e))
		return -e->code;
	if (!quiet)
		view_summary(&subject->rec, subject->file, subject->stream);
	if (recording_losses(&subject->rec))
		return err_set(e, EIO,
			"%s: incomplete: something was lost; the loss counters are in the file",
			subject->file);
	return 0;
}

static void on_ended(void *ctx, struct recording *rec, bool gone)
{
	struct session *session = ctx;
	struct err e = {0};

	(void)gone;
	view_clear();
	view_warnings(rec);
	if (record_finish(subject_of(rec), session->request->quiet, &e))
		(void)fail(session, &e);
}

/* Where the recording of a target goes. */
static int choose_file(
	const struct record_request *request, const char *label, char **out, struct err *e)
{
	if (request->file)
		*out = strdup(request->file);
	else if (asprintf(out, "%s/%s.rec.json", request->dir ? request->dir : ".", label) < 0)
		*out = NULL;
	return *out ? 0 : err_nomem(e);
}

static int prepare_one(struct session *session, size_t i, struct err *e)
{
	const struct record_target *found = &session->found[i];
	struct subject *subject = &session->subjects[i];
	scoped_free char *file = NULL;

	if (choose_file(session->request, found->label, &file, e) ||
		cli_check_output("-o", file, "a recording", e) ||
		subject_init(subject, found->pid, file, false, e))
		return -e->code;
	session->targets[i] = found->target;
	session->targets[i].rec = &subject->rec;
	return 0;
}

static int prepare(struct session *session, struct err *e)
{
	if (record_find(session->request, session->found, &session->n, e))
		return -e->code;
	if (session->n > 1 && !session->request->dir)
		return err_set(e, EINVAL,
			"%s: there are %zu containers in it: name one (%s/CONTAINER), or a "
			"directory for all with -d",
			session->request->name, session->n, session->request->name);
	session->subjects = calloc(session->n, sizeof(*session->subjects));
	if (!session->subjects)
		return err_nomem(e);
	for (size_t i = 0; i < session->n; i++) {
		if (prepare_one(session, i, e))
			return -e->code;
	}
	return 0;
}

static void session_done(struct session *session)
{
	for (size_t i = 0; session->subjects && i < session->n; i++)
		subject_done(&session->subjects[i]);
	free(session->subjects);
}

static int attach(struct session *session, const struct tracer *tracer)
{
	scoped(marks_close) struct marks marks = {0};
	struct err e = {0}, no_marks = {0};
	const struct tracer_attach job = {
		.targets = session->targets,
		.n_targets = session->n,
		.marks = &marks,
		.stacks = session->request->stacks,
		.tick_ms = TICK_MS,
		.ctx = session,
		.attached = on_attached,
		.tick = on_tick,
		.wants = wants,
		.refresh = refresh,
		.ended = on_ended,
	};

	(void)marks_open(&marks, session->subjects[0].file, &no_marks);
	session->begun_ns = steady_ns();
	if (tracer->backend->attach(tracer->state, &job, &e))
		return fail(session, &e);
	view_clear();
	return session->status;
}

int record_open_attaching(const struct record_request *request, enum tracer_room room,
	struct tracer *out, struct err *e)
{
	char why[ERR_TEXT_MAX];

	/* Of the back ends only one can: what it lacks is what is to be said. */
	if (tracer_open(strcmp(request->backend, "auto") ? request->backend : "ebpf", room, out,
		    why, e))
		return -e->code;
	if (out->backend->attach)
		return 0;
	tracer_close(out);
	return err_set(e, EINVAL,
		"--backend %s records commands only; what runs already is recorded with ebpf",
		request->backend);
}

int record_attach(const struct record_request *request)
{
	scoped(session_done) struct session session = {.request = request};
	scoped(tracer_close) struct tracer tracer = {0};
	struct err e = {0};

	if (request->what == RECORD_NODE)
		return record_node(request);
	if (prepare(&session, &e))
		return cli_fail("record", EXIT_USAGE, &e);
	if (record_open_attaching(
		    request, session.n > 1 ? TRACER_SEVERAL : TRACER_ONE, &tracer, &e))
		return cli_fail("record", e.code == EINVAL ? EXIT_USAGE : EXIT_NO, &e);
	return attach(&session, &tracer);
}
