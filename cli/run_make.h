/*
 * run_make.h: what `run` was asked for, made: the filters, proven, and who answers them.
 */
#ifndef SYSCLAMP_RUN_MAKE_H
#define SYSCLAMP_RUN_MAKE_H

#include "run_options.h"
#include "sandbox.h"

struct run_made {
	struct run_filter given; /* by -p and --bpf */
	struct enforced built_in; /* by --mode */
	struct enforced then;
	struct sandbox_filter then_load;
	struct enforced supervised; /* for --on-deny */
	struct enforced bundled; /* of --bundle */
	struct deny deny;
};

/**
 * Make the filters, and put them into @box, whose other members are set by the options.
 *
 * @path: of the command; NULL: it is looked for in its cage.
 * @out: to be released with run_made_done(), also after a failure; the box points into it.
 */
int run_make(struct run_options *options, const char *path, char *const *env, struct run_made *out,
	struct sandbox *box, struct err *e);

void run_made_done(struct run_made *made);

/** What it is held to from launch on, or from the moment on if there is but one filter. */
const char *run_first_name(const struct run_options *options);

#endif
