#include "recording_parts.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "scope.h"

enum { HEX_BITS = 4 };

static int read_number(const struct json_at *at, struct rec_call *call, struct err *e)
{
	struct json_at abi, nr;
	const char *text;
	int64_t number;

	if (json_need(at, "abi", &abi, e) || json_text(&abi, &text, e) ||
		json_need(at, "nr", &nr, e) || json_i64(&nr, &number, e))
		return -e->code;
	call->abi = abi_by_name(text);
	if (!call->abi)
		return json_err(&abi, e, "\"%s\" is no ABI known here", text);
	if (number < INT32_MIN || number > INT32_MAX)
		return json_err(&nr, e, "%" PRId64 " does not fit in 32 bits with a sign", number);
	call->nr = (uint32_t)number;
	if (abi_of_call(call->abi->audit_arch, call->nr) != call->abi)
		return json_err(&nr, e,
			"%" PRId64 " is no number of %s: bit 30 is set in those of x32 and in no "
			"positive one of x86_64",
			number, text);
	return 0;
}

/*
 * The name is for people; the number decides.  What no table here knows is let pass: the recorder's
 * may have been newer.
 */
static int check_name(const struct json_at *at, const struct rec_call *call, struct err *e)
{
	char buf[SYSCALL_NAME_MAX];
	struct json_at name;
	const char *text, *right;
	uint32_t nr;
	int code;

	if (!json_get(at, "name", &name))
		return 0;
	if (json_text(&name, &text, e))
		return -e->code;
	code = syscall_number(call->abi, text, &nr);
	if (!code && nr == call->nr)
		return 0;
	right = syscall_name(call->abi, call->nr, buf);
	if (right)
		return json_err(&name, e, "number %d of %s is %s, not \"%s\"", (int32_t)call->nr,
			call->abi->name, right, text);
	if (!code)
		return json_err(&name, e, "\"%s\" of %s is number %d, not %d", text,
			call->abi->name, (int32_t)nr, (int32_t)call->nr);
	return 0;
}

int rec_call_parse_number(const struct json_at *at, struct rec_call *call, struct err *e)
{
	return read_number(at, call, e) || check_name(at, call, e) ? -e->code : 0;
}

/* The digits of @text, most significant first, as members of @out. */
static int add_hex(struct bits *out, const char *text, struct err *e)
{
	static const char digits[] = "0123456789abcdef";
	size_t len = strlen(text);

	for (size_t i = 0; i < len; i++) {
		size_t digit = (size_t)(strchr(digits, text[len - 1 - i]) - digits);

		for (size_t bit = 0; bit < HEX_BITS; bit++) {
			if ((digit >> bit & 1) && bits_add(out, HEX_BITS * i + bit))
				return err_nomem(e);
		}
	}
	return 0;
}

/* A set of some of @n_sources sources, one at least. */
static int read_sources(const struct json_at *at, size_t n_sources, struct bits *out, struct err *e)
{
	const char *text;

	if (json_text(at, &text, e))
		return -e->code;
	if (!*text || text[strspn(text, "0123456789abcdef")] || *text == '0')
		return json_err(at, e, "lower-case hex digits without a leading 0 expected");
	if (strlen(text) > (n_sources + HEX_BITS - 1) / HEX_BITS)
		return json_err(at, e, "more bits than sources (%zu)", n_sources);
	if (add_hex(out, text, e))
		return -e->code;
	if (bits_next(out, n_sources) != SIZE_MAX)
		return json_err(at, e, "more bits than sources (%zu)", n_sources);
	return 0;
}

static int read_seen_in(const struct json_at *at, size_t n_sources, struct bits *out, struct err *e)
{
	struct json_at seen;

	if (json_get(at, "seen_in", &seen))
		return read_sources(&seen, n_sources, out, e);
	for (size_t i = 0; i < n_sources; i++) {
		if (bits_add(out, i))
			return err_nomem(e);
	}
	return 0;
}

static int read_sources_of_call(
	const struct json_at *at, size_t n_sources, struct rec_call *call, struct err *e)
{
	struct json_at runs;
	uint64_t number;

	if (json_need(at, "runs", &runs, e) || json_u64(&runs, n_sources, &number, e) ||
		read_seen_in(at, n_sources, &call->sources, e))
		return -e->code;
	if (number != bits_count(&call->sources))
		return json_err(&runs, e, "%" PRIu64 ", but seen_in names %zu sources", number,
			bits_count(&call->sources));
	return 0;
}

