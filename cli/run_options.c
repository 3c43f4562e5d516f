#include "run_options.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cage_complete.h"
#include "cli.h"
#include "launch.h"
#include "num.h"
#include "run_cage.h"
#include "scope.h"

enum {
	NEW_PRIVS = 256,
	PRINT_PROFILE,
	BPF,
	UNPROVEN,
	AT,
	MODE,
	THEN,
	WITHIN,
	ON_DENY,
	CONFIG,
	BUNDLE,
	DRY_RUN,
	HELP_CAGE,
};

void run_options_done(struct run_options *options)
{
	cage_request_done(&options->cage);
	bundle_done(&options->bundle);
}

const struct cage *run_options_cage(const struct run_options *options)
{
	const struct cage *cage = options->bundle_dir ? &options->bundle.cage : &options->cage.cage;

	return cage->used ? cage : NULL;
}

static int take_within(const char *text, struct run_options *out)
{
	if (num_parse_duration(text, &out->late.within_ns) || !out->late.within_ns)
		return cli_misuse("run", "--within %s: a time such as 500ms, 30s or 5m", text);
	return EXIT_OK;
}

static int take_on_deny(const char *text, struct run_options *out)
{
	if (deny_mode_by_name(text, &out->on_deny))
		return cli_misuse(
			"run", "--on-deny: \"%s\" is none of profile, explain, learn, ask", text);
	return EXIT_OK;
}

static int take_dry_run(const char *text, struct run_options *out)
{
	if (text && strcmp(text, "json") != 0)
		return cli_misuse("run", "--dry-run=%s: it is json, or alone", text);
	out->dry = text ? RUN_DRY_JSON : RUN_DRY_TEXT;
	return EXIT_OK;
}

/* What is kept as it was given; the last one counts, but for what holds the command. */
static const struct text_option {
	int option;
	size_t at; /* in struct run_options: a const char * */
	const char *once; /* its name: a second one would take back what the first one says */
} TEXTS[] = {
	{BPF, offsetof(struct run_options, filter.program), "--bpf"},
	{AT, offsetof(struct run_options, late.at), NULL},
	{MODE, offsetof(struct run_options, late.mode), NULL},
	{THEN, offsetof(struct run_options, late.then), "--then"},
	{BUNDLE, offsetof(struct run_options, bundle_dir), "--bundle"},
	{'o', offsetof(struct run_options, output), NULL},
};

static const struct text_option *find_text(int option)
{
	for (size_t i = 0; i < ARRAY_LEN(TEXTS); i++) {
		if (TEXTS[i].option == option)
			return &TEXTS[i];
	}
	return NULL;
}

static int keep_text(const struct text_option *text, struct run_options *out)
{
	unsigned bit = 1u << (text - TEXTS);

	if (text->once && out->given & bit)
		return cli_misuse("run",
			"%s: given twice, and only one of them would hold the "
			"command; leave one out",
			text->once);
	out->given |= bit;
	*(const char **)((char *)out + text->at) = optarg;
	return EXIT_OK;
}

static int take_option(int option, struct run_options *out)
{
	if (run_cage_owns(option))
		return run_cage_take(option, &out->cage);
	if (find_text(option))
		return keep_text(find_text(option), out);
	switch (option) {
	case CONFIG: /* read already */
		return EXIT_OK;
	case 'p':
		return run_filter_take_profile(&out->filter, optarg);
	case WITHIN:
		return take_within(optarg, out);
	case ON_DENY:
		return take_on_deny(optarg, out);
	case DRY_RUN:
		return take_dry_run(optarg, out);
	case NEW_PRIVS:
		out->new_privs = true;
		return EXIT_OK;
	case PRINT_PROFILE:
		out->print_profile = true;
		return EXIT_OK;
	case UNPROVEN:
		out->filter.unproven = true;
		return EXIT_OK;
	default:
		return EXIT_USAGE;
	}
}

static bool records(const struct run_options *options)
{
	return options->on_deny == DENY_LEARN || options->on_deny == DENY_ASK;
}

/* Which of what was given does not go together; NULL: all does. */
static const char *find_conflict(const struct run_options *options)
{
	bool supervised = options->on_deny != DENY_PROFILE;
	const struct {
		bool found;
		const char *text;
	} conflicts[] = {
		{options->print_profile && !options->filter.n_profiles,
			"--print-profile: no profile given (-p PROFILE)"},
		{supervised && options->filter.program,
			"--on-deny needs a profile rather than a program (--bpf)"},
		{supervised && options->filter.n_profiles > 1,
			"--on-deny goes with one profile; --print-profile makes one of several"},
		{options->bundle_dir && (options->file_read || options->cage.said || options->argv),
			"--bundle: its config.json says the command and what holds it; leave the "
			"rest out"},
		{options->bundle_dir && options->new_privs,
			"--bundle: its process.noNewPrivileges says that; leave --new-privs out"},
		{options->output && !records(options), "-o goes with --on-deny learn or ask"},
	};

	for (size_t i = 0; i < ARRAY_LEN(conflicts); i++) {
		if (conflicts[i].found)
			return conflicts[i].text;
	}
	return NULL;
}

/* The same of what the plan tells. */
static const char *find_late_conflict(const struct run_options *options)
{
	const struct cage *cage = run_options_cage(options);

	if (options->on_deny != DENY_PROFILE && options->plan.at != SANDBOX_AT_LAUNCH)
		return "--on-deny goes with --at launch only";
	/* Who records is inside, for its PIDs to be the command's: it would write there. */
	if (records(options) && cage && cage->namespaces[CAGE_NS_MOUNT].how != CAGE_NS_SHARED)
		return "--on-deny learn and ask write their recording outside: not with a root or "
		       "mounts of the command's own; explain goes with them";
	return NULL;
}

