#include "recording_parts.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "num.h"
#include "scope.h"

enum { HEX_MAX = 24, FRAME_MAX = 2 * REC_FRAME_TEXT_MAX + HEX_MAX };

/* Registers are mostly addresses, and integers above 2^63 are few in a file: json_parse(). */
static void put_values(struct json_writer *w, const struct rec_origin *origin)
{
	char hex[HEX_MAX];

	json_key(w, "values");
	json_open_inline(w, '[');
	for (size_t i = 0; i < SYSCALL_ARGS; i++) {
		(void)snprintf(hex, sizeof(hex), "0x%" PRIx64, origin->values[i]);
		json_put_string(w, hex);
	}
	json_close(w, ']');
}

/* A string each: what 32 objects of every origin would take, no reader grants. */
static void put_stack(struct json_writer *w, const struct rec_origin *origin)
{
	char text[FRAME_MAX];

	json_key(w, "stack");
	json_open_inline(w, '[');
	for (size_t i = 0; i < origin->n_frames; i++) {
		const struct rec_frame *frame = &origin->frames[i];

		(void)snprintf(text, sizeof(text), "%s!%s+0x%" PRIx64, frame->module, frame->symbol,
			frame->offset);
		json_put_string(w, text);
	}
	json_close(w, ']');
}

static void put_origin(struct json_writer *w, const struct rec_origin *origin)
{
	json_open_inline(w, '{');
	rec_call_emit_number(w, origin->abi, origin->nr);
	json_member_u64(w, "program", origin->program);
	json_member_u64(w, "phase", origin->phase);
	json_member_u64(w, "pid", (uint64_t)origin->pid);
	json_member_u64(w, "tid", (uint64_t)origin->tid);
	json_member_u64(w, "time_ns", origin->time_ns);
	put_values(w, origin);
	put_stack(w, origin);
	json_close(w, '}');
}

void rec_origins_emit(struct json_writer *w, const struct recording *rec)
{
	if (rec->n_origins == 0)
		return;
	json_key(w, "origins");
	json_open(w, '[');
	for (size_t i = 0; i < rec->n_origins; i++)
		put_origin(w, &rec->origins[i]);
	json_close(w, ']');
}

/* From 1 to @max. */
static int need_positive(
	const struct json_at *at, const char *key, uint64_t max, uint64_t *out_value, struct err *e)
{
	struct json_at value;

	if (json_need(at, key, &value, e) || json_u64(&value, max, out_value, e))
		return -e->code;
	return *out_value ? 0 : json_err(&value, e, "1 or more expected");
}

/* @n: how many there are to index. */
static int need_index(
	const struct json_at *at, const char *key, size_t n, uint32_t *out_index, struct err *e)
{
	struct json_at value;
	uint64_t index;

	if (json_need(at, key, &value, e) || json_u64(&value, UINT32_MAX, &index, e))
		return -e->code;
	if (index >= n)
		return json_err(&value, e, "%" PRIu64 " of %zu", index, n);
	*out_index = (uint32_t)index;
	return 0;
}

static int read_sight(const struct json_at *at, struct rec_origin *origin, struct err *e)
{
	uint64_t pid = 0, tid = 0;

	if (need_positive(at, "pid", INT32_MAX, &pid, e) ||
		need_positive(at, "tid", INT32_MAX, &tid, e) ||
		need_positive(at, "time_ns", UINT64_MAX, &origin->time_ns, e))
		return -e->code;
	origin->pid = (pid_t)pid;
	origin->tid = (pid_t)tid;
	return 0;
}

