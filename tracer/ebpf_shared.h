/*
 * ebpf_shared.h: what the programs in the kernel (ebpf.bpf.c) and their reader (ebpf_*.c) share:
 * the layout of the maps.  Fixed-width types of each side; no padding, so that both agree.
 */
#ifndef SYSCLAMP_EBPF_SHARED_H
#define SYSCLAMP_EBPF_SHARED_H

#ifdef __bpf__
typedef unsigned char ebpf_u8;
typedef unsigned short ebpf_u16;
typedef unsigned int ebpf_u32;
typedef unsigned long long ebpf_u64;
#else
#include <stdint.h>
typedef uint8_t ebpf_u8;
typedef uint16_t ebpf_u16;
typedef uint32_t ebpf_u32;
typedef uint64_t ebpf_u64;
#endif

/* How an x86-64 kernel was entered; x32 is EBPF_X86_64 with a bit in the number. */
enum ebpf_entry { EBPF_X86_64, EBPF_I386, EBPF_ENTRIES };

enum {
	EBPF_NRS = 512, /* numbers below this have a slot, all others are odd; so is x32 */
	EBPF_SLOTS = EBPF_ENTRIES * EBPF_NRS, /* a power of two */
	EBPF_WORDS = EBPF_SLOTS / 64, /* of a set of slots */
	EBPF_LANES_MAX = 16, /* on more CPUs than that several share one */
	EBPF_PHASES = 32,
	EBPF_CGROUP_DEPTH_MAX = 16, /* of the ancestors that are looked at */
	EBPF_NAME_MAX = 128, /* of a cgroup, as far as it is told */
	EBPF_PATH_MAX = 4096,
	EBPF_ARGS = 3, /* recorded of a call (ARGS_PER_CALL_MAX of lib/args.h) */
	EBPF_TUPLES_MAX =
		33, /* kept of a call: one more than a recording does, which says "many" */
	EBPF_RECENTS = 32, /* a power of two */
	EBPF_KNOWN = 32, /* threads that a CPU knows, a power of two */
	EBPF_CPU_BITS = 64,
	EBPF_REGS = 17, /* of a 64-bit thread, by their numbers in DWARF (System V ABI, AMD64) */
	EBPF_CALL_ARGS = 6,
	EBPF_CALL_ROOM = 8, /* for these: a power of two */
	EBPF_CALL_NEAR = 4, /* of these, that are looked at on the short way */
	EBPF_ACKS = 256, /* a power of two */
	EBPF_LATE_MAX = 16,
	EBPF_ALARM_BYTES = 4096,
};

/* The calls of a target made on one lane: a CPU, or one of several. */
struct ebpf_counts {
	ebpf_u64 calls[EBPF_SLOTS];
};

/* What is known of a call beyond that. */
struct ebpf_fact {
	ebpf_u64 first_ns; /* CLOCK_MONOTONIC */
	ebpf_u64 denied;
};

/* Which arguments of a call are recorded. */
struct ebpf_arg_spec {
	ebpf_u64 masks[EBPF_CALL_ARGS]; /* 0, the lower half, or the whole register */
	ebpf_u8 n;
	ebpf_u8 far; /* not on the short way: one is beyond, or they matter for more, each time */
	ebpf_u8 index[EBPF_ARGS];
	ebpf_u8 reserved[11];
};

/* A tuple of arguments that a target's call was made with, or a single one. */
struct ebpf_tuple_key {
	ebpf_u32 target, slot;
	ebpf_u32 kind; /* enum ebpf_tuple_kind */
	ebpf_u32 reserved;
	ebpf_u64 values[EBPF_ARGS]; /* cut to the kernel's width; unused ones are 0 */
};

/* EBPF_TUPLE_VALUE + i: values[0] is that of argument i alone. */
enum ebpf_tuple_kind { EBPF_TUPLE_ALL, EBPF_TUPLE_VALUE, EBPF_TUPLE_KINDS = 1 + EBPF_ARGS };

