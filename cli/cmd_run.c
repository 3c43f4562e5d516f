#include "cli.h"

#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "deny.h"
#include "enforce.h"
#include "launch.h"
#include "sandbox.h"
#include "scope.h"

static const char HELP[] =
	"usage: sysclamp run -p PROFILE [OPTION...] [--] CMD [ARG...]\n"
	"\n"
	"Run a command held to a seccomp profile.  The filter is compiled, proven to say what\n"
	"the profile says, and loaded as the last thing before execve: the profile needs\n"
	"execve and what the command calls, nothing for sysclamp itself.  Standard streams,\n"
	"environment, signals and job control are the command's own.\n"
	"\n"
	"  -p, --profile PROFILE  an OCI seccomp profile; - reads standard input\n"
	"      --new-privs        leave no_new_privs unset, so that set-user-ID programs work;\n"
	"                         needs CAP_SYS_ADMIN\n"
	"      --on-deny WAY      what becomes of a call that the profile denies: profile\n"
	"                         (what that says), explain (and it is told), learn (it is\n"
	"                         let through and recorded; no -p: nothing is known), ask\n"
	"  -o, --output FILE      where learn and ask record what they let through\n"
	"  -h, --help             this text\n"
	"\n"
	"Exit status: that of the command, 128+N if signal N ended it (159: SIGSYS, the\n"
	"profile kills); 125 if sysclamp failed, an invalid profile included; 126 if the\n"
	"command cannot be executed, 127 if it was not found; 2 for a misuse.\n"
	"\n"
	"Example: sysclamp run -p ls.json -- ls -l\n";

struct run_options {
	const char *profile;
	bool new_privs;
	enum deny_mode on_deny;
	const char *output;
};

static int take_mode(struct run_options *out)
{
	if (deny_mode_by_name(optarg, &out->on_deny))
		return cli_misuse(
			"run", "--on-deny: \"%s\" is none of profile, explain, learn, ask", optarg);
	return EXIT_OK;
}

/* What can only be said once all options are known. */
static int check_options(const struct run_options *options, bool command)
{
	bool records = options->on_deny == DENY_LEARN || options->on_deny == DENY_ASK;

	if (!options->profile && options->on_deny != DENY_LEARN)
		return cli_misuse("run", "no profile given (-p PROFILE)");
	if (options->output && !records)
		return cli_misuse("run", "-o goes with --on-deny learn or ask");
	if (!command)
		return cli_misuse("run", "no command given");
	return EXIT_OK;
}

static int parse(int argc, char **argv, struct run_options *out)
{
	enum { NEW_PRIVS = 256, ON_DENY };
	static const struct option LONGS[] = {
		{"profile", required_argument, NULL, 'p'},
		{"new-privs", no_argument, NULL, NEW_PRIVS},
		{"on-deny", required_argument, NULL, ON_DENY},
		{"output", required_argument, NULL, 'o'},
		{"help", no_argument, NULL, 'h'},
		{0},
	};
	int option;

	while ((option = cli_option(argc, argv, "+:p:o:h", LONGS, &cmd_run)) != -1) {
		switch (option) {
		case 'p':
			out->profile = optarg;
			break;
		case NEW_PRIVS:
			out->new_privs = true;
			break;
		case 'o':
			out->output = optarg;
			break;
		case ON_DENY:
			if (take_mode(out))
				return EXIT_USAGE;
			break;
		default:
			return EXIT_USAGE;
		}
	}
	return check_options(out, optind < argc);
}

/* The one end that is about the profile rather than the command. */
static void tell_if_denied(const struct run_options *options, const char *cmd, int wait_status)
{
	if (WIFSIGNALED(wait_status) && WTERMSIG(wait_status) == SIGSYS &&
		options->on_deny == DENY_PROFILE)
		fprintf(stderr,
			"sysclamp run: %s was killed by SIGSYS: it made a call that %s denies; "
			"--on-deny explain says which\n",
			cmd, options->profile);
}

/* From the options to a filter, and to who answers for it. */
static int prepare(const struct run_options *options, char **argv, const char *path,
	struct enforced *enforced, struct deny *deny, struct err *e)
{
	const struct deny_request request = {
		.mode = options->on_deny,
		.profile = options->profile,
		.output = options->output,
		.argv = argv,
		.path = path,
	};
	struct notice notice = cli_notice("run");

	if (options->profile && enforced_read(options->profile, enforced, &notice, e))
		return -e->code;
	if (options->on_deny == DENY_PROFILE)
		return enforced_can_start(options->profile, enforced, &notice, e);
	return deny_open(&request, enforced, &notice, deny, e);
}

static int run_enforced(const struct run_options *options, char **argv, const char *path)
{
	scoped(enforced_done) struct enforced enforced = {0};
	scoped(deny_close) struct deny deny = {0};
	struct sandbox box = {
		.argv = argv,
		.env = environ,
		.path = path,
		.filter = &enforced.filter,
		.new_privs = options->new_privs,
	};
	struct launch_end end = {0};
	struct err e;

	if (prepare(options, argv, path, &enforced, &deny, &e))
		return cli_fail("run", EXIT_OWN_FAILURE, &e);
	if (options->on_deny != DENY_PROFILE)
		box.supervisor = &deny.supervisor;
	box.filter_flags = enforced.profile.flags;
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
