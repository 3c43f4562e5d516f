/*
 * run_cage.h: the options of `run` that say what else holds the command: one for each row of
 * cage_setting.h, and letters that users of minijail0(1) know.
 */
#ifndef SYSCLAMP_RUN_CAGE_H
#define SYSCLAMP_RUN_CAGE_H

#include <getopt.h>
#include <stddef.h>

#include "cage_file.h"

enum {
	RUN_CAGE_FIRST = 1024, /* values of options from here on are rows of the settings */
	RUN_CAGE_LONGS_MAX = 96, /* options of `run`, all of them */
};

/** The letters, as getopt(3) takes them. */
extern const char RUN_CAGE_SHORTS[];

/**
 * Append the long options to @longs.
 *
 * @longs: RUN_CAGE_LONGS_MAX rows, of which @len are taken; the row behind the last is zeroed.
 */
void run_cage_longs(struct option *longs, size_t len);

/** Whether getopt's @option is one of these. */
bool run_cage_owns(int option);

/** Take it, with optarg.  Returns EXIT_OK, or EXIT_USAGE after a misuse that has been reported. */
int run_cage_take(int option, struct cage_request *request);

/** Print what options there are: for --help-cage. */
void run_cage_help(void);

#endif