struct ebpf_tuples_key {
	ebpf_u32 target, slot;
};

/* How many there are of each kind. */
struct ebpf_tuples {
	ebpf_u32 n[EBPF_TUPLE_KINDS];
};

/* What a thread's calls go by. */
struct ebpf_whose {
	ebpf_u32 target; /* 0: nobody's, or nobody's any more */
	ebpf_u32 epoch; /* of the target, when what is known of the thread was begun */
	ebpf_u32 program;
	ebpf_u32 joined; /* it came from outside, by an execve */
};

/*
 * Calls that need nothing but counting, by their arguments.  One of zeros is nobody's: slot 0, read
 * of x86-64, has no arguments that are recorded.
 */
struct ebpf_recent {
	ebpf_u32 epoch; /* of the target: never starts anew */
	ebpf_u32 slot, program, joined;
	ebpf_u64 args[EBPF_CALL_ARGS]; /* what is recorded of each */
};

struct ebpf_recents {
	struct ebpf_recent rows[EBPF_RECENTS];
};

enum ebpf_target_state { EBPF_FREE, EBPF_IN_USE };

/*
 * What the reader says of a mount namespace that was found.  Unless it is wanted, a thread of it
 * that executes a program in another one leaves: what it was may be an engine with mounts of its
 * own.
 */
enum ebpf_verdict {
	EBPF_NOT_ASKED,
	EBPF_UNSURE, /* counted, in case */
	EBPF_WANTED,
	EBPF_UNWANTED /* not counted any more */
};

/* The calls of a thread that joined from outside go by this phase (lib/phase.h), whatever else. */
enum { EBPF_PHASE_START, EBPF_PHASE_SERVE, EBPF_PHASE_EXEC };

/*
 * Whose calls go into one recording.  Entry 0 stands for nobody.
 *
 * @epoch grows with each phase, and never starts anew: a thread compares its own with it at each
 * call, and so notices that a phase has begun, or that the entry belongs to somebody else now.
 * That of entry 0 grows with each thread that becomes one of a target: who was nobody's may be
 * somebody's now.  0 is no epoch.
 */
struct ebpf_target {
	ebpf_u32 state; /* enum ebpf_target_state */
	ebpf_u32 epoch;
	ebpf_u32 begun; /* epoch at which the entry was taken into use */
	ebpf_u32 phase;
	ebpf_u32 listening; /* a call for listen(2), or inherited: the next wait begins to serve */
	ebpf_u32 follows; /* children of its threads belong to it, also those born before it */
	ebpf_u32 leaves; /* a thread that leaves its cgroup leaves it */
	ebpf_u32 first; /* process that begins it by an execve, if that is known */
	ebpf_u32 started;
	ebpf_u32 odds; /* different odd numbers */
	ebpf_u32 found_pid; /* process whose execve it was found by */
	ebpf_u32 verdict; /* enum ebpf_verdict */
	ebpf_u32 tuples; /* whether any were kept */
	ebpf_u32 reserved;
	ebpf_u64 live; /* threads */
	ebpf_u64 news; /* grows with whatever is seen for the first time */
	ebpf_u64 mount_space; /* mount namespace that it is known by (proc_mount_space()), or 0 */
	/* Where it was found: its cgroup, the one above it, and one of version 1. */
	char cgroup[3][EBPF_NAME_MAX];
	ebpf_u64 phases[EBPF_PHASES][EBPF_WORDS]; /* slots by phase */
	ebpf_u64 args_unknown[EBPF_WORDS]; /* slots: there was no room for a tuple */
	struct ebpf_fact facts[EBPF_SLOTS];
};

/* Which slots a program has called. */
struct ebpf_program {
	ebpf_u64 seen[EBPF_WORDS];
};

/* What identifies a file in a target: the file, and the name and the mount that it was found by. */
struct ebpf_file_key {
	ebpf_u64 dentry, mount, inode, name_hash, target;
};

