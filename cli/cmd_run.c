#include "cli.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cage_complete.h"
#include "cage_print.h"
#include "effective.h"
#include "features.h"
#include "file.h"
#include "landlock.h"
#include "launch.h"
#include "run_options.h"
#include "sandbox.h"
#include "scope.h"

static const char HELP[] =
	"usage: sysclamp run -p PROFILE... [OPTION...] [--] CMD [ARG...]\n"
	"Run a command held to a seccomp profile, by a filter that is proven to say the\n"
	"same.  It needs execve and what the command calls, nothing for sysclamp.\n"
	"  -p, --profile PROFILE  OCI seccomp profile; - is standard input.  Of several,\n"
	"                         the strictest answer counts\n"
	"      --print-profile    print what they come to as one profile; run nothing\n"
	"      --bpf FILE         load this program, once proven to say the same\n"
	"      --unproven         load it as it is, without a profile\n"
	"      --on-deny WAY      profile: as it says; explain: that, and tell; learn: let\n"
	"                         it through and record; ask: you decide\n"
	"  -o, --output FILE      where learn and ask record\n"
	"      --at MOMENT        hold it from launch on (default), exec, main, serve (its\n"
	"                         first wait for work), or a FUNCTION of it\n"
	"      --then PROFILE     a second profile, within the first, from then on\n"
	"      --within TIME      how long to wait for the moment (60s), else end it\n"
	"      --mode MODE        filter; strict: the kernel's four calls, from main on;\n"
	"                         strict-filter: these and exit_group, as a filter\n"
	"      --new-privs        do not set no_new_privs; needs CAP_SYS_ADMIN\n"
	"      --config FILE      all of this, and the command, from a file\n"
	"      --dry-run[=json]   show what would be done, in order\n"
	"      --help-cage        what else holds it: user, namespaces, files, Landlock, ...\n"
	"  -h, --help             this text\n"
	"Exit status: the command's; 128+N: signal N (159: SIGSYS, the profile kills);\n"
	"125: sysclamp failed; 126: not executable; 127: not found; 2: misuse.\n"
	"Example: sysclamp run -p ls.json -- ls -l\n";

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
	if (WIFSIGNALED(wait_status) && WTERMSIG(wait_status) == SIGSYS &&
		options->on_deny == DENY_PROFILE)
		fprintf(stderr,
			"sysclamp run: %s was killed by SIGSYS: it made a call that %s denies; "
			"--on-deny explain says which\n",
			cmd, options->late.then ? options->late.then : first_name(options));
}

/* The filters of a run. */
struct filters {
	struct run_filter given; /* by -p and --bpf */
	struct enforced built_in; /* by --mode */
	struct enforced then;
	struct enforced supervised; /* for --on-deny */
};

static void filters_done(struct filters *filters)
{
	run_filter_done(&filters->given);
	enforced_done(&filters->built_in);
	enforced_done(&filters->then);
	enforced_done(&filters->supervised);
}

