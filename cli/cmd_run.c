#include "cli.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cage_check.h"
#include "cage_complete.h"
#include "cage_print.h"
#include "effective.h"
#include "file.h"
#include "launch.h"
#include "run_make.h"
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
	"      --bundle DIR       an OCI bundle as it is\n"
	"      --dry-run[=json]   show what would be done, in order\n"
	"      --help-cage        what else holds it: user, namespaces, files, Landlock, ...\n"
	"  -h, --help             this text\n"
	"Exit status: the command's; 128+N: signal N (159: SIGSYS, the profile kills);\n"
	"125: sysclamp failed; 126: not executable; 127: not found; 2: misuse.\n"
	"Example: sysclamp run -p ls.json -- ls -l\n";

/* The one end that is about the profile rather than the command. */
static void tell_if_denied(const struct run_options *options, const char *cmd, int wait_status)
{
	if (WIFSIGNALED(wait_status) && WTERMSIG(wait_status) == SIGSYS &&
		options->on_deny == DENY_PROFILE)
		fprintf(stderr,
			"sysclamp run: %s was killed by SIGSYS: it made a call that %s denies; "
			"--on-deny explain says which\n",
			cmd, options->late.then ? options->late.then : run_first_name(options));
}

/* Show what would be done. */
static int print_plan(const struct run_options *options, const struct sandbox *box)
{
	const char *bundled[] = {options->bundle.doc.name};
	bool has_bundled = options->bundle_dir && box->filter.filter && !options->filter.n_profiles;
	const struct cage_plan plan = {
		.box = box,
		.profiles = has_bundled ? bundled : options->filter.profiles,
		.n_profiles = has_bundled ? 1 : options->filter.n_profiles,
		.program = options->filter.program,
		.then = options->late.then,
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

static int run_enforced(struct run_options *options, char **env, const char *path)
{
	struct notice notice = cli_notice("run");
	scoped(run_made_done) struct run_made made = {0};
	struct sandbox box;
	struct err e;

	if (run_make(options, path, env, &made, &box, &e))
		return cli_fail("run", EXIT_OWN_FAILURE, &e);
	box.notice = &notice;
	/* No plan is shown that would fail by what it says itself. */
	if (options->dry && box.cage && cage_check(&box, &e))
		return cli_fail("run", EXIT_OWN_FAILURE, &e);
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
	return run_options_cage(options) ? 0 : launch_find(options->argv[0], out_path, e);
}

/* A bundle says all of it. */
static int make_environment(struct run_options *options, char ***out, struct err *e)
{
	if (!options->bundle_dir)
		return cage_environment(&options->cage, environ, out, e);
	*out = options->bundle.env;
	return 0;
}

static int run_command(struct run_options *options)
{
	scoped_free char *path = NULL; /* NULL: it is looked for inside */
	char **env;
	struct err e;

	if (find_command(options, &path, &e)) {
		struct launch_end end = {.exec_errno = e.code};

		return cli_fail("run", launch_exit_code(&end), &e);
	}
	if (make_environment(options, &env, &e))
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