/* A number without a slot. */
struct ebpf_odd_key {
	ebpf_u32 nr;
	ebpf_u16 entry; /* enum ebpf_entry */
	ebpf_u16 program;
	ebpf_u32 target;
	ebpf_u32 phase;
};

struct ebpf_odd {
	ebpf_u64 calls;
	struct ebpf_fact fact;
	ebpf_u64 enosys;
};

/*
 * What a CPU knows of a thread that made a call there before, so that its next one takes no helper
 * (but for those that newer kernels inline): each costs as much as all else that is done.  Written
 * by the thread itself on that CPU, where nobody interrupts it; emptied by it from elsewhere.
 */
struct ebpf_known {
	ebpf_u64 regs; /* the thread: where its kernel stack keeps its registers; 0: of nobody */
	ebpf_u64 task; /* its struct task_struct */
	/* Of no target: a bystander's, and nothing else is known.  Under another epoch of the
	 * target all this is void. */
	struct ebpf_whose whose;
	ebpf_u32 call; /* index of its struct ebpf_call */
	ebpf_u32 reserved[3];
	ebpf_u64 usual[EBPF_WORDS];
	ebpf_u64 padding[2]; /* to whole lines of the cache */
};

/* The call that a thread is in, or was: EBPF_ENTERED, its ABI and number, or 0. */
struct ebpf_call {
	ebpf_u64 entered;
	ebpf_u64 padding[7];
};

/* A thread of a target. */
struct ebpf_task {
	ebpf_u32 target; /* 0: of none any more */
	ebpf_u32 epoch; /* of the target, when @usual was begun */
	ebpf_u32 program;
	ebpf_u8 asks; /* EBPF_ASKS_*: what the call that is under way asks seccomp for */
	ebpf_u8 notifying; /* EBPF_NOTIFYING*, or 0 */
	ebpf_u8 killed; /* the call that a filter killed it for has been counted */
	ebpf_u8 idle; /* EBPF_IDLE_*: not counted */
	ebpf_u32 joined; /* it came from outside, by an execve */
	ebpf_u32 counted; /* it is one of @live */
	ebpf_u32 call; /* index of its struct ebpf_call; 0: it has none */
	ebpf_u32 reserved;
	ebpf_u64 entered; /* stands for that, then */
	ebpf_u64 regs, cpus; /* by what, and on which CPUs (bits, modulo), it may be known */
	ebpf_u64 usual[EBPF_WORDS]; /* slots that need nothing but counting in its program */
};

enum {
	EBPF_IDLE_STARTING = 1, /* until its execve: the recorder's or the runtime's own */
	EBPF_IDLE_LEFT = 2, /* it belongs to nobody any more */
	EBPF_IDLE_NAMED = 4, /* until a scan comes by: first thread of a process that was named */
	EBPF_IDLE_UNWANTED = 8, /* its target is; it belongs to that all the same */
};

#define EBPF_ENTERED	(1ull << 32)
#define EBPF_ANY_RETURN (1ull << 33) /* the next return belongs to a call, whatever its number */
#define EBPF_ENTRY(e)	((ebpf_u64)(e) << 34)

enum {
	EBPF_ASKS_FILTER = 1,
	EBPF_ASKS_LISTENER = 2,
	EBPF_ASKS_STRICT = 4,
	EBPF_ASKS_ALL = 8, /* for all threads of the process */
};

/* A supervisor may answer the thread's calls: unmade is not yet denied. */
enum {
	EBPF_NOTIFYING = 1,
	EBPF_NOTIFYING_ALL = 2 /* at the first thread: for all of its process */
};

