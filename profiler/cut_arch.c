#include "cut.h"

#include <string.h>

static bool has(const struct abi *abi, const char *name)
{
	uint32_t nr;

	return !syscall_number(abi, name, &nr);
}

bool cut_is_mapped(const struct cut *cut, const struct rec_call *call)
{
	return cut->options->arch && call->abi != cut->options->arch;
}

bool cut_maps(const struct cut *cut, const struct closure_row *row, const struct rec_call *call,
	const char *name)
{
	const struct abi *to = cut->options->arch;

	return cut_is_mapped(cut, call) && !strcmp(row->when, name) && has(to, row->name) &&
	       (!has(to, name) || !has(call->abi, row->name));
}

bool cut_starts_by(const struct cut *cut, const struct closure_row *row)
{
	if (!cut->options->arch || strcmp(row->group, cut->options->arch->name) != 0)
		return false;
	for (size_t i = 0; i < cut->rec->n_calls; i++) {
		if (cut_is_mapped(cut, &cut->rec->calls[i]))
			return true;
	}
	return false;
}

static bool needs_nothing(const char *name)
{
	size_t len;
	const struct closure_row *table = closure_arch(&len);

	for (size_t i = 0; i < len; i++) {
		if (!strcmp(table[i].group, "none") && !strcmp(table[i].name, name))
			return true;
	}
	return false;
}

enum left_out cut_left_out_by_arch(
	const struct cut *cut, const struct rec_call *call, const char *name)
{
	size_t len;
	const struct closure_row *table = closure_arch(&len);

	if (!cut_is_mapped(cut, call) || has(cut->options->arch, name))
		return KEPT;
	for (size_t i = 0; i < len; i++) {
		if (cut_maps(cut, &table[i], call, name))
			return KEPT;
	}
	return needs_nothing(name) ? OUT_NEEDLESS : OUT_UNMAPPED;
}
