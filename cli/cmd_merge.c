#include "cli.h"

#include <stdlib.h>
#include <string.h>

#include "file.h"
#include "held_notices.h"
#include "json.h"
#include "merge.h"
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

enum { FILE_MODE = 0644 };

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

/* @held: NULL, or what is said only of a result that is there. */
static int write_out(
	const struct request *request, const char *text, size_t size, struct held_notices *held)
{
	struct err e;

	if (file_replace(request->out, text, size, FILE_MODE, &e))
		return cli_fail("merge", EXIT_USAGE, &e);
	if (held)
		held_notices_tell(held);
	cli_tell_written("merge", request->out);
	return EXIT_OK;
}

static bool is_profile(const char *file)
{
	scoped(json_doc_done) struct json_doc doc = {.name = file};
	scoped_free char *text = NULL;
	struct json_at root, value;
	size_t size;
	struct err e;

	if (!strcmp(file, "-") || file_read(file, RECORDING_SIZE_MAX, &text, &size, &e) ||
		json_parse(file, text, size, &doc, &e))
		return false;
	root = json_root(&doc);
	return !json_expect_object(&root, &e) && json_get(&root, "defaultAction", &value);
}

/* A profile among the recordings is what went wrong most likely, and is told so. */
static int fail_recordings(const struct request *request, const struct err *e)
{
	for (int i = 0; i < request->n_files; i++) {
		if (is_profile(request->files[i]))
			return cli_misuse("merge",
				"%s is a profile: profiles are merged with --union or "
				"--intersect, and not together with recordings",
				request->files[i]);
	}
	return cli_fail("merge", EXIT_USAGE, e);
}

static int merge_recordings(const struct request *request, const struct recordings *recordings)
{
	scoped(recording_done) struct recording rec = {0};
	scoped_free char *text = NULL;
	size_t size;
	struct err e;

	if (recordings_join(recordings, NULL, NULL, &rec, NULL, &e) ||
		recording_emit(&rec, &text, &size, &e))
		return fail_recordings(request, &e);
	return write_out(request, text, size, NULL);
}

static void profiles_done(struct named_profile **profiles)
{
	for (struct named_profile *at = *profiles; at && at->name; at++)
		profile_done(&at->profile);
	free(*profiles);
}

/* @out: to be released with profiles_done(), after a failure too. */
static int read_profiles(const struct request *request, const struct notice *to,
	struct named_profile **out, struct err *e)
{
	struct named_profile *profiles = calloc((size_t)request->n_files + 1, sizeof(*profiles));

	*out = profiles;
	if (!profiles)
		return err_nomem(e);
	for (int i = 0; i < request->n_files; i++) {
		if (profile_read(request->files[i], &profiles[i].profile, to, e))
			return -e->code;
		profiles[i].name = cli_input_name(request->files[i]);
	}
	return 0;
}

static int merge_profiles(const struct request *request)
{
	scoped(held_notices_done) struct held_notices held = {.command = "merge"};
	const struct notice notice = held_notice(&held);
	scoped(profiles_done) struct named_profile *profiles = NULL;
	scoped(profile_done) struct profile merged = {0};
	scoped_free char *text = NULL;
	size_t size;
	struct err e;

	if (read_profiles(request, &notice, &profiles, &e) ||
		profile_merge(request->mode == MODE_UNION ? PROFILE_UNION : PROFILE_INTERSECT,
			profiles, (size_t)request->n_files, &merged, &notice, &e) ||
		profile_emit(&merged, &text, &size, &e))
		return cli_fail("merge", EXIT_USAGE, &e);
	if (merged.n_rules == 0)
		notice_tell(&notice, "no rule is left: all calls get the default action");
	return write_out(request, text, size, &held);
}

static int run(int argc, char **argv)
{
	struct request request = {.out = "-"};
	int status = parse(argc, argv, &request);
	bool profiles = request.mode != MODE_RECORDINGS;
	const struct recordings files = {
		request.files, request.n_files, profiles ? "profile" : "recording"};

	/* -o may be one of the recordings: what it holds is not lost. */
	if (!status)
		status = recordings_check("merge", &files, profiles ? request.out : NULL);
	if (status)
		return status;
	return profiles ? merge_profiles(&request) : merge_recordings(&request, &files);
}

const struct command cmd_merge = {
	.name = "merge",
	.summary = "join recordings, or profiles",
	.help = HELP,
	.run = run,
};
