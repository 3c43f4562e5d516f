#include "task.h"

#include <stdlib.h>

#include "scope.h"

static struct task **task_slot(const struct tasks *tasks, pid_t tid)
{
	struct task **slot = (struct task **)&tasks->buckets[(unsigned)tid % TASK_BUCKETS];

	while (*slot && (*slot)->tid != tid)
		slot = &(*slot)->next;
	return slot;
}

struct task *task_find(const struct tasks *tasks, pid_t tid)
{
	return *task_slot(tasks, tid);
}

struct task *task_add(struct tasks *tasks, pid_t tid)
{
	struct task **bucket = &tasks->buckets[(unsigned)tid % TASK_BUCKETS];
	struct task *task = calloc(1, sizeof(*task));

	if (!task)
		return NULL;
	task->tid = tid;
	task->program = SIZE_MAX;
	task->next = *bucket;
	*bucket = task;
	tasks->count++;
	return task;
}

void task_remove(struct tasks *tasks, pid_t tid)
{
	struct task **slot = task_slot(tasks, tid);
	struct task *gone = *slot;

	if (!gone)
		return;
	*slot = gone->next;
	free(gone);
	tasks->count--;
}

void tasks_done(struct tasks *tasks)
{
	for (size_t i = 0; i < ARRAY_LEN(tasks->buckets); i++) {
		while (tasks->buckets[i])
			task_remove(tasks, tasks->buckets[i]->tid);
	}
}

void task_inherit(struct task *child, const struct task *parent)
{
	child->program = parent->program;
	child->filtered = parent->filtered;
	child->notifying = parent->notifying;
	child->strict = parent->strict;
}
