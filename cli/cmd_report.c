#include "cli.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "file.h"
#include "recordings.h"
#include "report.h"
#include "scope.h"

static const char HELP[] =
	"usage: sysclamp report -o FILE RECORDING...\n"
	"\n"
	"Show recordings to people: one HTML page with what was called, when each call was\n"
	"seen first and last, in which phases, by which programs, and what was denied.  Several\n"
	"recordings are joined; - reads standard input.  What is incomplete is shown, and said.\n"
	"The page needs no network and no script; with one, the table can be searched and sorted.\n"
	"\n"
	"  -o, --output FILE  where the page goes, replaced atomically; - for standard output\n"
	"  -h, --help         this text\n"
	"\n"
	"Exit status: 0; 2 for a misuse, or a recording that cannot be used.\n"
	"\n"
	"Example: sysclamp report -o ls.html ls.rec.json\n";

struct request {
	const char *out; /* "-": standard output */
	struct recordings recordings;
};

static int parse(int argc, char **argv, struct request *request)
{
	static const struct option LONGS[] = {
		{"output", required_argument, NULL, 'o'},
		{"help", no_argument, NULL, 'h'},
		{0},
	};
	int option;

	while ((option = cli_option(argc, argv, "+:o:h", LONGS, &cmd_report)) != -1) {
		if (option != 'o')
			return EXIT_USAGE;
		request->out = optarg;
	}
	request->recordings = (struct recordings){.files = argv + optind, .n_files = argc - optind};
	if (!request->out)
		return cli_misuse(
			"report", "where to? name a file with -o (- for standard output)");
	if (!strcmp(request->out, "-") && isatty(STDOUT_FILENO))
		return cli_misuse(
			"report", "a page does not go to a terminal: name a file with -o");
	return recordings_check("report", &request->recordings, request->out);
}

static int report(const struct request *request)
{
	scoped(recording_done) struct recording rec = {0};
	scoped_free char *text = NULL;
	size_t size;
	struct err e;

	if (recordings_join(&request->recordings, NULL, NULL, &rec, NULL, &e) ||
		report_write(&rec, &text, &size, &e) ||
		file_replace(request->out, text, size, 0644, &e))
		return cli_fail("report", EXIT_USAGE, &e);
	if (!cli_is_stream(request->out))
		fprintf(stderr, "sysclamp report: wrote %s\n", request->out);
	return EXIT_OK;
}

static int run(int argc, char **argv)
{
	struct request request = {0};
	int status = parse(argc, argv, &request);

	return status ? status : report(&request);
}

const struct command cmd_report = {
	.name = "report",
	.summary = "show recordings as a page",
	.help = HELP,
	.run = run,
};
