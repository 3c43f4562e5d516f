/*
 * cli.h: what all subcommands share: the table, messages, options.  Only cli/ prints: results to
 * standard output, everything else to standard error.
 */
#ifndef SYSCLAMP_CLI_H
#define SYSCLAMP_CLI_H

#include <getopt.h>
#include <stdbool.h>
#include <stdio.h>

#include "err.h"
#include "recording.h"

enum {
	EXIT_OK = 0,
	EXIT_NO = 1, /* the answer is no: findings, differences */
	EXIT_USAGE = 2, /* usage or input error */
};

struct command {
	const char *name;
	const char *summary; /* for the list of commands */
	const char *help; /* the whole --help text; fits a screen */
	int (*run)(
		int argc, char **argv); /* argv[0] is the command's name; returns the exit status */
};

/* The commands, each in its own file. */
extern const struct command cmd_record, cmd_mark, cmd_hook, cmd_merge, cmd_generate, cmd_convert,
	cmd_install, cmd_run, cmd_clamp, cmd_verify, cmd_explain, cmd_report, cmd_doctor;

/** Print "sysclamp COMMAND: <text>" to standard error; returns @exit_code. */
int cli_fail(const char *command, int exit_code, const struct err *e);

/** A misuse: one line and a pointer to help; returns EXIT_USAGE. */
int cli_misuse(const char *command, const char *format, ...) __attribute__((format(printf, 2, 3)));

/**
 * From here on what is written to a pipe that nobody reads fails, and does not end the process:
 * what it has begun it also ends, and says in its status.  SIGPIPE gets a handler that does
 * nothing; if it were ignored, commands would inherit that.  Whoever has it ignored or blocked
 * keeps it so.
 */
void cli_outlive_readers(void);

/** Say "sysclamp COMMAND: wrote FILE" to standard error; nothing for NULL or "-", standard output.
 */
void cli_tell_written(const char *command, const char *file);

/** A notice that prints "sysclamp COMMAND: <text>" to standard error; @command must stay. */
struct notice cli_notice(const char *command);

/**
 * The next option, as getopt_long() with exact long names (no abbreviations) and "+:".
 *
 * No value is "": there is no option to which that would be one.
 * "-h/--help" prints the help of @command and exits the process with 0.
 * Returns the option's value, -1 at the end, '?' after a misuse that has been reported.
 */
int cli_option(int argc, char **argv, const char *shorts, const struct option *longs,
	const struct command *command);

/** Write out standard output; @status, or EXIT_USAGE if that fails (a full disk) and it was 0. */
int cli_flush(int status);

/** What an input @file is called in messages: "standard input" for "-". */
const char *cli_input_name(const char *file);

/** Print a space and @word to standard error as a person would type it to a shell. */
void cli_print_word(const char *word);

/** The same of a command's words, a few hundred bytes of it, and the end of the line. */
void cli_print_command(const struct rec_names *argv);

/**
 * Print, @lead in front of the first, the commands that hand a profile to container engines.
 *
 * @nnp: it is for containers with no_new_privs, which podman's are only if told so.
 */
void cli_print_engines(const char *lead, const char *profile, bool nnp);

/** Whether both names stand for one file, or one pipe, that is there. */
bool cli_is_same_file(const char *a, const char *b);

/** Whether output to @file goes to something that is no file: "-", a terminal, a pipe, a device. */
bool cli_is_stream(const char *file);

/**
 * Before the work is done: can @what ("a recording") be written to @file?
 *
 * @option: that names @file, for errors: "-o".
 * Errors: what keeps a file from being made there.
 */
int cli_check_output(const char *option, const char *file, const char *what, struct err *e);

/** Whether what goes to @file may be coloured: a terminal with colours, and no $NO_COLOR
 * (no-color.org: any text but ""). */
bool cli_may_colour(FILE *file);

#endif
