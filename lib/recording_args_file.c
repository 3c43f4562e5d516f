#include "recording_parts.h"

#include <errno.h>
#include <inttypes.h>

static const uint64_t *tuple_of(const struct arg_set *set, size_t width, size_t i)
{
	return set->tuples + i * width;
}

static void put_tuple(struct json_writer *w, const uint64_t *tuple, size_t width)
{
	json_open_inline(w, '[');
	for (size_t i = 0; i < width; i++)
		json_put_u64(w, tuple[i]);
	json_close(w, ']');
}

static void put_arg(struct json_writer *w, const struct rec_arg *arg)
{
	json_open_inline(w, '{');
	json_member_u64(w, "index", arg->index);
	json_member_u64(w, "bits", arg->bits);
	if (arg->values.many) {
		json_member_bool(w, "many", true);
	} else {
		json_key(w, "values");
		put_tuple(w, arg->values.tuples, arg->values.n_tuples);
	}
	json_close(w, '}');
}

static void put_tuples(struct json_writer *w, const struct rec_args *args)
{
	json_open_inline(w, '{');
	json_key(w, "indexes");
	json_open_inline(w, '[');
	for (size_t i = 0; i < args->n_args; i++)
		json_put_u64(w, args->args[i].index);
	json_close(w, ']');
	if (args->tuples.many) {
		json_member_bool(w, "many", true);
	} else {
		json_key(w, "tuples");
		json_open_inline(w, '[');
		for (size_t i = 0; i < args->tuples.n_tuples; i++)
			put_tuple(w, tuple_of(&args->tuples, args->n_args, i), args->n_args);
		json_close(w, ']');
	}
	json_close(w, '}');
}

void rec_args_emit(struct json_writer *w, const struct rec_args *args)
{
	json_key(w, "args");
	json_open_inline(w, '[');
	for (size_t i = 0; i < args->n_args; i++)
		put_arg(w, &args->args[i]);
	if (args->n_args > 1)
		put_tuples(w, args);
	json_close(w, ']');
}

static uint64_t value_max(const struct rec_arg *arg)
{
	return arg_cut(UINT64_MAX, arg->bits);
}

/* Either @key, whose list is handed out then, or "many". */
static int read_many(const struct json_at *at, const char *key, bool *out_many,
	struct json_at *out_list, struct err *e)
{
	struct json_at many, list;

	*out_many = json_get(at, "many", &many);
	if (!*out_many) {
		if (json_need_array(at, key, ARG_TUPLES_MAX, out_list, e))
			return -e->code;
		return json_len(out_list) ? 0 : json_err(out_list, e, "at least one expected");
	}
	if (json_bool(&many, out_many, e))
		return -e->code;
	if (!*out_many)
		return json_err(&many, e, "is true, or left out");
	if (json_get(at, key, &list))
		return json_err(&list, e, "not together with \"many\"");
	return 0;
}

/* Append @tuple, which stands at @at, to those before it. */
static int append_tuple(const struct json_at *at, struct arg_set *set, size_t width,
	const uint64_t *tuple, struct err *e)
{
	size_t n = set->n_tuples;

	if (n > 0 && arg_tuple_compare(tuple_of(set, width, n - 1), tuple, width) >= 0)
		return json_err(at, e, "%s are sorted, each once", width > 1 ? "tuples" : "values");
	return arg_set_add(set, width, tuple) ? err_nomem(e) : 0;
}

static int read_values(const struct json_at *at, struct rec_arg *arg, struct err *e)
{
	struct json_at list;

	if (read_many(at, "values", &arg->values.many, &list, e))
		return -e->code;
	for (size_t i = 0; !arg->values.many && i < json_len(&list); i++) {
		struct json_at item = json_item(&list, i);
		uint64_t value;

		if (json_u64(&item, value_max(arg), &value, e) ||
			append_tuple(&item, &arg->values, 1, &value, e))
			return -e->code;
	}
	return 0;
}

static int read_bits(
	const struct json_at *at, const struct abi *abi, struct rec_arg *arg, struct err *e)
{
	struct json_at bits;
	uint64_t number;

	if (json_need(at, "bits", &bits, e) || json_u64(&bits, UINT64_MAX, &number, e))
		return -e->code;
	if (number != 32 && number != 64)
		return json_err(&bits, e, "32 or 64 expected, not %" PRIu64, number);
	if (number == 64 && abi->bits32)
		return json_err(&bits, e, "an argument of %s has 32", abi->name);
	arg->bits = (uint8_t)number;
	return 0;
}

