/*
 * terminal_mode.h: raw mode of the caller's terminal, which it always gets out of again.
 * Others include terminal.h.
 */
#ifndef SYSCLAMP_TERMINAL_MODE_H
#define SYSCLAMP_TERMINAL_MODE_H

#include <signal.h>
#include <stdbool.h>

/*
 * Signals around the relay: those that would end the caller restore the terminal first; SIGPIPE is
 * ignored; SIGWINCH and SIGCONT are blocked but in @waiting, where they interrupt.
 */
struct mode_signals {
	sigset_t before, waiting;
	struct sigaction actions[NSIG];
	bool changed[NSIG];
};

void mode_signals_set(struct mode_signals *signals);
void mode_signals_restore(const struct mode_signals *signals);

/**
 * Whether standard input may be read: it is no terminal, or one in whose foreground the caller is.
 * There it is put into raw mode.  To be asked again after SIGCONT.
 */
bool mode_enter(void);

/** Give the terminal its settings back. */
void mode_leave(void);

#endif
