/*
 * oracle.bpf.c: count the system calls of the processes in one pid namespace, by ABI and number.
 * Shares nothing with the product: no storage at tasks, no inheritance, no table of slots.
 */
#include <linux/bpf.h>
#include <stdbool.h>

#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

#include "oracle.h"

char LICENSE[] SEC("license") = "GPL";

#define KERNEL __attribute__((preserve_access_index))

enum { TS_COMPAT = 2, EXECVE = 59 };

struct ns_common {
	unsigned int inum;
} KERNEL;

struct pid_namespace {
	struct ns_common ns;
} KERNEL;

struct upid {
	int nr;
	struct pid_namespace *ns;
} KERNEL;

struct pid {
	unsigned int level;
	struct upid numbers[1];
} KERNEL;

struct thread_info {
	unsigned int status;
} KERNEL;

struct task_struct {
	struct thread_info thread_info;
	struct task_struct *group_leader;
	struct pid *thread_pid;
} KERNEL;

struct pt_regs;

struct oracle_state state;

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_HASH);
	__uint(max_entries, ORACLE_ENTRIES);
	__type(key, struct oracle_key);
	__type(value, unsigned long long);
} calls SEC(".maps");

/* The process's number in the namespace, or 0 outside of it. */
static int number_there(struct task_struct *task)
{
	struct task_struct *leader = BPF_CORE_READ(task, group_leader);
	struct pid *pid = BPF_CORE_READ(leader, thread_pid);
	struct upid *at;

	if (!pid || BPF_CORE_READ(pid, level) < state.level)
		return 0;
	at = (void *)pid + bpf_core_field_offset(struct pid, numbers) +
	     state.level * bpf_core_type_size(struct upid);
	return BPF_CORE_READ(at, ns, ns.inum) == state.inum ? BPF_CORE_READ(at, nr) : 0;
}

static void count(unsigned int nr, bool compat)
{
	struct oracle_key key = {.nr = nr, .compat = compat};
	unsigned long long zero = 0, *n = bpf_map_lookup_elem(&calls, &key);

	if (!n) {
		bpf_map_update_elem(&calls, &key, &zero, BPF_NOEXIST);
		n = bpf_map_lookup_elem(&calls, &key);
	}
	if (n)
		++*n;
	else
		__sync_fetch_and_add(&state.lost, 1);
}

SEC("tp_btf/sys_enter")
int BPF_PROG(on_call, struct pt_regs *regs, long nr)
{
	struct task_struct *task = bpf_get_current_task_btf();

	if (state.started && number_there(task) > ORACLE_WATCHER)
		count(nr, task->thread_info.status & TS_COMPAT);
	return 0;
}

/* The first program that is executed below the recorder is the workload. */
SEC("tp_btf/sched_process_exec")
int BPF_PROG(on_program, struct task_struct *task)
{
	if (!state.started && number_there(task) > ORACLE_WATCHER) {
		state.started = 1;
		count(EXECVE, false);
	}
	return 0;
}
