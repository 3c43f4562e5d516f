/*
 * ebpf_maps.bpf.h: what the programs in the kernel share among themselves and with their reader.
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
	__uint(max_entries, 1); /* one per possible CPU: set before loading */
	__type(key, ebpf_u32);
	__type(value, struct ebpf_counts);
} counts SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, EBPF_SLOTS);
	__type(key, ebpf_u32);
	__type(value, struct ebpf_fact);
} facts SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, EBPF_PROGRAMS);
	__type(key, ebpf_u32);
	__type(value, struct ebpf_program);
} programs SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, EBPF_PROGRAMS);
	__type(key, struct ebpf_program_key);
	__type(value, ebpf_u32);
} program_indexes SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, EBPF_ODDS);
	__type(key, struct ebpf_odd_key);
	__type(value, struct ebpf_odd);
} odds SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, EBPF_RING_BYTES);
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

#endif
