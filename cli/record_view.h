/*
 * record_view.h: what a person sees of a recording under way and at its end, on standard error.
 */
#ifndef SYSCLAMP_RECORD_VIEW_H
#define SYSCLAMP_RECORD_VIEW_H

#include <stdbool.h>
#include <sys/types.h>

#include "recording.h"

/*
 * Draw the live line, if standard error is our terminal, we are in its foreground, and nobody has
 * set it to raw mode, as editors do.
 *
 * The line goes below the cursor, which stays where it is: what the command has written, a prompt
 * perhaps, stays, and the command goes on writing there.
 */
void view_status(const struct recording *rec);

/* Remove the live line, if one is drawn. */
void view_clear(void);

/* Task @tid is about to write to its descriptor @fd: remove the line if that is our terminal. */
void view_before_write(pid_t tid, unsigned fd);

/* Whether the command (process @pid) may write to our terminal unseen: not if it certainly cannot.
 */
bool view_is_shared(pid_t pid);

/* What a recording does not show, or shows to be missing. */
void view_warnings(const struct recording *rec);

/*
 * The table at the end, and the next command to type.
 *
 * @file: where the recording went; @stream: that is no file that could be named to a command.
 */
void view_summary(const struct recording *rec, const char *file, bool stream);

#endif
