/*
 * ebpf_kernel.h: the programs of ebpf.bpf.c in the kernel, from loading to unloading, and their
 * maps in our memory.
 */
#ifndef SYSCLAMP_EBPF_KERNEL_H
#define SYSCLAMP_EBPF_KERNEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "ebpf_shared.h"
#include "err.h"
#include "recording.h"

/* How much room the programs have, and what they are to do on their own. */
struct ebpf_limits {
	uint32_t targets; /* 2...: entry 0 stands for nobody */
	uint32_t lanes; /* at most; a power of two */
	uint32_t programs; /* 2...: entry 0 stands for unknown */
	uint32_t mapped; /* files mapped as code */
	uint32_t odds; /* different numbers without a slot, by program and phase */
	uint32_t tuples; /* of arguments, and single ones; 0: none are recorded */
	uint32_t threads; /* whose calls can be counted the short way */
	uint32_t ring_bytes; /* a power of two of pages */
	uint64_t hold_ns; /* for which a call is kept until its return is watched */
	bool attaches; /* ebpf_targets_scan() and cgroups will be used */
	bool discovers; /* mount namespaces become targets by themselves */
	bool origins; /* of each call, by program and phase */
};

/* For one target, for several, and for a node full of containers; none discovers any. */
extern const struct ebpf_limits EBPF_LIMITS, EBPF_LIMITS_SEVERAL, EBPF_LIMITS_NODE;

/* The names of the ABIs that calls enter under, x32 aside. */
extern const char *const EBPF_ABI_NAMES[EBPF_ENTRIES];

struct ebpf_programs; /* the skeleton that bpftool generates */
struct ring_buffer;

struct ebpf_kernel {
	struct ebpf_programs *skeleton;
	struct ring_buffer *ring;
	struct ebpf_limits limits;
	struct ebpf_state *state;
	struct ebpf_target *targets; /* limits.targets */
	unsigned cpus;
	unsigned lanes; /* how many counts a target has */
	/* Read-only. */
	const struct ebpf_counts *counts; /* by target, and in it by lane */
	const struct ebpf_program *programs; /* by index */
};

/* An event from the ring; @path follows a struct ebpf_event that has one. */
typedef int ebpf_on_event(void *ctx, void *data, size_t size);

/**
 * Load the programs; nothing is attached yet.
 *
 * @out: heap, to be released with ebpf_kernel_free().
 * Errors: -EPERM, -ENOSYS and others of bpf(2), with what lacks and how to get it.
 */
int ebpf_kernel_new(const struct ebpf_limits *limits, struct ebpf_kernel **out, struct err *e);
void ebpf_kernel_free(struct ebpf_kernel *kernel);

/** Have ebpf_kernel_poll() pass events on to @each.  Once. */
int ebpf_kernel_listen(struct ebpf_kernel *kernel, ebpf_on_event *each, void *ctx, struct err *e);

/** Readable (poll(2)) when there are events. */
int ebpf_kernel_fd(const struct ebpf_kernel *kernel);

/** Readable when a program wants ebpf_kernel_watch_returns(), as fast as possible; stays so. */
int ebpf_kernel_alarm_fd(const struct ebpf_kernel *kernel);

/** Pass on what the ring holds; does not wait. */
void ebpf_kernel_poll(struct ebpf_kernel *kernel);

/** Attach: from now on the calls of targets are counted. */
int ebpf_kernel_attach(struct ebpf_kernel *kernel, struct err *e);

/**
 * Watch how calls return too: from now on denied calls are seen.  May be called again; by one
 * thread at a time.
 */
int ebpf_kernel_watch_returns(struct ebpf_kernel *kernel, struct err *e);

/** Stop counting: all is detached, and the maps stay readable. */
void ebpf_kernel_stop(struct ebpf_kernel *kernel);

/** What the programs lost so far, to @out. */
void ebpf_kernel_losses(const struct ebpf_kernel *kernel, uint64_t out[LOSS_WAYS]);

/** How often the kernel skipped the program behind @prog_fd because it was running already. */
uint64_t ebpf_missed(int prog_fd);

/* One entry of a map; @each may delete it. */
typedef void ebpf_on_entry(void *ctx, const void *key, const void *value);

/**
 * Call @each for every entry of a hash map whose keys and values have at most EBPF_ENTRY_MAX bytes.
 * Read by batches: a call of the kernel for each takes as long as a container lives, where there
 * are many.
 *
 * Errors: those of bpf(2).
 */
enum { EBPF_ENTRY_MAX = 64 };
struct bpf_map;
int ebpf_map_each(const struct bpf_map *map, ebpf_on_entry *each, void *ctx, struct err *e);

/** The same for all odd numbers (keys struct ebpf_odd_key, values struct ebpf_odd). */
int ebpf_kernel_each_odd(
	const struct ebpf_kernel *kernel, ebpf_on_entry *each, void *ctx, struct err *e);

/** The same for all arguments (keys struct ebpf_tuple_key, values of no matter). */
int ebpf_kernel_each_tuple(
	const struct ebpf_kernel *kernel, ebpf_on_entry *each, void *ctx, struct err *e);

/** Which arguments of a slot's call are recorded: at most ARGS_PER_CALL_MAX rows; how many. */
size_t ebpf_kernel_args(const struct ebpf_kernel *kernel, uint32_t slot,
	struct arg_row out_rows[ARGS_PER_CALL_MAX]);

#endif
