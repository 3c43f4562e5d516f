#include "recording_parts.h"

#include <errno.h>
#include <stdlib.h>

#include "file.h"
#include "scope.h"

enum { FILE_MODE = 0666 }; /* the umask decides */

static void key_string(struct json_writer *w, const char *key, const char *text)
{
	json_member_text(w, key, text ? text : "");
}

static void key_names(struct json_writer *w, const char *key, const struct rec_names *names)
{
	json_key(w, key);
	json_open(w, '[');
	for (size_t i = 0; i < names->n_names; i++)
		json_put_string(w, names->names[i]);
	json_close(w, ']');
}

static void key_indexes(struct json_writer *w, const char *key, const struct bits *set)
{
	json_key(w, key);
	json_open_inline(w, '[');
	for (size_t n = bits_next(set, 0); n != SIZE_MAX; n = bits_next(set, n + 1))
		json_put_u64(w, n);
	json_close(w, ']');
}

static void key_empty(struct json_writer *w, const char *key)
{
	json_key(w, key);
	json_open_inline(w, '[');
	json_close(w, ']');
}

static void put_sources(struct json_writer *w, const struct recording *rec)
{
	json_key(w, "sources");
	json_open(w, '[');
	for (size_t i = 0; i < rec->n_sources; i++) {
		json_open_inline(w, '{');
		key_string(w, "id", rec->sources[i].id);
		json_member_u64(w, "seq", rec->sources[i].seq);
		json_member_bool(w, "complete", rec->sources[i].complete);
		json_close(w, '}');
	}
	json_close(w, ']');
}

static void put_workload(struct json_writer *w, const struct rec_workload *workload)
{
	json_key(w, "workload");
	json_open(w, '{');
	key_names(w, "argv", &workload->argv);
	key_string(w, "cwd", workload->cwd);
	json_member_u64(w, "started_ns", workload->started_ns);
	if (workload->ended_ns)
		json_member_u64(w, "ended_ns", workload->ended_ns);
	if (workload->ended_ns && workload->status >= 0)
		json_member_u64(w, "status", (uint64_t)workload->status);
	json_close(w, '}');
}

static void put_host_and_recorder(struct json_writer *w, const struct recording *rec)
{
	json_key(w, "host");
	json_open_inline(w, '{');
	key_string(w, "kernel", rec->host_kernel);
	key_string(w, "machine", rec->host_machine);
	json_close(w, '}');
	json_key(w, "recorder");
	json_open_inline(w, '{');
	json_member_text(w, "name", RECORDING_PROGRAM);
	key_string(w, "version", rec->recorder_version);
	key_string(w, "backend", rec->recorder_backend);
	json_close(w, '}');
}

static void put_loss(struct json_writer *w, const struct recording *rec)
{
	json_key(w, "loss");
	json_open(w, '{');
	for (enum loss way = 0; way < LOSS_WAYS; way++)
		json_member_u64(w, loss_name(way), rec->loss[way]);
	json_close(w, '}');
}

/* A set of sources as one number in hex, source 0 its lowest bit. */
static int put_sources_of(struct json_writer *w, const struct bits *sources, size_t n_sources)
{
	static const char digits[] = "0123456789abcdef";
	size_t n_digits = (n_sources + 3) / 4;
	scoped_free char *hex = calloc(1, n_digits + 1);
	char *first = hex;

	if (!hex)
		return -ENOMEM;
	for (size_t i = 0; i < n_digits; i++) {
		unsigned digit = 0;

		for (unsigned bit = 0; bit < 4; bit++)
			digit |= (unsigned)bits_has(sources, 4 * i + bit) << bit;
		hex[n_digits - 1 - i] = digits[digit];
	}
	while (*first == '0' && first[1])
		first++;
	json_put_string(w, first);
	return 0;
}

/* For each of its phases the sources that saw the call there, unless that follows. */
static int put_seen(struct json_writer *w, const struct rec_call *call, size_t n_sources)
{
	const struct bits *phases = &call->phases;
	int code = 0;

	if (!call->seen)
		return 0;
	json_key(w, "phases_seen_in");
	json_open_inline(w, '[');
	for (size_t n = bits_next(phases, 0); !code && n != SIZE_MAX; n = bits_next(phases, n + 1))
		code = put_sources_of(w, rec_call_seen_in(call, n), n_sources);
	json_close(w, ']');
	return code;
}

