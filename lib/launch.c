#include "launch.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "scope.h"

int launch_exit_code(const struct launch_end *end)
{
	if (end->exec_errno)
		return end->exec_errno == ENOENT ? EXIT_NOT_FOUND : EXIT_NOT_EXECUTABLE;
	if (WIFEXITED(end->wait_status))
		return WEXITSTATUS(end->wait_status);
	if (WIFSIGNALED(end->wait_status))
		return EXIT_SIGNAL_BASE + WTERMSIG(end->wait_status);
	return EXIT_OWN_FAILURE;
}

/* 0 if execve() has a chance with @path, otherwise -errno as it would say. */
static int check_executable(const char *path)
{
	struct stat st;

	if (stat(path, &st))
		return -errno;
	if (!S_ISREG(st.st_mode))
		return -EACCES;
	return faccessat(AT_FDCWD, path, X_OK, AT_EACCESS) ? -errno : 0;
}

/*
 * Try each directory of @search, an empty one being the current.  Like execvp(), which goes on
 * after a file that it may not execute and says so only if there is no better one.
 */
static int search_path(const char *search, const char *command, char **out_path)
{
	int result = -ENOENT;

	for (const char *at = search, *next; at; at = next) {
		const char *colon = strchrnul(at, ':');
		scoped_free char *path = NULL;
		int status;

		next = *colon ? colon + 1 : NULL;
		if (asprintf(&path, "%.*s%s%s", (int)(colon - at), at, colon > at ? "/" : "",
			    command) < 0) {
			path = NULL; /* asprintf(3): undefined on failure */
			return -ENOMEM;
		}
		status = check_executable(path);
		if (!status) {
			*out_path = steal_ptr(path);
			return 0;
		}
		/* Behind a directory that is closed to the caller nothing was found. */
		if (status == -EACCES && !access(path, F_OK))
			result = status;
	}
	return result;
}

static int find_in_path(const char *command, char **out_path)
{
	const char *search = getenv("PATH");
	char fallback[64];

	if (!*command)
		return -ENOENT;
	if (!search) {
		confstr(_CS_PATH, fallback, sizeof(fallback));
		search = fallback;
	}
	return search_path(search, command, out_path);
}

static int take_as_is(const char *command, char **out_path)
{
	int status = check_executable(command);

	if (status)
		return status;
	*out_path = strdup(command);
	return *out_path ? 0 : -ENOMEM;
}

int launch_find(const char *command, char **out_path, struct err *e)
{
	char *path = NULL;
	int status = strchr(command, '/') ? take_as_is(command, &path)
					  : find_in_path(command, &path);

	if (status == -ENOMEM)
		return err_nomem(e);
	if (status == -ENOENT)
		return err_set(e, ENOENT, "%s: command not found", command);
	if (status == -EACCES)
		return err_set(e, EACCES,
			"%s: permission denied: no file that you may execute; look at ls -ld",
			command);
	if (status)
		return err_sys(e, -status, "%s", command);
	*out_path = path;
	return 0;
}

static const int FORWARDED[] = {
	SIGHUP,
	SIGINT,
	SIGQUIT,
	SIGTERM,
	SIGUSR1,
	SIGUSR2,
	SIGWINCH, /* asks some servers to end, as docker stop and systemd are told to do */
	SIGTSTP,
	SIGTTIN,
	SIGTTOU,
};

/*
 * The one global of the house: a signal handler has no argument of its own, and signal dispositions
 * belong to the whole process anyway.
 */
static struct {
	enum { IDLE, HOLDING, FORWARDING } state;
	pid_t pid; /* of the command */
	int pid_fd; /* the same, safe against reuse of the number; -1: none to be had */
	volatile sig_atomic_t left; /* a signal that found the command ended */
	bool nested; /* launch_nest() */
	int outer;
	struct launch_stops *stops; /* of both; NULL: none */
	volatile sig_atomic_t told; /* of a stop */
	bool by_force; /* launch_stop_by_force() */
	sigset_t mask; /* what the caller had, as all below */
	struct sigaction on_continue;
	struct sigaction on_child;
	struct sigaction on_forwarded[ARRAY_LEN(FORWARDED)];
} signals;

/* Whether the sender meant the caller, or the command has it already: see launch.h. */
static bool is_for_command(int sig, const siginfo_t *info)
{
	if (info->si_code != SI_KERNEL)
		return info->si_pid != signals.pid;
	if (sig == SIGTSTP && signals.by_force)
		return true;
	/*
	 * When a terminal goes away only the session's leader is told (tty_signal_session_leader()
	 * of drivers/tty/tty_jobctrl.c), not its group.
	 */
	if (sig == SIGHUP && getsid(0) == getpid())
		return true;
	return getpgid(signals.pid) != getpgrp();
}

