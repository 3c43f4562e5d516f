#include <errno.h>
#include <string.h>

#include "file.h"
#include "filter.h"
#include "scope.h"

int filter_read(const char *path, struct filter *out, struct err *e)
{
	enum { SIZE_MAX_BYTES = FILTER_INSNS_MAX * sizeof(struct sock_filter) };
	const char *name = strcmp(path, "-") ? path : "standard input";
	scoped_free char *bytes = NULL;
	struct filter filter = {0};
	size_t size;

	if (file_read(path, SIZE_MAX_BYTES, &bytes, &size, e))
		return -e->code;
	if (size % sizeof(*filter.insns))
		return err_set(e, EINVAL,
			"%s: %zu bytes are no program: an instruction (struct sock_filter) has %zu",
			name, size, sizeof(*filter.insns));
	filter.len = size / sizeof(*filter.insns);
	filter.insns = (struct sock_filter *)(void *)bytes;
	if (filter_validate(&filter, e))
		return err_prefix(e, "%s: ", name);
	bytes = NULL;
	*out = filter;
	return 0;
}
