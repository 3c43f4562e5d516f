#include "terminal_mode.h"

#include <errno.h>
#include <termios.h>
#include <unistd.h>

/* Of the process, as its terminal is: a signal handler has no argument of its own. */
static struct {
	volatile sig_atomic_t raw;
	struct termios before; /* valid if raw */
} mode;

/* Without job control (no controlling terminal, or another one) nobody else reads from it. */
static bool is_in_foreground(void)
{
	pid_t group = tcgetpgrp(STDIN_FILENO);

	return group < 0 ? errno == ENOTTY : group == getpgrp();
}

bool mode_enter(void)
{
	struct termios raw;

	if (!isatty(STDIN_FILENO))
		return true;
	if (!is_in_foreground()) {
		mode.raw = false; /* the shell has made it its own */
		return false;
	}
	if (mode.raw)
		return true;
	if (tcgetattr(STDIN_FILENO, &mode.before))
		return true;
	raw = mode.before;
	cfmakeraw(&raw);
	mode.raw = true;
	(void)tcsetattr(STDIN_FILENO, TCSANOW, &raw);
	return true;
}

void mode_leave(void)
{
	if (mode.raw && is_in_foreground())
		(void)tcsetattr(STDIN_FILENO, TCSANOW, &mode.before);
	mode.raw = false;
}

/* The signal is taken again, by its default, when this returns. */
static void restore_and_end(int sig)
{
	int saved = errno;

	if (mode.raw)
		(void)tcsetattr(STDIN_FILENO, TCSANOW, &mode.before);
	mode.raw = false;
	(void)signal(sig, SIG_DFL);
	(void)raise(sig);
	errno = saved;
}

static void wake(int sig)
{
	(void)sig;
}

/* signal(7): what does not end a process by default; and what cannot be handled. */
static bool ends_nothing(int sig)
{
	static const int harmless[] = {
		SIGCHLD, SIGCONT, SIGURG, SIGWINCH, SIGSTOP, SIGTSTP, SIGTTIN, SIGTTOU, SIGKILL};

	for (size_t i = 0; i < sizeof(harmless) / sizeof(harmless[0]); i++) {
		if (harmless[i] == sig)
			return true;
	}
	return sig > SIGSYS && sig < SIGRTMIN; /* of the C library */
}

static sighandler_t handler_for(int sig)
{
	if (sig == SIGPIPE)
		return SIG_IGN;
	if (sig == SIGWINCH || sig == SIGCONT)
		return wake;
	return ends_nothing(sig) ? SIG_DFL : restore_and_end;
}

/* What somebody handles or ignores stays so, but for SIGPIPE. */
void mode_signals_set(struct mode_signals *signals)
{
	sigset_t blocked;

	for (int sig = 1; sig < NSIG; sig++) {
		struct sigaction mine = {.sa_handler = handler_for(sig)};

		sigfillset(&mine.sa_mask);
		signals->changed[sig] = false;
		if (mine.sa_handler == SIG_DFL || sigaction(sig, NULL, &signals->actions[sig]))
			continue;
		if (signals->actions[sig].sa_handler != SIG_DFL && sig != SIGPIPE)
			continue;
		signals->changed[sig] = !sigaction(sig, &mine, NULL);
	}
	sigemptyset(&blocked);
	sigaddset(&blocked, SIGWINCH);
	sigaddset(&blocked, SIGCONT);
	(void)sigprocmask(SIG_BLOCK, &blocked, &signals->before);
	signals->waiting = signals->before;
	sigdelset(&signals->waiting, SIGWINCH);
	sigdelset(&signals->waiting, SIGCONT);
}

void mode_signals_restore(const struct mode_signals *signals)
{
	for (int sig = 1; sig < NSIG; sig++) {
		if (signals->changed[sig])
			(void)sigaction(sig, &signals->actions[sig], NULL);
	}
	(void)sigprocmask(SIG_SETMASK, &signals->before, NULL);
}
