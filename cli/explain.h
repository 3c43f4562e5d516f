/*
 * explain.h: what a recording says of a call, for people and for scripts.
 */
#ifndef SYSCLAMP_EXPLAIN_H
#define SYSCLAMP_EXPLAIN_H

#include "args_text.h"
#include "recording.h"

enum {
	EXPLAIN_LABEL_MAX = SYSCALL_NAME_MAX + 16,
	EXPLAIN_FRAME_MAX = 2 * REC_FRAME_TEXT_MAX + 32,
};

/* Calls in an order of their own; borrowed from a recording. */
struct explain_list {
	const struct rec_call **calls; /* heap of the caller */
	size_t n_calls;
};

/** Without its ABI where that is this machine's: "socket", "i386:socket", "#999".  Returns @buf. */
const char *explain_label(const struct rec_call *call, char buf[EXPLAIN_LABEL_MAX]);

/** The earliest origin of the call, or NULL. */
const struct rec_origin *explain_first_origin(
	const struct recording *rec, const struct rec_call *call);

/** The call as its origin made it: "socket(AF_UNIX, SOCK_STREAM, 0)".  Returns @buf. */
const char *explain_origin(const struct rec_origin *origin, char buf[CALL_TEXT_MAX]);

/** "libc.so.6!__socket+0xb", "web+0x12f3".  Returns @buf. */
const char *explain_frame(const struct rec_frame *frame, char buf[EXPLAIN_FRAME_MAX]);

/** One value of a recorded argument.  Returns @buf. */
const char *explain_value(
	const struct rec_call *call, const struct rec_arg *arg, size_t i, char buf[ARG_TEXT_MAX]);

/** Values that stood together, "setsockopt(?, SOL_SOCKET, SO_KEEPALIVE)".  Returns @buf. */
const char *explain_tuple(const struct rec_call *call, size_t i, char buf[CALL_TEXT_MAX]);

/** Print a line for each call, in the order of their first times. */
void explain_print_all(const struct recording *rec);

/** Print all that is known of the calls. */
void explain_print(const struct recording *rec, const struct explain_list *list);

/** The same as JSON; errors: -ENOMEM. */
int explain_print_json(const struct recording *rec, const struct explain_list *list, struct err *e);

#endif
