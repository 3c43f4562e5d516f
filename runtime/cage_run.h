/*
 * cage_run.h: execute the description of a cage.
 *
 * Two processes take part: the launcher, which stays outside, and its child, which makes the cage
 * around itself and then becomes the command, or, where somebody has to stay inside (process 1 of
 * ours, late loading, a supervisor), starts it.  The launcher writes the maps of ids, runs the
 * hooks that belong outside, sends signals on and reports.  What the child has to say it leaves in
 * memory that both share, so that it arrives from behind a filter as well.
 */
#ifndef SYSCLAMP_CAGE_RUN_H
#define SYSCLAMP_CAGE_RUN_H

#include "sandbox.h"

/**
 * Run the box's command in its cage; as sandbox_run(), which calls this.
 *
 * launch_hold_signals() is in force.  Whatever fails before the command's execve leaves nothing
 * behind: no process, and with their last process all namespaces and mounts go.
 */
int cage_run(const struct sandbox *box, struct launch_end *end, struct err *e);

#endif
