/*
 * recording.h: what a workload was seen to call.
 *
 * One recording is what one recorder saw of one workload, or the join of several such.  The join is
 * associative, commutative and idempotent, overlaps included: {a,b} + {b,c} = {a,b,c}.  Therefore
 * every call keeps the set of sources that saw it, its count is the largest in any one source, and
 * times are extremes.  The file format is described in sysclamp-recording(5).
 *
 * A source is named by its id; of one id, what a higher seq saw contains what a lower one saw.
 * Every text in a recording is UTF-8: bytes that are not were replaced (json_clean_text()).
 */
#ifndef SYSCLAMP_RECORDING_H
#define SYSCLAMP_RECORDING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bits.h"
#include "err.h"
#include "recording_args.h"
#include "recording_origins.h"
#include "syscalls.h"

#define RECORDING_KIND "sysclamp.recording"
/* recorder.backend of a recording that lacks the calls that a profile allowed meanwhile. */
#define RECORDING_BESIDE_PROFILE "notify-beside"
enum {
	RECORDING_VERSION = 1,
	RECORDING_ID_LEN = 32, /* hex digits: 128 random bits, or the hash of the sources */
	RECORDING_SIZE_MAX = 64 * 1024 * 1024, /* bytes of a file that the reader accepts */
	RECORDING_SOURCES_MAX = 65536,
	RECORDING_CALLS_MAX = 16384, /* a workload may try any of 2^32 numbers */
	RECORDING_NAMES_MAX = 65536, /* in each of phases, programs, mapped */
	RECORDING_ARGV_MAX = 1024 * 1024, /* more than execve(2) passes on: a quarter of 24 MiB */
};

/* The ways to lose something.  Any counter above zero makes a recording incomplete. */
enum loss {
	LOSS_UNREADABLE, /* a call was noticed but its number could not be read */
	LOSS_UNTRACED, /* a process was started in a way that escapes the recorder */
	LOSS_NO_MEMORY, /* a call was not noted: no memory, or RECORDING_CALLS_MAX reached */
	LOSS_STRICT_REFUSED, /* the recorder's filter kept the workload from strict mode */
	LOSS_INHERIT_FAILURES, /* ebpf: a new process could not be given its parent's target */
	LOSS_MAP_FULL, /* ebpf: no room in a kernel map */
	LOSS_OUT_OF_RANGE, /* ebpf: a number beyond the kernel-side table */
	LOSS_MISSED_RECURSION, /* ebpf: the kernel skipped the program on a nested event */
	LOSS_RING_FULL, /* ebpf: the text of a first sighting was dropped */
	LOSS_LATE_RETURNS, /* ebpf: a filter was loaded before returns of calls were watched */
	LOSS_WAYS,
};

/** The name of a way to lose, as in the file: "unreadable". */
const char *loss_name(enum loss way);

struct rec_source {
	char id[RECORDING_ID_LEN + 1];
	uint64_t seq; /* grows with each refresh of the file; of one id, the highest wins */
	bool complete; /* it ran to its end and lost nothing */
};

struct rec_call {
	const struct abi *abi;
	uint32_t nr; /* as the kernel was given it; x32's with X32_BIT */
	uint64_t count; /* calls made, denied ones included; in the source that saw most */
	/* Of these; in a join, what is left of count by the source in which most went through. */
	uint64_t denied; /* refused by a filter of the workload or its launcher */
	uint64_t enosys; /* answered ENOSYS; counted for numbers without a name only */
	uint64_t first_ns, last_ns; /* since the Unix epoch; last_ns may be a refresh period old */
	struct bits sources; /* indexes into recording.sources */
	struct bits programs; /* indexes into recording.programs */
	struct bits phases; /* indexes into recording.phases */
	struct bits *seen; /* heap: rec_call_seen_in(); NULL: all of sources in each of phases */
	struct rec_args *args; /* of all the calls that count counts; heap; NULL: rec_call_args() */
};

/*
 * A list of different strings, heap: in order of first appearance in a recording with one source,
 * sorted (strcmp) in one with more.  Grows by powers of two: only through rec_names_index().
 */
struct rec_names {
	char **names;
	size_t n_names;
};

struct rec_workload {
	struct rec_names argv;
	char *cwd;
	uint64_t started_ns, ended_ns; /* since the Unix epoch; ended_ns is 0 until it has ended */
	int status; /* as a shell gives it (128+n for a signal); -1: not known, or not ended */
};

struct recording {
	char id[RECORDING_ID_LEN + 1]; /* of the only source, or a hash of the sources' ids */
	uint64_t seq; /* the highest of the sources' */
	struct rec_source *sources; /* sorted by id */
	size_t n_sources;
	struct rec_workload workload; /* of a join: of the source with the smallest id */
	char *host_kernel, *host_machine; /* uname(2): release, machine */
	char *recorder_version, *recorder_backend;
	struct rec_names phases, programs, mapped;
	uint64_t loss[LOSS_WAYS];
	bool complete; /* every source is, and loss is all zero */
	struct rec_call *calls; /* sorted by (row of the ABI table, nr) */
	size_t n_calls, room_calls;
	struct rec_origin *origins; /* sorted by call, name of the program, name of the phase */
	size_t n_origins, room_origins;
};

/**
 * Make an empty recording with a random id, one source (itself), and the host's names.
 *
 * @out: overwritten; to be released with recording_done().
 * @backend: of the recorder: "ptrace".
 */
int recording_init(struct recording *out, const char *backend, struct err *e);

/** Release everything; takes a zeroed or half-built one too. */
void recording_done(struct recording *rec);

