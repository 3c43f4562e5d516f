/*
 * recording.h: what a workload was seen to call.
 *
 * One recording is what one recorder saw of one workload, or the join of several such.  The join is
 * associative, commutative and idempotent, overlaps included: {a,b} + {b,c} = {a,b,c}.  Therefore
 * every call keeps the set of sources that saw it, its count is the largest in any one source, and
 * times are extremes.  The file format is described in sysclamp-recording(5).
 */
#ifndef SYSCLAMP_RECORDING_H
#define SYSCLAMP_RECORDING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bits.h"
#include "err.h"
#include "syscalls.h"

#define RECORDING_KIND "sysclamp.recording"
enum {
	RECORDING_VERSION = 1,
	RECORDING_ID_LEN = 32, /* hex digits: 128 random bits, or the hash of the sources */
	RECORDING_SIZE_MAX = 64 * 1024 * 1024, /* bytes of a file that the reader accepts */
};

/* The ways to lose something.  Any counter above zero makes a recording incomplete. */
enum loss {
	LOSS_UNREADABLE, /* a call was noticed but its number could not be read */
	LOSS_UNTRACED, /* a process was started in a way that escapes the recorder */
	LOSS_NO_MEMORY, /* the recorder had no memory to note a call */
	LOSS_STRICT_REFUSED, /* the recorder's filter kept the workload from strict mode */
	LOSS_INHERIT_FAILURES, /* ebpf: a new process could not be given its parent's target */
	LOSS_MAP_FULL, /* ebpf: no room in a kernel map */
	LOSS_OUT_OF_RANGE, /* ebpf: a number beyond the kernel-side table */
	LOSS_MISSED_RECURSION, /* ebpf: the kernel skipped the program on a nested event */
	LOSS_RING_FULL, /* ebpf: the text of a first sighting was dropped */
	LOSS_WAYS,
};

/** The name of a way to lose, as in the file: "unreadable". */
const char *loss_name(enum loss way);

struct rec_source {
	char id[RECORDING_ID_LEN + 1];
	uint64_t seq; /* grows with each refresh of the file; of one id, the highest wins */
};

struct rec_call {
	const struct abi *abi;
	uint32_t nr; /* as the kernel was given it; x32's with X32_BIT */
	uint64_t count; /* calls made, denied ones included; in the source that saw most */
	uint64_t denied; /* of these, refused by a filter of the workload or its launcher */
	uint64_t enosys; /* of these, answered ENOSYS; counted for numbers without a name only */
	uint64_t first_ns, last_ns; /* since the Unix epoch; last_ns may be a refresh period old */
	struct bits sources; /* indexes into recording.sources */
	struct bits programs; /* indexes into recording.programs */
	struct bits phases; /* indexes into recording.phases */
};

/* A list of strings, heap, in order of first appearance. */
struct rec_names {
	char **names;
	size_t n_names;
};

struct rec_workload {
	struct rec_names argv;
	char *cwd;
	uint64_t started_ns, ended_ns; /* since the Unix epoch; ended_ns is 0 until it has ended */
	int status; /* exit status as a shell gives it (128+n for a signal), -1 until it has ended
		     */
};

struct recording {
	char id[RECORDING_ID_LEN + 1];
	uint64_t seq;
	struct rec_source *sources; /* sorted by id */
	size_t n_sources;
	struct rec_workload workload; /* of a join: of the source with the smallest id */
	char *host_kernel, *host_machine; /* uname(2): release, machine */
	char *recorder_version, *recorder_backend;
	struct rec_names phases, programs, mapped;
	uint64_t loss[LOSS_WAYS];
	bool complete; /* every source ran to its end and lost nothing */
	struct rec_call *calls; /* sorted by (row of the ABI table, nr) */
	size_t n_calls, room_calls;
};

/** Make an empty recording with a random id, one source (itself), and the host's names. */
int recording_init(struct recording *rec, const char *backend, struct err *e);

/** Release everything; takes a zeroed or half-built one too. */
void recording_done(struct recording *rec);

/** Note what is being run: @argv NULL-terminated; cwd and start time are read here. */
int recording_set_workload(struct recording *rec, char *const *argv, struct err *e);

/** Note the end: @status as a shell gives it.  The recording is complete if nothing was lost. */
void recording_end(struct recording *rec, int status);

/**
 * The entry of a call, made on first use.  Valid until the next call of this function.
 * NULL without memory, and then LOSS_NO_MEMORY has been counted.
 */
struct rec_call *recording_call(struct recording *rec, const struct abi *abi, uint32_t nr);

/** The entry of a call, or NULL. */
const struct rec_call *recording_find(
	const struct recording *rec, const struct abi *abi, uint32_t nr);

/** The index of @name in @names, added if need be, or SIZE_MAX without memory. */
size_t rec_names_index(struct rec_names *names, const char *name);

/** The sum of the loss counters. */
uint64_t recording_losses(const struct recording *rec);

/** Join @from into @into.  On failure @into is as it was. */
int recording_merge(struct recording *into, const struct recording *from, struct err *e);

/** Write the file's text: heap, owned by the caller.  Same recording, same bytes. */
int recording_emit(const struct recording *rec, char **out_text, size_t *out_size, struct err *e);

/**
 * Read a file's text.  Unknown keys are refused; other versions are, with a hint.
 *
 * @name: of the file, for errors.
 * @text: @size bytes, overwritten in part (json_parse()).
 */
int recording_parse(
	const char *name, char *text, size_t size, struct recording *out, struct err *e);

/** Read a file, "-" for standard input. */
int recording_read(const char *path, struct recording *out, struct err *e);

/** Emit with the next seq and replace @path atomically (file_replace()). */
int recording_write(struct recording *rec, const char *path, struct err *e);

/** Nanoseconds since the Unix epoch. */
uint64_t now_ns(void);

#endif
