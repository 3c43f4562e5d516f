#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <syslog.h>
#include <unistd.h>

#include "cli.h"
#include "file.h"
#include "hook.h"
#include "scope.h"

static const char HELP[] =
	"usage: sysclamp hook [-d DIR] < STATE\n"
	"\n"
	"An OCI hook (prestart or createRuntime), called by podman, CRI-O and other engines "
	"when\n"
	"a container starts; the state comes on standard input.  What it does is asked for with\n"
	"annotations of the container:\n"
	"\n"
	"  io.containers.trace-syscall=of:/abs/out.json\n"
	"                         when the container has ended, write a profile of what it called\n"
	"  io.containers.trace-syscall=if:/abs/in.json;of:/abs/out.json\n"
	"                         the same, added to what /abs/in.json allows; both may be one\n"
	"                         file, which need not be there at first\n"
	"  dev.sysclamp.record=/abs/out.rec.json\n"
	"                         write a recording, or continue the one that is there\n"
	"\n"
	"Recording begins with the container's first call and goes on in the background until the\n"
	"container has ended.  What fails is told to syslog(3), too.  Without these "
	"annotations\n"
	"the hook does nothing.\n"
	"\n"
	"  -d, --directory DIR    refuse annotations that name files outside of it\n"
	"  -h, --help             this text\n"
	"\n"
	"Exit statuses: 0 recording, or nothing to do; 1 recording is not possible, 2 misuse: the\n"
	"engine does not start the container then.\n"
	"\n"
	"  podman run --annotation io.containers.trace-syscall=of:/tmp/web.json nginx\n";

enum { STATE_SIZE_MAX = 1024 * 1024 };

/* The other end is told that recording goes on: a NUL; or why not. */
static void tell_attached(void *ctx)
{
	int *fd = ctx;

	(void)!write(*fd, "", 1);
	(void)close(*fd);
	*fd = -1;
}

/*
 * Away from the engine: it waits until nobody holds its pipes any more, and may end its hooks'
 * session.
 */
static void detach(void)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	(void)setsid();
	(void)!chdir("/");
	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
		(void)dup2(null, fd);
	if (null > STDERR_FILENO)
		(void)close(null);
}

/* Not all runtimes show what their hooks say: the log has it, too. */
static int fail(const struct hook_request *request, int status, const struct err *e)
{
	if (request->id)
		syslog(LOG_ERR, "container %.12s: %s", request->id, e->text);
	else
		syslog(LOG_ERR, "hook: %s", e->text);
	return cli_fail("hook", status, e);
}

static void record_in_background(const struct hook_request *request, int answer_fd)
{
	struct err e = {0};

	detach();
	if (!hook_record(request, tell_attached, &answer_fd, &e))
		_exit(EXIT_OK);
	if (answer_fd >= 0)
		(void)!write(answer_fd, e.text, strlen(e.text));
	else
		(void)fail(request, EXIT_NO, &e);
	_exit(EXIT_NO);
}

/* What the other end says first. */
static int await(int answer_fd, struct err *e)
{
	char answer[ERR_TEXT_MAX] = {0};
	ssize_t n;

	do {
		n = read(answer_fd, answer, sizeof(answer) - 1);
	} while (n < 0 && errno == EINTR);
	if (n == 1 && !answer[0])
		return 0;
	return err_set(e, EIO, "%s", n > 0 ? answer : "the recorder ended without a word");
}

static int start(const struct hook_request *request, struct err *e)
{
	int answer[2];
	pid_t pid;

	if (pipe2(answer, O_CLOEXEC))
		return err_sys(e, errno, "cannot make a pipe");
	/* A recorder that has failed writes to a pipe that nobody reads any more. */
	(void)signal(SIGPIPE, SIG_IGN);
	pid = fork();
	if (pid == 0) {
		(void)close(answer[0]);
		record_in_background(request, answer[1]);
	}
	(void)close(answer[1]);
	if (pid < 0)
		(void)err_sys(e, errno, "cannot start the recorder");
	else
		(void)await(answer[0], e);
	(void)close(answer[0]);
	return -e->code;
}

static int parse(int argc, char **argv, const char **out_directory)
{
	static const struct option LONGS[] = {
		{"directory", required_argument, NULL, 'd'},
		{"help", no_argument, NULL, 'h'},
		{0},
	};
	int option;

	while ((option = cli_option(argc, argv, "+:d:h", LONGS, &cmd_hook)) != -1) {
		if (option != 'd')
			return EXIT_USAGE;
		*out_directory = optarg;
	}
	if (optind < argc)
		return cli_misuse(
			"hook", "\"%s\": the state comes on standard input", argv[optind]);
	if (isatty(STDIN_FILENO))
		return cli_misuse(
			"hook", "this is for OCI runtimes: the state comes on standard input");
	return EXIT_OK;
}

static int run(int argc, char **argv)
{
	scoped(hook_request_done) struct hook_request request = {0};
	scoped_free char *text = NULL;
	const char *directory = NULL;
	struct err e = {0};
	size_t size;
	int status = parse(argc, argv, &directory);

	if (status)
		return status;
	openlog("sysclamp", LOG_PID, LOG_DAEMON);
	if (file_read("-", STATE_SIZE_MAX, &text, &size, &e) ||
		hook_request_parse(text, size, &request, &e))
		return fail(&request, EXIT_USAGE, &e);
	if (!request.recording && !request.profile)
		return EXIT_OK;
	request.directory = directory;
	return start(&request, &e) ? fail(&request, EXIT_NO, &e) : EXIT_OK;
}

const struct command cmd_hook = {
	.name = "hook",
	.summary = "record a container from its start (OCI hook)",
	.help = HELP,
	.run = run,
};