/**
 * Note what is being run: @argv NULL-terminated; cwd and start time are read here.  A cwd that
 * cannot be read (getcwd(3): it was removed, or is out of reach) is noted as "".
 */
int recording_set_workload(struct recording *rec, char *const *argv, struct err *e);

/** The same for what runs already, in the directory @cwd. */
int recording_set_running(struct recording *rec, char *const *argv, const char *cwd, struct err *e);

/**
 * Note the end: @status as a shell gives it, 0...255, or -1 if it is not known.  The recording is
 * complete if nothing was lost until here.
 */
void recording_end(struct recording *rec, int status);

/**
 * The entry of a call, made on first use with nothing but the source in it.  Valid until the next
 * call of this function.  @rec must have one source: a recorder's own.
 * NULL without memory or past RECORDING_CALLS_MAX, and then LOSS_NO_MEMORY has been counted.
 */
struct rec_call *recording_call(struct recording *rec, const struct abi *abi, uint32_t nr);

/** The entry of a call, or NULL. */
const struct rec_call *recording_find(
	const struct recording *rec, const struct abi *abi, uint32_t nr);

/** The name of the call for people, "#999" without one, in @buf (SYSCALL_NAME_MAX); returns @buf.
 */
const char *rec_call_name(const struct rec_call *call, char *buf);

/**
 * The sources that saw the call in a phase, indexes into recording.sources.
 *
 * @phase: a member of @call's phases.
 */
const struct bits *rec_call_seen_in(const struct rec_call *call, size_t phase);

/** What is recorded of the call's arguments; never NULL. */
const struct rec_args *rec_call_args(const struct rec_call *call);

/** The same, to be filled; NULL without memory. */
struct rec_args *rec_call_own_args(struct rec_call *call);

/**
 * The index of @name in @names, added if need be, or SIZE_MAX without memory or past
 * RECORDING_NAMES_MAX.
 */
size_t rec_names_index(struct rec_names *names, const char *name);

/** Append all of @from to @names, as they stand: the words of a command.  -ENOMEM leaves some out.
 */
int rec_names_append(struct rec_names *names, const struct rec_names *from);

/** Release the names; takes a zeroed list, too. */
void rec_names_done(struct rec_names *names);

/** The sum of the loss counters; stays at UINT64_MAX rather than wrap. */
uint64_t recording_losses(const struct recording *rec);

/**
 * Join @from into @into, in time linear in the size of both.  On failure @into is as it was.
 *
 * Sources united, of one id the higher seq; per call the union of sources, programs and phases,
 * per phase of a call the union of the sources that saw it there, the join of the arguments
 * (rec_args_join()), the earliest origins, the largest counts of calls made, of calls not denied
 * and of calls not answered ENOSYS, the earliest first and the latest last time (0 is unset); per
 * way to lose the largest counter; workload, host and recorder of the smallest id (of its highest
 * seq).
 *
 * @into: may be zeroed: the join is then a copy of @from.
 * Errors: -ENOMEM; -E2BIG past RECORDING_SOURCES_MAX, _CALLS_MAX or _NAMES_MAX.
 */
int recording_merge(struct recording *into, const struct recording *from, struct err *e);

/**
 * Tell @to of each phase that was never seen: the start of what ran already, serving by what
 * listens, a mark after which nothing was called.
 */
void recording_tell_phases(const struct recording *rec, const struct notice *to);

/**
 * Whether a source of @rec saw nothing of its workload's start: it recorded what ran already.
 * False of a source that knew no phases.
 *
 * @phases: which alone count, indexes: a source that saw no call in them is passed over; NULL: all.
 */
bool recording_began_late(const struct recording *rec, const struct bits *phases);

/*
 * Many recordings on their way into one.  They are joined in pairs of about equal size, so that
 * the cost of all of it is near-linear: slot i is empty or the join of 2^i recordings.
 */
enum { REC_PILE_SLOTS = 32 };
struct rec_pile {
	struct recording slots[REC_PILE_SLOTS];
};

/** Add @rec, which is emptied.  After a failure the pile is good for rec_pile_done() only. */
int rec_pile_add(struct rec_pile *pile, struct recording *rec, struct err *e);

/**
 * The join of all that was added (zeroed if nothing was) to @out, and empty the pile.  After a
 * failure as above.
 */
int rec_pile_join(struct rec_pile *pile, struct recording *out, struct err *e);
void rec_pile_done(struct rec_pile *pile);

/**
 * Write the file's text: heap, owned by the caller.  Same recording, same bytes.  Origins are left
 * out if it would be larger with them than the reader accepts.
 * Errors: -ENOMEM; -EFBIG: it would be larger than the reader accepts.
 */
int recording_emit(const struct recording *rec, char **out_text, size_t *out_size, struct err *e);

/**
 * Read a file's text.  Unknown keys are refused; other versions are, with a hint.
 *
 * @name: of the file, for errors: "<name>: <path in it>: <what>".
 * @text: @size bytes, overwritten in part (json_parse()).
 */
int recording_parse(
	const char *name, char *text, size_t size, struct recording *out, struct err *e);

/** Read a file, "-" for standard input. */
int recording_read(const char *path, struct recording *out, struct err *e);

/**
 * Emit with the next seq and replace @path atomically (file_replace()): the recorder's refresh.
 * A join has no seq of its own and is written as it is.
 */
int recording_write(struct recording *rec, const char *path, struct err *e);

/** The same by file_replace_unsynced(): where many are refreshed at a time. */
int recording_write_unsynced(struct recording *rec, const char *path, struct err *e);

/** Nanoseconds since the Unix epoch. */
uint64_t now_ns(void);

/** Nanoseconds on a clock that nobody sets: for periods. */
uint64_t steady_ns(void);

#endif
