#include "emit_parts.h"

#include <stdio.h>

#include "scope.h"

EMITTER(emit_disasm)
{
	scoped(filter_done) struct filter filter = {0};
	scoped_free char *text = NULL;
	FILE *to;
	int code;

	if (emit_compile(profile, ctx, &filter, e))
		return -e->code;
	to = open_memstream(&text, out_size);
	if (!to)
		return err_nomem(e);
	code = filter_print(&filter, to, e);
	if (fclose(to) && !code)
		code = err_nomem(e);
	if (!code)
		*out_text = steal_ptr(text);
	return code;
}
