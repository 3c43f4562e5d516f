#include "hooks.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/close_range.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "file.h"
#include "json.h"
#include "launch.h"
#include "recording.h"
#include "scope.h"
#include "time_units.h"

/* The state, as text. */
static int state_print(const struct cage_state *state, pid_t pid, const char *status,
	char **out_text, size_t *out_size, struct err *e)
{
	scoped(json_writer_done) struct json_writer w;

	if (json_writer_init(&w, e))
		return -e->code;
	json_open(&w, '{');
	json_member_text(&w, "ociVersion", state->oci_version ? state->oci_version : "");
	json_member_text(&w, "id", state->id ? state->id : "");
	json_member_text(&w, "status", status);
	if (pid)
		json_member_u64(&w, "pid", (uint64_t)pid);
	json_member_text(&w, "bundle", state->bundle ? state->bundle : "");
	if (state->annotations) {
		json_key(&w, "annotations");
		json_put_json(&w, state->annotations);
	}
	json_close(&w, '}');
	return json_writer_end(&w, out_text, out_size, e);
}

/* @fd, or a copy of it behind the standard descriptors, of which one may have been closed. */
static int above_standard(int fd)
{
	int copy;

	if (fd < 0 || fd > STDERR_FILENO)
		return fd;
	copy = fcntl(fd, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
	(void)close(fd);
	return copy;
}

/*
 * A file in memory rather than a pipe: nobody has to wait until the hook reads.  Sealed: no hook
 * changes what the next one reads.
 */
static int state_open(const char *text, size_t size, int *out_fd, struct err *e)
{
	scoped_fd int fd = above_standard(memfd_create("state", MFD_CLOEXEC | MFD_ALLOW_SEALING));
	int error;

	if (fd < 0)
		return err_sys(e, errno, "the state for the hooks");
	error = -file_write_all(fd, text, size);
	if (!error && fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_GROW | F_SEAL_SHRINK))
		error = errno;
	if (error)
		return err_sys(e, error, "the state for the hooks");
	*out_fd = steal_fd(&fd);
	return 0;
}

/* What a hook is started with. */
struct start {
	const struct cage_hook *hook;
	int state_fd, failed_fd; /* an errno is written to the latter if it cannot be executed */
	pid_t caller;
};

static void signals_default(void)
{
	sigset_t none;

	(void)launch_default_signals();
	sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
}

static int become_hook(const struct start *start)
{
	(void)setpgid(0, 0);
	signals_default();
	if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0L, 0L, 0L) || getppid() != start->caller)
		return ESRCH;
	if (dup2(start->state_fd, STDIN_FILENO) < 0 || lseek(STDIN_FILENO, 0, SEEK_SET) < 0 ||
		close_range(STDERR_FILENO + 1, ~0U, CLOSE_RANGE_CLOEXEC))
		return errno;
	(void)execve(start->hook->path, start->hook->argv, start->hook->env);
	return errno;
}

/* No handler of the caller runs in the child, and none is missed by the caller. */
static pid_t hook_fork(const struct start *start)
{
	sigset_t all, before;
	pid_t pid;
	int error;

	sigfillset(&all);
	(void)sigprocmask(SIG_BLOCK, &all, &before);
	pid = fork();
	if (pid == 0) {
		error = become_hook(start);
		(void)file_write_all(start->failed_fd, &error, sizeof(error));
		_exit(EXIT_FAILURE);
	}
	error = errno;
	(void)sigprocmask(SIG_SETMASK, &before, NULL);
	if (pid > 0)
		(void)setpgid(pid, pid); /* whoever comes first */
	errno = error;
	return pid;
}

static int milliseconds_left(uint64_t deadline_ns)
{
	uint64_t now = steady_ns();

	return now >= deadline_ns ? 0 : (int)((deadline_ns - now + NS_PER_MS - 1) / NS_PER_MS);
}

