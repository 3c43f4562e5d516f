#include "cli.h"

#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "effective.h"
#include "features.h"
#include "file.h"
#include "launch.h"
#include "num.h"
#include "run_filter.h"
#include "run_late.h"
#include "sandbox.h"
#include "scope.h"

static const char HELP[] =
	"usage: sysclamp run -p PROFILE... [OPTION...] [--] CMD [ARG...]\n"
	"\n"
	"Run a command held to a seccomp profile.  The filter is compiled, proven to say\n"
	"what the profile says, and loaded as the last thing before execve: the profile\n"
	"needs execve and what the command calls, nothing for sysclamp itself.\n"
	"\n"
	"  -p, --profile PROFILE  an OCI seccomp profile; - reads standard input.  Several:\n"
	"                         of their answers the strictest, of equals the last one's\n"
	"      --print-profile    print what they come to as one profile; run nothing\n"
	"      --bpf FILE         load this program (as generate --format bpf writes it),\n"
	"                         once it is proven to say what the profile says\n"
	"      --unproven         with --bpf and without a profile: load it as it is\n"
	"      --at MOMENT        hold it from launch on (default), or from exec, main, a\n"
	"                         FUNCTION of it, or serve: its first wait for work\n"
	"      --then PROFILE     a second profile, within the first, from that moment on\n"
	"      --within TIME      how long to wait for the moment (60s); then it is ended\n"
	"      --mode MODE        filter; strict: the kernel's four calls, from main on;\n"
	"                         strict-filter: these and exit_group, as a filter\n"
	"      --new-privs        leave no_new_privs unset, so that set-user-ID programs\n"
	"                         work; needs CAP_SYS_ADMIN\n"
	"  -h, --help             this text\n"
	"\n"
	"Exit status: that of the command, 128+N if signal N ended it (159: SIGSYS, the\n"
	"profile kills); 125 if sysclamp failed, an invalid profile included; 126 if the\n"
	"command cannot be executed, 127 if it was not found; 2 for a misuse.\n"
	"\n"
	"Example: sysclamp run -p ls.json -- ls -l\n";

struct run_options {
	struct run_filter_options filter;
	struct run_late late;
	struct run_plan plan;
	bool print_profile;
	bool new_privs;
};

enum { NEW_PRIVS = 256, PRINT_PROFILE, BPF, UNPROVEN, AT, MODE, THEN, WITHIN };

static int take_within(const char *text, struct run_options *out)
{
	if (num_parse_duration(text, &out->late.within_ns) || !out->late.within_ns)
		return cli_misuse("run", "--within %s: a time such as 500ms, 30s or 5m", text);
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
	default:
		return EXIT_USAGE;
	}
}

static int parse(int argc, char **argv, struct run_options *out)
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
		{"new-privs", no_argument, NULL, NEW_PRIVS},
		{"help", no_argument, NULL, 'h'},
		{0},
	};
	struct err e;
	int option, status;

	while ((option = cli_option(argc, argv, "+:p:h", LONGS, &cmd_run)) != -1) {
		status = take_option(option, out);
		if (status)
			return status;
	}
	status = run_filter_check_options(&out->filter);
	if (status)
		return status;
	if (run_plan(&out->late, out->filter.n_profiles || out->filter.program, &out->plan, &e))
		return cli_misuse("run", "%s", e.text);
	if (out->print_profile && !out->filter.n_profiles)
		return cli_misuse("run", "--print-profile: no profile given (-p PROFILE)");
	if (!out->print_profile && optind == argc)
		return cli_misuse("run", "no command given");
	return EXIT_OK;
}

/* What it is held to from launch on, or from the moment on if there is but one filter. */
static const char *first_name(const struct run_options *options)
{
	if (options->filter.n_profiles > 1)
		return "one of the profiles";
	if (options->filter.n_profiles)
		return cli_input_name(options->filter.profiles[0]);
	return options->filter.program ? cli_input_name(options->filter.program) : "strict mode";
}

/* The one end that is about the profile rather than the command. */
static void tell_if_denied(const struct run_options *options, const char *cmd, int wait_status)
{
	if (WIFSIGNALED(wait_status) && WTERMSIG(wait_status) == SIGSYS)
		fprintf(stderr,
			"sysclamp run: %s was killed by SIGSYS: it made a call that %s denies; "
			"to find it, compare with what sysclamp record -- %s sees\n",
			cmd, options->late.then ? options->late.then : first_name(options), cmd);
}

