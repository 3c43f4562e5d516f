#include "recording_parts.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "file.h"
#include "scope.h"

enum { STATUS_MAX = 255 };

/* @out: heap. */
static int need_text(const struct json_at *at, const char *key, char **out, struct err *e)
{
	const char *text;

	if (json_need_text(at, key, &text, e))
		return -e->code;
	*out = strdup(text);
	return *out ? 0 : err_nomem(e);
}

static int need_id(const struct json_at *at, char out[RECORDING_ID_LEN + 1], struct err *e)
{
	struct json_at value;
	const char *text;

	if (json_need(at, "id", &value, e) || json_text(&value, &text, e))
		return -e->code;
	if (strlen(text) != RECORDING_ID_LEN ||
		strspn(text, "0123456789abcdef") != RECORDING_ID_LEN)
		return json_err(&value, e, "an id is %d lower-case hex digits", RECORDING_ID_LEN);
	memcpy(out, text, RECORDING_ID_LEN + 1);
	return 0;
}

/* A file of another kind or version is told so before anything else is held against it. */
static int read_envelope(const struct json_at *root, struct err *e)
{
	struct json_at kind, version;
	const char *text;
	uint64_t number;

	if (json_expect_object(root, e))
		return -e->code;
	if (!json_get(root, "kind", &kind))
		return json_err(root, e,
			"not a recording: \"kind\" is missing; name a file that sysclamp record "
			"wrote");
	if (json_text(&kind, &text, e))
		return -e->code;
	if (strcmp(text, RECORDING_KIND) != 0)
		return json_err(&kind, e, "not a recording but \"%s\"; wanted is \"%s\"", text,
			RECORDING_KIND);
	if (json_need(root, "version", &version, e) || json_u64(&version, UINT64_MAX, &number, e))
		return -e->code;
	if (number != RECORDING_VERSION)
		return json_err(&version, e,
			"this is version %" PRIu64 ", and sysclamp " SYSCLAMP_VERSION
			" reads version %d; use a sysclamp that reads it, or record again",
			number, RECORDING_VERSION);
	return 0;
}

static int read_source(const struct json_at *at, struct rec_source *source, struct err *e)
{
	static const char *const known[] = {"id", "seq", "complete", NULL};

	if (json_expect_object(at, e) || json_check_keys(at, known, e) ||
		need_id(at, source->id, e) || json_need_u64(at, "seq", &source->seq, e) ||
		json_need_bool(at, "complete", &source->complete, e))
		return -e->code;
	return 0;
}

static int read_sources(const struct json_at *root, struct recording *rec, struct err *e)
{
	struct json_at list;

	if (json_need_array(root, "sources", RECORDING_SOURCES_MAX, &list, e))
		return -e->code;
	if (json_len(&list) == 0)
		return json_err(&list, e, "a recording has one source at least");
	rec->sources = calloc(json_len(&list), sizeof(*rec->sources));
	if (!rec->sources)
		return err_nomem(e);
	for (size_t i = 0; i < json_len(&list); i++) {
		struct json_at item = json_item(&list, i);

		if (read_source(&item, &rec->sources[i], e))
			return -e->code;
		if (i > 0 && strcmp(rec->sources[i - 1].id, rec->sources[i].id) >= 0)
			return json_err(&item, e, "sources are sorted by id, each once");
	}
	rec->n_sources = json_len(&list);
	return 0;
}

static int read_names(
	const struct json_at *at, const char *key, size_t max, struct rec_names *out, struct err *e)
{
	struct json_at list;

	if (json_need_array(at, key, max, &list, e))
		return -e->code;
	for (size_t i = 0; i < json_len(&list); i++) {
		struct json_at item = json_item(&list, i);
		const char *text;

		if (json_text(&item, &text, e))
			return -e->code;
		if (rec_names_add(out, text))
			return err_nomem(e);
	}
	return 0;
}

