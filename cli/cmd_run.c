#include "cli.h"

#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "enforce.h"
#include "launch.h"
#include "num.h"
#include "run_late.h"
#include "sandbox.h"
#include "scope.h"

static const char HELP[] =
	"usage: sysclamp run -p PROFILE [OPTION...] [--] CMD [ARG...]\n"
	"\n"
	"Run a command held to a seccomp profile.  The filter is compiled, proven to say what\n"
	"the profile says, and loaded as the last thing before execve: the profile needs\n"
	"execve and what the command calls, nothing for sysclamp itself.\n"
	"\n"
	"  -p, --profile PROFILE  an OCI seccomp profile; - reads standard input\n"
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
	"profile kills); 125 if sysclamp failed; 126 if the command cannot be executed, 127\n"
	"if it was not found; 2 for a misuse.\n"
	"\n"
	"Example: sysclamp run -p ls.json -- ls -l\n";

struct run_options {
	const char *profile; /* NULL: the mode has one */
	struct run_late late;
	struct run_plan plan;
	bool new_privs;
};

static int parse(int argc, char **argv, struct run_options *out)
{
	enum { NEW_PRIVS = 256, AT, MODE, THEN, WITHIN };
	static const struct option LONGS[] = {
		{"profile", required_argument, NULL, 'p'},
		{"new-privs", no_argument, NULL, NEW_PRIVS},
		{"at", required_argument, NULL, AT},
		{"mode", required_argument, NULL, MODE},
		{"then", required_argument, NULL, THEN},
		{"within", required_argument, NULL, WITHIN},
		{"help", no_argument, NULL, 'h'},
		{0},
	};
	struct err e;
	int option;

	while ((option = cli_option(argc, argv, "+:p:h", LONGS, &cmd_run)) != -1) {
		switch (option) {
		case 'p':
			out->profile = optarg;
			break;
		case NEW_PRIVS:
			out->new_privs = true;
			break;
		case AT:
			out->late.at = optarg;
			break;
		case MODE:
			out->late.mode = optarg;
			break;
		case THEN:
			out->late.then = optarg;
			break;
		case WITHIN:
			if (num_parse_duration(optarg, &out->late.within_ns) ||
				!out->late.within_ns)
				return cli_misuse("run",
					"--within %s: a time such as 500ms, 30s or 5m", optarg);
			break;
		default:
			return EXIT_USAGE;
		}
	}
	if (run_plan(&out->late, out->profile, &out->plan, &e))
		return cli_misuse("run", "%s", e.text);
	if (optind == argc)
		return cli_misuse("run", "no command given");
	return EXIT_OK;
}

/* The one end that is about the profile rather than the command. */
static void tell_if_denied(const struct run_options *options, const char *cmd, int wait_status)
{
	if (WIFSIGNALED(wait_status) && WTERMSIG(wait_status) == SIGSYS)
		fprintf(stderr,
			"sysclamp run: %s was killed by SIGSYS: it made a call that %s denies; "
			"to find it, compare with what sysclamp record -- %s sees\n",
			cmd, options->late.then ? options->late.then : options->profile, cmd);
}

/* The filters of a run. */
struct run_filters {
	struct enforced first; /* or the only one */
	struct enforced then;
};

static void run_filters_done(struct run_filters *filters)
{
	enforced_done(&filters->first);
	enforced_done(&filters->then);
}

static int read_profile(
	const char *path, struct enforced *out, const struct notice *notice, struct err *e)
{
	return enforced_read(path, out, notice, e) || enforced_can_hold(path, out, notice, e)
		       ? -e->code
		       : 0;
}

static int read_filters(const struct run_options *options, struct run_filters *out, struct err *e)
{
	struct notice notice = cli_notice("run");
	bool at_launch = options->plan.at == SANDBOX_AT_LAUNCH || options->late.then;

	if (options->plan.mode == RUN_STRICT)
		return 0;
	if (options->plan.mode == RUN_STRICT_FILTER)
		return run_strict_filter(&out->first, e);
	if (read_profile(options->profile, &out->first, &notice, e) ||
		(at_launch && enforced_can_start(options->profile, &out->first, e)))
		return -e->code;
	if (!options->late.then)
		return 0;
	if (read_profile(options->late.then, &out->then, &notice, e))
		return -e->code;
	return run_check_phases(options->profile, &out->first, options->late.then, &out->then, e);
}

static struct sandbox_filter sandbox_filter_of(const struct enforced *enforced)
{
	return (struct sandbox_filter){&enforced->filter, enforced->profile.flags};
}

static int run_enforced(const struct run_options *options, char **argv, const char *path)
{
	scoped(run_filters_done) struct run_filters filters = {0};
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

	if (read_filters(options, &filters, &e))
		return cli_fail("run", EXIT_OWN_FAILURE, &e);
	box.filter = sandbox_filter_of(&filters.first);
	then = sandbox_filter_of(&filters.then);
	if (options->late.then)
		box.then = &then;
	if (sandbox_run(&box, &end, &e))
		return cli_fail(
			"run", end.exec_errno ? launch_exit_code(&end) : EXIT_OWN_FAILURE, &e);
	tell_if_denied(options, argv[0], end.wait_status);
	run_tell_if_strict(&options->plan, argv[0], end.wait_status);
	return launch_exit_code(&end);
}

static int run(int argc, char **argv)
{
	struct run_options options = {0};
	scoped_free char *path = NULL;
	struct err e;
	int status = parse(argc, argv, &options);

	if (status)
		return status;
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
