/*
 * launch.h: what every command that runs a command does alike: find it, pass signals on, and turn
 * its end into an exit status.
 */
#ifndef SYSCLAMP_LAUNCH_H
#define SYSCLAMP_LAUNCH_H

#include <signal.h>
#include <stdbool.h>
#include <sys/types.h>

#include "err.h"

enum {
	EXIT_OWN_FAILURE = 125, /* env(1), podman-run(1) */
	EXIT_NOT_EXECUTABLE = 126,
	EXIT_NOT_FOUND = 127,
	EXIT_SIGNAL_BASE = 128,
};

/* How a launched command ended, or why it did not start. */
struct launch_end {
	int exec_errno; /* above 0: the command could not be executed */
	int wait_status; /* of wait(2), otherwise */
};

/** The exit status for a command's end: its own, 128+n for a signal, 126/127 if not executed. */
int launch_exit_code(const struct launch_end *end);

/**
 * Find a command as execvp(3) would: with a slash as it is, otherwise along $PATH.
 *
 * @out_path: heap, owned by the caller.
 * Errors: -ENOENT "...: command not found", -EACCES found but not executable (a directory, no x
 * bit).
 */
int launch_find(const char *command, char **out_path, struct err *e);

/**
 * Keep the signals that end or suspend a job from ending the caller, which waits for process @pid:
 * a signal of the terminal (si_code SI_KERNEL) has reached the command already and is dropped; one
 * that somebody sent to the caller alone is sent on.  One caller at a time.
 *
 * Uses handlers, not SIG_IGN, which exec would pass on; the command must be forked before.
 */
int launch_forward_signals(pid_t pid, struct err *e);
void launch_restore_signals(void);

/**
 * The command was suspended by the job control of its terminal (@stop_signal SIGTSTP, SIGTTIN or
 * SIGTTOU): suspend the caller too, so that the shell notices; returns after SIGCONT, with the
 * command sent one as well.
 */
void launch_suspend_with(pid_t pid, int stop_signal);

#endif
