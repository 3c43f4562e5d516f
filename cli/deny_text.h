/*
 * deny_text.h: a denied call as people read it, with what only its thread can tell.
 *
 * What is read from the thread's memory is for display: it is its own to change.
 */
#ifndef SYSCLAMP_DENY_TEXT_H
#define SYSCLAMP_DENY_TEXT_H

#include <stdbool.h>
#include <stddef.h>

#include "args_text.h"
#include "deny.h"
#include "recording.h"
#include "stacks.h"

enum {
	DENY_STRING_MAX = 128, /* bytes of one text argument that are shown */
	DENY_TEXT_MAX = 16 * 1024, /* of one denial in all */
};

/* What was captured of a thread while it waited. */
struct deny_view {
	bool known;
	pid_t pid;
	bool has_stack; /* in the `stacks` it was captured with */
	char comm[32];
	char strings[SYSCALL_ARGS][2 * DENY_STRING_MAX];
	unsigned strings_known; /* bit by argument */
};

/**
 * Capture; may wait for the memory of the workload (userfaultfd(2), a file of FUSE), so never in
 * the thread that answers.
 *
 * @stacks: NULL: without.
 */
void deny_view_capture(struct deny_view *view, const struct deny_call *call, struct stacks *stacks);

/** "openat(AT_FDCWD, \"/etc/shadow\", O_RDONLY)".  @view: NULL: nothing was captured. */
void deny_text_call(
	const struct deny_call *call, const struct deny_view *view, char out[CALL_TEXT_MAX]);

/** "-1 EPERM", "killed": what the profile's action comes to. */
const char *deny_text_result(action_t action, char *out, size_t size);

/** "cat[1234] /usr/bin/cat". */
void deny_text_program(
	const struct deny_call *call, const struct deny_view *view, char *out, size_t size);

/** The frames of the stack that was captured last, a line each, indented; "" without. */
void deny_text_stack(const struct deny_view *view, struct stacks *stacks, char *out, size_t size);

#endif