void rec_call_emit_number(struct json_writer *w, const struct abi *abi, uint32_t nr)
{
	char buf[SYSCALL_NAME_MAX];
	const char *name = syscall_name(abi, nr, buf);

	json_member_text(w, "abi", abi->name);
	json_member_i64(w, "nr", (int32_t)nr);
	json_member_text(w, "name", name);
}

static int put_call(struct json_writer *w, const struct rec_call *call, size_t n_sources)
{
	size_t runs = bits_count(&call->sources);
	int code = 0;

	json_open_inline(w, '{');
	rec_call_emit_number(w, call->abi, call->nr);
	json_member_u64(w, "count", call->count);
	json_member_u64(w, "runs", runs);
	if (runs != n_sources) {
		json_key(w, "seen_in");
		code = put_sources_of(w, &call->sources, n_sources);
	}
	json_member_u64(w, "first_ns", call->first_ns);
	json_member_u64(w, "last_ns", call->last_ns);
	key_indexes(w, "phases", &call->phases);
	if (!code)
		code = put_seen(w, call, n_sources);
	key_indexes(w, "programs", &call->programs);
	json_member_u64(w, "denied", call->denied);
	json_member_u64(w, "enosys", call->enosys);
	rec_args_emit(w, rec_call_args(call));
	key_empty(w, "stack");
	json_close(w, '}');
	return code;
}

static int put_recording(struct json_writer *w, const struct recording *rec, bool origins)
{
	int code = 0;

	json_open(w, '{');
	json_member_text(w, "kind", RECORDING_KIND);
	json_member_u64(w, "version", RECORDING_VERSION);
	key_string(w, "id", rec->id);
	json_member_u64(w, "seq", rec->seq);
	put_sources(w, rec);
	json_member_bool(w, "complete", rec->complete);
	put_workload(w, &rec->workload);
	put_host_and_recorder(w, rec);
	key_names(w, "phases", &rec->phases);
	key_names(w, "programs", &rec->programs);
	key_names(w, "mapped", &rec->mapped);
	put_loss(w, rec);
	json_key(w, "syscalls");
	json_open(w, '[');
	for (size_t i = 0; !code && i < rec->n_calls; i++)
		code = put_call(w, &rec->calls[i], rec->n_sources);
	json_close(w, ']');
	if (origins)
		rec_origins_emit(w, rec);
	json_close(w, '}');
	return code;
}

static int emit(
	const struct recording *rec, bool origins, char **out_text, size_t *out_size, struct err *e)
{
	scoped(json_writer_done) struct json_writer w = {0};

	if (json_writer_init(&w, e))
		return -e->code;
	if (put_recording(&w, rec, origins))
		return err_nomem(e);
	return json_writer_end(&w, out_text, out_size, e);
}

int recording_emit(const struct recording *rec, char **out_text, size_t *out_size, struct err *e)
{
	scoped_free char *text = NULL;
	size_t size = 0;

	if (emit(rec, true, &text, &size, e))
		return -e->code;
	/* What is for people must not cost what profiles are cut from. */
	if (size > RECORDING_SIZE_MAX && rec->n_origins) {
		free(steal_ptr(text));
		if (emit(rec, false, &text, &size, e))
			return -e->code;
	}
	if (size > RECORDING_SIZE_MAX)
		return err_set(e, EFBIG,
			"the recording takes %zu bytes, and at most %d are read back; merge fewer",
			size, RECORDING_SIZE_MAX);
	*out_text = steal_ptr(text);
	*out_size = size;
	return 0;
}

static int write_by(struct recording *rec, const char *path,
	int (*replace)(
		const char *path, const void *bytes, size_t size, mode_t mode, struct err *e),
	struct err *e)
{
	scoped_free char *text = NULL;
	size_t size = 0;

	/* Not taken back on failure: a rename whose directory could not be synced has happened, and
	 * two states of one seq must never be seen. */
	if (rec->n_sources == 1)
		rec->seq = ++rec->sources[0].seq;
	if (recording_emit(rec, &text, &size, e))
		return err_prefix(e, "%s: ", path);
	return replace(path, text, size, FILE_MODE, e);
}

int recording_write(struct recording *rec, const char *path, struct err *e)
{
	return write_by(rec, path, file_replace, e);
}

int recording_write_unsynced(struct recording *rec, const char *path, struct err *e)
{
	return write_by(rec, path, file_replace_unsynced, e);
}
