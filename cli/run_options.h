/*
 * run_options.h: what `run` was asked for.
 */
#ifndef SYSCLAMP_RUN_OPTIONS_H
#define SYSCLAMP_RUN_OPTIONS_H

#include <stdbool.h>

#include "bundle.h"
#include "cage_file.h"
#include "deny.h"
#include "run_filter.h"
#include "run_late.h"

/* Whether the plan is shown in place of being executed. */
enum run_dry { RUN_WET, RUN_DRY_TEXT, RUN_DRY_JSON };

struct run_options {
	struct cage_request cage; /* complete: its own `cage.used` tells whether there is one */
	bool file_read; /* --config */
	struct cage_file file; /* of --config; zeroed without */
	const char *bundle_dir; /* --bundle; NULL without */
	struct bundle bundle; /* its content, in place of `cage` */
	char **argv; /* the command, NULL-terminated; NULL with print_profile only */
	enum run_dry dry;
	struct run_filter_options filter;
	struct run_late late;
	struct run_plan plan;
	enum deny_mode on_deny;
	const char *output; /* where on_deny records */
	bool print_profile;
	bool new_privs;
	unsigned given; /* what was, of the options that stand once: bits */
};

/**
 * Read the options, and the file of --config, to which they add.
 *
 * @out: to be released with run_options_done(), also after a failure.
 * Returns EXIT_OK; EXIT_USAGE or EXIT_OWN_FAILURE after something that has been reported.
 */
int run_options_read(int argc, char **argv, struct run_options *out);

void run_options_done(struct run_options *options);

/** What else holds the command; NULL: nothing does. */
const struct cage *run_options_cage(const struct run_options *options);

#endif
