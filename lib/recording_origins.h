/*
 * recording_origins.h: where the calls of a recording come from.
 *
 * An origin is the first sight of a call in one program and one phase: which thread made it, when,
 * with which arguments, and through which functions.  Origins are for people: nothing is derived
 * from them, and where there is no room for one, nothing is lost but that one.
 */
#ifndef SYSCLAMP_RECORDING_ORIGINS_H
#define SYSCLAMP_RECORDING_ORIGINS_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "syscalls.h"

enum {
	RECORDING_ORIGINS_MAX = 8192, /* of one recording; of more, the earliest are kept */
	REC_FRAMES_MAX = 32, /* of one stack */
	REC_FRAME_TEXT_MAX = 1023, /* bytes of a file's name, and of a function's */
};

struct recording;

struct rec_frame {
	char *module; /* the file that is mapped there: a path, "[vdso]", or ""; heap */
	char *symbol; /* the function in it; "" if it is not known; has no '!'; heap */
	uint64_t offset; /* from the symbol, without one from the start of the file */
};

struct rec_origin {
	const struct abi *abi;
	uint32_t nr;
	uint32_t program, phase; /* indexes into recording.programs and .phases */
	pid_t pid, tid; /* as the recorder sees them */
	uint64_t time_ns; /* since the Unix epoch; not 0 */
	uint64_t values[SYSCALL_ARGS]; /* the registers, whatever the kernel looks at of them */
	struct rec_frame *frames; /* heap: the innermost first; none if the stack is not known */
	size_t n_frames;
};

/**
 * Note the first sight of a call.  Of one call, program and phase the earliest is kept, whatever
 * the order in which they come.
 *
 * @rec: a recorder's own: one source.
 * @program, @phase: indexes of names that the call was noted with before.
 *
 * Returns the entry, to which frames can be added until the next call of this function; or NULL if
 * an earlier one is there, the call was not noted like that, there is no memory, or past
 * RECORDING_ORIGINS_MAX.
 */
struct rec_origin *rec_origin_add(struct recording *rec, const struct abi *abi, uint32_t nr,
	size_t program, size_t phase, pid_t pid, pid_t tid, uint64_t time_ns,
	const uint64_t values[SYSCALL_ARGS]);

/**
 * Add the next frame, one further out.
 *
 * @module, @symbol: "" or NULL if not known; made UTF-8, cut to REC_FRAME_TEXT_MAX; a '!' in a
 * symbol becomes '?'.
 *
 * Returns 0, -E2BIG past REC_FRAMES_MAX, or -ENOMEM; then the stack is as it was.
 */
int rec_origin_add_frame(
	struct rec_origin *origin, const char *module, const char *symbol, uint64_t offset);

/** Release the frames; takes a zeroed one, too: for origins that are in no recording. */
void rec_origin_done(struct rec_origin *origin);

/**
 * The origins of one call, sorted by the names of program and phase, bytewise; @out_n how many.
 * NULL if there is none.
 */
const struct rec_origin *rec_origins_of(
	const struct recording *rec, const struct abi *abi, uint32_t nr, size_t *out_n);

#endif
