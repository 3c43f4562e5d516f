#include "cli.h"

#include <errno.h>
#include <linux/seccomp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "file.h"
#include "flatten.h"
#include "format.h"
#include "held_notices.h"
#include "num.h"
#include "phase.h"
#include "profiler.h"
#include "recordings.h"
#include "scope.h"

static const char HELP[] =
	"usage: sysclamp generate [-o FILE] [OPTION...] RECORDING...\n"
	"\n"
	"Cut a seccomp profile from recordings: it allows what was seen and not always\n"
	"denied, what the container runtime itself needs, and what few runs show and any may\n"
	"need.  Several recordings are joined; - reads standard input.\n"
	"\n"
	"  -o, --output FILE        where the profile goes, replaced atomically; default\n"
	"                           standard output\n"
	"      --runtime NAME       runc, crun, any (default: both), none\n"
	"      --nnp yes|no         the container runs with no_new_privs (default: yes; pods:\n"
	"                           allowPrivilegeEscalation: false); without, runtimes need more\n"
	"      --args MODE          allow only the arguments that were seen: safe, where they say\n"
	"                           what a call is; full, but for frequent calls; none (default)\n"
	"      --exact              without what few runs show: clock calls of the vDSO, what a\n"
	"                           signal or an abort brings, fallbacks on another kernel\n"
	"      --portable LIBC,...  glibc, musl: also what these call for the same\n"
	"      --arch NAME          for this machine (aarch64 or arm64, ...), not the recorded\n"
	"                           one: open becomes openat\n"
	"      --phase NAME         only what was called in this phase (start, serve, a mark); "
	"may\n"
	"                           be given again\n"
	"      --exclude-origin exec  without what only podman exec, probes and the like called\n"
	"      --base PROFILE       add to what this one allows, and keep what else it says\n"
	"      --notes FILE         say there, in JSON, why each call is allowed or left out\n"
	"      --default-action A   for all other calls: errno (default), kill, log\n"
	"      --errno NAME|N       with errno: what they fail with; default ENOSYS, on which\n"
	"                           libraries fall back to older calls\n"
	"      --allow-incomplete   take recordings that lost something or never "
	"ended\n" FORMAT_HELP "  -h, --help               this text\n"
	"\n"
	"Exit status: 0; 2 for a misuse, or a recording that cannot be used.\n"
	"\n"
	"Example: sysclamp generate -o ls.json ls.rec.json\n";

struct request {
	const char *out; /* NULL: standard output */
	const char *notes; /* NULL: none */
	struct named_profile base; /* no name: none */
	bool chose_default; /* an option about the default action was given */
	const char *errno_text; /* NULL: not given */
	struct generate_options options;
	const char *phases[PHASES_MAX]; /* options.n_phases of them */
	unsigned nnp, default_action, args; /* as chosen from the tables below */
	struct format_options format;
	struct recordings recordings;
};

struct choice {
	const char *name;
	unsigned value;
};

static const struct choice YES_NO[] = {{"yes", true}, {"no", false}, {0}};
static const struct choice ACTIONS[] = {
	{"errno", SECCOMP_RET_ERRNO},
	{"kill", SECCOMP_RET_KILL_PROCESS},
	{"log", SECCOMP_RET_LOG},
	{0},
};

/* @what: the option, and what its value can be. */
static int choose(const char *what, const struct choice *choices, unsigned *out_value)
{
	for (; choices->name; choices++) {
		if (!strcmp(choices->name, optarg)) {
			*out_value = choices->value;
			return EXIT_OK;
		}
	}
	return cli_misuse("generate", "%s: not \"%s\"", what, optarg);
}

static const struct choice ARGS_MODES[] = {
	{"none", PIN_NONE},
	{"safe", PIN_SAFE},
	{"full", PIN_FULL},
	{0},
};

enum {
	RUNTIME = 256,
	NNP,
	ARGS,
	EXACT,
	PORTABLE,
	ARCH,
	BASE,
	PHASE,
	EXCLUDE_ORIGIN,
	NOTES,
	DEFAULT_ACTION,
	ERRNO,
	ALLOW_INCOMPLETE,
};