static const struct option LONGS[] = {
	{"profile", required_argument, NULL, 'p'},
	{"print-profile", no_argument, NULL, PRINT_PROFILE},
	{"bpf", required_argument, NULL, BPF},
	{"unproven", no_argument, NULL, UNPROVEN},
	{"at", required_argument, NULL, AT},
	{"mode", required_argument, NULL, MODE},
	{"then", required_argument, NULL, THEN},
	{"within", required_argument, NULL, WITHIN},
	{"on-deny", required_argument, NULL, ON_DENY},
	{"output", required_argument, NULL, 'o'},
	{"new-privs", no_argument, NULL, NEW_PRIVS},
	{"config", required_argument, NULL, CONFIG},
	{"bundle", required_argument, NULL, BUNDLE},
	{"dry-run", optional_argument, NULL, DRY_RUN},
	{"help-cage", no_argument, NULL, HELP_CAGE},
	{"help", no_argument, NULL, 'h'},
};

/* What the file says, where no option has said it already: for what stands once. */
static int take_file(struct run_options *out)
{
	const struct cage_file *file = &out->file;

	out->late.at = file->at;
	out->late.mode = file->mode;
	out->late.then = file->then;
	out->new_privs = file->new_privs;
	if (file->within && take_within(file->within, out))
		return EXIT_USAGE;
	for (size_t i = 0; i < file->n_profiles; i++) {
		if (run_filter_take_profile(&out->filter, file->profiles[i]))
			return EXIT_USAGE;
	}
	return EXIT_OK;
}

struct getopt_words {
	char shorts[64];
	struct option longs[RUN_CAGE_LONGS_MAX];
};

static void make_words(struct getopt_words *words)
{
	(void)snprintf(words->shorts, sizeof(words->shorts), "+:p:o:h%s", RUN_CAGE_SHORTS);
	memcpy(words->longs, LONGS, sizeof(LONGS));
	run_cage_longs(words->longs, ARRAY_LEN(LONGS));
}

/* The file comes first, wherever its option stands: options add to it. */
static int read_config(
	int argc, char **argv, const struct getopt_words *words, struct run_options *out)
{
	const char *config = NULL;
	struct err e;
	int option;

	while ((option = cli_option(argc, argv, words->shorts, words->longs, &cmd_run)) != -1) {
		if (option == '?')
			return EXIT_USAGE;
		if (option == CONFIG && config)
			return cli_misuse("run", "--config: given twice; put into one file what "
						 "holds the command");
		if (option == CONFIG)
			config = optarg;
		if (option == HELP_CAGE) {
			run_cage_help();
			exit(cli_flush(EXIT_OK));
		}
	}
	optind = 0; /* once more, from the beginning: getopt(3), NOTES */
	if (!config)
		return EXIT_OK;
	if (cage_file_read(config, &out->cage, &out->file, &e))
		return cli_fail("run", EXIT_OWN_FAILURE, &e);
	out->file_read = true;
	return take_file(out);
}

static int settle_bundle(struct run_options *out)
{
	struct notice notice = cli_notice("run");
	struct err e;

	if (!out->bundle_dir)
		return EXIT_OK;
	if (bundle_read(out->bundle_dir, &out->bundle, &notice, &e))
		return cli_fail("run", EXIT_OWN_FAILURE, &e);
	if (out->bundle.has_profile && (out->filter.n_profiles || out->filter.program))
		return cli_misuse("run", "--bundle: it has a profile already (linux.seccomp)");
	out->argv = out->bundle.argv;
	out->new_privs = !out->bundle.no_new_privs;
	return EXIT_OK;
}

static int settle_cage(struct run_options *out)
{
	struct err e;

	if (!cage_complete(&out->cage, &e))
		return EXIT_OK;
	return e.code == EINVAL ? cli_misuse("run", "%s", e.text)
				: cli_fail("run", EXIT_OWN_FAILURE, &e);
}

/* Whether there is a filter, or will be. */
static bool has_filter(const struct run_options *options)
{
	return options->filter.n_profiles || options->filter.program ||
	       options->bundle.has_profile || options->on_deny == DENY_LEARN;
}

/* What hangs on several options. */
static int settle(struct run_options *out)
{
	const char *conflict = find_conflict(out);
	struct err e;
	int status = run_filter_check_options(&out->filter);

	if (!status && conflict)
		status = cli_misuse("run", "%s", conflict);
	if (!status)
		status = settle_bundle(out);
	if (!status)
		status = settle_cage(out);
	if (status)
		return status;
	if (run_plan(&out->late, has_filter(out), run_options_cage(out), &out->plan, &e))
		return cli_misuse("run", "%s", e.text);
	conflict = find_late_conflict(out);
	if (conflict)
		return cli_misuse("run", "%s", conflict);
	if (!out->print_profile && !out->argv)
		return cli_misuse("run", "no command given");
	return EXIT_OK;
}

int run_options_read(int argc, char **argv, struct run_options *out)
{
	struct getopt_words words;
	int option, status;

	make_words(&words);
	status = read_config(argc, argv, &words, out);
	while (!status &&
		(option = cli_option(argc, argv, words.shorts, words.longs, &cmd_run)) != -1)
		status = take_option(option, out);
	if (status)
		return status;
	out->argv = optind < argc ? argv + optind : out->file.command;
	return settle(out);
}