/* errno is left alone unless the call failed: runtime/stage.c shares it with a child. */
static void forward_signal(int sig, siginfo_t *info, void *context)
{
	int saved = errno;
	long status;

	(void)context;
	if (!is_for_command(sig, info))
		return;
	if (sig == SIGTSTP && signals.by_force)
		sig = SIGSTOP;
	if (signals.pid_fd >= 0)
		status = syscall(SYS_pidfd_send_signal, signals.pid_fd, sig, NULL, 0);
	else
		status = kill(signals.pid, sig);
	if (status && errno == ESRCH)
		signals.left = sig;
	if (status)
		errno = saved;
}

int launch_left_signal(void)
{
	int sig = signals.left;

	signals.left = 0;
	return sig;
}

int launch_hold_signals(struct err *e)
{
	struct sigaction as_usual = {.sa_handler = SIG_DFL};
	sigset_t all;

	if (signals.state != IDLE)
		return err_set(e, EBUSY, "another command is being waited for");
	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, &signals.mask);
	sigaction(SIGCHLD, &as_usual, &signals.on_child);
	signals.state = HOLDING;
	signals.left = 0;
	return 0;
}

void launch_block_signals(void)
{
	const uint64_t all = UINT64_MAX; /* as the kernel has them: NSIG bits */

	(void)syscall(SYS_rt_sigprocmask, SIG_BLOCK, &all, NULL, sizeof(all));
}

/*
 * The others that a handler may have been installed for: by the house, and by sanitizers, which
 * take errors of the program.  To ask about all that there are would cost each launch forty calls
 * more; tests/live/handlers.py holds what the commands catch against this list.
 */
static const int ALSO_HANDLED[] = {
	SIGALRM, /* tracer/ticker.c */
	SIGPIPE, /* cli/cli.c */
	SIGCONT, /* runtime/guard.c */
	SIGABRT,
	SIGBUS,
	SIGFPE,
	SIGILL,
	SIGSEGV,
	SIGTRAP,
};

static int reset_handlers(const int list[], size_t n)
{
	struct sigaction as_usual = {.sa_handler = SIG_DFL};
	struct sigaction now;

	for (size_t i = 0; i < n; i++) {
		if (sigaction(list[i], NULL, &now))
			return -errno;
		if (now.sa_handler != SIG_DFL && now.sa_handler != SIG_IGN &&
			sigaction(list[i], &as_usual, NULL))
			return -errno;
	}
	return 0;
}

int launch_child_signals(void)
{
	if (sigaction(SIGCHLD, &signals.on_child, NULL) ||
		reset_handlers(FORWARDED, ARRAY_LEN(FORWARDED)) ||
		reset_handlers(ALSO_HANDLED, ARRAY_LEN(ALSO_HANDLED)) ||
		sigprocmask(SIG_SETMASK, &signals.mask, NULL))
		return -errno;
	return 0;
}

/* Whether the last stop that was told of is the one that the launcher outside goes on from. */
static bool is_answered(void)
{
	return !signals.stops || signals.stops->answered == signals.stops->told;
}

/* As forward_signal() does with errno. */
static void continue_command(int sig)
{
	int saved = errno;

	(void)sig;
	if (signals.told && is_answered()) {
		signals.told = 0;
		launch_continue(signals.pid);
	}
	if (errno != saved)
		errno = saved;
}

void launch_nest(int outer, struct launch_stops *stops)
{
	signals.nested = true;
	signals.outer = outer;
	signals.stops = stops;
}

void launch_answer(struct launch_stops *stops)
{
	signals.stops = stops;
}

bool launch_tell_stop(int stop_signal)
{
	char byte = (char)stop_signal;

	if (!signals.nested)
		return false;
	signals.told = 1;
	if (signals.stops)
		signals.stops->told++;
	if (signals.outer >= 0)
		(void)send(signals.outer, &byte, 1, MSG_NOSIGNAL | MSG_DONTWAIT);
	return true;
}

/*
 * A stop is waited for and told of with SIGCONT held off: one that comes between the two is about
 * the stop before, and launch_continue() would not see this one any more.
 */
static pid_t wait_and_tell(pid_t which, int *status)
{
	siginfo_t info;
	sigset_t continues, before;
	pid_t pid;

	if (waitid(which < 0 ? P_ALL : P_PID, (id_t)which, &info, WEXITED | WSTOPPED | WNOWAIT))
		return -1;
	sigemptyset(&continues);
	sigaddset(&continues, SIGCONT);
	sigprocmask(SIG_BLOCK, &continues, &before);
	pid = waitpid(which, status, WUNTRACED | WNOHANG);
	if (pid > 0 && pid == signals.pid && WIFSTOPPED(*status)) {
		(void)launch_tell_stop(WSTOPSIG(*status));
		pid = 0;
	}
	sigprocmask(SIG_SETMASK, &before, NULL);
	return pid;
}

