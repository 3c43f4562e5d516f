#include "closure.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "profiler.h"
#include "scope.h"

static const char *const LIBC_NAMES[LIBCS] = {
	[LIBC_GLIBC] = "glibc",
	[LIBC_MUSL] = "musl",
};

static const struct closure_row IMPLIED[] = {
#include "implied.inc"
};

static const struct closure_row PORTABLE[] = {
#include "portable.inc"
};

static const struct closure_row ARCH[] = {
#include "arch.inc"
};

const struct closure_row *closure_implied(size_t *out_len)
{
	*out_len = ARRAY_LEN(IMPLIED);
	return IMPLIED;
}

const struct closure_row *closure_portable(size_t *out_len)
{
	*out_len = ARRAY_LEN(PORTABLE);
	return PORTABLE;
}

const struct closure_row *closure_arch(size_t *out_len)
{
	*out_len = ARRAY_LEN(ARCH);
	return ARCH;
}

/* The next of the names in @at, in @out_name; returns where to go on, or NULL at the end. */
static const char *next_name(const char *at, char out_name[SYSCALL_NAME_MAX])
{
	size_t len = strcspn(at, "|");

	if (len == 0)
		return NULL;
	(void)snprintf(out_name, SYSCALL_NAME_MAX, "%.*s", (int)len, at);
	return at + len + (at[len] == '|');
}

bool closure_follows(const struct closure_row *row, const struct allowed *set, unsigned by)
{
	char name[SYSCALL_NAME_MAX];

	if (!strcmp(row->when, "-"))
		return true;
	for (const char *at = next_name(row->when, name); at; at = next_name(at, name)) {
		if (allowed_by(set, name) & by)
			return true;
	}
	return false;
}

static bool names(const struct closure_row *row, const char *condition)
{
	char name[SYSCALL_NAME_MAX];

	for (const char *at = next_name(row->when, name); at; at = next_name(at, name)) {
		if (!strcmp(name, condition))
			return true;
	}
	return false;
}

bool closure_names_itself(const struct closure_row *row)
{
	return names(row, row->name);
}

bool closure_names_late(const struct closure_row *row)
{
	return names(row, "late");
}

const char *libc_name(enum libc libc)
{
	return LIBC_NAMES[libc];
}

int libc_by_name(const char *name, enum libc *out_libc)
{
	for (int libc = 0; libc < LIBCS; libc++) {
		if (!strcmp(LIBC_NAMES[libc], name)) {
			*out_libc = (enum libc)libc;
			return 0;
		}
	}
	return -ENOENT;
}
