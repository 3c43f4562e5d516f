#include "base.h"

#include <errno.h>
#include <string.h>

#include "scope.h"

static const struct base_call CALLS[] = {
#include "runtime_base.inc"
};

struct runtime {
	const char *name; /* as in options and in the table */
	const char *label;
};

static const struct runtime RUNTIMES[] = {
	[BASE_NONE] = {"none", "no runtime"},
	[BASE_RUNC] = {"runc", "runc"},
	[BASE_CRUN] = {"crun", "crun"},
	[BASE_ANY] = {"any", "runc and crun"},
};

const struct base_call *base_table(size_t *out_len)
{
	*out_len = ARRAY_LEN(CALLS);
	return CALLS;
}

bool base_call_needed(const struct base_call *call, enum base_runtime runtime, bool nnp)
{
	if (runtime != BASE_ANY && strcmp(call->runtime, RUNTIMES[runtime].name) != 0)
		return false;
	return !strcmp(call->nnp, nnp ? "yes" : "no");
}

const char *base_runtime_name(enum base_runtime runtime)
{
	return RUNTIMES[runtime].name;
}

const char *base_runtime_label(enum base_runtime runtime)
{
	return RUNTIMES[runtime].label;
}

int base_runtime_by_name(const char *name, enum base_runtime *out_runtime)
{
	for (size_t i = 0; i < ARRAY_LEN(RUNTIMES); i++) {
		if (!strcmp(RUNTIMES[i].name, name)) {
			*out_runtime = (enum base_runtime)i;
			return 0;
		}
	}
	return -ENOENT;
}
