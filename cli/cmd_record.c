#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "cli.h"
#include "launch.h"
#include "record_view.h"
#include "recording.h"
#include "scope.h"
#include "tracer.h"

static const char HELP[] =
	"usage: sysclamp record [-q] [-o FILE] [--backend NAME] [--] COMMAND [ARGUMENT...]\n"
	"\n"
	"Run a command and record every system call that it and all its descendants make,\n"
	"until the last of them has ended.\n"
	"\n"
	"  -o FILE           where the recording goes; default ./<command>.rec.json.  The file is\n"
	"                    replaced atomically, each second and at the end\n"
	"  --backend NAME    auto (default), ebpf, ptrace; or ptrace-syscall: slower, for "
	"workloads\n"
	"                    that enter seccomp strict mode\n"
	"  -q, --quiet       no status line, no summary\n"
	"  -h, --help        this text\n"
	"\n"
	"The command keeps its terminal, its signals and its exit status (128+n for signal n).\n"
	"Other exit statuses: 2 misuse; 125 the recorder failed or lost something; 126 the "
	"command\n"
	"cannot be executed; 127 it was not found.\n"
	"\n"
	"  sysclamp record -- ls -l\n"
	"  sysclamp record -o web.rec.json -- nginx -g 'daemon off;'\n";

/* The file is rewritten this often, so that a recorder that is killed has lost less than a second.
 */
#define REFRESH_NS 800000000ull
enum { TICK_MS = 100 };

struct session {
	const char *file;
	bool quiet, stream;
	bool tells_writes; /* of the back end */
	uint64_t refreshed_ns;
	bool refresh_failed;
};

static void refresh(struct session *session, struct recording *rec)
{
	struct err e = {0};

	if (session->stream || now_ns() - session->refreshed_ns < REFRESH_NS)
		return;
	session->refreshed_ns = now_ns();
	if (!recording_write(rec, session->file, &e)) {
		session->refresh_failed = false;
	} else if (!session->refresh_failed) {
		/* The next refresh may have room again; the last one decides. */
		session->refresh_failed = true;
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

/* "./<base name of the command>.rec.json" */
static char *default_file(const char *command)
{
	const char *slash = strrchr(command, '/');
	char *file = NULL;

	if (asprintf(&file, "./%s.rec.json", slash ? slash + 1 : command) < 0)
		return NULL;
	return file;
}

/* What the workload does through io_uring is no call: nobody sees it, nor does seccomp. */
static void warn_io_uring(const struct recording *rec)
{
	static const char prefix[] = "io_uring_";
	const struct notice notice = cli_notice("record");
	char name[SYSCALL_NAME_MAX];

	for (size_t i = 0; i < rec->n_calls; i++) {
		if (!syscall_name(rec->calls[i].abi, rec->calls[i].nr, name) ||
			strncmp(name, prefix, sizeof(prefix) - 1) != 0)
			continue;
		notice_tell(&notice,
			"the workload uses io_uring: what it does through it passes by every "
			"recorder and by seccomp; a profile that denies io_uring_setup keeps it "
			"from that");
		return;
	}
}

static int finish(
	const struct session *session, struct recording *rec, const struct launch_end *end)
{
	struct err e = {0};

	recording_end(rec, launch_exit_code(end));
	warn_io_uring(rec);
	if (recording_write(rec, session->file, &e))
		return cli_fail("record", EXIT_OWN_FAILURE, &e);
	if (!session->quiet)
		view_summary(rec, session->file, session->stream);
	if (!recording_losses(rec))
		return launch_exit_code(end);
	(void)err_set(&e, EIO,
		"%s: incomplete: something was lost; the loss counters are in the file",
		session->file);
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
	session->refreshed_ns = now_ns();
	session->tells_writes = tracer->backend->tells_writes;
	code = tracer->backend->record(tracer->state, job, &rec, &end, &e);
	view_clear();
	code = code ? fail(end.exec_errno, &e) : finish(session, &rec, &end);
	launch_restore_signals();
	return code;
}

/* Before the command runs: can the recording be written where it shall go? */
static int check_file(const char *file, struct err *e)
{
	scoped_free char *dir = NULL;
	const char *slash = strrchr(file, '/');
	struct stat st;

	if (cli_is_stream(file)) {
		if (!stat(file, &st) && S_ISDIR(st.st_mode))
			return err_set(e, EISDIR, "%s: is a directory; name a file with -o", file);
		return 0;
	}
	dir = slash ? strndup(file, (size_t)(slash - file) + 1) : strdup(".");
	if (!dir)
		return err_nomem(e);
	if (access(dir, W_OK | X_OK))
		return err_sys(e, errno,
			"%s: cannot write a recording there; choose a file with -o", file);
	return 0;
}

static int prepare_and_record(struct session *session, const char *backend_name, char **argv)
{
	scoped(tracer_close) struct tracer tracer = {0};
	char why[ERR_TEXT_MAX];
	scoped_free char *path = NULL;
	struct err e = {0};
	struct tracer_job job = {
		.argv = argv,
		.notice = cli_notice("record"),
		.tick = on_tick,
		.before_write = on_write,
		.ctx = session,
		.tick_ms = TICK_MS,
	};

	if (tracer_open(backend_name, &tracer, why, &e))
		return cli_fail("record", e.code == EINVAL ? EXIT_USAGE : EXIT_OWN_FAILURE, &e);
	if (check_file(session->file, &e))
		return fail(0, &e);
	if (launch_find(argv[0], &path, &e))
		return fail(e.code, &e);
	job.path = path;
	if (tracer.automatic && !session->quiet)
		notice_tell(&job.notice, "recording with %s%s%s%s", tracer.backend->name,
			why[0] ? " (" : "", why, why[0] ? ")" : "");
	return record(&tracer, session, &job);
}

static int run(int argc, char **argv)
{
	static const struct option longs[] = {
		{"backend", required_argument, NULL, 'b'},
		{"quiet", no_argument, NULL, 'q'},
		{"output", required_argument, NULL, 'o'},
		{0},
	};
	const char *backend_name = "auto";
	scoped_free char *made_up = NULL;
	struct session session = {0};
	struct err e = {0};
	int option;

	while ((option = cli_option(argc, argv, "+:o:qh", longs, &cmd_record)) != -1) {
		switch (option) {
		case 'o':
			session.file = optarg;
			break;
		case 'b':
			backend_name = optarg;
			break;
		case 'q':
			session.quiet = true;
			break;
		default:
			return EXIT_USAGE;
		}
	}
	if (optind >= argc)
		return cli_misuse("record", "no command to record");
	if (!session.file) {
		made_up = default_file(argv[optind]);
		session.file = made_up;
	}
	if (!session.file)
		return fail(0, (err_nomem(&e), &e));
	session.stream = cli_is_stream(session.file);
	return prepare_and_record(&session, backend_name, argv + optind);
}

const struct command cmd_record = {
	.name = "record",
	.summary = "run a command and record every system call it makes",
	.help = HELP,
	.run = run,
};
