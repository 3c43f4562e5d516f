#include "cli.h"

#include <stdio.h>
#include <string.h>

#include "json.h"
#include "num.h"
#include "scope.h"
#include "verify.h"

static const char HELP[] =
	"usage: sysclamp verify -p PROFILE --engine libseccomp\n"
	"       sysclamp verify -p PROFILE --program FILE\n"
	"       sysclamp verify -p PROFILE --pid PID\n"
	"\n"
	"Would it be enforced as written?  Prove that a program says what a profile says, for\n"
	"every ABI, number and argument, or show a call on which they differ.\n"
	"\n"
	"  -p, --profile PROFILE  an OCI seccomp profile; - reads standard input\n"
	"      --engine NAME      libseccomp: what this machine's libseccomp compiles from the\n"
	"                         profile when runc feeds it\n"
	"      --program FILE     struct sock_filter[] as generate --format bpf writes it\n"
	"      --pid PID          the filters that a running process or thread carries, all\n"
	"                         together; needs CAP_SYS_ADMIN, and stops it for a moment\n"
	"      --format F         text (default), json\n"
	"  -h, --help             this text\n"
	"\n"
	"Where libseccomp and runc are known to read profiles differently, that is granted and\n"
	"listed as a known difference or addition.\n"
	"\n"
	"Exit status: 0 yes; 1 no, or not decided within the budget; 2 for a misuse, or input\n"
	"that cannot be used.\n"
	"\n"
	"Example: sysclamp verify -p web.json --engine libseccomp\n";

struct request {
	const char *profile, *engine, *program, *pid_text;
	pid_t pid;
	bool json;
};

enum { ENGINE = 256, PROGRAM, PID, FORMAT };

static int take_option(int option, struct request *request)
{
	switch (option) {
	case 'p':
		request->profile = optarg;
		return EXIT_OK;
	case ENGINE:
		request->engine = optarg;
		return EXIT_OK;
	case PROGRAM:
		request->program = optarg;
		return EXIT_OK;
	case PID:
		request->pid_text = optarg;
		return EXIT_OK;
	case FORMAT:
		request->json = !strcmp(optarg, "json");
		if (!request->json && strcmp(optarg, "text"))
			return cli_misuse("verify", "--format is text or json: not \"%s\"", optarg);
		return EXIT_OK;
	default:
		return EXIT_USAGE;
	}
}

static int check_request(struct request *request)
{
	int questions = !!request->engine + !!request->program + !!request->pid_text;

	if (!request->profile)
		return cli_misuse("verify", "no profile given (-p PROFILE)");
	if (questions != 1)
		return cli_misuse("verify", "give one of --engine, --program and --pid");
	if (request->engine && strcmp(request->engine, "libseccomp"))
		return cli_misuse("verify", "--engine is libseccomp: not \"%s\"", request->engine);
	if (request->pid_text && num_parse_pid(request->pid_text, &request->pid))
		return cli_misuse("verify", "--pid \"%s\": not a process ID", request->pid_text);
	if (request->program && !strcmp(request->program, "-") && !strcmp(request->profile, "-"))
		return cli_misuse("verify", "standard input (-) can be read once only");
	return EXIT_OK;
}

static int parse(int argc, char **argv, struct request *request)
{
	static const struct option LONGS[] = {
		{"profile", required_argument, NULL, 'p'},
		{"engine", required_argument, NULL, ENGINE},
		{"program", required_argument, NULL, PROGRAM},
		{"pid", required_argument, NULL, PID},
		{"format", required_argument, NULL, FORMAT},
		{"help", no_argument, NULL, 'h'},
		{0},
	};
	int option, status;

	while ((option = cli_option(argc, argv, "+:p:h", LONGS, &cmd_verify)) != -1) {
		status = take_option(option, request);
		if (status)
			return status;
	}
	if (optind < argc)
		return cli_misuse("verify", "unexpected argument %s", argv[optind]);
	return check_request(request);
}

static const char *const ANSWERS[] = {
	[VERIFY_EQUAL] = "equal",
	[VERIFY_DIFFERENT] = "different",
	[VERIFY_UNDECIDED] = "undecided",
	[VERIFY_NONE] = "none",
};

static void print_size(const struct verify_report *report)
{
	printf(" (%zu instructions", report->n_insns);
	if (report->n_filters > 1)
		printf(" in %zu filters", report->n_filters);
	fputs(")", stdout);
}

