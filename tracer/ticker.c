#include "ticker.h"

#include <errno.h>
#include <signal.h>
#include <stddef.h>

/* The one thing that a signal handler can reach. */
static volatile sig_atomic_t ticked;

static void on_tick(int sig)
{
	(void)sig;
	ticked = 1;
}

bool ticker_due(void)
{
	if (!ticked)
		return false;
	ticked = 0;
	return true;
}

int ticker_start(struct ticker *ticker, unsigned period_ms, struct err *e)
{
	const struct timespec period = {
		.tv_sec = period_ms / 1000,
		.tv_nsec = (long)(period_ms % 1000) * 1000000,
	};
	const struct itimerspec setting = {.it_interval = period, .it_value = period};
	struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGALRM};
	struct sigaction action = {.sa_handler = on_tick};
	sigset_t alarm_only;

	sigemptyset(&alarm_only);
	sigaddset(&alarm_only, SIGALRM);
	if (sigaction(SIGALRM, &action, NULL) || sigprocmask(SIG_UNBLOCK, &alarm_only, NULL) ||
		timer_create(CLOCK_MONOTONIC, &event, &ticker->timer))
		return err_sys(e, errno, "cannot set up a timer");
	ticker->running = true;
	if (timer_settime(ticker->timer, 0, &setting, NULL))
		return err_sys(e, errno, "cannot start a timer");
	return 0;
}

void ticker_stop(struct ticker *ticker)
{
	/* The handler stays: a tick that is still pending must find it. */
	if (ticker->running)
		(void)timer_delete(ticker->timer);
	ticker->running = false;
}
