#include "cli.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "enforce.h"
#include "launch.h"
#include "num.h"
#include "sandbox.h"
#include "scope.h"

static const char HELP[] =
	"usage: sysclamp run -p PROFILE [--new-privs] [--] CMD [ARG...]\n"
	"\n"
	"Run a command held to a seccomp profile.  The filter is compiled, proven to say what\n"
	"the profile says, and loaded as the last thing before execve: the profile needs\n"
	"execve and what the command calls, nothing for sysclamp itself.  Standard streams,\n"
	"environment, signals and job control are the command's own.\n"
	"\n"
	"  -p, --profile PROFILE  an OCI seccomp profile; - reads standard input\n"
	"      --new-privs        leave no_new_privs unset, so that set-user-ID programs work;\n"
	"                         needs CAP_SYS_ADMIN\n"
	"  -h, --help             this text\n"
	"\n"
	"Exit status: that of the command, 128+N if signal N ended it (159: SIGSYS, the\n"
	"profile kills); 125 if sysclamp failed, an invalid profile included; 126 if the\n"
	"command cannot be executed, 127 if it was not found; 2 for a misuse.\n"
	"\n"
	"Example: sysclamp run -p ls.json -- ls -l\n";

#define WITHIN_NS 60000000000u

struct run_options {
	const char *profile;
	const char *then;
	const char *at;
	const char *mode;
	uint64_t within_ns;
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
			out->at = optarg;
			break;
		case MODE:
			out->mode = optarg;
			break;
		case THEN:
			out->then = optarg;
			break;
		case WITHIN:
			if (num_parse_duration(optarg, &out->within_ns))
				return EXIT_USAGE;
			break;
		default:
			return EXIT_USAGE;
		}
	}
	if (!out->profile)
		return cli_misuse("run", "no profile given (-p PROFILE)");
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
			cmd, options->profile, cmd);
}

static int run_enforced(const struct run_options *options, char **argv, const char *path)
{
	scoped(enforced_done) struct enforced enforced = {0};
	struct notice notice = cli_notice("run");
	struct sandbox box = {
		.argv = argv,
		.env = environ,
		.at = !options->at		      ? SANDBOX_AT_LAUNCH
		      : !strcmp(options->at, "exec")  ? SANDBOX_AT_EXEC
		      : !strcmp(options->at, "main")  ? SANDBOX_AT_MAIN
		      : !strcmp(options->at, "serve") ? SANDBOX_AT_SERVE
						      : SANDBOX_AT_SYMBOL,
		.symbol = options->at,
		.mode = options->mode && !strcmp(options->mode, "strict") ? SANDBOX_STRICT
									  : SANDBOX_FILTER,
		.within_ns = options->within_ns ? options->within_ns : WITHIN_NS,
		.path = path,
		.filter.filter = &enforced.filter,
		.new_privs = options->new_privs,
	};
	struct launch_end end = {0};
	struct err e;

	if (enforced_read(options->profile, &enforced, &notice, &e) ||
		(!options->at && enforced_can_start(options->profile, &enforced, &notice, &e)))
		return cli_fail("run", EXIT_OWN_FAILURE, &e);
	box.filter.flags = enforced.profile.flags;
	if (sandbox_run(&box, &end, &e))
		return cli_fail(
			"run", end.exec_errno ? launch_exit_code(&end) : EXIT_OWN_FAILURE, &e);
	tell_if_denied(options, argv[0], end.wait_status);
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
