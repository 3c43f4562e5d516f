/*
 * recording_text.h: what a recording says of a call, as people write it.
 */
#ifndef SYSCLAMP_RECORDING_TEXT_H
#define SYSCLAMP_RECORDING_TEXT_H

#include "args_text.h"
#include "json.h"
#include "recording.h"

enum {
	REC_LABEL_MAX = SYSCALL_NAME_MAX + 16,
	REC_FRAME_LINE_MAX = 2 * REC_FRAME_TEXT_MAX + 32,
};

/** Without its ABI where that is this machine's: "socket", "i386:socket", "#999".  Returns @buf. */
const char *rec_text_label(const struct rec_call *call, char buf[REC_LABEL_MAX]);

/** The earliest origin of the call, or NULL. */
const struct rec_origin *rec_first_origin(const struct recording *rec, const struct rec_call *call);

/**
 * The frame of the origin that says most: the innermost in the program's own file, as what lies
 * below are libraries; where there is none, the innermost; NULL without a stack.
 */
const struct rec_frame *rec_own_frame(const struct recording *rec, const struct rec_origin *origin);

/** The call as its origin made it: "socket(AF_UNIX, SOCK_STREAM, 0)".  Returns @buf. */
const char *rec_text_origin(const struct rec_origin *origin, char buf[CALL_TEXT_MAX]);

/** "libc.so.6!__socket+0xb", "web+0x12f3".  Returns @buf. */
const char *rec_text_frame(const struct rec_frame *frame, char buf[REC_FRAME_LINE_MAX]);

/** One value of a recorded argument.  Returns @buf. */
const char *rec_text_value(
	const struct rec_call *call, const struct rec_arg *arg, size_t i, char buf[ARG_TEXT_MAX]);

/** Values that stood together, "setsockopt(?, SOL_SOCKET, SO_KEEPALIVE)".  Returns @buf. */
const char *rec_text_tuple(const struct rec_call *call, size_t i, char buf[CALL_TEXT_MAX]);

/** A member of the object that is open in @w: those of @names that are in @set. */
void rec_text_put_names(struct json_writer *w, const char *key, const struct rec_names *names,
	const struct bits *set);

#endif
