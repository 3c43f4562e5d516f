#include "recordings.h"

#include <malloc.h>
#include <string.h>
#include <unistd.h>

#include "cli.h"
#include "scope.h"

enum { KEPT_MEMORY = 1024 * 1024 };

const char *recordings_name(const struct recordings *recordings)
{
	return recordings->n_files == 1 ? cli_input_name(recordings->files[0])
					: "the joined recordings";
}

static const char *kind_of(const struct recordings *recordings)
{
	return recordings->kind ? recordings->kind : "recording";
}

int recordings_spare(const char *command, const struct recordings *recordings, const char *option,
	const char *file)
{
	for (int i = 0; i < recordings->n_files; i++) {
		if (cli_is_same_file(file, recordings->files[i]))
			return cli_misuse(command, "%s %s would overwrite the %s", option, file,
				kind_of(recordings));
	}
	return EXIT_OK;
}

int recordings_check(const char *command, const struct recordings *recordings, const char *out)
{
	int inputs = 0;

	if (recordings->n_files == 0)
		return cli_misuse(command, "no %s given", kind_of(recordings));
	for (int i = 0; i < recordings->n_files; i++) {
		const char *file = recordings->files[i];

		inputs += !strcmp(file, "-");
		if (file[0] == '-' && file[1] && access(file, F_OK))
			return cli_misuse(command, "%s: options go before the files", file);
	}
	if (inputs > 1)
		return cli_misuse(command, "standard input (-) can be read once only");
	return out ? recordings_spare(command, recordings, "-o", out) : EXIT_OK;
}

int recordings_join(const struct recordings *recordings, const struct generate_options *options,
	const struct notice *to, struct recording *out, struct rec_names *out_argv, struct err *e)
{
	scoped(rec_pile_done) struct rec_pile pile = {0};

	/* One file's worth of memory after the other: not to be given back in between. */
	(void)mallopt(M_MMAP_THRESHOLD, KEPT_MEMORY);
	(void)mallopt(M_TRIM_THRESHOLD, KEPT_MEMORY);
	for (int i = 0; i < recordings->n_files; i++) {
		scoped(recording_done) struct recording one = {0};
		const char *name = cli_input_name(recordings->files[i]);

		if (recording_read(recordings->files[i], &one, e) ||
			(options && generate_accept(name, &one, options, to, e)))
			return -e->code;
		if (i == 0 && out_argv && rec_names_append(out_argv, &one.workload.argv))
			return err_nomem(e);
		if (rec_pile_add(&pile, &one, e))
			return err_prefix(e, "%s: ", name);
	}
	return rec_pile_join(&pile, out, e);
}
