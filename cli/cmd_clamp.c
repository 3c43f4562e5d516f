#include "cli.h"

#include <linux/seccomp.h>
#include <stdio.h>
#include <string.h>

#include "clamp.h"
#include "enforce.h"
#include "num.h"
#include "scope.h"
#include "syscalls.h"
#include "thread_status.h"

static const char HELP[] =
	"usage: sysclamp clamp --pid PID -p PROFILE [--within TIME] [--new-privs]\n"
	"\n"
	"Hold a process that runs, all its threads, to a seccomp profile from now on.\n"
	"One thread is stopped for a moment to load the filter for all; the call that it\n"
	"was in goes on.  It cannot be undone, and what the process starts inherits it.\n"
	"\n"
	"      --pid PID          the process\n"
	"  -p, --profile PROFILE  an OCI seccomp profile; - reads standard input\n"
	"      --within TIME      how long to wait for a moment at which nothing is cut\n"
	"                         short, as 500ms or 2m; 10s unless given\n"
	"      --new-privs        leave no_new_privs unset: then the process itself needs\n"
	"                         CAP_SYS_ADMIN; otherwise it is set, for good\n"
	"  -h, --help             this text\n"
	"\n"
	"A process of another user, or one that carries a filter already, takes root.\n"
	"Signals to sysclamp wait meanwhile, but for SIGKILL, which harms the process.\n"
	"\n"
	"Exit status: 0 held; 1 not held, the process goes on; 2 misuse or bad profile.\n"
	"\n"
	"Example: sysclamp clamp --pid 4711 -p web.json\n";

#define WITHIN_NS UINT64_C(10000000000)

struct clamp_options {
	pid_t pid;
	const char *profile;
	uint64_t within_ns;
	bool new_privs;
};

static int parse_within(const char *text, uint64_t *out_ns)
{
	return num_parse_duration(text, out_ns) || !*out_ns
		       ? cli_misuse("clamp", "--within: \"%s\" is no time, as 500ms or 2m", text)
		       : EXIT_OK;
}

static int parse(int argc, char **argv, struct clamp_options *out)
{
	enum { PID = 256, WITHIN, NEW_PRIVS };
	static const struct option LONGS[] = {
		{"pid", required_argument, NULL, PID},
		{"profile", required_argument, NULL, 'p'},
		{"within", required_argument, NULL, WITHIN},
		{"new-privs", no_argument, NULL, NEW_PRIVS},
		{"help", no_argument, NULL, 'h'},
		{0},
	};
	int option;

	while ((option = cli_option(argc, argv, "+:p:h", LONGS, &cmd_clamp)) != -1) {
		if (option == '?')
			return EXIT_USAGE;
		if (option == 'p')
			out->profile = optarg;
		else if (option == NEW_PRIVS)
			out->new_privs = true;
		else if (option == WITHIN && parse_within(optarg, &out->within_ns))
			return EXIT_USAGE;
		else if (option == PID && num_parse_pid(optarg, &out->pid))
			return cli_misuse("clamp", "--pid: \"%s\" is no process ID", optarg);
	}
	if (optind < argc)
		return cli_misuse("clamp", "unexpected argument %s", argv[optind]);
	if (!out->pid)
		return cli_misuse("clamp", "no process given (--pid PID)");
	if (!out->profile)
		return cli_misuse("clamp", "no profile given (-p PROFILE)");
	return EXIT_OK;
}

/* Calls that nobody thinks of: the kernel and libc make them. */
static const struct missed {
	const char *name;
	unsigned threads; /* only of a process with so many, or more */
	const char *lack; /* where it only fails */
	const char *when; /* it is called */
} MISSED[] = {
	{"restart_syscall", 1,
		"sleeps, polls and waits with a timeout fail once they are interrupted by "
		"a stop",
		"a sleep, poll or wait with a timeout is interrupted by a stop"},
	{"rt_sigreturn", 1, "no signal handler can return", "a signal handler returns"},
	{"exit", 2, "no thread can end: it tries without a pause, and who waits for it hangs",
		"a thread ends"},
	{"exit_group", 1, "the process cannot end by itself", "it ends by itself"},
};