static int take_libcs(struct request *request)
{
	char *list = optarg, *name;

	while ((name = strsep(&list, ","))) {
		enum libc libc;

		if (libc_by_name(name, &libc))
			return cli_misuse("generate",
				"--portable: not \"%s\", but glibc, musl or both: glibc,musl",
				name);
		request->options.portable |= 1u << libc;
	}
	return EXIT_OK;
}

static int take_phase(struct request *request)
{
	if (request->options.n_phases == PHASES_MAX)
		return cli_misuse("generate", "--phase: a recording has at most %d", PHASES_MAX);
	request->phases[request->options.n_phases++] = optarg;
	return EXIT_OK;
}

static int take_output(struct request *request)
{
	request->out = optarg;
	return EXIT_OK;
}

static int take_runtime(struct request *request)
{
	if (base_runtime_by_name(optarg, &request->options.runtime))
		return cli_misuse(
			"generate", "--runtime: not \"%s\", but runc, crun, any or none", optarg);
	return EXIT_OK;
}

static int take_nnp(struct request *request)
{
	return choose("--nnp is yes or no", YES_NO, &request->nnp);
}

static int take_args(struct request *request)
{
	return choose("--args is none, safe or full", ARGS_MODES, &request->args);
}

static int take_exact(struct request *request)
{
	request->options.exact = true;
	return EXIT_OK;
}

static int take_arch(struct request *request)
{
	struct err e;

	if (flatten_abi_parse(optarg, &request->options.arch, &e))
		return cli_misuse("generate", "--arch: %s", e.text);
	return EXIT_OK;
}

static int take_base(struct request *request)
{
	if (request->base.name)
		return cli_misuse("generate", "--base: one only; sysclamp merge --union "
					      "makes one profile of several");
	request->base.name = optarg;
	return EXIT_OK;
}

static int take_exclude_origin(struct request *request)
{
	if (strcmp(optarg, phase_name(PHASE_EXEC)))
		return cli_misuse("generate", "--exclude-origin is exec: not \"%s\"", optarg);
	request->options.exclude_exec = true;
	return EXIT_OK;
}

static int take_notes(struct request *request)
{
	request->notes = optarg;
	return EXIT_OK;
}

static int take_default_action(struct request *request)
{
	request->chose_default = true;
	return choose("--default-action is errno, kill or log", ACTIONS, &request->default_action);
}

static int take_errno(struct request *request)
{
	request->chose_default = true;
	request->errno_text = optarg;
	return EXIT_OK;
}

static int take_allow_incomplete(struct request *request)
{
	request->options.allow_incomplete = true;
	return EXIT_OK;
}

/* Takes the option whose value is optarg. */
typedef int (*take_t)(struct request *request);

static const take_t TAKES[] = {
	[RUNTIME - RUNTIME] = take_runtime,
	[NNP - RUNTIME] = take_nnp,
	[ARGS - RUNTIME] = take_args,
	[EXACT - RUNTIME] = take_exact,
	[PORTABLE - RUNTIME] = take_libcs,
	[ARCH - RUNTIME] = take_arch,
	[BASE - RUNTIME] = take_base,
	[PHASE - RUNTIME] = take_phase,
	[EXCLUDE_ORIGIN - RUNTIME] = take_exclude_origin,
	[NOTES - RUNTIME] = take_notes,
	[DEFAULT_ACTION - RUNTIME] = take_default_action,
	[ERRNO - RUNTIME] = take_errno,
	[ALLOW_INCOMPLETE - RUNTIME] = take_allow_incomplete,
};

static int take_option(int option, struct request *request)
{
	size_t at = (size_t)option - RUNTIME;

	if (option == 'o')
		return take_output(request);
	if (option >= RUNTIME && at < ARRAY_LEN(TAKES))
		return TAKES[at](request);
	return format_take_option("generate", option, optarg, &request->format);
}

