#include "explain.h"

#include <stdio.h>

#include "args.h"
#include "json.h"
#include "scope.h"

static void put_arg(struct json_writer *w, const struct rec_call *call, const struct rec_arg *arg)
{
	char text[ARG_TEXT_MAX];
	const char *name = arg_name(rec_call_name(call, text), arg->index);

	json_open_inline(w, '{');
	json_member_u64(w, "index", arg->index);
	if (name)
		json_member_text(w, "name", name);
	if (arg->values.many) {
		json_member_bool(w, "many", true);
	} else {
		json_key(w, "values");
		json_open(w, '[');
		for (size_t i = 0; i < arg->values.n_tuples; i++)
			json_put_string(w, rec_text_value(call, arg, i, text));
		json_close(w, ']');
	}
	json_close(w, '}');
}

/* Calls with all arguments that are recorded; missing with fewer than two, or if they are many. */
static void put_together(struct json_writer *w, const struct rec_call *call)
{
	const struct arg_set *tuples = &rec_call_args(call)->tuples;
	char text[CALL_TEXT_MAX];

	if (tuples->n_tuples == 0)
		return;
	json_key(w, "together");
	json_open(w, '[');
	for (size_t i = 0; i < tuples->n_tuples; i++)
		json_put_string(w, rec_text_tuple(call, i, text));
	json_close(w, ']');
}

static void put_args(struct json_writer *w, const struct rec_call *call)
{
	const struct rec_args *args = rec_call_args(call);

	json_key(w, "arguments");
	json_open(w, '[');
	for (size_t i = 0; i < args->n_args; i++)
		put_arg(w, call, &args->args[i]);
	json_close(w, ']');
	put_together(w, call);
}

static void put_stack(struct json_writer *w, const struct rec_origin *origin)
{
	char text[REC_FRAME_LINE_MAX];

	json_key(w, "stack");
	json_open(w, '[');
	for (size_t i = 0; i < origin->n_frames; i++)
		json_put_string(w, rec_text_frame(&origin->frames[i], text));
	json_close(w, ']');
}

static void put_origin(
	struct json_writer *w, const struct recording *rec, const struct rec_origin *origin)
{
	char text[CALL_TEXT_MAX];

	json_open(w, '{');
	json_member_text(w, "program", rec->programs.names[origin->program]);
	json_member_text(w, "phase", rec->phases.names[origin->phase]);
	json_member_u64(w, "pid", (uint64_t)origin->pid);
	json_member_u64(w, "tid", (uint64_t)origin->tid);
	json_member_u64(w, "time_ns", origin->time_ns);
	json_member_text(w, "call", rec_text_origin(origin, text));
	put_stack(w, origin);
	json_close(w, '}');
}

static void put_origins(
	struct json_writer *w, const struct recording *rec, const struct rec_call *call)
{
	size_t n;
	const struct rec_origin *origins = rec_origins_of(rec, call->abi, call->nr, &n);

	json_key(w, "origins");
	json_open(w, '[');
	for (size_t i = 0; i < n; i++)
		put_origin(w, rec, &origins[i]);
	json_close(w, ']');
}

static void put_call(
	struct json_writer *w, const struct recording *rec, const struct rec_call *call)
{
	char name[SYSCALL_NAME_MAX];

	json_open(w, '{');
	json_member_text(w, "abi", call->abi->name);
	json_member_i64(w, "nr", (int32_t)call->nr);
	if (syscall_name(call->abi, call->nr, name))
		json_member_text(w, "name", name);
	json_member_u64(w, "count", call->count);
	json_member_u64(w, "denied", call->denied);
	json_member_u64(w, "enosys", call->enosys);
	json_member_u64(w, "runs", bits_count(&call->sources));
	json_member_u64(w, "first_ns", call->first_ns);
	json_member_u64(w, "last_ns", call->last_ns);
	rec_text_put_names(w, "phases", &rec->phases, &call->phases);
	rec_text_put_names(w, "programs", &rec->programs, &call->programs);
	put_args(w, call);
	put_origins(w, rec, call);
	json_close(w, '}');
}

int explain_print_json(const struct recording *rec, const struct explain_list *list, struct err *e)
{
	scoped_free char *text = NULL;
	struct json_writer w;
	size_t size;

	if (json_writer_init(&w, e))
		return -e->code;
	json_open(&w, '{');
	json_member_text(&w, "kind", "sysclamp.explain");
	json_member_u64(&w, "version", 1);
	json_member_u64(&w, "started_ns", rec->workload.started_ns);
	json_member_u64(&w, "runs", rec->n_sources);
	json_key(&w, "calls");
	json_open(&w, '[');
	for (size_t i = 0; i < list->n_calls; i++)
		put_call(&w, rec, list->calls[i]);
	json_close(&w, ']');
	json_close(&w, '}');
	if (json_writer_end(&w, &text, &size, e))
		return -e->code;
	fputs(text, stdout);
	return 0;
}
