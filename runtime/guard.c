#include "guard.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "descendants.h"
#include "scope.h"

/* What the supervisor leaves to the guard, in memory of both. */
struct report {
	bool finished; /* the rest counts */
	int result;
	struct launch_end end;
	struct err err;
};

struct guard {
	struct descendants before; /* that of this process, be it the guard or the supervisor */
	pid_t pid;
	pid_t parent; /* of the guard, when it began */
	int tell; /* the number of the command goes there; open as long as the supervisor lives */
	int told; /* the guard's end of it */
	int waits; /* epoll: of that */
	struct report *report;
};

void guard_tell_command(struct guard *guard, pid_t pid)
{
	/* Less than PIPE_BUF: it goes in one piece.  Without a reader the guard is gone. */
	while (write(guard->tell, &pid, sizeof(pid)) < 0 && errno == EINTR)
		continue;
}

void guard_end_all(const struct guard *guard)
{
	descendants_end(&guard->before);
}

bool guard_is_gone(const struct guard *guard)
{
	return getppid() != guard->pid;
}

bool guard_suspend(const struct guard *guard, int stop_signal)
{
	return launch_tell_stop(stop_signal) ||
	       (launch_suspends(guard->parent, stop_signal) && !kill(guard->pid, SIGSTOP));
}

static _Noreturn void supervise(struct guard *guard, guard_work run, void *ctx)
{
	struct report *report = guard->report;

	launch_block_signals();
	(void)prctl(PR_SET_PDEATHSIG, (long)SIGCONT, 0L, 0L, 0L);
	report->result = descendants_adopt(&guard->before, &report->err);
	if (!report->result && !guard_is_gone(guard))
		report->result = run(ctx, guard, &report->end, &report->err);
	report->finished = true;
	exit(0);
}

/* The handler of the guard's SIGCONT finds the supervisor here: it has no argument of its own. */
static volatile pid_t continues;

/* Somebody continued the guard: the supervisor continues the command, if it has to be. */
static void pass_continue(int sig)
{
	int saved = errno;

	(void)kill(continues, sig);
	errno = saved;
}

/* Somebody who wants all to end, when the command itself has. */
static bool is_asked_to_end(void)
{
	int sig = launch_left_signal();

	return sig == SIGINT || sig == SIGTERM || sig == SIGHUP || sig == SIGQUIT;
}

/*
 * Until the supervisor has let go of its end of the pipe.  Signals are let in only while nothing
 * else is done, so that none is overlooked.  Not poll(2): see supervisor.c.
 */
static void wait_for_end(const struct guard *guard, pid_t supervisor)
{
	struct epoll_event event;
	sigset_t all, open;

	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, &open);
	while (epoll_pwait(guard->waits, &event, 1, -1, &open) < 0 && errno == EINTR) {
		if (is_asked_to_end())
			(void)kill(supervisor, SIGTERM);
	}
	sigprocmask(SIG_SETMASK, &open, NULL);
}

/* Signals that come before there is a command wait for it. */
static int pass_signals(const struct guard *guard, pid_t supervisor, struct err *e)
{
	struct sigaction act = {.sa_handler = pass_continue, .sa_flags = SA_RESTART};
	pid_t command;
	ssize_t size;

	do
		size = read(guard->told, &command, sizeof(command));
	while (size < 0 && errno == EINTR);
	if (size != (ssize_t)sizeof(command))
		return 0; /* there will be none */
	if (launch_forward_signals(command, e))
		return -e->code;
	continues = supervisor;
	sigaction(SIGCONT, &act, NULL);
	wait_for_end(guard, supervisor);
	return 0;
}

static int watch(struct guard *guard, pid_t supervisor, struct err *e)
{
	const struct report *report = guard->report;
	struct sigaction on_continue;
	int status = 0, result;

	sigaction(SIGCONT, NULL, &on_continue);
	result = pass_signals(guard, supervisor, e);
	if (result)
		(void)kill(supervisor, SIGKILL);
	while (waitpid(supervisor, &status, 0) < 0 && errno == EINTR)
		continue;
	sigaction(SIGCONT, &on_continue, NULL);
	/* Whatever went wrong: nothing is left running. */
	if (result || !report->finished || report->result)
		descendants_end(&guard->before);
	if (result || report->finished)
		return result;
	return err_set(e, EOWNERDEAD,
		"the supervisor was ended by signal %d, and with it the command and all that "
		"it started",
		WIFSIGNALED(status) ? WTERMSIG(status) : 0);
}

static int start(struct guard *guard, struct err *e)
{
	struct epoll_event event = {.events = 0}; /* its end is told in any case */
	int pipe_fds[2];

	guard->report = mmap(NULL, sizeof(*guard->report), PROT_READ | PROT_WRITE,
		MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (guard->report == MAP_FAILED)
		return err_nomem(e);
	if (pipe2(pipe_fds, O_CLOEXEC))
		return err_sys(e, errno, "a pipe to the supervisor");
	guard->told = pipe_fds[0];
	guard->tell = pipe_fds[1];
	guard->waits = epoll_create1(EPOLL_CLOEXEC);
	if (guard->waits < 0 || epoll_ctl(guard->waits, EPOLL_CTL_ADD, guard->told, &event))
		return err_sys(e, errno, "descriptors for the guard");
	return descendants_adopt(&guard->before, e);
}

static void close_fd(int *fd)
{
	scope_close(fd);
	*fd = -1;
}

static int run_guarded(
	struct guard *guard, guard_work run, void *ctx, struct launch_end *end, struct err *e)
{
	int result = start(guard, e);
	pid_t pid;

	if (result)
		return result;
	pid = fork();
	if (pid == 0) {
		close_fd(&guard->told);
		close_fd(&guard->waits);
		supervise(guard, run, ctx);
	}
	if (pid < 0)
		return err_sys(e, errno, "starting the supervisor");
	close_fd(&guard->tell);
	result = watch(guard, pid, e);
	if (result)
		return result;
	*end = guard->report->end;
	if (guard->report->result)
		*e = guard->report->err;
	return guard->report->result;
}

static void guard_done(struct guard *guard)
{
	close_fd(&guard->told);
	close_fd(&guard->tell);
	close_fd(&guard->waits);
	if (guard->report && guard->report != MAP_FAILED)
		(void)munmap(guard->report, sizeof(*guard->report));
}

int guard_run(guard_work run, void *ctx, struct launch_end *end, struct err *e)
{
	struct guard guard = {
		.pid = getpid(), .parent = getppid(), .tell = -1, .told = -1, .waits = -1};
	int adopted = 0, result;

	(void)prctl(PR_GET_CHILD_SUBREAPER, &adopted, 0L, 0L, 0L);
	result = run_guarded(&guard, run, ctx, end, e);
	if (!adopted)
		(void)prctl(PR_SET_CHILD_SUBREAPER, 0L, 0L, 0L, 0L);
	guard_done(&guard);
	return result;
}
