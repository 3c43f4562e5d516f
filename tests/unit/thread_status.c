/* thread_status.h: this process as /proc tells it, and which signals count. */
#include "thread_status.h"

#include <errno.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <sys/prctl.h>

#include "scope.h"
#include "tap.h"

static uint64_t bit(int sig)
{
	return UINT64_C(1) << (sig - 1);
}

static void on_signal(int sig)
{
	(void)sig;
}

static void test_own(void)
{
	struct thread_status status;
	struct err e;
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	sigprocmask(SIG_BLOCK, &set, NULL);
	signal(SIGUSR2, SIG_IGN);
	signal(SIGHUP, on_signal);
	raise(SIGUSR1);
	prctl(PR_SET_NO_NEW_PRIVS, 1L, 0L, 0L, 0L);
	ok(!thread_status_read(getpid(), &status, &e), "it can be read");
	ok(status.process == getpid() && status.user == getuid() && status.n_threads == 1 &&
			!status.tracer && status.state == 'R',
		"whose it is");
	ok(status.no_new_privs && status.mode == SECCOMP_MODE_DISABLED && !status.n_filters,
		"how it is held");
	ok(!status.is_kernel && !status.is_exiting, "what it is");
	ok(status.pending & bit(SIGUSR1) && status.blocked == bit(SIGUSR1) &&
			status.ignored & bit(SIGUSR2) && status.caught & bit(SIGHUP),
		"its signals");
}

static void test_others(void)
{
	struct thread_status status;
	struct err e;
	siginfo_t info;
	pid_t child = fork();

	if (!child)
		_exit(0);
	waitid(P_PID, (id_t)child, &info, WEXITED | WNOWAIT);
	ok(!thread_status_read(child, &status, &e) && status.is_exiting && status.state == 'Z',
		"a zombie");
	waitpid(child, NULL, 0);
	ok(thread_status_read(child, &status, &e) == -ESRCH, "nobody: ESRCH");
}

static void test_signalled(void)
{
	static const struct {
		const char *name;
		int pending, blocked, ignored, caught;
		bool counts;
	} CASES[] = {
		{"none", SIGUSR1, SIGUSR1, 0, 0, false},
		{"one that ends it", SIGTERM, SIGUSR1, SIGUSR1, SIGUSR1, true},
		{"one with a handler", SIGUSR1, SIGTERM, SIGTERM, SIGUSR1, true},
		{"an ignored one", SIGUSR1, SIGTERM, SIGUSR1, SIGTERM, false},
		{"SIGCHLD", SIGCHLD, SIGTERM, SIGTERM, SIGTERM, false},
		{"SIGURG", SIGURG, SIGTERM, SIGTERM, SIGTERM, false},
		{"SIGWINCH", SIGWINCH, SIGTERM, SIGTERM, SIGTERM, false},
		{"SIGCHLD with a handler", SIGCHLD, SIGTERM, SIGTERM, SIGCHLD, true},
	};

	for (size_t i = 0; i < ARRAY_LEN(CASES); i++) {
		const struct thread_status status = {
			.pending = bit(CASES[i].pending),
			.ignored = CASES[i].ignored ? bit(CASES[i].ignored) : 0,
			.caught = CASES[i].caught ? bit(CASES[i].caught) : 0,
		};

		ok(thread_status_is_signalled(&status, bit(CASES[i].blocked)) == CASES[i].counts,
			"a signal that interrupts: %s", CASES[i].name);
	}
}

int main(void)
{
	test_own();
	test_others();
	test_signalled();
	return tap_done();
}