pid_t launch_wait(pid_t which, int *status)
{
	return signals.nested ? wait_and_tell(which, status) : waitpid(which, status, WUNTRACED);
}

void launch_stop_by_force(void)
{
	signals.by_force = true;
}

/* For a nested caller alone: elsewhere nobody has been told of a stop. */
static void take_continue(void)
{
	struct sigaction act = {.sa_handler = continue_command, .sa_flags = SA_RESTART};

	sigfillset(&act.sa_mask);
	sigaction(SIGCONT, &act, &signals.on_continue);
}

int launch_default_signals(void)
{
	/* struct sigaction of the kernel, whose sets have 64 signals: SIG_DFL. */
	const uint64_t as_usual[4] = {0};

	for (int sig = 1; sig < NSIG; sig++) {
		if (sig != SIGKILL && sig != SIGSTOP &&
			syscall(SYS_rt_sigaction, sig, as_usual, NULL, sizeof(uint64_t)))
			return -errno;
	}
	return 0;
}

int launch_fresh_signals(void)
{
	int code = launch_default_signals();

	signals.on_child = (struct sigaction){.sa_handler = SIG_DFL};
	sigemptyset(&signals.mask);
	return code;
}

int launch_forward_signals(pid_t pid, struct err *e)
{
	struct sigaction forward = {.sa_sigaction = forward_signal};
	sigset_t mask;

	if (signals.state == FORWARDING)
		return err_set(e, EBUSY, "another command is being waited for");
	if (signals.state == IDLE && launch_hold_signals(e))
		return -e->code;
	signals.pid = pid;
	/* Kernels before 5.3 have none, and some containers deny it: then the number has to do. */
	signals.pid_fd = (int)syscall(SYS_pidfd_open, pid, 0);
	signals.state = FORWARDING;

	sigfillset(&forward.sa_mask);
	mask = signals.mask;
	for (size_t i = 0; i < ARRAY_LEN(FORWARDED); i++) {
		int sig = FORWARDED[i];

		forward.sa_flags = SA_SIGINFO;
		if (sig != SIGTTIN && sig != SIGTTOU)
			forward.sa_flags |= SA_RESTART;
		sigaction(sig, &forward, &signals.on_forwarded[i]);
		sigdelset(&mask, sig);
	}
	if (signals.nested) {
		take_continue();
		sigdelset(&mask, SIGCONT);
	}
	sigprocmask(SIG_SETMASK, &mask, NULL);
	return 0;
}

void launch_restore_signals(void)
{
	if (signals.state == FORWARDING) {
		for (size_t i = 0; i < ARRAY_LEN(FORWARDED); i++)
			sigaction(FORWARDED[i], &signals.on_forwarded[i], NULL);
		if (signals.pid_fd >= 0)
			close(signals.pid_fd);
		if (signals.nested)
			sigaction(SIGCONT, &signals.on_continue, NULL);
	}
	signals.by_force = false;
	if (signals.state != IDLE) {
		sigaction(SIGCHLD, &signals.on_child, NULL);
		sigprocmask(SIG_SETMASK, &signals.mask, NULL);
	}
	signals.state = IDLE;
}

/*
 * Whether the caller is the job of a shell, its parent @shell, which continues what it sees
 * suspended.  A parent in the same process group is not one: it is suspended by what suspends the
 * group.
 */
static bool is_job(pid_t shell)
{
	return getsid(shell) == getsid(0) && getpgid(shell) != getpgrp();
}

static bool is_in_foreground(void)
{
	scoped_fd int tty = open("/dev/tty", O_RDONLY | O_NOCTTY | O_CLOEXEC);

	return tty >= 0 && tcgetpgrp(tty) == getpgrp();
}

bool launch_suspends(pid_t shell, int stop_signal)
{
	return is_job(shell) && (stop_signal != SIGSTOP || is_in_foreground());
}

/*
 * A shell's fg has continued it together with the caller, and the terminal may have stopped it
 * again since: another SIGCONT would undo that.
 */
void launch_continue(pid_t pid)
{
	siginfo_t info = {0};

	if (!waitid(P_PID, (id_t)pid, &info, WSTOPPED | WCONTINUED | WNOHANG | WNOWAIT) &&
		info.si_pid == 0)
		(void)kill(pid, SIGCONT);
}

void launch_suspend_with(pid_t pid, int stop_signal)
{
	unsigned told;

	if (launch_tell_stop(stop_signal))
		return;
	if (!launch_suspends(getppid(), stop_signal))
		return;
	/*
	 * Not @stop_signal: as long as that had its default action, the terminal could suspend the
	 * caller ahead of the command, which then takes from the shell a line that is not its own.
	 */
	told = signals.stops ? signals.stops->told : 0;
	raise(SIGSTOP);
	if (signals.stops)
		signals.stops->answered = told;
	launch_continue(pid);
}
