#include "format.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli.h"
#include "nearest.h"

static void list_formats(void)
{
	size_t len;
	const struct emitter *table = emitter_table(&len);

	for (size_t i = 0; i < len; i++)
		printf("%-24s %-8s %s\n", table[i].name, table[i].extension, table[i].summary);
	exit(cli_flush(EXIT_OK));
}

static int choose_format(const char *command, const char *name, const struct emitter **out)
{
	struct nearest nearest = nearest_to(name);
	char hint[2 * NEAREST_LEN_MAX];
	size_t len;
	const struct emitter *table = emitter_table(&len);

	if (!strcmp(name, "list"))
		list_formats();
	*out = emitter_by_name(name);
	if (*out)
		return EXIT_OK;
	for (size_t i = 0; i < len; i++)
		nearest_offer(&nearest, table[i].name);
	return cli_misuse(command, "--format: not \"%s\"; --format list prints what there is%s",
		name, nearest_hint(&nearest, hint, sizeof(hint)));
}

static int take_label(const char *command, const char *option, const char *value, const char **out)
{
	struct err e;

	if (emit_label_check(option, value, &e))
		return cli_misuse(command, "%s", e.text);
	*out = value;
	return EXIT_OK;
}

static int take_name(const char *command, const char *value, const char **out)
{
	struct err e;

	if (emit_name_check("--name", value, &e))
		return cli_misuse(command, "%s", e.text);
	*out = value;
	return EXIT_OK;
}

int format_take_option(
	const char *command, int option, const char *value, struct format_options *options)
{
	switch (option) {
	case FORMAT_FORMAT:
		return choose_format(command, value, &options->emitter);
	case FORMAT_NAME:
		return take_name(command, value, &options->ctx.name);
	case FORMAT_NAMESPACE:
		return take_label(command, "--namespace", value, &options->ctx.namespace);
	case FORMAT_CONTAINER:
		return take_label(command, "--container", value, &options->ctx.container);
	case FORMAT_LOSSY:
		options->ctx.lossy = true;
		return EXIT_OK;
	default: /* '?': a misuse that has been reported */
		return EXIT_USAGE;
	}
}

const struct emitter *format_emitter(const struct format_options *options)
{
	size_t len;

	return options->emitter ? options->emitter : emitter_table(&len);
}

bool format_is_default(const struct format_options *options)
{
	size_t len;

	return format_emitter(options) == emitter_table(&len);
}

int format_check_output(const char *command, const struct format_options *options, const char *out)
{
	bool to_stdout = !out || !strcmp(out, "-");

	if (format_emitter(options)->is_binary && to_stdout && isatty(STDOUT_FILENO))
		return cli_misuse(
			command, "binary output does not go to a terminal: name a file with -o");
	return EXIT_OK;
}

void format_name_after(struct format_options *options, const char *path)
{
	if (!options->ctx.name && strcmp(path, "-"))
		options->ctx.name = emit_name_from(path, options->name);
}

int format_text(const struct format_options *options, const struct profile *profile,
	char **out_text, size_t *out_size, struct err *e)
{
	return emit_profile(format_emitter(options), profile, &options->ctx, out_text, out_size, e);
}