/* What comes of a call that does not just fail. */
static const struct {
	action_t action;
	const char *fate;
} FATES[] = {
	{SECCOMP_RET_KILL_PROCESS, "the process is killed"},
	{SECCOMP_RET_KILL_THREAD, "the thread is killed"},
	{SECCOMP_RET_TRAP, "SIGSYS comes, which ends a process that does not handle it,"},
};

static const char *fate_of(action_t action)
{
	for (size_t i = 0; i < ARRAY_LEN(FATES); i++) {
		if (FATES[i].action == (action & SECCOMP_RET_ACTION_FULL))
			return FATES[i].fate;
	}
	return NULL;
}

static void tell_one(
	const char *profile, const struct missed *missed, action_t action, const struct notice *to)
{
	const char *fate = fate_of(action);

	if (fate)
		notice_tell(to, "%s: %s is not allowed: %s when %s", profile, missed->name, fate,
			missed->when);
	else if (!action_lets_through(action))
		notice_tell(to, "%s: %s is not allowed: %s", profile, missed->name, missed->lack);
}

static void tell_missed(
	pid_t pid, const char *profile, const struct filter *filter, const struct notice *to)
{
	struct seccomp_data call = {.arch = abi_native()->audit_arch};
	struct thread_status status;
	struct err e;

	if (thread_status_read(pid, &status, &e))
		return; /* it has ended meanwhile, which clamp_process() says */
	for (size_t i = 0; i < ARRAY_LEN(MISSED); i++) {
		uint32_t nr;

		if (status.n_threads < MISSED[i].threads ||
			syscall_number(abi_native(), MISSED[i].name, &nr))
			continue;
		call.nr = (int)nr;
		tell_one(profile, &MISSED[i], action_effective(filter_run(filter, &call)), to);
	}
}

static void tell_held(
	const struct clamp_options *options, const struct clamped *clamped, const struct notice *to)
{
	if (clamped->set_no_new_privs)
		notice_tell(to,
			"process %d has no_new_privs from now on, which cannot be taken back: "
			"set-user-ID programs and file capabilities give it nothing",
			options->pid);
	notice_tell(to, "held process %d (%u thread%s) to %s", options->pid, clamped->threads,
		clamped->threads == 1 ? "" : "s", cli_input_name(options->profile));
	if (strcmp(options->profile, "-") != 0) {
		fputs("next: sysclamp verify -p", stderr);
		cli_print_word(options->profile);
		fprintf(stderr, " --pid %d\n", options->pid);
	}
}

static int hold(const struct clamp_options *options)
{
	scoped(enforced_done) struct enforced enforced = {0};
	const char *profile = cli_input_name(options->profile);
	struct notice notice = cli_notice("clamp");
	struct clamp clamp = {
		.pid = options->pid,
		.filter = &enforced.filter,
		.new_privs = options->new_privs,
		.within_ns = options->within_ns,
	};
	struct clamped clamped;
	struct err e;

	if (clamp_check(options->pid, &e) ||
		enforced_read(options->profile, &enforced, &notice, &e) ||
		enforced_can_hold(options->profile, &enforced, &notice, &e))
		return cli_fail("clamp", EXIT_USAGE, &e);
	clamp.flags = enforced.profile.flags;
	tell_missed(options->pid, profile, &enforced.filter, &notice);
	if (clamp_process(&clamp, &clamped, &e))
		return cli_fail("clamp", EXIT_NO, &e);
	tell_held(options, &clamped, &notice);
	return EXIT_OK;
}

static int run(int argc, char **argv)
{
	struct clamp_options options = {.within_ns = WITHIN_NS};
	int status = parse(argc, argv, &options);

	if (status)
		return status;
	if (!options.profile)
		return EXIT_USAGE; /* parse() has refused that */
	cli_outlive_readers();
	return hold(&options);
}

const struct command cmd_clamp = {
	.name = "clamp",
	.summary = "hold a process that runs to a profile",
	.help = HELP,
	.run = run,
};