/* The filters of a run. */
struct filters {
	struct run_filter given; /* by -p and --bpf */
	struct enforced built_in; /* by --mode */
	struct enforced then;
};

static void filters_done(struct filters *filters)
{
	run_filter_done(&filters->given);
	enforced_done(&filters->built_in);
	enforced_done(&filters->then);
}

static int make_given(const struct run_options *options, struct run_filter *out, struct err *e)
{
	struct notice notice = cli_notice("run");
	bool at_launch = options->plan.at == SANDBOX_AT_LAUNCH || options->late.then;

	if (run_filter_make(&options->filter, out, &notice, e) ||
		run_filter_can_hold(&options->filter, out, &notice, e) ||
		(at_launch && run_filter_can_start(out, e)))
		return -e->code;
	return 0;
}

static int make_then(const struct run_options *options, const struct run_filter *first,
	struct enforced *out, struct err *e)
{
	struct notice notice = cli_notice("run");
	const char *path = options->late.then;

	if (enforced_read(path, out, &notice, e) || enforced_can_hold(path, out, &notice, e) ||
		enforced_can_load(path, out, e))
		return -e->code;
	return run_check_phases(first_name(options), first->load.filter, path, out, e);
}

/* The filter's part of the description. */
static int make_filters(const struct run_options *options, struct filters *out, struct sandbox *box,
	struct sandbox_filter *then, struct err *e)
{
	if (options->plan.mode == RUN_STRICT)
		return 0;
	if (options->plan.mode == RUN_STRICT_FILTER) {
		box->filter.filter = &out->built_in.filter;
		return run_strict_filter(&out->built_in, e);
	}
	if (make_given(options, &out->given, e))
		return -e->code;
	box->filter = out->given.load;
	if (!options->late.then)
		return 0;
	if (make_then(options, &out->given, &out->then, e))
		return -e->code;
	*then = (struct sandbox_filter){
		&out->then.filter, features_load_flags(out->then.profile.flags, false)};
	box->then = then;
	return 0;
}

static int run_enforced(const struct run_options *options, char **argv, const char *path)
{
	scoped(filters_done) struct filters filters = {0};
	struct sandbox_filter then;
	struct sandbox box = {
		.argv = argv,
		.env = environ,
		.path = path,
		.mode = options->plan.mode == RUN_STRICT ? SANDBOX_STRICT : SANDBOX_FILTER,
		.at = options->plan.at,
		.symbol = options->plan.symbol,
		.within_ns = options->plan.within_ns,
		.new_privs = options->new_privs,
	};
	struct launch_end end = {0};
	struct err e;

	if (make_filters(options, &filters, &box, &then, &e))
		return cli_fail("run", EXIT_OWN_FAILURE, &e);
	if (sandbox_run(&box, &end, &e))
		return cli_fail(
			"run", end.exec_errno ? launch_exit_code(&end) : EXIT_OWN_FAILURE, &e);
	tell_if_denied(options, argv[0], end.wait_status);
	run_tell_if_strict(&options->plan, argv[0], end.wait_status);
	return launch_exit_code(&end);
}

static int print_profile(const struct run_options *options)
{
	scoped(run_filter_done) struct run_filter filter = {0};
	scoped_free char *text = NULL;
	struct notice notice = cli_notice("run");
	size_t size;
	struct err e;

	if (run_filter_make(&options->filter, &filter, &notice, &e) ||
		profile_effective(&filter.stack, &text, &size, &e) ||
		file_replace("-", text, size, 0, &e))
		return cli_fail("run", EXIT_OWN_FAILURE, &e);
	return EXIT_OK;
}

static int run(int argc, char **argv)
{
	struct run_options options = {0};
	scoped_free char *path = NULL;
	struct err e;
	int status = parse(argc, argv, &options);

	if (status)
		return status;
	if (options.print_profile)
		return print_profile(&options);
	argv += optind;
	if (launch_find(argv[0], &path, &e)) {
		struct launch_end end = {.exec_errno = e.code};

		return cli_fail("run", launch_exit_code(&end), &e);
	}
	return run_enforced(&options, argv, path);
}

const struct command cmd_run = {
	.name = "run",
	.summary = "run a command held to a profile",
	.help = HELP,
	.run = run,
};