/* What user space tells the programs before they are loaded. */
struct ebpf_setup {
	ebpf_u64 unnamed[EBPF_WORDS]; /* slots without a name: does the kernel know them? */
	ebpf_u64 looks[EBPF_WORDS]; /* slots whose arguments matter each time */
	struct ebpf_arg_spec args[EBPF_SLOTS];
	ebpf_u64 listens[EBPF_WORDS], waits[EBPF_WORDS]; /* lib/phase.h */
	ebpf_u32 seccomp_nr[EBPF_ENTRIES]; /* the calls that load filters; UINT32_MAX: none */
	ebpf_u32 prctl_nr[EBPF_ENTRIES];
	ebpf_u32 execve_nr;
	ebpf_u32 programs; /* entries of the map of that name */
	ebpf_u32 lanes; /* a power of two */
	ebpf_u32 lanes_shared; /* by several CPUs */
	ebpf_u32 discovers; /* mount namespaces become targets by an execve in them */
	ebpf_u32 origins; /* first sights are told */
	ebpf_u32 ring_bytes;
	ebpf_u32 cpus; /* for which there are known threads */
	ebpf_u32 calls; /* entries of the map of that name */
	ebpf_u32 mount_space_ids; /* these go by ids, and not by inode numbers */
	ebpf_u64 mount_spaces[2]; /* but for these: the host's, the recorder's */
	ebpf_u64 hold_ns; /* how long a call may wait for its return to be watched */
	ebpf_u64 stack_hold_ns; /* the same for its stack to be read */
};

/* What they tell each other while they run. */
struct ebpf_state {
	ebpf_u32 returns_watched; /* set by user space: on_return is attached */
	ebpf_u32 calls; /* the highest index of a call that was given away; may exceed the room */
	ebpf_u32 programs; /* highest index that was given away; may exceed the map's room */
	ebpf_u32 by_cgroup, by_mount_space; /* how many targets are to be found so */
	ebpf_u32 added; /* threads that scans found, or will in the next one */
	ebpf_u32 filtered; /* one of them carries a filter */
	ebpf_u32
		undecided; /* which wait for a verdict on their parents' target, in the last scan */
	ebpf_u64 origins_untold; /* first sights for which there was no room in the ring */
	/*
	 * Set by user space: a thread is held at a first sight until its stack was read, which is
	 * told by its id at its place in @acks.  @late: how often that took too long.
	 */
	ebpf_u32 holds, late;
	ebpf_u32 acks[EBPF_ACKS];
	ebpf_u64 listeners; /* seccomp supervisors that the workloads installed */
	/* Ways to lose. */
	ebpf_u64 inherit_failures;
	ebpf_u64 map_full;
	ebpf_u64 out_of_range;
	ebpf_u64 ring_full;
	ebpf_u64 late_returns;
	/* How often no target was free for a mount namespace: none of the others has lost anything.
	 */
	ebpf_u64 no_room;
};

/* The ring carries wake-ups, and the paths of files that were seen first. */
enum ebpf_event_kind {
	EBPF_EVENT_WAKE,
	EBPF_EVENT_SCAN, /* a process with several threads has joined */
	EBPF_EVENT_PROGRAM,
	EBPF_EVENT_MAPPED,
	EBPF_EVENT_ORIGIN /* a call that is new in its program and phase */
};

enum {
	EBPF_PATH_CUT = 1, /* deeper or longer than can be told */
	EBPF_PATH_GONE = 2, /* unlinked, or never had a name in a directory */
};

struct ebpf_event {
	ebpf_u32 kind;
	ebpf_u32 target;
	ebpf_u32 program;
	ebpf_u32 path_flags;
	ebpf_u32 path_size; /* of what follows: names from the last to the first, NUL-terminated */
};

/* EBPF_EVENT_ORIGIN: which thread made the call, when, and where it stands. */
struct ebpf_origin {
	struct ebpf_event event;
	ebpf_u32 phase;
	ebpf_u32 entry, nr;
	ebpf_u32 pid, tid; /* of the host */
	ebpf_u32 bits32; /* it executes 32-bit code */
	ebpf_u64 time_ns; /* CLOCK_MONOTONIC */
	ebpf_u64 args[EBPF_CALL_ARGS];
	ebpf_u64 regs[EBPF_REGS];
};

#endif
