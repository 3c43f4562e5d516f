#include "cli.h"

#include <stdio.h>
#include <string.h>

#include "doctor.h"
#include "json.h"
#include "scope.h"

static const char HELP[] =
	"usage: sysclamp doctor [--format text|json]\n"
	"\n"
	"What can sysclamp do here?  Ask this host, container or chroot for all that it uses, and\n"
	"say what mends each lack.  Nothing is changed.\n"
	"\n"
	"      --format F  text (default), json\n"
	"  -h, --help      this text\n"
	"\n"
	"  ok  is there        no  lacks, with its mend below        --  neither good nor bad\n"
	"\n"
	"  record        its back ends, best first, and which one it takes by itself\n"
	"  kernel        release, types for eBPF (BTF), what may stand in the way\n"
	"  capabilities  those that count, and for what\n"
	"  cgroups       which versions are mounted\n"
	"  seccomp       actions (without SCMP_ACT_) and flags of the kernel, which actions it\n"
	"                logs, what holds this process already, the libseccomp of verify\n"
	"  programs      which other than native ones run\n"
	"  limits        of filters, processes, CPUs\n"
	"\n"
	"Exit status: 0 at least one back end works, and filters can be loaded; 1 not so; 2 for a\n"
	"misuse.\n";

enum { FORMAT = 256 };

static int parse(int argc, char **argv, bool *out_json)
{
	static const struct option LONGS[] = {
		{"format", required_argument, NULL, FORMAT},
		{"help", no_argument, NULL, 'h'},
		{0},
	};
	int option;

	while ((option = cli_option(argc, argv, "+:h", LONGS, &cmd_doctor)) != -1) {
		if (option != FORMAT)
			return EXIT_USAGE;
		*out_json = !strcmp(optarg, "json");
		if (!*out_json && strcmp(optarg, "text"))
			return cli_misuse("doctor", "--format is text or json: not \"%s\"", optarg);
	}
	if (optind < argc)
		return cli_misuse("doctor", "unexpected argument %s", argv[optind]);
	return EXIT_OK;
}

/* ECMA-48, SGR */
#define BOLD  "\033[1m"
#define PLAIN "\033[0m"

static const struct {
	const char *text, *colour;
} MARKS[] = {
	[DOCTOR_OK] = {"ok", "\033[32m"},
	[DOCTOR_NO] = {"no", "\033[31m"},
	[DOCTOR_NOTE] = {"--", "\033[2m"},
};

static void print_check(const struct doctor_check *check, bool coloured)
{
	printf("  %s%s%s  %-14s  %s\n", coloured ? MARKS[check->mark].colour : "",
		MARKS[check->mark].text, coloured ? PLAIN : "", check->name, check->value);
	if (check->mend[0])
		printf("      mend: %s\n", check->mend);
}

static void print_text(const struct doctor_report *report)
{
	bool coloured = cli_may_colour(stdout);
	const char *group = "";

	for (size_t i = 0; i < report->n_checks; i++) {
		const struct doctor_check *check = &report->checks[i];

		if (strcmp(check->group, group) != 0)
			printf("%s%s%s\n", coloured ? BOLD : "", check->group,
				coloured ? PLAIN : "");
		group = check->group;
		print_check(check, coloured);
	}
}

static void put_check(struct json_writer *w, const struct doctor_check *check)
{
	json_open_inline(w, '{');
	json_member_text(w, "group", check->group);
	json_member_text(w, "name", check->name);
	json_key(w, "ok");
	if (check->mark == DOCTOR_NOTE)
		json_put_null(w);
	else
		json_put_bool(w, check->mark == DOCTOR_OK);
	json_member_text(w, "value", check->value);
	if (check->mend[0])
		json_member_text(w, "mend", check->mend);
	json_close(w, '}');
}

static int print_json(const struct doctor_report *report, struct err *e)
{
	scoped_free char *text = NULL;
	struct json_writer w;
	size_t size;

	if (json_writer_init(&w, e))
		return -e->code;
	json_open(&w, '{');
	json_member_text(&w, "kind", "sysclamp.doctor");
	json_member_u64(&w, "version", 1);
	json_key(&w, "backend");
	if (report->backend)
		json_put_string(&w, report->backend);
	else
		json_put_null(&w);
	json_member_bool(&w, "filters", report->filters);
	json_key(&w, "checks");
	json_open(&w, '[');
	for (size_t i = 0; i < report->n_checks; i++)
		put_check(&w, &report->checks[i]);
	json_close(&w, ']');
	json_close(&w, '}');
	if (json_writer_end(&w, &text, &size, e))
		return -e->code;
	fputs(text, stdout);
	return 0;
}

static int run(int argc, char **argv)
{
	struct doctor_report report;
	bool json = false;
	int status = parse(argc, argv, &json);
	struct err e;

	if (status)
		return status;
	doctor_examine(&report);
	if (!json)
		print_text(&report);
	else if (print_json(&report, &e))
		return cli_fail("doctor", EXIT_USAGE, &e);
	return report.backend && report.filters ? EXIT_OK : EXIT_NO;
}

const struct command cmd_doctor = {
	.name = "doctor",
	.summary = "what works on this host, and what mends what does not",
	.help = HELP,
	.run = run,
};
