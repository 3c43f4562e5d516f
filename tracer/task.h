/*
 * task.h: the threads that are being traced, by thread id.
 */
#ifndef SYSCLAMP_TASK_H
#define SYSCLAMP_TASK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "syscalls.h"

/* A call as a stop shows it. */
struct task_call {
	const struct abi *abi; /* NULL: none */
	uint32_t nr;
	uint64_t args[SYSCALL_ARGS]; /* of an ABI with 32-bit registers: these */
};

/* What a call that is under way tells about the task when it returns. */
enum task_await {
	AWAIT_NOTHING,
	AWAIT_ENOSYS, /* a number without a name: does the kernel know it? */
	AWAIT_FILTER, /* a filter is being installed */
	AWAIT_STRICT, /* strict mode is being entered */
};

struct task {
	pid_t tid;
	struct task *next; /* in its bucket */
	size_t program; /* index into recording.programs, SIZE_MAX if unknown */

	/* Filters of the workload on this task; inherited by what it starts. */
	bool filtered; /* may deny calls: stop at entry too */
	bool notifying; /* may ask a supervisor: unanswered by RET_TRACE is not yet denied */
	bool strict;

	struct task_call entered; /* announced by an entry stop, and not noted yet */
	struct task_call awaited; /* the call that `await` is about */
	enum task_await await;
	bool was_filtered; /* what `filtered` falls back to if AWAIT_FILTER fails */
	bool was_notifying; /* the same for `notifying` */
	bool leaving; /* makes no more calls: reported its end (PTRACE_EVENT_EXIT) */
	bool vforking; /* waits for its vfork child, where no interruption stops it */

	/* TSYNC: the task whose call waits until this one has stopped, and how many it waits for.
	 */
	pid_t held_by;
	unsigned holds;
};

enum { TASK_BUCKETS = 1024 };

struct tasks {
	struct task *buckets[TASK_BUCKETS];
	size_t count;
};

/** NULL if there is none. */
struct task *task_find(const struct tasks *tasks, pid_t tid);

/** A new task, zeroed but for tid and program; NULL without memory. */
struct task *task_add(struct tasks *tasks, pid_t tid);
void task_remove(struct tasks *tasks, pid_t tid);
void tasks_done(struct tasks *tasks);

/** Give a new task what it inherits from the one that started it. */
void task_inherit(struct task *child, const struct task *parent);

#endif
