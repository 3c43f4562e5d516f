/*
 * format.h: --format and what belongs to it, for all commands that write a profile.
 */
#ifndef SYSCLAMP_FORMAT_H
#define SYSCLAMP_FORMAT_H

#include <stdbool.h>
#include <stddef.h>

#include "emit.h"

struct format_options {
	const struct emitter *emitter; /* NULL: not given */
	struct emit_context ctx; /* name, namespace, container and lossy as given */
	char name[EMIT_NAME_MAX + 1]; /* what ctx.name points to if it is not given */
};

/* Values of the options, above those of any command. */
enum { FORMAT_FORMAT = 1024, FORMAT_NAME, FORMAT_NAMESPACE, FORMAT_CONTAINER, FORMAT_LOSSY };

/* Rows for getopt_long(). */
#define FORMAT_LONGS                                                                               \
	{"format", required_argument, NULL, FORMAT_FORMAT},                                        \
		{"name", required_argument, NULL, FORMAT_NAME},                                    \
		{"namespace", required_argument, NULL, FORMAT_NAMESPACE},                          \
		{"container", required_argument, NULL, FORMAT_CONTAINER},                          \
	{                                                                                          \
		"lossy", no_argument, NULL, FORMAT_LOSSY                                           \
	}

/* Their lines for --help. */
#define FORMAT_HELP                                                                                \
	"      --format F           json (default) or another: --format list prints them all\n"    \
	"      --name NAME          of the workload, in the result; default by the input\n"        \
	"      --namespace NS       where it runs in Kubernetes\n"                                 \
	"      --container NAME     of its pod, if it is not called NAME\n"                        \
	"      --lossy              accept what the format cannot say: it is told, not refused\n"

/**
 * Take one of these options with its value, or what is none of the command's own.  "list" prints
 * the formats and exits with 0.
 *
 * Returns EXIT_OK, or EXIT_USAGE after a misuse that has been reported.
 */
int format_take_option(
	const char *command, int option, const char *value, struct format_options *options);

/** The format chosen, or the first of the table. */
const struct emitter *format_emitter(const struct format_options *options);

/** Whether that is the plain profile, which the other commands read. */
bool format_is_default(const struct format_options *options);

/** A misuse that has been reported: binary output on a terminal.  @out: a file, "-", or NULL. */
int format_check_output(const char *command, const struct format_options *options, const char *out);

/** Name the result after @path unless the user did. */
void format_name_after(struct format_options *options, const char *path);

/** emit_profile() in the format chosen. */
int format_text(const struct format_options *options, const struct profile *profile,
	char **out_text, size_t *out_size, struct err *e);

#endif
