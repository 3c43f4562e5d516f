/*
 * A recorder of all containers of a host: one recording for each, as they come and go.
 *
 * Memory is bounded by the room in the kernel (EBPF_LIMITS_NODE) and by what containers that run
 * have called: those that have ended are on disk only.
 */
#include "record_node.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "cli.h"
#include "container.h"
#include "kubelet.h"
#include "proc.h"
#include "record_view.h"
#include "scope.h"
#include "time_units.h"

#define DEFAULT_INTERVAL_NS (10 * NS_PER_S)
#define SUFFIX		    ".rec.json"
enum {
	TICK_MS = 250,
	NAME_LEN_MAX = NAME_MAX - 32, /* with a number, SUFFIX, and what files are called before */
	QUIET_INTERVALS = 6, /* where nothing was called for the first time, counts can wait */
};

/* A container that runs. */
struct node {
	struct subject subject; /* first: what subject_of() returns */
	struct node *next;
	char id[CONTAINER_ID_MAX];
	bool named; /* by the kubelet; its link may come after the container's start */
};

struct session {
	const struct record_request *request;
	struct node *nodes; /* heap */
	struct notice notice;
	uint64_t interval_ns, begun_ns;
	bool crowded; /* told */
	int status;
};

static int fail(struct session *session, const struct err *e)
{
	session->status = EXIT_NO;
	return cli_fail("record", EXIT_NO, e);
}

/* Whose mount namespace it is, by the engines' state directories. */
struct wanted {
	uint64_t mount_space;
	char *id;
};

static int is_wanted(void *ctx, const struct container *container)
{
	struct wanted *wanted = ctx;

	if (proc_mount_space(container->pid) != wanted->mount_space)
		return 0;
	strcpy(wanted->id, container->id);
	return 1;
}

/* The id of the container, or false: something else that has mounts of its own. */
static bool identify(const struct tracer_found *found, char id[CONTAINER_ID_MAX])
{
	struct wanted wanted = {.mount_space = found->mount_space, .id = id};

	for (size_t i = 0; i < ARRAY_LEN(found->cgroups); i++) {
		if (container_id_in_path(found->cgroups[i], id))
			return true;
	}
	if (!found->mount_space)
		return false;
	/* When it was found, in the making, its engine may not have put it into its cgroup yet. */
	if (proc_mount_space(found->pid) == found->mount_space && container_id_of(found->pid, id))
		return true;
	return container_each("", is_wanted, &wanted) == 1;
}

static bool is_taken(const struct session *session, const char *file)
{
	for (const struct node *node = session->nodes; node; node = node->next) {
		if (!strcmp(node->subject.file, file))
			return true;
	}
	return false;
}

/* "DIR/NAME.rec.json"; heap. */
static char *file_of(const struct session *session, const char *name)
{
	char *file;

	return asprintf(&file, "%s/%s" SUFFIX, session->request->dir, name) < 0 ? NULL : file;
}

/* "DIR/<pod>_<namespace>_<container>-<id>.rec.json", or by the id alone; heap. */
static char *choose_file(const struct session *session, const char *id, bool *out_named)
{
	char name[NAME_MAX + 1], *file;
	const char *chosen;

	/* A name may be so long that none for a file is left. */
	*out_named = !kubelet_name("", id, name) && strlen(name) <= NAME_LEN_MAX;
	chosen = *out_named ? name : id;
	file = file_of(session, chosen);
	/* Two at a time of one id: what an engine runs in a container's cgroup before it. */
	for (int i = 2; file && is_taken(session, file); i++) {
		free(file);
		if (asprintf(&file, "%s/%s-%d" SUFFIX, session->request->dir, chosen, i) < 0)
			return NULL;
	}
	return file;
}

/* What an earlier recorder left under the id alone, before the kubelet had named it. */
static void rename_earlier(const struct session *session, const char *id, const char *file)
{
	scoped_free char *earlier = file_of(session, id);

	if (earlier && access(file, F_OK) && !is_taken(session, earlier))
		(void)rename(earlier, file);
}

static void node_free(struct node *node)
{
	subject_done(&node->subject);
	free(node);
}

/* A file that cannot be continued stays as it is, under another name. */
static int set_aside(const char *file, const struct err *why, struct err *e)
{
	const struct notice notice = cli_notice("record");
	scoped_free char *aside = NULL;

	if (asprintf(&aside, "%s.broken", file) < 0)
		return err_nomem(e);
	if (rename(file, aside))
		return err_sys(e, errno, "%s: cannot be continued, nor renamed", file);
	notice_tell(&notice, "%s; it is now %s", why->text, aside);
	return 0;
}

static int node_init(
	struct node *node, const struct tracer_found *found, const char *file, struct err *e)
{
	struct err why = {0};

	if (!subject_init(&node->subject, found->pid, file, true, &why))
		return 0;
	subject_done(&node->subject);
	if (set_aside(file, &why, e))
		return -e->code;
	return subject_init(&node->subject, found->pid, file, false, e);
}

static struct recording *on_found(void *ctx, const struct tracer_found *found)
{
	struct session *session = ctx;
	scoped(scope_free) struct node *node = calloc(1, sizeof(*node));
	scoped_free char *file = NULL;
	struct node *kept;
	struct err e = {0};

