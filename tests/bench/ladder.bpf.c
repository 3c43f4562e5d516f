/*
 * ladder.bpf.c: programs at the hook of on_enter (tracer/ebpf.bpf.c), each of which does one thing
 * more than the one before: from nothing, the floor, to what counting takes at the least.
 */
#include <linux/bpf.h>

#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

#include "ebpf_shared.h"

char LICENSE[] SEC("license") = "GPL";

struct task_struct {
	void *bpf_storage;
} __attribute__((preserve_access_index));

struct {
	__uint(type, BPF_MAP_TYPE_TASK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, ebpf_u64);
} tasks SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, EBPF_SLOTS);
	__type(key, ebpf_u32);
	__type(value, ebpf_u64);
} counts SEC(".maps");

SEC("tp_btf/sys_enter")
int BPF_PROG(nothing)
{
	return 0;
}

/* A bystander ends here. */
SEC("tp_btf/sys_enter")
int BPF_PROG(task)
{
	return bpf_get_current_task_btf()->bpf_storage ? 1 : 0;
}

SEC("tp_btf/sys_enter")
int BPF_PROG(storage)
{
	struct task_struct *current = bpf_get_current_task_btf();

	if (!current->bpf_storage)
		return 0;
	return bpf_task_storage_get(&tasks, current, 0, 0) ? 1 : 0;
}

SEC("tp_btf/sys_enter")
int BPF_PROG(counting, void *regs, long nr)
{
	struct task_struct *current = bpf_get_current_task_btf();
	ebpf_u32 slot = nr;
	ebpf_u64 *count;

	if (!current->bpf_storage || !bpf_task_storage_get(&tasks, current, 0, 0))
		return 0;
	count = bpf_map_lookup_elem(&counts, &slot);
	if (count)
		++*count;
	return 0;
}
