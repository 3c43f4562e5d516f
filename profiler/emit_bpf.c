#include "emit_parts.h"

#include "scope.h"

EMITTER(emit_bpf)
{
	scoped(filter_done) struct filter filter = {0};

	if (emit_compile(profile, ctx, &filter, e))
		return -e->code;
	*out_size = filter.len * sizeof(*filter.insns);
	*out_text = (char *)steal_ptr(filter.insns);
	return 0;
}
