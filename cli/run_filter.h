/*
 * run_filter.h: which filter `run` loads: from profiles, or from a file that holds a program.
 */
#ifndef SYSCLAMP_RUN_FILTER_H
#define SYSCLAMP_RUN_FILTER_H

#include <stdbool.h>
#include <stddef.h>

#include "enforce_stack.h"
#include "sandbox.h"

struct run_filter_options {
	const char *profiles[ENFORCED_STACK_MAX]; /* "-" once at most */
	size_t n_profiles;
	const char *program; /* a file of struct sock_filter[], or NULL */
	bool unproven; /* load it without a profile that it is held against */
};

struct run_filter {
	struct enforced_stack stack; /* empty without profiles */
	struct filter program; /* from a file, or empty */
	struct sandbox_filter load;
};

void run_filter_done(struct run_filter *filter);

/** Another profile.  Returns EXIT_OK, or EXIT_USAGE after a misuse that has been reported. */
int run_filter_take_profile(struct run_filter_options *options, const char *path);

/** Whether the options go together.  Returns EXIT_OK, or EXIT_USAGE as above. */
int run_filter_check_options(const struct run_filter_options *options);

/**
 * Make the filter, proven, unless it is a program that the user wants unproven.
 *
 * @options: must stay as long as @out.
 * @out: to be released with run_filter_done().
 */
int run_filter_make(const struct run_filter_options *options, struct run_filter *out,
	const struct notice *to, struct err *e);

/** Whether a command can be held by it, with nobody to answer notifications. */
int run_filter_can_hold(const struct run_filter_options *options, const struct run_filter *filter,
	const struct notice *to, struct err *e);

/** Whether a command can be started behind it, as far as profiles say; the sandbox asks the filter.
 */
int run_filter_can_start(const struct run_filter *filter, struct err *e);

#endif
