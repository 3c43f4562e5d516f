#include "cli.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "explain.h"
#include "nearest.h"
#include "num.h"
#include "recordings.h"
#include "scope.h"

static const char HELP[] =
	"usage: sysclamp explain [--format text|json] [CALL...] RECORDING...\n"
	"\n"
	"Why is a call in a recording?  Who made it, when, in which phase, with which\n"
	"arguments, and from where in the program.  Without a CALL, a line for each.\n"
	"Several recordings are joined; - reads standard input.\n"
	"\n"
	"The last argument is a recording, and so is each that ends in .json, has a slash or\n"
	"is -; all others are calls:\n"
	"  socket         under whatever ABI it was called\n"
	"  i386:socket    by 32-bit programs only\n"
	"  999, i386:999  by number, for those without a name\n"
	"\n"
	"      --format F   text (default), json\n"
	"  -h, --help       this text\n"
	"\n"
	"Exit status: 0; 1 if a CALL is in none of the recordings; 2 for a misuse, or a\n"
	"recording that cannot be used.\n"
	"\n"
	"Example: sysclamp explain socket web.rec.json\n";

struct request {
	char **words; /* calls and recordings as they were given, the last being a recording */
	size_t n_words;
	size_t n_calls;
	bool json;
};

/* A CALL as it was asked for. */
struct wanted {
	const struct abi *abi; /* NULL: any */
	const char *name; /* NULL: by number */
	uint32_t nr;
};

static bool looks_like_file(const char *word)
{
	const char *dot = strrchr(word, '.');

	return !strcmp(word, "-") || strchr(word, '/') || (dot && !strcmp(dot, ".json"));
}

static bool is_file(const struct request *request, size_t i)
{
	return i + 1 == request->n_words || looks_like_file(request->words[i]);
}

/* The first recording before the last word, if that, which should be one, is none; else NULL. */
static const char *recording_before_call(const struct request *request)
{
	size_t last = request->n_words - 1;

	if (looks_like_file(request->words[last]) || !access(request->words[last], F_OK))
		return NULL;
	for (size_t i = 0; i < last; i++) {
		if (is_file(request, i) || !access(request->words[i], F_OK))
			return request->words[i];
	}
	return NULL;
}

static int check_words(struct request *request)
{
	const char *swapped, *last;
	size_t inputs = 0;

	if (request->n_words == 0)
		return cli_misuse("explain", "no recording given");
	for (size_t i = 0; i < request->n_words; i++) {
		request->n_calls += !is_file(request, i);
		inputs += !strcmp(request->words[i], "-");
	}
	last = request->words[request->n_words - 1];
	swapped = recording_before_call(request);
	if (swapped)
		return cli_misuse("explain",
			"%s and %s are swapped: calls go before the recordings, as in sysclamp "
			"explain %s %s",
			swapped, last, last, swapped);
	if (inputs > 1)
		return cli_misuse("explain", "standard input (-) can be read once only");
	return EXIT_OK;
}

enum { FORMAT = 256 };

static int parse(int argc, char **argv, struct request *request)
{
	static const struct option LONGS[] = {
		{"format", required_argument, NULL, FORMAT},
		{"help", no_argument, NULL, 'h'},
		{0},
	};
	int option;

	while ((option = cli_option(argc, argv, "+:h", LONGS, &cmd_explain)) != -1) {
		if (option != FORMAT)
			return EXIT_USAGE;
		request->json = !strcmp(optarg, "json");
		if (!request->json && strcmp(optarg, "text") != 0)
			return cli_misuse(
				"explain", "--format is text or json: not \"%s\"", optarg);
	}
	request->words = argv + optind;
	request->n_words = (size_t)(argc - optind);
	return check_words(request);
}

/* "999", "-1", and "#999", as recordings without names are shown. */
static bool parse_number(const char *text, uint32_t *out_nr)
{
	uint64_t number;
	bool negative;

	text += *text == '#';
	negative = *text == '-';
	text += negative;
	if (num_parse(text, negative ? -(int64_t)INT32_MIN : INT32_MAX, &number))
		return false;
	*out_nr = negative ? -(uint32_t)number : (uint32_t)number;
	return true;
}

static int parse_wanted(const char *word, struct wanted *out)
{
	const char *colon = strchr(word, ':');
	scoped_free char *abi = colon ? strndup(word, (size_t)(colon - word)) : NULL;

	*out = (struct wanted){.name = colon ? colon + 1 : word};
	if (colon) {
		out->abi = abi ? abi_by_name(abi) : NULL;
		if (!out->abi)
			return cli_misuse("explain", "%s: no ABI of that name is known", word);
	}
	if (parse_number(out->name, &out->nr))
		out->name = NULL;
	return EXIT_OK;
}

