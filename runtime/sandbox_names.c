/* What the moments of a sandbox are called. */
#include <string.h>

#include "sandbox.h"
#include "scope.h"

static const char *const MOMENTS[] = {
	[SANDBOX_AT_LAUNCH] = "launch",
	[SANDBOX_AT_EXEC] = "exec",
	[SANDBOX_AT_MAIN] = "main",
	[SANDBOX_AT_SYMBOL] = NULL, /* any other name */
	[SANDBOX_AT_SERVE] = "serve",
};

enum sandbox_at sandbox_at_by_name(const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(MOMENTS); i++) {
		if (MOMENTS[i] && !strcmp(name, MOMENTS[i]))
			return (enum sandbox_at)i;
	}
	return SANDBOX_AT_SYMBOL;
}

const char *sandbox_moment_name(const struct sandbox *box)
{
	return box->at == SANDBOX_AT_SYMBOL ? box->symbol : MOMENTS[box->at];
}