static void print_text(const char *profile, const struct verify_report *report)
{
	char line[ERR_TEXT_MAX];

	printf("%s: %s", ANSWERS[report->answer], report->subject);
	if (report->answer == VERIFY_NONE) {
		printf(": %s\n", report->why);
		return;
	}
	print_size(report);
	switch (report->answer) {
	case VERIFY_EQUAL:
		printf(" says what %s says%s\n", profile,
			report->known ? ", but for what is known:" : "");
		break;
	case VERIFY_DIFFERENT:
		printf(" does not say what %s says\n  %s (%s)\n", profile,
			proof_print(&report->proof, line, sizeof(line)), report->place);
		break;
	default:
		printf(" could not be proven or refuted against %s within the budget; split or "
		       "simplify the conditions of the call that has most of them\n",
			profile);
	}
	for (unsigned i = 0; i < KNOWN_COUNT; i++) {
		if (report->known >> i & 1)
			printf("  known %s: %s: %s\n", known_at(i)->kind, known_at(i)->name,
				known_at(i)->text);
	}
}

static void put_action(struct json_writer *w, const char *key, uint32_t returned)
{
	char text[64];

	json_member_text(w, key, action_print(action_effective(returned), text, sizeof(text)));
}

static void put_call(struct json_writer *w, const struct verify_report *report)
{
	const struct seccomp_data *call = &report->proof.call;
	const struct abi *abi = abi_of_call(call->arch, (uint32_t)call->nr);
	char name[SYSCALL_NAME_MAX], hex[24];

	json_key(w, "call");
	json_open(w, '{');
	if (abi)
		json_member_text(w, "abi", abi->name);
	json_member_u64(w, "arch", call->arch);
	json_member_i64(w, "nr", call->nr);
	if (abi && syscall_name(abi, (uint32_t)call->nr, name))
		json_member_text(w, "name", name);
	json_key(w, "args");
	json_open_inline(w, '[');
	for (unsigned i = 0; i < SYSCALL_ARGS; i++) {
		(void)snprintf(hex, sizeof(hex), "0x%llx", (unsigned long long)call->args[i]);
		json_put_string(w, hex);
	}
	json_close(w, ']');
	put_action(w, "got", report->proof.got);
	put_action(w, "wanted", report->proof.wanted);
	json_member_text(w, "place", report->place);
	json_close(w, '}');
}

static void put_known(struct json_writer *w, unsigned known)
{
	json_key(w, "known");
	json_open(w, '[');
	for (unsigned i = 0; i < KNOWN_COUNT; i++) {
		if (!(known >> i & 1))
			continue;
		json_open_inline(w, '{');
		json_member_text(w, "kind", known_at(i)->kind);
		json_member_text(w, "name", known_at(i)->name);
		json_close(w, '}');
	}
	json_close(w, ']');
}

static int print_json(const char *profile, const struct verify_report *report, struct err *e)
{
	scoped_free char *text = NULL;
	struct json_writer w;
	size_t size;

	if (json_writer_init(&w, e))
		return -e->code;
	json_open(&w, '{');
	json_member_text(&w, "answer", ANSWERS[report->answer]);
	json_member_text(&w, "profile", profile);
	json_member_text(&w, "subject", report->subject);
	if (report->answer == VERIFY_NONE) {
		json_member_text(&w, "why", report->why);
	} else {
		json_member_u64(&w, "filters", report->n_filters);
		json_member_u64(&w, "instructions", report->n_insns);
		put_known(&w, report->known);
	}
	if (report->answer == VERIFY_DIFFERENT)
		put_call(&w, report);
	json_close(&w, '}');
	if (json_writer_end(&w, &text, &size, e))
		return -e->code;
	fputs(text, stdout);
	return 0;
}

static int ask(const struct request *request, const struct verify_subject *subject,
	struct verify_report *out, struct err *e)
{
	if (request->engine)
		return verify_libseccomp(subject, out, e);
	if (request->program)
		return verify_program(subject, request->program, out, e);
	return verify_pid(subject, request->pid, out, e);
}

static int run(int argc, char **argv)
{
	struct request request = {0};
	scoped(profile_done) struct profile profile = {0};
	struct notice notice = cli_notice("verify");
	struct verify_subject subject = {.profile = &profile, .to = &notice};
	struct verify_report report;
	struct err e;
	int status = parse(argc, argv, &request);

	if (status)
		return status;
	if (!request.profile)
		return EXIT_USAGE; /* parse() has refused that */
	subject.path = cli_input_name(request.profile);
	if (profile_read(request.profile, &profile, &notice, &e) ||
		ask(&request, &subject, &report, &e))
		return cli_fail("verify", EXIT_USAGE, &e);
	if (!request.json)
		print_text(subject.path, &report);
	else if (print_json(subject.path, &report, &e))
		return cli_fail("verify", EXIT_USAGE, &e);
	return report.answer == VERIFY_EQUAL ? EXIT_OK : EXIT_NO;
}

const struct command cmd_verify = {
	.name = "verify",
	.summary = "prove that a program, an engine or a process enforces a profile",
	.help = HELP,
	.run = run,
};
