#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "cli.h"
#include "launch.h"
#include "marks.h"
#include "num.h"
#include "phase.h"
#include "record_attach.h"
#include "record_file.h"
#include "record_view.h"
#include "recording.h"
#include "scope.h"
#include "tracer.h"

static const char HELP[] =
	"usage: sysclamp record [OPTIONS] [--] COMMAND [ARGUMENT...]\n"
	"       sysclamp record [OPTIONS] --container ID | --pod NAMESPACE/NAME[/CONTAINER]\n"
	"       sysclamp record [OPTIONS] --pid PID | --cgroup PATH\n"
	"       sysclamp record [OPTIONS] --all-containers -d DIR\n"
	"\n"
	"Run a command and record every system call that it and all its descendants make,\n"
	"until the last of them has ended; or record what runs already, until it has ended or\n"
	"until Ctrl-C.\n"
	"\n"
	"  -o FILE                where the recording goes; default ./<name>.rec.json.  It is\n"
	"                         replaced atomically, each second and at the end\n"
	"  -d DIR                 where several go: one file for each container\n"
	"  --duration TIME        end after that time: 90, 90s, 10m, 2h, 1d\n"
	"  --until-stable TIME    end when nothing new was seen for that time\n"
	"  --stacks               note from where in the program each call comes (explain)\n"
	"  --interval TIME        how often --all-containers writes files; default 10s\n"
	"  --backend NAME         auto (default), ebpf, ptrace; or ptrace-syscall: slower, for\n"
	"                         workloads that enter seccomp strict mode\n"
	"  -q, --quiet            no status line, no summary\n"
	"  -h, --help             this text\n"
	"\n"
	"A command keeps its terminal, its signals and its exit status (128+n for signal n).\n"
	"Other exit statuses: 2 misuse; 125, or 1 where no command is run: the recorder failed\n"
	"or lost something; 126 the command cannot be executed; 127 it was not found.\n"
	"\n"
	"  sysclamp record -o web.rec.json -- nginx -g 'daemon off;'\n"
	"  sysclamp record --container 3f2a --until-stable 10m\n";

enum { TICK_MS = 100 };

struct session {
	struct record_file file;
	bool quiet;
	bool tells_writes; /* of the back end */
};

static void refresh(struct session *session, struct recording *rec)
{
	struct err e = {0};

	if (record_file_refresh(&session->file, rec, &e)) {
		view_clear();
		(void)cli_fail("record", 0, &e);
	}
}

static void on_tick(void *ctx, struct recording *rec, pid_t pid, bool suspending)
{
	struct session *session = ctx;

	refresh(session, rec);
	/* Where nobody tells of the command's writes, the line would be left behind them. */
	if (!suspending && !session->quiet && (session->tells_writes || !view_is_shared(pid)))
		view_status(rec);
	else
		view_clear();
}

static void on_write(void *ctx, pid_t tid, unsigned fd)
{
	(void)ctx;
	view_before_write(tid, fd);
}

static int finish(
	const struct session *session, struct recording *rec, const struct launch_end *end)
{
	struct err e = {0};

	recording_end(rec, launch_exit_code(end));
	view_warnings(rec);
	if (recording_write(rec, session->file.path, &e))
		return cli_fail("record", EXIT_OWN_FAILURE, &e);
	if (!session->quiet)
		view_summary(rec, session->file.path, session->file.stream);
	if (!recording_losses(rec))
		return launch_exit_code(end);
	(void)err_set(&e, EIO,
		"%s: incomplete: something was lost; the loss counters are in the file",
		session->file.path);
	return cli_fail("record", EXIT_OWN_FAILURE, &e);
}

/* An own failure, unless the command itself was at fault. */
static int fail(int exec_errno, const struct err *e)
{
	const struct launch_end end = {.exec_errno = exec_errno};

	return cli_fail("record", exec_errno ? launch_exit_code(&end) : EXIT_OWN_FAILURE, e);
}

static int record(const struct tracer *tracer, struct session *session, struct tracer_job *job)
{
	scoped(recording_done) struct recording rec = {0};
	struct launch_end end = {0};
	struct err e = {0};
	int code;

	if (recording_init(&rec, tracer->backend->name, &e) ||
		recording_set_workload(&rec, job->argv, &e))
		return fail(0, &e);
	session->file.refreshed_ns = steady_ns();
	session->tells_writes = tracer->backend->tells_writes;
	code = tracer->backend->record(tracer->state, job, &rec, &end, &e);
	view_clear();
	code = code ? fail(end.exec_errno, &e) : finish(session, &rec, &end);
	launch_restore_signals();
	return code;
}

static int prepare_and_record(
	struct session *session, const struct record_request *request, char **argv)
{
	scoped(marks_close) struct marks marks = {0};
	scoped(tracer_close) struct tracer tracer = {0};
	char why[ERR_TEXT_MAX];
	scoped_free char *path = NULL;
	struct err e = {0}, no_marks = {0};
	struct tracer_job job = {
		.argv = argv,
		.notice = cli_notice("record"),
		.marks = &marks,
		.listening = phase_has_listener(0),
		.stacks = request->stacks,
		.tick = on_tick,
		.before_write = on_write,
		.ctx = session,
		.tick_ms = TICK_MS,
	};

