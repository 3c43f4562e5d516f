#include "cli.h"

#include <stdio.h>

#include "profiler.h"
#include "scope.h"

static const char HELP[] =
	"usage: sysclamp install -p PROFILE --name NAME [--kubelet-dir DIR] [--dry-run]\n"
	"\n"
	"Put a profile where the kubelet of this node finds it:\n"
	"<kubelet-dir>/seccomp/NAME-<hash>.json.  The profile is checked and its filter loaded\n"
	"once, in a process of its own, before anything is written.  The file is the profile\n"
	"rewritten in the form that all engines read alike; its hash makes a new name for each\n"
	"content, so no file is ever changed under a running pod.\n"
	"\n"
	"  -p, --profile PROFILE  an OCI seccomp profile; - reads standard input\n"
	"      --name NAME        letters, digits, '.', '_', '-'; '/' for directories\n"
	"      --kubelet-dir DIR  default /var/lib/kubelet\n"
	"      --dry-run          do everything but write\n"
	"  -h, --help             this text\n"
	"\n"
	"Standard output: YAML, the localhostProfile and a container's securityContext with it.\n"
	"Exit status: 0; 2 for a misuse, or a profile or place that cannot be used.\n"
	"\n"
	"Example: sysclamp install -p nginx.json --name web/nginx\n";

static int parse(int argc, char **argv, struct install_request *out)
{
	enum { NAME = 256, KUBELET_DIR, DRY_RUN };
	static const struct option LONGS[] = {
		{"profile", required_argument, NULL, 'p'},
		{"name", required_argument, NULL, NAME},
		{"kubelet-dir", required_argument, NULL, KUBELET_DIR},
		{"dry-run", no_argument, NULL, DRY_RUN},
		{"help", no_argument, NULL, 'h'},
		{0},
	};
	int option;

	while ((option = cli_option(argc, argv, "+:p:h", LONGS, &cmd_install)) != -1) {
		switch (option) {
		case 'p':
			out->profile_path = optarg;
			break;
		case NAME:
			out->name = optarg;
			break;
		case KUBELET_DIR:
			out->kubelet_dir = optarg;
			break;
		case DRY_RUN:
			out->dry_run = true;
			break;
		default:
			return EXIT_USAGE;
		}
	}
	if (!out->profile_path)
		return cli_misuse("install", "no profile given (-p PROFILE)");
	if (!out->name)
		return cli_misuse("install", "no name given (--name NAME)");
	if (optind < argc)
		return cli_misuse("install", "unexpected argument %s", argv[optind]);
	return EXIT_OK;
}

/* The name holds nothing that YAML would take for more than a plain word: profile_install(). */
static void print_snippet(const char *localhost_profile)
{
	printf("localhostProfile: %s\n"
	       "securityContext:\n"
	       "  allowPrivilegeEscalation: false\n"
	       "  seccompProfile:\n"
	       "    type: Localhost\n"
	       "    localhostProfile: %s\n",
		localhost_profile, localhost_profile);
}

static int run(int argc, char **argv)
{
	struct install_request request = {.kubelet_dir = "/var/lib/kubelet"};
	scoped(install_result_done) struct install_result result = {0};
	struct notice notice = cli_notice("install");
	struct err e;
	int status = parse(argc, argv, &request);

	if (status)
		return status;
	if (profile_install(&request, &result, &notice, &e))
		return cli_fail("install", EXIT_USAGE, &e);
	print_snippet(result.localhost_profile);
	fputs("sysclamp install: put this securityContext into the containers of the pod\n",
		stderr);
	return EXIT_OK;
}

const struct command cmd_install = {
	.name = "install",
	.summary = "put a profile where a kubelet finds it",
	.help = HELP,
	.run = run,
};