static int check_notes(const struct request *request)
{
	const char *out = request->out ? request->out : "/dev/stdout";
	const char *notes = strcmp(request->notes, "-") ? request->notes : "/dev/stdout";

	if (!strcmp(notes, out) || cli_is_same_file(notes, out))
		return cli_misuse("generate", "--notes %s: the profile goes there", request->notes);
	if (request->base.name && cli_is_same_file(notes, request->base.name))
		return cli_misuse(
			"generate", "--notes %s would overwrite the base", request->notes);
	return recordings_spare("generate", &request->recordings, "--notes", request->notes);
}

/* Of the recordings among themselves recordings_check() knows. */
static bool reads_input_twice(const struct request *request)
{
	if (!request->base.name || strcmp(request->base.name, "-") != 0)
		return false;
	for (int i = 0; i < request->recordings.n_files; i++) {
		if (!strcmp(request->recordings.files[i], "-"))
			return true;
	}
	return false;
}

/* What can only be said about the files once all options are known. */
static int check_files(struct request *request)
{
	int status;

	if (request->out && !strcmp(request->out, "-"))
		request->out = NULL;
	if (reads_input_twice(request))
		return cli_misuse("generate", "standard input (-) can be read once only");
	status = recordings_check("generate", &request->recordings, request->out);
	if (!status && request->notes)
		status = check_notes(request);
	if (status)
		return status;
	return format_check_output("generate", &request->format, request->out);
}

static bool asks_for_exec(const struct request *request)
{
	for (size_t i = 0; i < PHASES_MAX && request->phases[i]; i++) {
		if (!strcmp(request->phases[i], phase_name(PHASE_EXEC)))
			return true;
	}
	return false;
}

/* The same about the options. */
static int check_request(struct request *request)
{
	uint16_t code = ENOSYS;

	request->options.nnp = request->nnp;
	request->options.phases = request->phases;
	request->options.args = request->args;
	request->options.default_action = request->default_action;
	if (request->errno_text && request->default_action != SECCOMP_RET_ERRNO)
		return cli_misuse("generate", "--errno goes with --default-action errno only");
	if (request->errno_text && num_parse_errno(request->errno_text, &code))
		return cli_misuse("generate",
			"--errno \"%s\": neither the name of an error nor a number from 1 to 4095",
			request->errno_text);
	if (request->default_action == SECCOMP_RET_ERRNO)
		request->options.default_action |= code;
	if (request->base.name && request->chose_default)
		return cli_misuse("generate", "--base brings the default action with it: without "
					      "--default-action and --errno");
	if (request->options.exclude_exec && asks_for_exec(request))
		return cli_misuse(
			"generate", "--phase exec and --exclude-origin exec: one of them");
	return check_files(request);
}

static int parse(int argc, char **argv, struct request *request)
{
	static const struct option LONGS[] = {
		{"output", required_argument, NULL, 'o'},
		{"runtime", required_argument, NULL, RUNTIME},
		{"nnp", required_argument, NULL, NNP},
		{"exact", no_argument, NULL, EXACT},
		{"portable", required_argument, NULL, PORTABLE},
		{"arch", required_argument, NULL, ARCH},
		{"base", required_argument, NULL, BASE},
		{"phase", required_argument, NULL, PHASE},
		{"exclude-origin", required_argument, NULL, EXCLUDE_ORIGIN},
		{"notes", required_argument, NULL, NOTES},
		{"default-action", required_argument, NULL, DEFAULT_ACTION},
		{"errno", required_argument, NULL, ERRNO},
		{"args", required_argument, NULL, ARGS},
		{"allow-incomplete", no_argument, NULL, ALLOW_INCOMPLETE},
		FORMAT_LONGS,
		{"help", no_argument, NULL, 'h'},
		{0},
	};
	int option, status;

	while ((option = cli_option(argc, argv, "+:o:h", LONGS, &cmd_generate)) != -1) {
		status = take_option(option, request);
		if (status)
			return status;
	}
	request->recordings = (struct recordings){.files = argv + optind, .n_files = argc - optind};
	return check_request(request);
}

