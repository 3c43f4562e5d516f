#include "run_options.h"

#include "cli.h"
#include "num.h"
#include "scope.h"

enum { NEW_PRIVS = 256, PRINT_PROFILE, BPF, UNPROVEN, AT, MODE, THEN, WITHIN, ON_DENY };

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

static int take_option(int option, struct run_options *out)
{
	switch (option) {
	case 'p':
		return run_filter_take_profile(&out->filter, optarg);
	case NEW_PRIVS:
		out->new_privs = true;
		return EXIT_OK;
	case PRINT_PROFILE:
		out->print_profile = true;
		return EXIT_OK;
	case BPF:
		out->filter.program = optarg;
		return EXIT_OK;
	case UNPROVEN:
		out->filter.unproven = true;
		return EXIT_OK;
	case AT:
		out->late.at = optarg;
		return EXIT_OK;
	case MODE:
		out->late.mode = optarg;
		return EXIT_OK;
	case THEN:
		out->late.then = optarg;
		return EXIT_OK;
	case WITHIN:
		return take_within(optarg, out);
	case ON_DENY:
		return take_on_deny(optarg, out);
	case 'o':
		out->output = optarg;
		return EXIT_OK;
	default:
		return EXIT_USAGE;
	}
}

/* Which of what was given does not go together; NULL: all does. */
static const char *find_conflict(const struct run_options *options)
{
	bool supervised = options->on_deny != DENY_PROFILE;
	bool records = options->on_deny == DENY_LEARN || options->on_deny == DENY_ASK;
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
		{supervised && options->plan.at != SANDBOX_AT_LAUNCH,
			"--on-deny goes with --at launch only"},
		{options->output && !records, "-o goes with --on-deny learn or ask"},
		{options->output && !*options->output, "-o: no file named"},
	};

	for (size_t i = 0; i < ARRAY_LEN(conflicts); i++) {
		if (conflicts[i].found)
			return conflicts[i].text;
	}
	return NULL;
}

int run_options_read(int argc, char **argv, struct run_options *out)
{
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
		{"help", no_argument, NULL, 'h'},
		{0},
	};
	const char *conflict;
	struct err e;
	bool has_filter;
	int option, status;

	while ((option = cli_option(argc, argv, "+:p:o:h", LONGS, &cmd_run)) != -1) {
		status = take_option(option, out);
		if (status)
			return status;
	}
	status = run_filter_check_options(&out->filter);
	if (status)
		return status;
	has_filter = out->filter.n_profiles || out->filter.program || out->on_deny == DENY_LEARN;
	if (run_plan(&out->late, has_filter, &out->plan, &e))
		return cli_misuse("run", "%s", e.text);
	conflict = find_conflict(out);
	if (conflict)
		return cli_misuse("run", "%s", conflict);
	if (!out->print_profile && optind == argc)
		return cli_misuse("run", "no command given");
	return EXIT_OK;
}
