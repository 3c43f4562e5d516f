#include "cut.h"

#include <stdio.h>
#include <string.h>

#include "args.h"
#include "base.h"
#include "json.h"
#include "recording_text.h"
#include "scope.h"

static const char *const LEFT_OUT[OUT_REASONS] = {
	[OUT_PHASE] = "phase",
	[OUT_EXEC] = "exec",
	[OUT_DENIED] = "denied",
	[OUT_UNKNOWN] = "unknown",
	[OUT_NEEDLESS] = "needless",
	[OUT_UNMAPPED] = "unmapped",
};

/* What the recording says of the call. */
static void put_seen(struct json_writer *w, const struct cut *cut, const struct rec_call *call)
{
	json_member_text(w, "abi", call->abi->name);
	json_member_u64(w, "count", call->count);
	json_member_u64(w, "denied", call->denied);
	json_member_u64(w, "runs", bits_count(&call->sources));
	rec_text_put_names(w, "phases", &cut->rec->phases, &call->phases);
	rec_text_put_names(w, "programs", &cut->rec->programs, &call->programs);
}

static void put_recorded(struct json_writer *w, const struct cut *cut, const char *name)
{
	char buf[SYSCALL_NAME_MAX];

	for (size_t i = 0; i < cut->rec->n_calls; i++) {
		const struct rec_call *call = &cut->rec->calls[i];
		const char *other = syscall_name(call->abi, call->nr, buf);

		if (!other || strcmp(other, name) != 0 || cut_left_out(cut, call) != KEPT)
			continue;
		json_open_inline(w, '{');
		json_member_text(w, "by", "recording");
		put_seen(w, cut, call);
		json_close(w, '}');
	}
}

static void put_arch_row(
	struct json_writer *w, const struct cut *cut, const struct closure_row *row)
{
	json_open_inline(w, '{');
	json_member_text(w, "by", "arch");
	json_member_text(w, "arch", cut->options->arch->name);
	json_member_text(w, "when", row->when);
	json_member_text(w, "reason", row->reason);
	json_member_text(w, "source", row->source);
	json_close(w, '}');
}

/* Whether a call that was recorded and counts is the one for which @row puts in another. */
static bool row_is_used(const struct cut *cut, const struct closure_row *row)
{
	char buf[SYSCALL_NAME_MAX];

	if (cut_starts_by(cut, row))
		return true;
	for (size_t i = 0; i < cut->rec->n_calls; i++) {
		const struct rec_call *call = &cut->rec->calls[i];
		const char *name = syscall_name(call->abi, call->nr, buf);

		if (name && cut_left_out(cut, call) == KEPT && cut_maps(cut, row, call, name))
			return true;
	}
	return false;
}

static void put_arch(struct json_writer *w, const struct cut *cut, const char *name)
{
	size_t len;
	const struct closure_row *table = closure_arch(&len);

	for (size_t i = 0; i < len; i++) {
		if (!strcmp(table[i].name, name) && row_is_used(cut, &table[i]))
			put_arch_row(w, cut, &table[i]);
	}
}

static void put_base(struct json_writer *w, const struct cut *cut, const char *name)
{
	size_t len;
	const struct base_call *table = base_table(&len);

	for (size_t i = 0; i < len; i++) {
		const struct base_call *row = &table[i];

		if (strcmp(row->name, name) != 0 ||
			!base_call_needed(row, cut->options->runtime, cut->options->nnp))
			continue;
		json_open_inline(w, '{');
		json_member_text(w, "by", "runtime");
		json_member_text(w, "runtime", row->runtime);
		json_member_bool(w, "nnp", cut->options->nnp);
		json_member_text(w, "source", row->source);
		json_close(w, '}');
	}
}

/* The rows do not say why they hold for what was not recorded; it is the same for all. */
static const char LATE[] = "recording began when the program ran already, and its start, which was "
			   "not seen, may have called what this follows from: ";

static void put_row(struct json_writer *w, const char *by, const char *group,
	const struct closure_row *row, const char *before)
{
	char reason[sizeof(LATE) + sizeof(row->reason)];

	(void)snprintf(reason, sizeof(reason), "%s%s", before, row->reason);
	json_open_inline(w, '{');
	json_member_text(w, "by", by);
	json_member_text(w, group, row->group);
	json_member_text(w, "when", row->when);
	json_member_text(w, "reason", reason);
	json_member_text(w, "source", row->source);
	json_close(w, '}');
}

static void put_closures(struct json_writer *w, const struct cut *cut, const char *name)
{
	size_t len;
	const struct closure_row *table = closure_portable(&len);

	for (size_t i = 0; i < len; i++) {
		if (!strcmp(table[i].name, name) && cut_ports(cut, &table[i]))
			put_row(w, "portable", "libc", &table[i], "");
	}
	table = closure_implied(&len);
	for (size_t i = 0; i < len && !cut->options->exact; i++) {
		if (!strcmp(table[i].name, name) && cut_implies(cut, &table[i]))
			put_row(w, "implied", "group", &table[i],
				cut_implies_late(cut, &table[i]) ? LATE : "");
	}
}

static void put_profile(struct json_writer *w, const struct cut *cut)
{
	json_open_inline(w, '{');
	json_member_text(w, "by", "profile");
	json_member_text(w, "profile", cut->options->base->name);
	json_close(w, '}');
}