static int by_text(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* A join has sorted them, and so would one with the file. */
static int check_sorted(const struct json_at *list, const struct rec_names *names, struct err *e)
{
	for (size_t i = 1; i < names->n_names; i++) {
		struct json_at item = json_item(list, i);

		if (strcmp(names->names[i - 1], names->names[i]) > 0)
			return json_err(&item, e, "names of several sources are sorted by bytes");
	}
	return 0;
}

/*
 * As read_names(), and none may stand there twice.
 *
 * @in_order: they stand as they were seen first, and not sorted.
 */
static int read_set(const struct json_at *root, const char *key, bool in_order,
	struct rec_names *out, struct err *e)
{
	scoped_free char **sorted = NULL;
	struct json_at list;

	if (read_names(root, key, RECORDING_NAMES_MAX, out, e) || json_need(root, key, &list, e))
		return -e->code;
	sorted = calloc(out->n_names + 1, sizeof(*sorted));
	if (!sorted)
		return err_nomem(e);
	for (size_t i = 0; i < out->n_names; i++)
		sorted[i] = out->names[i];
	qsort(sorted, out->n_names, sizeof(*sorted), by_text);
	for (size_t i = 1; i < out->n_names; i++) {
		if (!strcmp(sorted[i - 1], sorted[i]))
			return json_err(&list, e, "\"%s\" stands there twice", sorted[i]);
	}
	return in_order ? 0 : check_sorted(&list, out, e);
}

static int read_sets(const struct json_at *root, struct recording *rec, struct err *e)
{
	bool in_order = rec->n_sources == 1;

	if (read_set(root, "phases", in_order, &rec->phases, e) ||
		read_set(root, "programs", in_order, &rec->programs, e) ||
		read_set(root, "mapped", in_order, &rec->mapped, e))
		return -e->code;
	return 0;
}

/* Of what was not started by the recorder no status is known. */
static int read_end(const struct json_at *at, struct rec_workload *out, struct err *e)
{
	struct json_at ended, status;
	uint64_t number;

	out->status = -1;
	if (json_get(at, "status", &status)) {
		if (json_need(at, "ended_ns", &ended, e) ||
			json_u64(&status, STATUS_MAX, &number, e))
			return -e->code;
		out->status = (int)number;
	}
	if (!json_get(at, "ended_ns", &ended))
		return 0;
	if (json_u64(&ended, UINT64_MAX, &out->ended_ns, e))
		return -e->code;
	if (out->ended_ns == 0)
		return json_err(&ended, e, "0 is no time; leave it out, and status, until the end");
	return 0;
}

static int read_workload(const struct json_at *root, struct rec_workload *out, struct err *e)
{
	static const char *const known[] = {
		"argv", "cwd", "started_ns", "ended_ns", "status", NULL};
	struct json_at at;

	if (json_need_object(root, "workload", known, &at, e) ||
		read_names(&at, "argv", RECORDING_ARGV_MAX, &out->argv, e) ||
		need_text(&at, "cwd", &out->cwd, e) ||
		json_need_u64(&at, "started_ns", &out->started_ns, e))
		return -e->code;
	return read_end(&at, out, e);
}

static int read_host_and_recorder(const struct json_at *root, struct recording *rec, struct err *e)
{
	static const char *const host_keys[] = {"kernel", "machine", NULL};
	static const char *const recorder_keys[] = {"name", "version", "backend", NULL};
	scoped_free char *name = NULL;
	struct json_at host, recorder;

	if (json_need_object(root, "host", host_keys, &host, e) ||
		need_text(&host, "kernel", &rec->host_kernel, e) ||
		need_text(&host, "machine", &rec->host_machine, e) ||
		json_need_object(root, "recorder", recorder_keys, &recorder, e) ||
		need_text(&recorder, "name", &name, e) ||
		need_text(&recorder, "version", &rec->recorder_version, e) ||
		need_text(&recorder, "backend", &rec->recorder_backend, e))
		return -e->code;
	if (!name || strcmp(name, RECORDING_PROGRAM) != 0)
		return json_err(&recorder, e, "name is \"%s\"; only \"%s\" is known", name,
			RECORDING_PROGRAM);
	return 0;
}

static int read_loss(const struct json_at *root, struct recording *rec, struct err *e)
{
	const char *known[LOSS_WAYS + 1] = {NULL};
	struct json_at at;

	for (enum loss way = 0; way < LOSS_WAYS; way++)
		known[way] = loss_name(way);
	if (json_need_object(root, "loss", known, &at, e))
		return -e->code;
	for (enum loss way = 0; way < LOSS_WAYS; way++) {
		if (json_need_u64(&at, loss_name(way), &rec->loss[way], e))
			return -e->code;
	}
	return 0;
}

/* In the order of this program's table, which is not for the file to know. */
static int sort_calls(const struct json_at *list, struct recording *rec, struct err *e)
{
	qsort(rec->calls, rec->n_calls, sizeof(*rec->calls), rec_call_compare);
	for (size_t i = 1; i < rec->n_calls; i++) {
		if (!rec_call_compare(&rec->calls[i - 1], &rec->calls[i]))
			return json_err(list, e, "number %d of %s stands there twice",
				(int32_t)rec->calls[i].nr, rec->calls[i].abi->name);
	}
	return 0;
}

static int read_calls(const struct json_at *root, struct recording *rec, struct err *e)
{
	struct json_at list;

	if (json_need_array(root, "syscalls", RECORDING_CALLS_MAX, &list, e))
		return -e->code;
	rec->room_calls = json_len(&list) + 1;
	rec->calls = calloc(rec->room_calls, sizeof(*rec->calls));
	if (!rec->calls)
		return err_nomem(e);
	for (size_t i = 0; i < json_len(&list); i++) {
		struct json_at item = json_item(&list, i);

		rec->n_calls++;
		if (rec_call_parse(&item, rec, &rec->calls[i], e))
			return -e->code;
	}
	return sort_calls(&list, rec, e);
}

/* What a recording says twice must agree. */
static int check_whole(const struct json_at *root, struct recording *rec, struct err *e)
{
	struct recording said = *rec;
	struct json_at at = *root;

	recording_settle(rec);
	if (strcmp(said.id, rec->id) != 0 && json_get(root, "id", &at))
		return json_err(&at, e, "is not the id that follows from the sources, %s", rec->id);
	if (said.seq != rec->seq && json_get(root, "seq", &at))
		return json_err(&at, e, "is not the highest of the sources', %" PRIu64, rec->seq);
	if (said.complete != rec->complete && json_get(root, "complete", &at))
		return json_err(&at, e, "does not follow from sources and loss");
	if (rec->sources[0].complete && !rec->workload.ended_ns)
		return json_err(root, e, "the first source is complete, but has no ended_ns");
	return 0;
}

static int read_identity(const struct json_at *root, struct recording *rec, struct err *e)
{
	if (need_id(root, rec->id, e) || json_need_u64(root, "seq", &rec->seq, e) ||
		read_sources(root, rec, e) || json_need_bool(root, "complete", &rec->complete, e))
		return -e->code;
	return 0;
}

static int read_recording(const struct json_at *root, struct recording *rec, struct err *e)
{
	static const char *const known[] = {"kind", "version", "id", "seq", "sources", "complete",
		"workload", "host", "recorder", "phases", "programs", "mapped", "loss", "syscalls",
		"origins", NULL};

	if (read_envelope(root, e) || json_check_keys(root, known, e) ||
		read_identity(root, rec, e) || read_workload(root, &rec->workload, e) ||
		read_host_and_recorder(root, rec, e) || read_sets(root, rec, e) ||
		read_loss(root, rec, e) || read_calls(root, rec, e) ||
		rec_origins_parse(root, rec, e))
		return -e->code;
	return check_whole(root, rec, e);
}

int recording_parse(const char *name, char *text, size_t size, struct recording *out, struct err *e)
{
	scoped(json_doc_done) struct json_doc doc = {0};
	scoped(recording_done) struct recording rec = {0};
	struct json_at root;

	if (json_parse(name, text, size, &doc, e))
		return -e->code;
	root = json_root(&doc);
	if (read_recording(&root, &rec, e))
		return -e->code;
	*out = rec;
	rec = (struct recording){0};
	return 0;
}

int recording_read(const char *path, struct recording *out, struct err *e)
{
	scoped_free char *text = NULL;
	size_t size;

	if (file_read(path, RECORDING_SIZE_MAX, &text, &size, e))
		return -e->code;
	return recording_parse(strcmp(path, "-") ? path : "standard input", text, size, out, e);
}
