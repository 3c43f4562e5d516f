#include "cli.h"

#include <stdio.h>
#include <string.h>

#include "enforce.h"
#include "file.h"
#include "flatten.h"
#include "scope.h"
#include "syscalls.h"

static const char HELP[] =
	"usage: sysclamp convert --flatten [OPTION...] PROFILE\n"
	"\n"
	"Make a plain OCI profile, which all engines read alike, of one in Docker's dialect:\n"
	"includes and excludes are answered for one container, archMap for one machine, errors\n"
	"get their numbers.  The result is compiled, and the filter proven equal to it, before it\n"
	"is written; - reads standard input.\n"
	"\n"
	"  -o, --output FILE  where the profile goes, replaced atomically; default standard "
	"output\n"
	"      --flatten      what to do; must be given\n"
	"      --caps LIST    the container's bounding set, joined by commas: names with or "
	"without\n"
	"                     CAP_, none, all, default (docker's and containerd's), podman (its\n"
	"                     default); must be given if a rule depends on one\n"
	"      --arch NAME    the machine: x86_64 or amd64, aarch64 or arm64, ...; default this "
	"one\n"
	"      --kernel V     the kernel's version, such as 6.1; must be given if a rule depends\n"
	"                     on it\n"
	"  -h, --help         this text\n"
	"\n"
	"Where docker and podman would read the file in different ways, that is said.\n"
	"Exit status: 0; 2 for a misuse, or a profile that cannot be used.\n"
	"\n"
	"Example: sysclamp convert --flatten --caps default --kernel 6.1 -o web.json docker.json\n";

struct request {
	const char *in, *out; /* out: "-" for standard output */
	struct flatten_target target;
	bool flatten;
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
		target->caps_known = true;
		return flatten_caps_parse(optarg, &target->caps, &e) ? refuse_value("--caps", &e)
								     : EXIT_OK;
	case ARCH:
		return flatten_abi_parse(optarg, &target->abi, &e) ? refuse_value("--arch", &e)
								   : EXIT_OK;
	case KERNEL:
		target->kernel_known = true;
		return flatten_kernel_parse(optarg, &target->kernel, &e)
			       ? refuse_value("--kernel", &e)
			       : EXIT_OK;
	default:
		return EXIT_USAGE;
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
		{"help", no_argument, NULL, 'h'},
		{0},
	};
	int option, status;

	while ((option = cli_option(argc, argv, "+:o:h", LONGS, &cmd_convert)) != -1) {
		status = take_option(option, request);
		if (status)
			return status;
	}
	if (!request->flatten)
		return cli_misuse("convert", "nothing to do: say --flatten");
	if (optind == argc)
		return cli_misuse("convert", "no profile given");
	if (optind + 1 < argc)
		return cli_misuse("convert", "unexpected argument %s", argv[optind + 1]);
	request->in = argv[optind];
	return EXIT_OK;
}

static int flatten(const struct request *request)
{
	struct notice notice = cli_notice("convert");
	scoped(profile_done) struct profile profile = {0};
	scoped(enforced_done) struct enforced enforced = {0};
	scoped_free char *text = NULL;
	size_t size;
	struct err e;

	if (profile_flatten_read(request->in, &request->target, &profile, &notice, &e) ||
		enforced_from_profile(request->in, &profile, &enforced, &notice, &e) ||
		profile_emit(&enforced.profile, &text, &size, &e) ||
		file_replace(request->out, text, size, 0644, &e))
		return cli_fail("convert", EXIT_USAGE, &e);
	return EXIT_OK;
}

static int run(int argc, char **argv)
{
	struct request request = {.out = "-", .target.abi = abi_native()};
	int status = parse(argc, argv, &request);

	return status ? status : flatten(&request);
}

const struct command cmd_convert = {
	.name = "convert",
	.summary = "make a plain profile of one in Docker's dialect",
	.help = HELP,
	.run = run,
};