/* Of which arguments only what was seen is allowed, and which of them stay open. */
static void put_args(struct json_writer *w, const struct allowed_name *name)
{
	unsigned pinned = pins_indexes(name->pins, name->n_pins);

	json_key(w, "pinned");
	json_open_inline(w, '[');
	for (unsigned index = 0; index < SYSCALL_ARGS; index++) {
		if (pinned >> index & 1)
			json_put_u64(w, index);
	}
	json_close(w, ']');
	json_key(w, "open");
	json_open_inline(w, '[');
	for (size_t i = 0; i < name->gaps.n_open; i++) {
		json_open_inline(w, '{');
		json_member_u64(w, "index", name->gaps.open[i].index);
		json_member_text(w, "name", arg_name(name->name, name->gaps.open[i].index));
		json_member_text(w, "why", pin_why_name(name->gaps.open[i].why));
		json_close(w, '}');
	}
	json_close(w, ']');
}

static void put_call(struct json_writer *w, const struct cut *cut, const struct allowed_name *name)
{
	json_open(w, '{');
	json_member_text(w, "name", name->name);
	json_member_bool(w, "libseccomp_2_5", syscall_name_is_portable(name->name));
	if (cut->options->args != PIN_NONE)
		put_args(w, name);
	json_key(w, "reasons");
	json_open(w, '[');
	if (name->by & BY_RECORDING)
		put_recorded(w, cut, name->name);
	if (name->by & BY_ARCH)
		put_arch(w, cut, name->name);
	if (name->by & BY_BASE)
		put_base(w, cut, name->name);
	put_closures(w, cut, name->name);
	if (name->by & BY_PROFILE)
		put_profile(w, cut);
	json_close(w, ']');
	json_close(w, '}');
}

static void put_calls(struct json_writer *w, const struct cut *cut)
{
	json_key(w, "calls");
	json_open(w, '[');
	for (size_t i = 0; i < cut->allowed.n_names; i++)
		put_call(w, cut, &cut->allowed.names[i]);
	json_close(w, ']');
}

static void put_left_out(struct json_writer *w, const struct cut *cut, const struct rec_call *call)
{
	enum left_out why = cut_left_out(cut, call);
	char buf[SYSCALL_NAME_MAX];
	const char *name = syscall_name(call->abi, call->nr, buf);

	if (why == KEPT || !cut_is_left_out(cut, call, why))
		return;
	json_open_inline(w, '{');
	if (name)
		json_member_text(w, "name", name);
	json_member_i64(w, "nr", (int32_t)call->nr);
	json_member_text(w, "why", LEFT_OUT[why]);
	put_seen(w, cut, call);
	json_close(w, '}');
}

static void put_all_left_out(struct json_writer *w, const struct cut *cut)
{
	json_key(w, "left_out");
	json_open(w, '[');
	for (size_t i = 0; i < cut->rec->n_calls; i++)
		put_left_out(w, cut, &cut->rec->calls[i]);
	json_close(w, ']');
}

/* Where what is said here comes from. */
static void put_recording(struct json_writer *w, const struct cut *cut)
{
	const struct recording *rec = cut->rec;

	json_key(w, "recording");
	json_open(w, '{');
	json_member_text(w, "id", rec->id);
	json_key(w, "sources");
	json_open(w, '[');
	for (size_t i = 0; i < rec->n_sources; i++)
		json_put_string(w, rec->sources[i].id);
	json_close(w, ']');
	json_member_bool(w, "complete", rec->complete);
	json_key(w, "argv");
	json_open_inline(w, '[');
	for (size_t i = 0; i < rec->workload.argv.n_names; i++)
		json_put_string(w, rec->workload.argv.names[i]);
	json_close(w, ']');
	json_close(w, '}');
}

static void put_options(struct json_writer *w, const struct cut *cut)
{
	const struct generate_options *options = cut->options;
	char action[SYSCALL_NAME_MAX];

	json_key(w, "options");
	json_open(w, '{');
	json_member_text(w, "runtime", base_runtime_name(options->runtime));
	json_member_bool(w, "nnp", options->nnp);
	json_member_text(
		w, "default_action", action_print(options->default_action, action, sizeof(action)));
	json_member_text(w, "args", pin_mode_name(options->args));
	json_member_bool(w, "exact", options->exact);
	if (options->arch)
		json_member_text(w, "arch", options->arch->name);
	if (options->base)
		json_member_text(w, "base", options->base->name);
	json_key(w, "portable");
	json_open_inline(w, '[');
	for (int libc = 0; libc < LIBCS; libc++) {
		if (options->portable & 1u << libc)
			json_put_string(w, libc_name((enum libc)libc));
	}
	json_close(w, ']');
	json_key(w, "phases");
	json_open_inline(w, '[');
	for (size_t i = 0; i < options->n_phases; i++)
		json_put_string(w, options->phases[i]);
	json_close(w, ']');
	json_member_bool(w, "exclude_exec", options->exclude_exec);
	json_close(w, '}');
}

int cut_notes(const struct cut *cut, char **out_text, size_t *out_size, struct err *e)
{
	scoped(json_writer_done) struct json_writer w = {0};

	if (json_writer_init(&w, e))
		return -e->code;
	json_open(&w, '{');
	json_member_text(&w, "kind", "sysclamp.notes");
	json_member_u64(&w, "version", 1);
	put_recording(&w, cut);
	put_options(&w, cut);
	put_calls(&w, cut);
	put_all_left_out(&w, cut);
	json_close(&w, '}');
	return json_writer_end(&w, out_text, out_size, e);
}
