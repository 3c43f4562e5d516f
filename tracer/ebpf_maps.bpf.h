/*
 * ebpf_maps.bpf.h: what the programs in the kernel share among themselves and with their reader.
 * Entries given as 1 are set before loading.
 */
#ifndef SYSCLAMP_EBPF_MAPS_BPF_H
#define SYSCLAMP_EBPF_MAPS_BPF_H

#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

#include "ebpf_shared.h"

enum { NAME_MAX = 255 };

const volatile struct ebpf_setup setup;
struct ebpf_state state;

struct {
	__uint(type, BPF_MAP_TYPE_TASK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct ebpf_task);
} tasks SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, ebpf_u32);
	__type(value, struct ebpf_target);
} targets SEC(".maps");

/* By target, and in it by lane. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, ebpf_u32);
	__type(value, struct ebpf_counts);
} counts SEC(".maps");

/* Entries of targets that nobody uses. */
struct {
	__uint(type, BPF_MAP_TYPE_QUEUE);
	__uint(max_entries, 1);
	__type(value, ebpf_u32);
} spare_targets SEC(".maps");

/* By what threads are found to belong to a target: mount namespace, cgroup of version 2. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1);
	__type(key, ebpf_u64);
	__type(value, ebpf_u32);
} by_mount_space SEC(".maps"), by_cgroup SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, ebpf_u32);
	__type(value, struct ebpf_program);
} programs SEC(".maps");

/* Indexes of programs that were given back. */
struct {
	__uint(type, BPF_MAP_TYPE_STACK);
	__uint(max_entries, 1);
	__type(value, ebpf_u32);
} spare_programs SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1);
	__type(key, struct ebpf_file_key);
	__type(value, ebpf_u32);
} program_indexes SEC(".maps");

/* Files that were mapped as code. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1);
	__type(key, struct ebpf_file_key);
	__type(value, ebpf_u32);
} mapped SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1);
	__type(key, struct ebpf_odd_key);
	__type(value, struct ebpf_odd);
} odds SEC(".maps");

/* With which arguments calls were made; the value is of no matter. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1);
	__type(key, struct ebpf_tuple_key);
	__type(value, ebpf_u32);
} tuples SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1);
	__type(key, struct ebpf_tuples_key);
	__type(value, struct ebpf_tuples);
} tuple_counts SEC(".maps");

/* By target, and in it by lane; like counts. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, ebpf_u32);
	__type(value, struct ebpf_recents);
} recents SEC(".maps");

/* By CPU, and of that by thread. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE); /* nobody maps it: for its place in lines of the cache */
	__uint(max_entries, 1);
	__type(key, ebpf_u32);
	__type(value, struct ebpf_known);
} known SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE); /* nobody maps it: for its place in lines of the cache */
	__uint(max_entries, 1);
	__type(key, ebpf_u32);
	__type(value, struct ebpf_call);
} calls SEC(".maps");

/* Indexes of calls whose threads have ended. */
struct {
	__uint(type, BPF_MAP_TYPE_STACK);
	__uint(max_entries, 1);
	__type(value, ebpf_u32);
} spare_calls SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 1);
} ring SEC(".maps");

/* Rings once, when returns have to be watched: nobody reads it. */
struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, EBPF_ALARM_BYTES);
} alarm SEC(".maps");

/* An event with its path, too large for the stack. */
struct event_buffer {
	struct ebpf_event event;
	char path[EBPF_PATH_MAX + NAME_MAX + 1];
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, ebpf_u32);
	__type(value, struct event_buffer);
} buffers SEC(".maps");

static void wake(ebpf_u32 kind, ebpf_u32 target)
{
	struct ebpf_event event = {.kind = kind, .target = target};

	/* In a ring that is full the reader has something to wake up for already. */
	bpf_ringbuf_output(&ring, &event, sizeof(event), BPF_RB_FORCE_WAKEUP);
}

#endif