/* Wait until the process has ended or the time is up.  Returns 0, ETIMEDOUT or another errno. */
static int hook_await(pid_t pid, unsigned timeout_s)
{
	scoped_fd int pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
	uint64_t deadline_ns = steady_ns() + (uint64_t)timeout_s * NS_PER_S;
	struct pollfd end = {.fd = pidfd, .events = POLLIN};

	if (pidfd < 0)
		return errno;
	for (;;) {
		int n = poll(&end, 1, timeout_s ? milliseconds_left(deadline_ns) : -1);

		if (n > 0)
			return 0;
		if (n == 0)
			return ETIMEDOUT;
		if (errno != EINTR)
			return errno;
	}
}

/* Not interrupted: the process has ended, or is being killed. */
static int hook_reap(pid_t pid, int *out_status)
{
	while (waitpid(pid, out_status, 0) < 0) {
		if (errno != EINTR)
			return errno;
	}
	return 0;
}

static int explain_end(const struct cage_hook *hook, int status, int failed_fd, struct err *e)
{
	int error;

	if (read(failed_fd, &error, sizeof(error)) == (ssize_t)sizeof(error))
		return err_sys(e, error, "%s: %s", hook->where, hook->path);
	if (WIFSIGNALED(status))
		return err_set(e, ECANCELED, "%s: %s: killed by signal %d (SIG%s)", hook->where,
			hook->path, WTERMSIG(status), sigabbrev_np(WTERMSIG(status)));
	if (WEXITSTATUS(status))
		return err_set(e, ECANCELED, "%s: %s: ended with status %d", hook->where,
			hook->path, WEXITSTATUS(status));
	return 0;
}

static int hook_end(const struct cage_hook *hook, pid_t pid, int failed_fd, struct err *e)
{
	int error = hook_await(pid, hook->timeout_s), status = 0, reaped;

	if (error)
		(void)kill(-pid, SIGKILL);
	reaped = hook_reap(pid, &status);
	if (error == ETIMEDOUT)
		return err_set(e, error, "%s: %s: still running after %u s, so it was killed",
			hook->where, hook->path, hook->timeout_s);
	if (error || reaped)
		return err_sys(
			e, error ? error : reaped, "%s: waiting for %s", hook->where, hook->path);
	return explain_end(hook, status, failed_fd, e);
}

static int hook_run(const struct cage_hook *hook, int state_fd, struct err *e)
{
	int ends[2];
	pid_t pid;

	if (pipe2(ends, O_CLOEXEC | O_NONBLOCK))
		return err_sys(e, errno, "%s: a pipe", hook->where);

	scoped_fd int from = above_standard(ends[0]), to = above_standard(ends[1]);

	if (from < 0 || to < 0)
		return err_sys(e, errno, "%s: a pipe", hook->where);
	pid = hook_fork(&(struct start){
		.hook = hook, .state_fd = state_fd, .failed_fd = to, .caller = getpid()});
	if (pid < 0)
		return err_sys(e, errno, "%s: a process for %s", hook->where, hook->path);
	return hook_end(hook, pid, from, e);
}

static int run_all(const struct cage_hooks *hooks, int state_fd, bool goes_on, struct err *e)
{
	struct err later;
	bool failed = false;

	for (size_t i = 0; i < hooks->n; i++) {
		if (!hook_run(&hooks->hooks[i], state_fd, failed ? &later : e))
			continue;
		failed = true;
		if (!goes_on)
			break;
	}
	return failed ? -e->code : 0;
}

int hooks_run(const struct cage *cage, enum cage_hook_time when, pid_t pid, const char *status,
	struct err *e)
{
	scoped_free char *text = NULL;
	scoped_fd int fd = -1;
	size_t size = 0;

	if (!cage->hooks[when].n)
		return 0;
	if (state_print(&cage->state, pid, status, &text, &size, e) ||
		state_open(text, size, &fd, e))
		return -e->code;
	return run_all(&cage->hooks[when], fd, when == CAGE_HOOK_POSTSTOP, e);
}