static bool is_wanted(const struct wanted *wanted, const struct rec_call *call)
{
	char name[SYSCALL_NAME_MAX];

	if (wanted->abi && wanted->abi != call->abi)
		return false;
	if (!wanted->name)
		return wanted->nr == call->nr;
	return !strcmp(wanted->name, rec_call_name(call, name));
}

static bool is_listed(const struct explain_list *list, const struct rec_call *call)
{
	for (size_t i = 0; i < list->n_calls; i++) {
		if (list->calls[i] == call)
			return true;
	}
	return false;
}

/* With the recorded name that was most likely meant. */
static void tell_missing(const struct recording *rec, const char *word, const struct wanted *wanted)
{
	const struct notice notice = cli_notice("explain");
	struct nearest nearest = nearest_to(wanted->name ? wanted->name : "");
	scoped_free char(*names)[SYSCALL_NAME_MAX] = calloc(rec->n_calls + 1, sizeof(*names));
	char hint[SYSCALL_NAME_MAX + 32];

	for (size_t i = 0; names && wanted->name && i < rec->n_calls; i++) {
		if (!wanted->abi || wanted->abi == rec->calls[i].abi)
			nearest_offer(&nearest, rec_call_name(&rec->calls[i], names[i]));
	}
	notice_tell(
		&notice, "%s was not called%s", word, nearest_hint(&nearest, hint, sizeof(hint)));
}

/* Add the calls that @word asks for. */
static int choose(const struct recording *rec, const char *word, struct explain_list *list)
{
	struct wanted wanted;
	bool found = false;

	if (parse_wanted(word, &wanted))
		return EXIT_USAGE;
	for (size_t i = 0; i < rec->n_calls; i++) {
		if (!is_wanted(&wanted, &rec->calls[i]))
			continue;
		found = true;
		if (!is_listed(list, &rec->calls[i]))
			list->calls[list->n_calls++] = &rec->calls[i];
	}
	if (found)
		return EXIT_OK;
	tell_missing(rec, word, &wanted);
	return EXIT_NO;
}

/* All calls if none was named; EXIT_NO if some are missing: the others are there all the same. */
static int choose_all(
	const struct request *request, const struct recording *rec, struct explain_list *list)
{
	int status = EXIT_OK;

	for (size_t i = 0; i < request->n_words; i++) {
		int one = is_file(request, i) ? EXIT_OK : choose(rec, request->words[i], list);

		if (one == EXIT_USAGE)
			return one;
		status = one ? one : status;
	}
	for (size_t i = 0; request->n_calls == 0 && i < rec->n_calls; i++)
		list->calls[list->n_calls++] = &rec->calls[i];
	return status;
}

static int read_recordings(const struct request *request, struct recording *out, struct err *e)
{
	scoped_free char **files = calloc(request->n_words + 1, sizeof(*files));
	struct recordings recordings = {.files = files};

	if (!files)
		return err_nomem(e);
	for (size_t i = 0; i < request->n_words; i++) {
		if (is_file(request, i))
			files[recordings.n_files++] = request->words[i];
	}
	return recordings_join(&recordings, NULL, NULL, out, NULL, e);
}

static void tame_names(const struct rec_names *names)
{
	for (size_t i = 0; i < names->n_names; i++)
		text_tame(names->names[i]);
}

/* What a workload called its files shall not steer a terminal. */
static void tame(struct recording *rec)
{
	tame_names(&rec->programs);
	tame_names(&rec->phases);
	for (size_t i = 0; i < rec->n_origins; i++) {
		for (size_t j = 0; j < rec->origins[i].n_frames; j++) {
			text_tame(rec->origins[i].frames[j].module);
			text_tame(rec->origins[i].frames[j].symbol);
		}
	}
}

static int print(const struct request *request, struct recording *rec,
	const struct explain_list *list, struct err *e)
{
	if (request->json)
		return explain_print_json(rec, list, e);
	tame(rec);
	if (request->n_calls)
		explain_print(rec, list);
	else
		explain_print_all(rec);
	return 0;
}

static int explain(const struct request *request)
{
	scoped(recording_done) struct recording rec = {0};
	scoped_free const struct rec_call **calls = NULL;
	struct explain_list list = {0};
	struct err e;
	int status;

	if (read_recordings(request, &rec, &e))
		return cli_fail("explain", EXIT_USAGE, &e);
	calls = calloc(rec.n_calls + 1, sizeof(*calls));
	if (!calls) {
		err_nomem(&e);
		return cli_fail("explain", EXIT_USAGE, &e);
	}
	list.calls = calls;
	status = choose_all(request, &rec, &list);
	if (status != EXIT_USAGE && print(request, &rec, &list, &e))
		return cli_fail("explain", EXIT_USAGE, &e);
	return status;
}

static int run(int argc, char **argv)
{
	struct request request = {0};
	int status = parse(argc, argv, &request);

	return status ? status : explain(&request);
}

const struct command cmd_explain = {
	.name = "explain",
	.summary = "who made a call, when, with which arguments, from where",
	.help = HELP,
	.run = run,
};
