#include "recording_text.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

const char *rec_text_label(const struct rec_call *call, char buf[REC_LABEL_MAX])
{
	char name[SYSCALL_NAME_MAX];
	bool native = call->abi == abi_native();

	(void)snprintf(buf, REC_LABEL_MAX, "%s%s%s", native ? "" : call->abi->name,
		native ? "" : ":", rec_call_name(call, name));
	return buf;
}

const struct rec_origin *rec_first_origin(const struct recording *rec, const struct rec_call *call)
{
	size_t n;
	const struct rec_origin *origins = rec_origins_of(rec, call->abi, call->nr, &n);
	const struct rec_origin *first = origins;

	for (size_t i = 1; i < n; i++) {
		if (origins[i].time_ns < first->time_ns)
			first = &origins[i];
	}
	return first;
}

const struct rec_frame *rec_own_frame(const struct recording *rec, const struct rec_origin *origin)
{
	const char *program = rec->programs.names[origin->program];

	for (size_t i = 0; i < origin->n_frames; i++) {
		if (!strcmp(origin->frames[i].module, program))
			return &origin->frames[i];
	}
	return origin->n_frames ? &origin->frames[0] : NULL;
}

const char *rec_text_origin(const struct rec_origin *origin, char buf[CALL_TEXT_MAX])
{
	struct rec_call call = {.abi = origin->abi, .nr = origin->nr};
	char name[SYSCALL_NAME_MAX];

	return args_text_call(
		origin->abi, rec_call_name(&call, name), origin->values, buf, CALL_TEXT_MAX);
}

const char *rec_text_frame(const struct rec_frame *frame, char buf[REC_FRAME_LINE_MAX])
{
	const char *slash = strrchr(frame->module, '/');
	const char *base = slash ? slash + 1 : frame->module;

	(void)snprintf(buf, REC_FRAME_LINE_MAX, "%s%s%s+0x%" PRIx64, *base ? base : "?",
		*frame->symbol ? "!" : "", frame->symbol, frame->offset);
	return buf;
}

const char *rec_text_value(
	const struct rec_call *call, const struct rec_arg *arg, size_t i, char buf[ARG_TEXT_MAX])
{
	char name[SYSCALL_NAME_MAX];

	return args_text(call->abi, rec_call_name(call, name), arg->index, arg->values.tuples[i],
		buf, ARG_TEXT_MAX);
}

/* The values of a tuple at the places of their arguments; returns which those are, a bit each. */
static unsigned spread(const struct rec_args *args, size_t i, uint64_t values[SYSCALL_ARGS])
{
	unsigned known = 0;

	for (size_t part = 0; part < args->n_args; part++) {
		values[args->args[part].index] = args->tuples.tuples[i * args->n_args + part];
		known |= 1u << args->args[part].index;
	}
	return known;
}

const char *rec_text_tuple(const struct rec_call *call, size_t i, char buf[CALL_TEXT_MAX])
{
	char name[SYSCALL_NAME_MAX], text[ARG_TEXT_MAX];
	uint64_t values[SYSCALL_ARGS] = {0};
	unsigned known = spread(rec_call_args(call), i, values);
	size_t len = (size_t)snprintf(buf, CALL_TEXT_MAX, "%s(", rec_call_name(call, name));

	for (unsigned index = 0; known >> index && len < CALL_TEXT_MAX; index++) {
		if (known >> index & 1)
			args_text_among(call->abi, name, index, values, known, text, sizeof(text));
		len += (size_t)snprintf(buf + len, CALL_TEXT_MAX - len, "%s%s",
			known >> index & 1 ? text : "?", known >> index > 1 ? ", " : ")");
	}
	return buf;
}

void rec_text_put_names(struct json_writer *w, const char *key, const struct rec_names *names,
	const struct bits *set)
{
	json_key(w, key);
	json_open_inline(w, '[');
	for (size_t n = bits_next(set, 0); n != SIZE_MAX; n = bits_next(set, n + 1))
		json_put_string(w, names->names[n]);
	json_close(w, ']');
}
