#include "cut.h"

#include <errno.h>
#include <string.h>

#include "phase.h"

static size_t phase_index(const struct recording *rec, const char *name)
{
	for (size_t i = 0; i < rec->phases.n_names; i++) {
		if (!strcmp(rec->phases.names[i], name))
			return i;
	}
	return SIZE_MAX;
}

static int err_no_phase(const struct cut *cut, const char *name, struct err *e)
{
	struct name_row row = {0};

	if (cut->rec->phases.n_names == 0)
		return err_set(e, EINVAL,
			"%s: phase \"%s\" is not in it, nor any other: its recorder knew none",
			cut->name, name);
	for (size_t i = 0; i < cut->rec->phases.n_names; i++)
		name_row_add(&row, cut->rec->phases.names[i]);
	return err_set(e, EINVAL, "%s: phase \"%s\" is not in it; these are: %s", cut->name, name,
		name_row_text(&row));
}

int cut_select(struct cut *cut, struct err *e)
{
	const struct generate_options *options = cut->options;

	cut->exec = phase_index(cut->rec, phase_name(PHASE_EXEC));
	for (size_t i = 0; i < options->n_phases; i++) {
		size_t index = phase_index(cut->rec, options->phases[i]);

		if (index == SIZE_MAX)
			return err_no_phase(cut, options->phases[i], e);
		if (bits_add(&cut->phases, index))
			return err_nomem(e);
	}
	cut->late = recording_began_late(cut->rec, options->n_phases > 0 ? &cut->phases : NULL);
	return 0;
}

/* What was recorded without phases may have been called in any: it counts for all. */
static bool is_of_phases(const struct rec_call *call, const struct bits *phases)
{
	size_t n = bits_next(&call->phases, 0);

	if (n == SIZE_MAX)
		return true;
	for (; n != SIZE_MAX; n = bits_next(&call->phases, n + 1)) {
		if (bits_has(phases, n))
			return true;
	}
	return false;
}

static bool is_of_exec_alone(const struct cut *cut, const struct rec_call *call)
{
	return cut->exec != SIZE_MAX && bits_has(&call->phases, cut->exec) &&
	       bits_count(&call->phases) == 1;
}

/* What enters from outside is no part of the program, unless it was asked for. */
static bool wants_exec(const struct cut *cut)
{
	if (cut->options->n_phases > 0)
		return bits_has(&cut->phases, cut->exec);
	return !cut->options->exclude_exec;
}

enum left_out cut_left_out_of_all(const struct cut *cut, const struct rec_call *call)
{
	char buf[SYSCALL_NAME_MAX];
	const char *name = syscall_name(call->abi, call->nr, buf);

	if (is_of_exec_alone(cut, call) && !wants_exec(cut))
		return OUT_EXEC;
	if (call->denied > 0 && call->denied == call->count)
		return OUT_DENIED;
	if (!name && call->enosys > 0 && call->enosys == call->count)
		return OUT_UNKNOWN;
	return name ? cut_left_out_by_arch(cut, call, name) : KEPT;
}

enum left_out cut_left_out(const struct cut *cut, const struct rec_call *call)
{
	if (cut->options->n_phases > 0 && !is_of_phases(call, &cut->phases))
		return OUT_PHASE;
	return cut_left_out_of_all(cut, call);
}

bool cut_is_left_out(const struct cut *cut, const struct rec_call *call, enum left_out why)
{
	char buf[SYSCALL_NAME_MAX];
	const char *name = syscall_name(call->abi, call->nr, buf);

	return cut_left_out(cut, call) == why && !(name && allowed_has(&cut->allowed, name));
}
