#include "cli.h"

#include <stdlib.h>
#include <string.h>

#include "file.h"
#include "profiler.h"
#include "recordings.h"
#include "scope.h"

static const char HELP[] =
	"usage: sysclamp merge [-o FILE] RECORDING...\n"
	"       sysclamp merge --union|--intersect [-o FILE] PROFILE...\n"
	"\n"
	"Join recordings into one, or profiles into one.  - reads standard input.\n"
	"\n"
	"Recordings: the order does not matter, nor does one that is given twice, or is\n"
	"contained in another that is given: {a,b} and {b,c} are {a,b,c}.  What is incomplete\n"
	"stays so.  -o may name one of the recordings: it is in what replaces it.\n"
	"\n"
	"Profiles: each call gets what one of them says of it, with its arguments: with --union\n"
	"the least strict (it is allowed if any allows it), with --intersect the strictest (it is\n"
	"allowed if all allow it: what a process gets that carries all their filters).  Where\n"
	"two are equally strict, as two errnos are, the first profile counts.  What no profile\n"
	"can say exactly is refused.\n"
	"\n"
	"  -o, --output FILE  where the result goes, replaced atomically; default standard output\n"
	"      --union        what any of the profiles allows\n"
	"      --intersect    what all of the profiles allow\n"
	"  -h, --help         this text\n"
	"\n"
	"Exit status: 0; 2 for a misuse, a file that cannot be used, or profiles that cannot be\n"
	"merged exactly.\n"
	"\n"
	"Example: sysclamp merge -o all.rec.json monday.rec.json tuesday.rec.json\n"
	"         sysclamp merge --union -o web.json nginx.json php.json\n";

enum mode { MODE_RECORDINGS, MODE_UNION, MODE_INTERSECT };

struct request {
	const char *out; /* "-": standard output */
	enum mode mode;
	char **files;
	int n_files;
};

enum { UNION = 256, INTERSECT };

static int set_mode(struct request *request, enum mode mode)
{
	if (request->mode != MODE_RECORDINGS && request->mode != mode)
		return cli_misuse("merge", "--union and --intersect exclude each other");
	request->mode = mode;
	return EXIT_OK;
}

static int take_option(int option, struct request *request)
{
	switch (option) {
	case 'o':
		request->out = optarg;
		return EXIT_OK;
	case UNION:
		return set_mode(request, MODE_UNION);
	case INTERSECT:
		return set_mode(request, MODE_INTERSECT);
	default:
		return EXIT_USAGE;
	}
}

static int parse(int argc, char **argv, struct request *request)
{
	static const struct option LONGS[] = {
		{"output", required_argument, NULL, 'o'},
		{"union", no_argument, NULL, UNION},
		{"intersect", no_argument, NULL, INTERSECT},
		{"help", no_argument, NULL, 'h'},
		{0},
	};
	int option, status;

	while ((option = cli_option(argc, argv, "+:o:h", LONGS, &cmd_merge)) != -1) {
		status = take_option(option, request);
		if (status)
			return status;
	}
	request->files = argv + optind;
	request->n_files = argc - optind;
	return EXIT_OK;
}

static int write_out(const struct request *request, const char *text, size_t size)
{
	struct err e;

	if (file_replace(request->out, text, size, 0666, &e))
		return cli_fail("merge", EXIT_USAGE, &e);
	return EXIT_OK;
}

static int merge_recordings(const struct request *request)
{
	const struct recordings recordings = {.files = request->files, .n_files = request->n_files};
	scoped(recording_done) struct recording rec = {0};
	scoped_free char *text = NULL;
	size_t size;
	struct err e;
	/* -o may be one of them: nothing is lost. */
	int status = recordings_check("merge", &recordings, NULL);

	if (status)
		return status;
	if (recordings_join(&recordings, NULL, NULL, &rec, &e) ||
		recording_emit(&rec, &text, &size, &e))
		return cli_fail("merge", EXIT_USAGE, &e);
	return write_out(request, text, size);
}

static int run(int argc, char **argv)
{
	struct request request = {.out = "-"};
	int status = parse(argc, argv, &request);

	return status ? status : merge_recordings(&request);
}

const struct command cmd_merge = {
	.name = "merge",
	.summary = "join recordings, or profiles",
	.help = HELP,
	.run = run,
};