static int read_values(const struct json_at *at, struct rec_origin *origin, struct err *e)
{
	struct json_at list;

	if (json_need_array(at, "values", SYSCALL_ARGS, &list, e))
		return -e->code;
	if (json_len(&list) != SYSCALL_ARGS)
		return json_err(&list, e, "%d values expected", SYSCALL_ARGS);
	for (size_t i = 0; i < SYSCALL_ARGS; i++) {
		struct json_at item = json_item(&list, i);
		const char *text;

		if (json_text(&item, &text, e))
			return -e->code;
		if (num_parse_hex(text, &origin->values[i]))
			return json_err(&item, e,
				"0x and up to 16 lower-case hex digits without a leading 0 "
				"expected");
	}
	return 0;
}

/* "FILE!FUNCTION+0xOFFSET"; only the file's name may have a '!' in it. */
static int read_frame(const struct json_at *at, struct rec_origin *origin, struct err *e)
{
	scoped_free char *module = NULL;
	char *symbol = NULL, *number;
	uint64_t offset;
	const char *text;

	if (json_text(at, &text, e))
		return -e->code;
	module = strdup(text);
	if (!module)
		return err_nomem(e);
	number = strrchr(module, '+');
	if (number) {
		*number++ = '\0';
		symbol = strrchr(module, '!');
	}
	if (!symbol || num_parse_hex(number, &offset))
		return json_err(at, e, "FILE!FUNCTION+0xOFFSET expected");
	*symbol++ = '\0';
	if (strlen(module) > REC_FRAME_TEXT_MAX || strlen(symbol) > REC_FRAME_TEXT_MAX)
		return json_err(
			at, e, "file and function have at most %d bytes each", REC_FRAME_TEXT_MAX);
	return rec_origin_add_frame(origin, module, symbol, offset) ? err_nomem(e) : 0;
}

static int read_stack(const struct json_at *at, struct rec_origin *origin, struct err *e)
{
	struct json_at list;

	if (json_need_array(at, "stack", REC_FRAMES_MAX, &list, e))
		return -e->code;
	for (size_t i = 0; i < json_len(&list); i++) {
		struct json_at item = json_item(&list, i);

		if (read_frame(&item, origin, e))
			return -e->code;
	}
	return 0;
}

static int read_origin(const struct json_at *at, struct recording *rec, struct err *e)
{
	static const char *const known[] = {"abi", "nr", "name", "program", "phase", "pid", "tid",
		"time_ns", "values", "stack", NULL};
	struct rec_call call = {.abi = NULL};
	struct rec_origin origin = {.abi = NULL}, *added;

	if (json_expect_object(at, e) || json_check_keys(at, known, e) ||
		rec_call_parse_number(at, &call, e) ||
		need_index(at, "program", rec->programs.n_names, &origin.program, e) ||
		need_index(at, "phase", rec->phases.n_names, &origin.phase, e) ||
		read_sight(at, &origin, e) || read_values(at, &origin, e))
		return -e->code;
	origin.abi = call.abi;
	origin.nr = call.nr;
	if (!rec_origin_is_noted(rec, &origin))
		return json_err(at, e, "no such call in that program and phase is in syscalls");
	added = rec_origin_insert(rec, rec->n_origins, &origin);
	return added ? read_stack(at, added, e) : err_nomem(e);
}

/* In the order of this program's table and of the names. */
static int sort_origins(const struct json_at *list, struct recording *rec, struct err *e)
{
	size_t n = rec->n_origins;

	rec_origins_settle(rec);
	return rec->n_origins == n
		       ? 0
		       : json_err(list, e, "a call stands there twice for one program and phase");
}

int rec_origins_parse(const struct json_at *root, struct recording *rec, struct err *e)
{
	struct json_at list;

	if (!json_get(root, "origins", &list))
		return 0;
	if (json_expect_array(&list, RECORDING_ORIGINS_MAX, e))
		return -e->code;
	if (json_len(&list) == 0)
		return json_err(&list, e, "left out if there is none");
	for (size_t i = 0; i < json_len(&list); i++) {
		struct json_at item = json_item(&list, i);

		if (read_origin(&item, rec, e))
			return -e->code;
	}
	return sort_origins(&list, rec, e);
}
