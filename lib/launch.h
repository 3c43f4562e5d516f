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
 * A script without a "#!" line is found like any other; execve(2) then refuses it with ENOEXEC.
 *
 * @out_path: heap, owned by the caller.
 * Errors: -ENOENT "...: command not found", -EACCES found but not executable (a directory, no x
 * bit); what else keeps a path with a slash from being looked at (-ELOOP, -ENAMETOOLONG, ...).
 */
int launch_find(const char *command, char **out_path, struct err *e);

/*
 * Signals around a command, in this order, all from one thread, for one command at a time:
 *
 *	launch_hold_signals(e)          before the fork
 *	  launch_child_signals()        in the child, before exec
 *	launch_forward_signals(pid, e)  in the parent, after the fork
 *	launch_restore_signals()        after the command was reaped, or when there was no fork
 *
 * Without the first two a signal that arrives between the fork and the forwarding ends the caller
 * and leaves the command behind.
 */

/**
 * Block all signals, and let ended children wait to be reaped even if the caller was started with
 * SIGCHLD ignored (wait(2): their status would be lost).
 *
 * Errors: -EBUSY: another command is being waited for.
 */
int launch_hold_signals(struct err *e);

/**
 * Block all signals in the calling thread, those included that sigprocmask(3) leaves to the C
 * library, and that end whoever has no use for them.
 */
void launch_block_signals(void);

/**
 * Give the child what the caller had before launch_hold_signals(): ignored signals and the mask.
 * Handlers are reset first, so that none runs in a child that shares the caller's memory
 * (CLONE_VM): those of the signals that are forwarded, of SIGALRM and SIGCONT, and of the errors of
 * a program.  A caller with a handler for any other has to have it added there.  System calls only;
 * not possible behind a filter.
 *
 * Returns 0 or -errno: the child must not start the command then, which would find signals blocked.
 */
int launch_child_signals(void);

/**
 * No signal is ignored or handled, those included that sigaction(3) leaves to the C library: its
 * posix_spawn(3), by which make(1) starts programs, leaves them ignored.  For a process that is
 * about to execute a program.  Returns 0 or -errno.
 */
int launch_default_signals(void);

/**
 * Between launch_hold_signals() and launch_child_signals(): the command is to find no signal
 * blocked or ignored, whatever the caller had.  Returns 0 or -errno.
 */
int launch_fresh_signals(void);

/**
 * Keep the signals that end or suspend a job (HUP INT QUIT TERM USR1 USR2 WINCH TSTP TTIN TTOU)
 * from ending the caller, which waits for process @pid, a child not reaped yet.
 *
 * One that the terminal sent (si_code SI_KERNEL) to a process group that the command is in has
 * reached the command already and is dropped; so is one that the command itself sent.  All others
 * are sent on.  A sender that signals the whole group makes the command receive it twice: the two
 * cannot be told apart.
 *
 * Handlers, not SIG_IGN, which exec would pass on.  They restart system calls (SA_RESTART), so that
 * nothing the caller does is cut short: waitpid() sees no EINTR from them, while poll(),
 * epoll_wait() and other waits with a timeout do (signal(7)).  Except TTIN and TTOU: a caller in
 * the background that writes to a terminal with TOSTOP set, or reads from it, gets EINTR instead of
 * trying forever, and has its whole group stopped: compare tcgetpgrp() with getpgrp() first.
 *
 * Ends what launch_hold_signals() blocks; the signals above are unblocked in any case.
 * Errors: -EBUSY as above, if called without it.
 */
int launch_forward_signals(pid_t pid, struct err *e);

/**
 * A signal that was to be sent on when the command had ended already (and was waited for: until
 * then it can be sent on), 0 if there was none since this was last asked.
 */
int launch_left_signal(void);

/** Undo all of the above.  Safe to call at any point of the order, twice too. */
void launch_restore_signals(void);

/**
 * The command was stopped (WIFSTOPPED, WSTOPSIG): suspend the caller too where job control wants
 * that, so that the shell notices; returns after SIGCONT, with the command continued as well.
 *
 * SIGTSTP, SIGTTIN, SIGTTOU: if the caller is the job of a shell, which alone could continue it;
 * SIGSTOP (programs do that to themselves to suspend) only if it is the one in the foreground of
 * the terminal.  Otherwise somebody stopped the command and will continue it: returns at once.
 */
void launch_suspend_with(pid_t pid, int stop_signal);

/*
 * In memory of both: of the command's stops, how many the launcher outside was told of, and from
 * which of them it goes on.  A SIGCONT that it sends for one is no answer to the next.
 */
struct launch_stops {
	volatile unsigned told, answered;
};

/**
 * The caller waits for a command in the place of a launcher outside, a process of which it is: what
 * is process 1 of a PID namespace cannot be stopped from within.  When the command is stopped, the
 * launcher is told (one byte, the number of the signal, on the socket @outer) and suspends itself;
 * when the caller gets SIGCONT, it continues the command.
 *
 * @outer: not closed; -1: nobody wants to know.
 * @stops: for as long as the caller runs; NULL: any SIGCONT continues the command.
 */
void launch_nest(int outer, struct launch_stops *stops);

/** The caller is that launcher outside; @stops: NULL at the end. */
void launch_answer(struct launch_stops *stops);

/**
 * waitpid(2) with WUNTRACED, for @which: a child, or -1.  A nested caller's command that was
 * stopped has been told of, and 0 is returned instead.
 */
pid_t launch_wait(pid_t which, int *status);

/** Tell of a stop, if the caller is nested; returns whether it is. */
bool launch_tell_stop(int stop_signal);

/**
 * SIGTSTP stops the command by SIGSTOP, until launch_restore_signals(): one that is process 1, or
 * leads a session that has nobody else, does not stop by itself (signal(7), setpgid(2): orphaned
 * process groups).
 */
void launch_stop_by_force(void);

/*
 * The two halves of launch_suspend_with(), for a launcher of two processes in one process group:
 * whether the one whose parent is @shell has to be suspended; and, when it was continued, continue
 * the child @pid of the caller, unless something has happened to it since its stop was waited for.
 */
bool launch_suspends(pid_t shell, int stop_signal);
void launch_continue(pid_t pid);

#endif