	if (!node || !identify(found, node->id))
		return NULL;
	file = choose_file(session, node->id, &node->named);
	if (!file) {
		(void)fail(session, (err_nomem(&e), &e));
		return NULL;
	}
	if (node->named)
		rename_earlier(session, node->id, file);
	if (node_init(node, found, file, &e)) {
		(void)fail(session, &e);
		return NULL;
	}
	if (!session->request->quiet)
		notice_tell(&session->notice, "container %.12s: recording to %s", node->id, file);
	kept = steal_ptr(node);
	kept->next = session->nodes;
	session->nodes = kept;
	return &kept->subject.rec;
}

/* The kubelet's link has come: the recording goes by its name from now on. */
static void node_name(const struct session *session, struct node *node)
{
	char name[NAME_MAX + 1];
	scoped_free char *file = NULL;
	struct err e = {0};
	bool named;

	if (node->named || kubelet_name("", node->id, name))
		return;
	file = choose_file(session, node->id, &named);
	/* Otherwise it is tried again the next time. */
	node->named = file && named && !subject_move(&node->subject, file, &e);
}

static bool wants(void *ctx, const struct recording *rec, bool news)
{
	const struct session *session = ctx;
	const struct subject *subject = subject_of(rec);
	/* By the next tick: nothing is to wait for longer than the interval. */
	uint64_t waited = steady_ns() - subject->written_ns + TICK_MS * NS_PER_MS;

	return waited >= session->interval_ns * (news || subject->failed ? 1 : QUIET_INTERVALS);
}

static void refresh(void *ctx, struct recording *rec)
{
	const struct session *session = ctx;
	struct subject *subject = subject_of(rec);
	struct err e = {0};

	node_name(session, (struct node *)subject);
	/* Where nothing is called there is a file all the same. */
	if (subject->written_ns && !subject->failed &&
		subject_calls(subject) == subject->written_calls) {
		subject->written_ns = steady_ns();
	} else if (!subject_write(subject, &e)) {
		subject->failed = false;
	} else if (!subject->failed) {
		subject->failed = true;
		(void)cli_fail("record", 0, &e);
	}
}

static void on_ended(void *ctx, struct recording *rec, bool gone)
{
	struct session *session = ctx;
	struct node *node = (struct node *)subject_of(rec), **link = &session->nodes;
	struct err e = {0};

	(void)gone;
	node_name(session, node);
	if (record_finish(&node->subject, true, &e))
		(void)fail(session, &e);
	while (*link && *link != node)
		link = &(*link)->next;
	if (*link)
		*link = node->next;
	node_free(node);
}

static bool on_tick(void *ctx, uint64_t news_ns)
{
	const struct session *session = ctx;

	return record_goes_on(session->request, session->begun_ns, news_ns);
}

static void on_crowded(void *ctx, unsigned room)
{
	struct session *session = ctx;
	struct err e = {0};

	if (session->crowded)
		return;
	session->crowded = true;
	(void)err_set(&e, ENOSPC,
		"more than %u containers at a time: for the others there is no room until one of "
		"these has ended",
		room);
	(void)fail(session, &e);
}

static void on_attached(void *ctx)
{
	const struct session *session = ctx;

	notice_tell(&session->notice, "recording all containers to %s; Ctrl-C ends the recording",
		session->request->dir);
}

static void session_done(struct session *session)
{
	while (session->nodes) {
		struct node *node = session->nodes;

		session->nodes = node->next;
		node_free(node);
	}
}

static int make_directory(const char *dir, struct err *e)
{
	if (mkdir(dir, 0755) && errno != EEXIST)
		return err_sys(e, errno, "%s: cannot make the directory for recordings", dir);
	if (access(dir, W_OK | X_OK))
		return err_sys(e, errno, "%s: cannot write recordings there", dir);
	return 0;
}

static bool is_temporary(const char *name)
{
	static const char END[] = SUFFIX ".tmp";
	size_t len = strlen(name);

	return *name == '.' && len > strlen(END) && !strcmp(name + len - strlen(END), END);
}

/* What recorders that were killed had begun to write (lib/file.h). */
static void remove_temporaries(const char *path)
{
	DIR *dir = opendir(path);
	const struct dirent *entry;

	while (dir && (entry = readdir(dir))) {
		if (is_temporary(entry->d_name))
			(void)unlinkat(dirfd(dir), entry->d_name, 0);
	}
	if (dir)
		(void)closedir(dir);
}

static int attach(struct session *session, const struct tracer *tracer)
{
	scoped(marks_close) struct marks marks = {0};
	struct err e = {0}, no_marks = {0};
	const struct tracer_attach job = {
		.marks = &marks,
		.tick_ms = TICK_MS,
		.ctx = session,
		.attached = on_attached,
		.found = on_found,
		.crowded = on_crowded,
		.tick = on_tick,
		.wants = wants,
		.refresh = refresh,
		.ended = on_ended,
	};

	remove_temporaries(session->request->dir);
	(void)marks_open(&marks, session->request->dir, &no_marks);
	session->begun_ns = steady_ns();
	if (tracer->backend->attach(tracer->state, &job, &e))
		return fail(session, &e);
	return session->status;
}

int record_node(const struct record_request *request)
{
	scoped(session_done) struct session session = {
		.request = request,
		.notice = cli_notice("record"),
		.interval_ns = request->interval_ns ? request->interval_ns : DEFAULT_INTERVAL_NS,
	};
	scoped(tracer_close) struct tracer tracer = {0};
	struct err e = {0};

	if (make_directory(request->dir, &e))
		return cli_fail("record", EXIT_USAGE, &e);
	if (record_open_attaching(request, TRACER_NODE, &tracer, &e))
		return cli_fail("record", e.code == EINVAL ? EXIT_USAGE : EXIT_NO, &e);
	return attach(&session, &tracer);
}
