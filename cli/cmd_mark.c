#include <stdio.h>

#include "cli.h"
#include "marks.h"
#include "num.h"
#include "phase.h"

static const char HELP[] =
	"usage: sysclamp mark [-q] [-p PID] NAME\n"
	"\n"
	"Tell the running recorders of yours that a phase of the workload begins now: the calls\n"
	"that they see from here on carry its name, until the next mark.  Returns when each has\n"
	"begun it.\n"
	"\n"
	"  -p, --pid PID  tell only the recorder with this process ID\n"
	"  -q, --quiet    do not say which recordings the phase begins in\n"
	"  -h, --help     this text\n"
	"\n"
	"NAME has up to 64 letters, digits and _.:@/- such as reload, stop or the name of a test;\n"
	"start and exec are the recorder's own.\n"
	"\n"
	"Exit status: 0 it has begun in all of them; 1 there is none, or one did not begin it;\n"
	"2 for a misuse.\n"
	"\n"
	"  sysclamp record -o web.rec.json -- nginx -g 'daemon off;' &\n"
	"  sysclamp mark reload && nginx -s reload\n";

struct request {
	const char *name;
	pid_t pid; /* 0: all recorders */
	bool quiet;
};

static int check_name(const char *name)
{
	struct err e;

	return phase_check_name(name, &e) ? cli_misuse("mark", "%s", e.text) : EXIT_OK;
}

static int parse(int argc, char **argv, struct request *request)
{
	static const struct option LONGS[] = {
		{"pid", required_argument, NULL, 'p'},
		{"quiet", no_argument, NULL, 'q'},
		{"help", no_argument, NULL, 'h'},
		{0},
	};
	int option;

	while ((option = cli_option(argc, argv, "+:p:qh", LONGS, &cmd_mark)) != -1) {
		if (option == '?')
			return EXIT_USAGE;
		if (option == 'q')
			request->quiet = true;
		else if (num_parse_pid(optarg, &request->pid))
			return cli_misuse("mark", "--pid \"%s\": not a process ID", optarg);
	}
	if (optind == argc)
		return cli_misuse("mark", "no name given for the phase");
	if (optind + 1 < argc)
		return cli_misuse("mark", "unexpected argument %s", argv[optind + 1]);
	request->name = argv[optind];
	return check_name(request->name);
}

static int run(int argc, char **argv)
{
	struct notice notice = cli_notice("mark");
	struct request request = {0};
	size_t reached;
	struct err e;
	int status = parse(argc, argv, &request);

	if (status)
		return status;
	if (marks_send(request.name, request.pid, request.quiet ? NULL : &notice, &reached, &e))
		return cli_fail("mark", EXIT_NO, &e);
	return EXIT_OK;
}

const struct command cmd_mark = {
	.name = "mark",
	.summary = "tell running recorders that a phase of the workload begins",
	.help = HELP,
	.run = run,
};
