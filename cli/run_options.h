/*
 * run_options.h: what `run` was asked for.
 */
#ifndef SYSCLAMP_RUN_OPTIONS_H
#define SYSCLAMP_RUN_OPTIONS_H

#include <stdbool.h>

#include "deny.h"
#include "run_filter.h"
#include "run_late.h"

struct run_options {
	struct run_filter_options filter;
	struct run_late late;
	struct run_plan plan;
	enum deny_mode on_deny;
	const char *output; /* where on_deny records */
	bool print_profile;
	bool new_privs;
};

/**
 * Read the options; optind is that of the command then, which is there unless print_profile.
 *
 * Returns EXIT_OK; EXIT_USAGE after a misuse that has been reported.
 */
int run_options_read(int argc, char **argv, struct run_options *out);

#endif
