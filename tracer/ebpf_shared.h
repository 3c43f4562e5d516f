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
	EBPF_NRS = 1024, /* numbers below this have a slot, all others are odd; so is x32 */
	EBPF_SLOTS = EBPF_ENTRIES * EBPF_NRS, /* a power of two */
	EBPF_WORDS = EBPF_SLOTS / 64, /* of a set of slots */
	EBPF_PROGRAMS = 2048, /* different programs under one recorder; 0 stands for unknown */
	EBPF_ODDS = 16384, /* pairs of an odd number and a program */
	EBPF_PATH_MAX = 4096,
	EBPF_RING_BYTES = 256 * 1024,
	EBPF_ALARM_BYTES = 4096,
};

/* The calls of every slot made on one CPU. */
struct ebpf_counts {
	ebpf_u64 calls[EBPF_SLOTS];
};

/* What is known of a slot beyond that. */
struct ebpf_fact {
	ebpf_u64 first_ns; /* CLOCK_MONOTONIC */
	ebpf_u64 denied;
	ebpf_u64 enosys; /* of slots without a name only */
};

/* Which slots a program has called. */
struct ebpf_program {
	ebpf_u64 seen[EBPF_WORDS];
};

/* What identifies a program: the file, and the name and the mount that it was found by. */
struct ebpf_program_key {
	ebpf_u64 dentry, mount, inode, name_hash;
};

/* A number without a slot. */
struct ebpf_odd_key {
	ebpf_u32 nr;
	ebpf_u16 entry; /* enum ebpf_entry */
	ebpf_u16 program;
};

struct ebpf_odd {
	ebpf_u64 calls;
	struct ebpf_fact fact;
};

/* A thread of the workload. */
struct ebpf_task {
	ebpf_u32 program;
	ebpf_u8 asks; /* EBPF_ASKS_*: what the call that is under way asks seccomp for */
	ebpf_u8 notifying; /* EBPF_NOTIFYING*, or 0 */
	ebpf_u8 killed; /* the call that a filter killed it for has been counted */
	ebpf_u8 starting; /* the recorder's own until its execve */
	ebpf_u64 entered; /* the call that is under way: EBPF_ENTERED, its ABI and number, or 0 */
	ebpf_u64 usual[EBPF_WORDS]; /* slots that need nothing but counting in its program */
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
	ebpf_u32 seccomp_nr[EBPF_ENTRIES]; /* the calls that load filters; UINT32_MAX: none */
	ebpf_u32 prctl_nr[EBPF_ENTRIES];
	ebpf_u32 execve_nr;
	ebpf_u32 programs; /* entries of the map of that name */
	ebpf_u64 hold_ns; /* how long a call may wait for its return to be watched */
};

/* What they tell each other while they run. */
struct ebpf_state {
	ebpf_u64 live; /* threads of the workload */
	ebpf_u32 returns_watched; /* set by user space: on_return is attached */
	ebpf_u32 programs; /* highest index that was given away; may exceed EBPF_PROGRAMS */
	ebpf_u32 odds; /* entries made in the map of odd numbers */
	ebpf_u32 started; /* the command's own program runs */
	ebpf_u64 listeners; /* seccomp supervisors that the workload installed */
	/* Ways to lose. */
	ebpf_u64 inherit_failures;
	ebpf_u64 map_full;
	ebpf_u64 out_of_range;
	ebpf_u64 ring_full;
	ebpf_u64 late_returns;
};

/* The ring carries wake-ups, and the texts of what was seen first. */
enum ebpf_event_kind { EBPF_EVENT_WAKE, EBPF_EVENT_PROGRAM };

enum {
	EBPF_PATH_CUT = 1, /* deeper or longer than can be told */
	EBPF_PATH_GONE = 2, /* unlinked, or never had a name in a directory */
};

struct ebpf_event {
	ebpf_u32 kind;
	ebpf_u32 program;
	ebpf_u32 path_flags;
	ebpf_u32 path_size; /* of what follows: names from the last to the first, NUL-terminated */
};

#endif
