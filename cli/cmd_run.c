#include "cli.h"

#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "effective.h"
#include "file.h"
#include "launch.h"
#include "run_filter.h"
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
	bool print_profile;
	bool new_privs;
};

enum { NEW_PRIVS = 256, PRINT_PROFILE, BPF, UNPROVEN };

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
		{"new-privs", no_argument, NULL, NEW_PRIVS},
		{"help", no_argument, NULL, 'h'},
		{0},
	};
	int option, status;

	while ((option = cli_option(argc, argv, "+:p:h", LONGS, &cmd_run)) != -1) {
		status = take_option(option, out);
		if (status)
			return status;
	}
	status = run_filter_check_options(&out->filter);
	if (status)
		return status;
	if (out->print_profile && !out->filter.n_profiles)
		return cli_misuse("run", "--print-profile: no profile given (-p PROFILE)");
	if (!out->print_profile && optind == argc)
		return cli_misuse("run", "no command given");
	return EXIT_OK;
}

/* What denied it. */
static const char *deniers(const struct run_filter_options *options)
{
	if (options->n_profiles > 1)
		return "one of the profiles";
	return cli_input_name(options->n_profiles ? options->profiles[0] : options->program);
}

/* The one end that is about the profile rather than the command. */
static void tell_if_denied(const struct run_options *options, const char *cmd, int wait_status)
{
	if (WIFSIGNALED(wait_status) && WTERMSIG(wait_status) == SIGSYS)
		fprintf(stderr,
			"sysclamp run: %s was killed by SIGSYS: it made a call that %s denies; "
			"to find it, compare with what sysclamp record -- %s sees\n",
			cmd, deniers(&options->filter), cmd);
}

static int run_enforced(const struct run_options *options, char **argv, const char *path)
{
	scoped(run_filter_done) struct run_filter filter = {0};
	struct notice notice = cli_notice("run");
	struct sandbox box = {
		.argv = argv,
		.env = environ,
		.path = path,
		.filters = &filter.load,
		.n_filters = 1,
		.new_privs = options->new_privs,
	};
	struct launch_end end = {0};
	struct err e;

	if (run_filter_make(&options->filter, &filter, &notice, &e) ||
		run_filter_can_start(&options->filter, &filter, &notice, &e))
		return cli_fail("run", EXIT_OWN_FAILURE, &e);
	if (sandbox_run(&box, &end, &e))
		return cli_fail(
			"run", end.exec_errno ? launch_exit_code(&end) : EXIT_OWN_FAILURE, &e);
	tell_if_denied(options, argv[0], end.wait_status);
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