	if (tracer_open(request->backend, TRACER_COMMAND, &tracer, why, &e))
		return cli_fail("record", e.code == EINVAL ? EXIT_USAGE : EXIT_OWN_FAILURE, &e);
	if (cli_check_output("-o", session->file.path, "a recording", &e))
		return fail(0, &e);
	if (launch_find(argv[0], &path, &e))
		return fail(e.code, &e);
	job.path = path;
	/* Without them `sysclamp mark` finds no recorder, and says so. */
	(void)marks_open(&marks, session->file.path, &no_marks);
	if (tracer.automatic && !session->quiet)
		notice_tell(&job.notice, "recording with %s%s%s%s", tracer.backend->name,
			why[0] ? " (" : "", why, why[0] ? ")" : "");
	return record(&tracer, session, &job);
}

static int record_command(const struct record_request *request, char **argv)
{
	scoped_free char *made_up = request->file ? NULL : record_file_default(argv[0]);
	const char *path = request->file ? request->file : made_up;
	struct session session = {.quiet = request->quiet};
	struct err e = {0};

	if (!path)
		return fail(0, (err_nomem(&e), &e));
	record_file_begin(&session.file, path);
	return prepare_and_record(&session, request, argv);
}

enum {
	PID = 256,
	CGROUP,
	CONTAINER,
	POD,
	ALL_CONTAINERS,
	DURATION,
	UNTIL_STABLE,
	INTERVAL,
	STACKS
};

static int take_target(enum record_what what, struct record_request *request)
{
	if (request->what != RECORD_COMMAND)
		return cli_misuse("record", "one thing at a time: --pid, --cgroup, --container, "
					    "--pod or --all-containers");
	request->what = what;
	request->name = optarg;
	return EXIT_OK;
}

static int take_time(const char *option, uint64_t *out_ns)
{
	if (num_parse_duration(optarg, out_ns) || *out_ns == 0)
		return cli_misuse(
			"record", "%s: \"%s\" is no time: 90, 90s, 10m, 2h or 1d", option, optarg);
	return EXIT_OK;
}

static int take_option(int option, struct record_request *request)
{
	switch (option) {
	case 'o':
		request->file = optarg;
		return EXIT_OK;
	case 'd':
		request->dir = optarg;
		return EXIT_OK;
	case 'b':
		request->backend = optarg;
		return EXIT_OK;
	case 'q':
		request->quiet = true;
		return EXIT_OK;
	case STACKS:
		request->stacks = true;
		return EXIT_OK;
	case PID:
	case CGROUP:
	case CONTAINER:
	case POD:
	case ALL_CONTAINERS:
		return take_target(RECORD_PROCESS + (option - PID), request);
	case DURATION:
		return take_time("--duration", &request->duration_ns);
	case UNTIL_STABLE:
		return take_time("--until-stable", &request->stable_ns);
	case INTERVAL:
		return take_time("--interval", &request->interval_ns);
	default:
		return EXIT_USAGE;
	}
}

/* What can only be said once all options are known. */
static int check_request(const struct record_request *request, bool command)
{
	bool runs = request->what != RECORD_COMMAND, node = request->what == RECORD_NODE;
	bool timed = request->duration_ns || request->stable_ns;
	bool several = node || request->what == RECORD_POD;
	const struct {
		bool is_so;
		const char *text;
	} misuses[] = {
		{!runs && !command, "no command to record"},
		{runs && command, "a command, or something that runs already: not both"},
		{!runs && timed,
			"--duration and --until-stable are for what runs already: a command is "
			"recorded until it ends (see timeout(1))"},
		{node && (!request->dir || request->file),
			"--all-containers needs a directory (-d), no file"},
		{request->dir && !several, "-d is for several recordings: name the file with -o"},
		{request->dir && request->file, "-o or -d, not both"},
		{request->stacks && node, "--stacks is not for --all-containers"},
		{request->interval_ns && !node, "--interval goes with --all-containers only"},
	};

	for (size_t i = 0; i < ARRAY_LEN(misuses); i++) {
		if (misuses[i].is_so)
			return cli_misuse("record", "%s", misuses[i].text);
	}
	return EXIT_OK;
}

static int run(int argc, char **argv)
{
	static const struct option longs[] = {
		{"backend", required_argument, NULL, 'b'},
		{"quiet", no_argument, NULL, 'q'},
		{"output", required_argument, NULL, 'o'},
		{"directory", required_argument, NULL, 'd'},
		{"pid", required_argument, NULL, PID},
		{"cgroup", required_argument, NULL, CGROUP},
		{"container", required_argument, NULL, CONTAINER},
		{"pod", required_argument, NULL, POD},
		{"all-containers", no_argument, NULL, ALL_CONTAINERS},
		{"duration", required_argument, NULL, DURATION},
		{"until-stable", required_argument, NULL, UNTIL_STABLE},
		{"interval", required_argument, NULL, INTERVAL},
		{"stacks", no_argument, NULL, STACKS},
		{0},
	};
	struct record_request request = {.backend = "auto"};
	int option, status;

	while ((option = cli_option(argc, argv, "+:o:d:qh", longs, &cmd_record)) != -1) {
		status = take_option(option, &request);
		if (status)
			return status;
	}
	status = check_request(&request, optind < argc);
	if (status)
		return status;
	cli_outlive_readers();
	return request.what == RECORD_COMMAND ? record_command(&request, argv + optind)
					      : record_attach(&request);
}

const struct command cmd_record = {
	.name = "record",
	.summary = "record every system call of a command, a container, or a whole node",
	.help = HELP,
	.run = run,
};
