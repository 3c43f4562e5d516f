/*
 * ticker.h: a periodic interruption of blocking calls.
 *
 * A SIGALRM handler without SA_RESTART makes waitpid() return EINTR.  A tick that comes just before
 * the call blocks interrupts nothing; the next one, a period later, does.
 */
#ifndef SYSCLAMP_TICKER_H
#define SYSCLAMP_TICKER_H

#include <stdbool.h>
#include <time.h>

#include "err.h"

struct ticker {
	timer_t timer;
	bool running;
};

/** Start ticking each @period_ms; one ticker at a time.  SIGALRM is taken over and unblocked. */
int ticker_start(struct ticker *ticker, unsigned period_ms, struct err *e);
void ticker_stop(struct ticker *ticker);

/** Whether there was a tick since this was last asked. */
bool ticker_due(void);

#endif