/* Whether the command that was recorded can be started under the profile here. */
static bool can_run(const struct request *request, const struct profile *profile)
{
	bool lists_native = !profile->n_abis;

	for (size_t i = 0; i < profile->n_abis; i++)
		lists_native |= profile->abis[i] == abi_native();
	return lists_native && !request->options.n_phases && profile_names(profile, "execve");
}

static void tell_next(
	const struct request *request, const struct rec_names *argv, const struct profile *profile)
{
	const char *lead = "next:";

	if (!request->out)
		return;
	cli_tell_written("generate", request->out);
	if (!format_is_default(&request->format) || cli_is_stream(request->out) ||
		!can_run(request, profile))
		return;
	if (argv->n_names > 0) {
		fprintf(stderr, "%s sysclamp run -p", lead);
		cli_print_word(request->out);
		fputs(" --", stderr);
		cli_print_command(argv);
		lead = "  or:";
	}
	/* Without what the runtime needs no container starts under it. */
	if (request->options.runtime != BASE_NONE)
		cli_print_engines(lead, request->out, request->options.nnp);
}

/* Notes speak of a profile that is there: both or none. */
static int write_files(const struct request *request, const char *text, size_t size,
	const char *notes, size_t notes_size, struct err *e)
{
	const char *out = request->out ? request->out : "-";
	const struct file_content files[] = {
		{out, text, size}, {request->notes, notes, notes_size}};

	if (notes && (cli_check_output("--notes", request->notes, "notes", e) ||
			     cli_check_output("-o", out, "a profile", e)))
		return -e->code;
	return file_replace_all(files, notes ? 2 : 1, 0644, e);
}

static int read_base(struct request *request, const struct notice *to, struct err *e)
{
	struct named_profile *base = &request->base;

	if (!base->name)
		return 0;
	if (profile_read(base->name, &base->profile, to, e))
		return -e->code;
	base->name = cli_input_name(base->name);
	request->options.base = base;
	request->options.default_action = base->profile.default_action;
	return 0;
}

/* The format chosen, with what the recording says of the profile beyond its rules. */
static struct format_options format_of(const struct request *request, const char *name,
	const struct recording *rec, const struct notice *notice)
{
	struct format_options format = request->format;

	format.ctx.input = name;
	format.ctx.new_privs = !request->options.nnp;
	format.ctx.rec = rec;
	format.ctx.to = notice;
	return format;
}

static int generate(struct request *request)
{
	scoped(held_notices_done) struct held_notices held = {.command = "generate"};
	struct notice notice = held_notice(&held);
	scoped(recording_done) struct recording rec = {0};
	scoped(rec_names_done) struct rec_names argv = {0};
	scoped(profile_done) struct profile profile = {0};
	scoped_free char *text = NULL, *notes = NULL;
	const char *name = recordings_name(&request->recordings);
	size_t size = 0, notes_size = 0;
	struct format_options format;
	struct err e;

	if (read_base(request, &notice, &e) ||
		recordings_join(
			&request->recordings, &request->options, &notice, &rec, &argv, &e) ||
		profile_generate_noted(name, &rec, &request->options, &profile,
			request->notes ? &notes : NULL, &notes_size, &notice, &e))
		return cli_fail("generate", EXIT_USAGE, &e);
	format = format_of(request, name, &rec, &notice);
	if (rec.workload.argv.n_names > 0)
		format_name_after(&format, rec.workload.argv.names[0]);
	if (format_text(&format, &profile, &text, &size, &e) ||
		write_files(request, text, size, notes, notes_size, &e))
		return cli_fail("generate", EXIT_USAGE, &e);
	held_notices_tell(&held);
	tell_next(request, &argv, &profile);
	return EXIT_OK;
}

static int run(int argc, char **argv)
{
	struct request request = {
		.options = generate_defaults(),
		.nnp = true,
		.default_action = SECCOMP_RET_ERRNO,
	};
	int status = parse(argc, argv, &request);

	if (!status)
		status = generate(&request);
	profile_done(&request.base.profile);
	return status;
}

const struct command cmd_generate = {
	.name = "generate",
	.summary = "cut a profile from recordings",
	.help = HELP,
	.run = run,
};