/* @n: how many there are to index. */
static int read_indexes(
	const struct json_at *at, const char *key, size_t n, struct bits *out, struct err *e)
{
	struct json_at list;

	if (json_need_array(at, key, n, &list, e))
		return -e->code;
	for (size_t i = 0; i < json_len(&list); i++) {
		struct json_at item = json_item(&list, i);
		uint64_t index;

		if (json_u64(&item, n - 1, &index, e))
			return -e->code;
		if (bits_next(out, index) != SIZE_MAX)
			return json_err(&item, e, "indexes are sorted, each once");
		if (bits_add(out, index))
			return err_nomem(e);
	}
	return 0;
}

/* The sources that saw the call in @phase: some of those that saw it at all. */
static int read_seen_in_phase(const struct json_at *at, size_t phase, size_t n_sources,
	struct rec_call *call, struct err *e)
{
	struct bits *seen = rec_call_own_seen(call, phase);

	if (!seen)
		return err_nomem(e);
	if (read_sources(at, n_sources, seen, e))
		return -e->code;
	for (size_t n = bits_next(seen, 0); n != SIZE_MAX; n = bits_next(seen, n + 1)) {
		if (!bits_has(&call->sources, n))
			return json_err(at, e, "source %zu saw it here, but not in seen_in", n);
	}
	return 0;
}

static int read_phases_seen_in(
	const struct json_at *at, size_t n_sources, struct rec_call *call, struct err *e)
{
	size_t phase = bits_next(&call->phases, 0), n_phases = bits_count(&call->phases);
	struct json_at list;

	if (!json_get(at, "phases_seen_in", &list))
		return 0;
	if (json_expect_array(&list, n_phases, e))
		return -e->code;
	if (json_len(&list) != n_phases)
		return json_err(&list, e, "%zu elements, but the call has %zu phases",
			json_len(&list), n_phases);
	for (size_t i = 0; i < n_phases; i++, phase = bits_next(&call->phases, phase + 1)) {
		struct json_at item = json_item(&list, i);

		if (read_seen_in_phase(&item, phase, n_sources, call, e))
			return -e->code;
	}
	if (rec_call_seen_follows(call))
		rec_call_drop_seen(call);
	return 0;
}

/* At most the calls made. */
static int need_part(const struct json_at *at, const char *key, const struct rec_call *call,
	uint64_t *out, struct err *e)
{
	struct json_at value;

	if (json_need(at, key, &value, e) || json_u64(&value, UINT64_MAX, out, e))
		return -e->code;
	if (*out > call->count)
		return json_err(&value, e, "%" PRIu64 " of %" PRIu64 " calls", *out, call->count);
	return 0;
}

/* Fields of the format that no recorder fills yet: nothing may get lost by reading them. */
static int check_empty(const struct json_at *at, const char *key, struct err *e)
{
	struct json_at list;

	if (json_need(at, key, &list, e) || json_expect_array(&list, SIZE_MAX, e))
		return -e->code;
	if (json_len(&list) > 0)
		return json_err(&list, e,
			"written by a newer sysclamp: " SYSCLAMP_VERSION " does not know what is "
			"in it; use that one");
	return 0;
}

/* What was counted, and when and where. */
static int read_observed(
	const struct json_at *at, const struct recording *rec, struct rec_call *call, struct err *e)
{
	if (json_need_u64(at, "count", &call->count, e) ||
		need_part(at, "denied", call, &call->denied, e) ||
		need_part(at, "enosys", call, &call->enosys, e) ||
		json_need_u64(at, "first_ns", &call->first_ns, e) ||
		json_need_u64(at, "last_ns", &call->last_ns, e) ||
		read_indexes(at, "phases", rec->phases.n_names, &call->phases, e) ||
		read_phases_seen_in(at, rec->n_sources, call, e) ||
		read_indexes(at, "programs", rec->programs.n_names, &call->programs, e))
		return -e->code;
	return 0;
}

/* Most calls have none to be kept. */
static int read_args(const struct json_at *at, struct rec_call *call, struct err *e)
{
	scoped(rec_args_done) struct rec_args args = {0};

	if (rec_args_parse(at, call->abi, &args, e))
		return -e->code;
	if (args.n_args == 0)
		return 0;
	if (!rec_call_own_args(call))
		return err_nomem(e);
	*call->args = args;
	args = (struct rec_args){0};
	return 0;
}

int rec_call_parse(
	const struct json_at *at, const struct recording *rec, struct rec_call *call, struct err *e)
{
	static const char *const known[] = {"abi", "nr", "name", "count", "runs", "seen_in",
		"first_ns", "last_ns", "phases", "phases_seen_in", "programs", "denied", "enosys",
		"args", "stack", NULL};

	if (json_expect_object(at, e) || json_check_keys(at, known, e) ||
		rec_call_parse_number(at, call, e) ||
		read_sources_of_call(at, rec->n_sources, call, e) ||
		read_observed(at, rec, call, e) || read_args(at, call, e) ||
		check_empty(at, "stack", e))
		return -e->code;
	return 0;
}
