#include "cli.h"

#include <stdio.h>
#include <string.h>

#include "enforce.h"
#include "file.h"
#include "flatten.h"
#include "format.h"
#include "held_notices.h"
#include "scope.h"
#include "syscalls.h"

static const char HELP[] =
	"usage: sysclamp convert --format F [OPTION...] PROFILE\n"
	"       sysclamp convert --flatten [OPTION...] PROFILE\n"
	"\n"
	"Write a profile in the format of those who enforce it, or make a plain one, which all\n"
	"engines read alike, of one in Docker's dialect first: includes and excludes are answered\n"
	"for one container, archMap for one machine, errors get their numbers.  The profile is\n"
	"compiled, and the filter proven equal to it, before anything is written; - reads\n"
	"standard input.\n"
	"\n"
	"  -o, --output FILE        where it goes, replaced atomically; default standard "
	"output\n" FORMAT_HELP "      --flatten            read Docker's dialect\n"
	"      --caps LIST          with it: the container's bounding set, joined by commas: "
	"names\n"
	"                           with or without CAP_, none, all, default (docker's and\n"
	"                           containerd's), podman (its default)\n"
	"      --arch NAME          with it: the machine: x86_64 or amd64, aarch64 or arm64, ...;\n"
	"                           default this one\n"
	"      --kernel V           with it: the kernel's version, such as 6.1\n"
	"  -h, --help               this text\n"
	"\n"
	"--caps and --kernel must be given if a rule depends on them.  Where docker and podman\n"
	"would read the file in different ways, that is said.\n"
	"Exit status: 0; 2 for a misuse, or a profile that cannot be used or said in the format.\n"
	"\n"
	"Examples: sysclamp convert --format systemd -o sysclamp.conf web.json\n"
	"          sysclamp convert --flatten --caps default --kernel 6.1 -o web.json "
	"docker.json\n";

struct request {
	const char *in, *out; /* out: "-" for standard output */
	struct flatten_target target;
	struct format_options format;
	bool flatten;
	const char *target_option; /* one that speaks of the target; NULL: none was given */
};

enum { FLATTEN = 256, CAPS, ARCH, KERNEL };

/* A value that a library function refused. */
static int refuse_value(const char *option, const struct err *e)
{
	return cli_misuse("convert", "%s: %s", option, e->text);
}

static int take_option(int option, struct request *request)
{
	struct flatten_target *target = &request->target;
	struct err e;

	switch (option) {
	case 'o':
		request->out = optarg;
		return EXIT_OK;
	case FLATTEN:
		request->flatten = true;
		return EXIT_OK;
	case CAPS:
		request->target_option = "--caps";
		target->caps_known = true;
		return flatten_caps_parse(optarg, &target->caps, &e) ? refuse_value("--caps", &e)
								     : EXIT_OK;
	case ARCH:
		request->target_option = "--arch";
		return flatten_abi_parse(optarg, &target->abi, &e) ? refuse_value("--arch", &e)
								   : EXIT_OK;
	case KERNEL:
		request->target_option = "--kernel";
		target->kernel_known = true;
		return flatten_kernel_parse(optarg, &target->kernel, &e)
			       ? refuse_value("--kernel", &e)
			       : EXIT_OK;
	default:
		return format_take_option("convert", option, optarg, &request->format);
	}
}

static int parse(int argc, char **argv, struct request *request)
{
	static const struct option LONGS[] = {
		{"output", required_argument, NULL, 'o'},
		{"flatten", no_argument, NULL, FLATTEN},
		{"caps", required_argument, NULL, CAPS},
		{"arch", required_argument, NULL, ARCH},
		{"kernel", required_argument, NULL, KERNEL},
		FORMAT_LONGS,
		{"help", no_argument, NULL, 'h'},
		{0},
	};
	int option, status;

	while ((option = cli_option(argc, argv, "+:o:h", LONGS, &cmd_convert)) != -1) {
		status = take_option(option, request);
		if (status)
			return status;
	}
	if (!request->flatten && !request->format.emitter)
		return cli_misuse("convert", "nothing to do: say --format or --flatten");
	if (!request->flatten && request->target_option)
		return cli_misuse("convert", "%s goes with --flatten only", request->target_option);
	if (optind == argc)
		return cli_misuse("convert", "no profile given");
	if (optind + 1 < argc)
		return cli_misuse("convert", "unexpected argument %s", argv[optind + 1]);
	request->in = argv[optind];
	if (cli_is_same_file(request->out, request->in))
		return cli_misuse("convert", "-o %s would overwrite the profile", request->out);
	return format_check_output("convert", &request->format, request->out);
}

static int read_profile(
	const struct request *request, struct profile *out, const struct notice *to, struct err *e)
{
	if (request->flatten)
		return profile_flatten_read(request->in, &request->target, out, to, e);
	return profile_read(request->in, out, to, e);
}

static int convert(const struct request *request)
{
	scoped(held_notices_done) struct held_notices held = {.command = "convert"};
	struct notice notice = held_notice(&held);
	scoped(profile_done) struct profile profile = {0};
	scoped(enforced_done) struct enforced enforced = {0};
	scoped_free char *text = NULL;
	struct format_options format = request->format;
	size_t size = 0;
	struct err e;

	format.ctx.input = cli_input_name(request->in);
	format.ctx.to = &notice;
	format_name_after(&format, request->in);
	if (read_profile(request, &profile, &notice, &e) ||
		enforced_from_profile(request->in, &profile, &enforced, &notice, &e) ||
		format_text(&format, &enforced.profile, &text, &size, &e) ||
		file_replace(request->out, text, size, 0644, &e))
		return cli_fail("convert", EXIT_USAGE, &e);
	held_notices_tell(&held);
	cli_tell_written("convert", request->out);
	return EXIT_OK;
}

static int run(int argc, char **argv)
{
	struct request request = {.out = "-", .target.abi = abi_native()};
	int status = parse(argc, argv, &request);

	return status ? status : convert(&request);
}

const struct command cmd_convert = {
	.name = "convert",
	.summary = "write a profile in another format, or a plain one",
	.help = HELP,
	.run = run,
};
