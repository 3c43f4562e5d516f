/*
 * sandbox_parts.h: what the two ways to run a command share: by itself (sandbox.c), and in a cage
 * (cage_run.c).
 */
#ifndef SYSCLAMP_SANDBOX_PARTS_H
#define SYSCLAMP_SANDBOX_PARTS_H

#include "sandbox.h"
#include "stage.h"

/** -EPERM unless the filter lets the execve that starts the command through; box->path is known. */
int sandbox_check_exec(const struct sandbox *box, struct err *e);

/** The stage of the box, its memory aside: for stage_start() or stage_here(). */
struct stage sandbox_stage(const struct sandbox *box);

/** What a stage that failed ended with, as an error; sets end->exec_errno if it was the command. */
int sandbox_explain(const struct stage *stage, struct launch_end *end, struct err *e);

/** Whether somebody has to be in the box's cage beside the command. */
bool sandbox_stays(const struct sandbox *box);

/**
 * Start the command as a child, held, and wait for it, between launch_hold_signals() and
 * launch_restore_signals().
 */
int sandbox_run_here(const struct sandbox *box, struct launch_end *end, struct err *e);

/**
 * Wait for child @pid to end, and share its suspensions.
 *
 * @reaps: whatever else ends meanwhile is waited for as well: the caller is process 1.
 */
int sandbox_wait(pid_t pid, bool reaps, int *out_status, struct err *e);

/**
 * From now on nobody but root may look into the caller, nor write to it.  Returns whether anybody
 * could before, for sandbox_open_memory().
 */
bool sandbox_close_memory(void);
void sandbox_open_memory(bool open);

#endif
