#include "closure.h"

#include <stdio.h>
#include <string.h>

#include "scope.h"

static const struct closure_row IMPLIED[] = {
#include "implied.inc"
};

const struct closure_row *closure_implied(size_t *out_len)
{
	*out_len = ARRAY_LEN(IMPLIED);
	return IMPLIED;
}

bool closure_follows(const struct closure_row *row, const struct allowed *set, unsigned by)
{
	const char *at = row->when;

	if (!strcmp(at, "-"))
		return true;
	while (*at) {
		size_t len = strcspn(at, "|");
		char name[SYSCALL_NAME_MAX];

		(void)snprintf(name, sizeof(name), "%.*s", (int)len, at);
		if (allowed_by(set, name) & by)
			return true;
		at += len + (at[len] == '|');
	}
	return false;
}