static bool is_unfiltered(const struct run_options *options)
{
	return !options->filter.n_profiles && !options->filter.program;
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

/* A filter that asks, and who answers. */
static int make_supervised(const struct run_options *options, const char *path,
	struct enforced *out, struct deny *deny, struct err *e)
{
	const char *profile = options->filter.n_profiles ? options->filter.profiles[0] : NULL;
	const struct deny_request request = {
		.mode = options->on_deny,
		.profile = profile,
		.output = options->output,
		.argv = options->argv,
		.path = path,
	};
	struct notice notice = cli_notice("run");

	if (profile && enforced_read(profile, out, &notice, e))
		return -e->code;
	return deny_open(&request, out, &notice, deny, e);
}

/* The filter's part of the description. */
static int make_filters(const struct run_options *options, struct filters *out, struct sandbox *box,
	struct sandbox_filter *then, struct err *e)
{
	if (options->plan.mode == RUN_STRICT)
		return 0;
	if (options->plan.mode == RUN_FILTER && is_unfiltered(options))
		return 0; /* held by its cage alone */
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

/* Show what would be done. */
static int print_plan(const struct run_options *options, const struct sandbox *box)
{
	const struct cage_plan plan = {
		.box = box,
		.profiles = options->filter.profiles,
		.n_profiles = options->filter.n_profiles,
		.program = options->filter.program,
		.then = options->late.then,
		.supervised = options->on_deny != DENY_PROFILE,
	};
	scoped_free char *text = NULL;
	size_t size;
	struct err e;

	if ((options->dry == RUN_DRY_JSON ? cage_print_json : cage_print)(&plan, &text, &size, &e))
		return cli_fail("run", EXIT_OWN_FAILURE, &e);
	fputs(text, stdout);
	return EXIT_OK;
}

/* The filters are made: what is left is to do it. */
static int execute(const struct run_options *options, const struct sandbox *box)
{
	struct launch_end end = {0};
	struct err e;

	if (sandbox_run(box, &end, &e))
		return cli_fail(
			"run", end.exec_errno ? launch_exit_code(&end) : EXIT_OWN_FAILURE, &e);
	tell_if_denied(options, box->argv[0], end.wait_status);
	run_tell_if_strict(&options->plan, box->argv[0], end.wait_status);
	return launch_exit_code(&end);
}

static int run_enforced(const struct run_options *options, char **env, const char *path)
{
	scoped(filters_done) struct filters filters = {0};
	scoped(deny_close) struct deny deny = {0};
	struct notice notice = cli_notice("run");
	struct sandbox_filter then;
	struct sandbox box = {
		.argv = options->argv,
		.env = env,
		.path = path,
		.mode = options->plan.mode == RUN_STRICT ? SANDBOX_STRICT : SANDBOX_FILTER,
		.at = options->plan.at,
		.symbol = options->plan.symbol,
		.within_ns = options->plan.within_ns,
		.new_privs = options->new_privs,
		.cage = options->cage.cage.used ? &options->cage.cage : NULL,
	};
	struct err e;

	if (landlock_check(&options->cage.cage.landlock, &notice, &e) ||
		(options->on_deny == DENY_PROFILE
				? make_filters(options, &filters, &box, &then, &e)
				: make_supervised(options, path, &filters.supervised, &deny, &e)))
		return cli_fail("run", EXIT_OWN_FAILURE, &e);
	if (options->on_deny != DENY_PROFILE) {
		box.filter = (struct sandbox_filter){
			&filters.supervised.filter, filters.supervised.profile.flags};
		box.supervisor = &deny.supervisor;
	}
	return options->dry ? print_plan(options, &box) : execute(options, &box);
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

/* A command in a cage is found there, by the engine: what lies where is another matter outside. */
static int find_command(const struct run_options *options, char **out_path, struct err *e)
{
	return options->cage.cage.used ? 0 : launch_find(options->argv[0], out_path, e);
}

static int run_command(struct run_options *options)
{
	scoped_free char *path = NULL; /* NULL: it is looked for inside */
	char **env = environ;
	struct err e;

	if (find_command(options, &path, &e)) {
		struct launch_end end = {.exec_errno = e.code};

		return cli_fail("run", launch_exit_code(&end), &e);
	}
	if (cage_environment(&options->cage, environ, &env, &e))
		return cli_fail("run", EXIT_OWN_FAILURE, &e);
	return run_enforced(options, env, path);
}

static int run(int argc, char **argv)
{
	scoped(run_options_done) struct run_options options = {0};
	int status = run_options_read(argc, argv, &options);

	if (status)
		return status;
	return options.print_profile ? print_profile(&options) : run_command(&options);
}

const struct command cmd_run = {
	.name = "run",
	.summary = "run a command held to a profile",
	.help = HELP,
	.run = run,
};