static int read_arg(
	const struct json_at *at, const struct abi *abi, struct rec_args *out, struct err *e)
{
	static const char *const known[] = {"index", "bits", "values", "many", NULL};
	struct rec_arg *arg = &out->args[out->n_args];
	struct json_at index;
	uint64_t number;

	if (json_check_keys(at, known, e) || json_need(at, "index", &index, e) ||
		json_u64(&index, ARGS_INDEX_MAX, &number, e))
		return -e->code;
	if (out->n_args == ARGS_PER_CALL_MAX)
		return json_err(at, e, "at most %d arguments of a call", ARGS_PER_CALL_MAX);
	if (out->n_args > 0 && number <= arg[-1].index)
		return json_err(&index, e, "arguments are sorted by index, each once");
	*arg = (struct rec_arg){.index = (uint8_t)number};
	out->n_args++;
	if (read_bits(at, abi, arg, e) || read_values(at, arg, e))
		return -e->code;
	return 0;
}

/* All that were listed before. */
static int check_indexes(const struct json_at *at, const struct rec_args *args, struct err *e)
{
	struct json_at list;

	if (json_need_array(at, "indexes", ARGS_PER_CALL_MAX, &list, e))
		return -e->code;
	for (size_t i = 0; i < json_len(&list); i++) {
		struct json_at item = json_item(&list, i);
		uint64_t index;

		if (json_u64(&item, ARGS_INDEX_MAX, &index, e))
			return -e->code;
		if (i >= args->n_args || index != args->args[i].index)
			return json_err(&item, e, "is not that of argument %zu before", i);
	}
	if (json_len(&list) != args->n_args || args->n_args < 2)
		return json_err(&list, e, "%zu indexes, of %zu arguments before; two at least",
			json_len(&list), args->n_args);
	return 0;
}

static int read_tuple(const struct json_at *at, struct rec_args *out, struct err *e)
{
	uint64_t tuple[ARGS_PER_CALL_MAX];

	if (json_expect_array(at, out->n_args, e))
		return -e->code;
	if (json_len(at) != out->n_args)
		return json_err(at, e, "%zu values expected", out->n_args);
	for (size_t i = 0; i < out->n_args; i++) {
		struct json_at item = json_item(at, i);

		if (json_u64(&item, value_max(&out->args[i]), &tuple[i], e))
			return -e->code;
	}
	return append_tuple(at, &out->tuples, out->n_args, tuple, e);
}

/* The values of each argument are those in the tuples. */
static int check_tuples(const struct json_at *at, const struct rec_args *args, struct err *e)
{
	uint64_t parts[ARG_TUPLES_MAX];
	struct arg_set set = {.tuples = parts};

	for (size_t i = 0; i < args->n_args; i++) {
		const struct arg_set *values = &args->args[i].values;

		set.n_tuples = arg_set_project(&args->tuples, args->n_args, i, parts);
		if (!arg_set_equal(values, &set, 1))
			return json_err(at, e, "argument %u has other values here than before",
				args->args[i].index);
	}
	return 0;
}

static int read_tuples(const struct json_at *at, struct rec_args *out, struct err *e)
{
	static const char *const known[] = {"indexes", "tuples", "many", NULL};
	struct json_at list;

	if (json_check_keys(at, known, e) || check_indexes(at, out, e) ||
		read_many(at, "tuples", &out->tuples.many, &list, e))
		return -e->code;
	if (out->tuples.many)
		return 0;
	for (size_t i = 0; i < json_len(&list); i++) {
		struct json_at item = json_item(&list, i);

		if (read_tuple(&item, out, e))
			return -e->code;
	}
	return check_tuples(&list, out, e);
}

int rec_args_parse(
	const struct json_at *at, const struct abi *abi, struct rec_args *out, struct err *e)
{
	struct json_at list, indexes;
	bool ended = false;

	if (json_need_array(at, "args", ARGS_PER_CALL_MAX + 1, &list, e))
		return -e->code;
	for (size_t i = 0; i < json_len(&list); i++) {
		struct json_at item = json_item(&list, i);

		if (json_expect_object(&item, e))
			return -e->code;
		if (ended)
			return json_err(&item, e, "nothing follows the tuples");
		ended = json_get(&item, "indexes", &indexes);
		if (ended ? read_tuples(&item, out, e) : read_arg(&item, abi, out, e))
			return -e->code;
	}
	if (out->n_args > 1 && !ended)
		return json_err(
			&list, e, "the tuples of the %zu arguments are missing", out->n_args);
	return 0;
}
