/*
 * base.h: what the container runtimes themselves call once they have loaded the filter.
 *
 * The rows are profiles/runtime-base.tsv, compiled in.
 */
#ifndef SYSCLAMP_BASE_H
#define SYSCLAMP_BASE_H

#include <stdbool.h>
#include <stddef.h>

#include "profiler.h"

struct base_call {
	const char *runtime; /* "runc", "crun" */
	const char *nnp; /* "yes", "no": measured with or without no_new_privs */
	const char *name;
	const char *source; /* in how many traced runs of which version it was seen */
};

/** A static table; @out_len its length. */
const struct base_call *base_table(size_t *out_len);

/** Whether @runtime makes this call in a container with or without no_new_privs. */
bool base_call_needed(const struct base_call *call, enum base_runtime runtime, bool nnp);

/** As in options: "any". */
const char *base_runtime_name(enum base_runtime runtime);

/** For messages: "runc", "crun", "runc and crun". */
const char *base_runtime_label(enum base_runtime runtime);

#endif
