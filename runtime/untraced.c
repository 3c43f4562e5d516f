#include "untraced.h"

#include <errno.h>
#include <signal.h>
#include <stddef.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

#include "descendants.h"
#include "proc.h"
#include "thread_status.h"

struct search {
	const struct trace *trace;
	pid_t found; /* a task that nobody traces; 0: none */
};

/* A child that is not known by its first thread, which may have ended before others. */
struct child {
	struct search *search;
	bool is_known; /* a thread is traced */
	pid_t lives; /* a thread that has not begun to end; 0: none */
};

/* Whether it is one that could start something, or make calls. */
static bool lives(const struct trace *trace, pid_t tid)
{
	struct thread_status status;
	struct err e;

	return !trace_is_leaving(trace, tid) && !thread_status_read(tid, &status, &e) &&
	       !status.is_exiting && !status.is_worker;
}

static void look_at_child(void *ctx, pid_t pid);

static void look_at_thread_of_child(void *ctx, pid_t tid)
{
	struct child *child = ctx;

	child->is_known |= trace_find(child->search->trace, tid) != NULL;
	if (lives(child->search->trace, tid))
		child->lives = tid;
	else
		/* Until it is a zombie, its children may still be its own. */
		(void)proc_each_child(tid, look_at_child, child->search);
}

static void look_at_child(void *ctx, pid_t pid)
{
	struct child child = {.search = ctx};

	if (trace_find(child.search->trace, pid))
		return;
	proc_each_thread(pid, look_at_thread_of_child, &child);
	if (child.lives && !child.is_known)
		child.search->found = child.lives;
}

static void look_at_own_child(void *ctx, pid_t pid)
{
	const struct search *search = ctx;

	if (!descendants_spare(&search->trace->before, pid))
		look_at_child(ctx, pid);
}

/* Of a process of which others are traced. */
static void look_at_thread(void *ctx, pid_t tid)
{
	struct search *search = ctx;

	(void)proc_each_child(tid, look_at_child, search);
	if (!trace_find(search->trace, tid) && lives(search->trace, tid))
		search->found = tid;
}

static bool is_first_of_process(const struct trace *trace, size_t i)
{
	for (size_t before = i; before-- > 0;) {
		if (trace->tasks[before].process == trace->tasks[i].process)
			return false;
	}
	return true;
}

static pid_t find(const struct trace *trace)
{
	struct search search = {.trace = trace};

	for (size_t i = 0; i < trace->n_tasks; i++) {
		if (is_first_of_process(trace, i))
			proc_each_thread(trace->tasks[i].process, look_at_thread, &search);
	}
	/* Last: whoever's parent ends meanwhile becomes one of these. */
	(void)proc_each_child(getpid(), look_at_own_child, &search);
	return search.found;
}

/* What was found may end all the while, as may the first task of a process, which is let go then.
 */
int untraced_seize(struct trace *trace, bool *out, struct err *e)
{
	struct err refused;
	pid_t tid;

	while ((tid = find(trace))) {
		if (!trace_seize(trace, tid, &refused)) {
			*out = true;
			return 0;
		}
		if (lives(trace, tid)) {
			*e = refused;
			return err_prefix(e,
				"process %d was started with CLONE_UNTRACED (clone(2)) and would "
				"go on "
				"unheld: ",
				tid);
		}
	}
	*out = false;
	return 0;
}

/* Whether somebody is told that a child was ended by a signal, and what. */
static bool is_told_of_kill(const struct trace_stop *stop, siginfo_t *out)
{
	return !trace_event(stop) && WSTOPSIG(stop->status) == SIGCHLD &&
	       !ptrace(PTRACE_GETSIGINFO, stop->tid, 0L, out) &&
	       (out->si_code == CLD_KILLED || out->si_code == CLD_DUMPED);
}

int untraced_check_end(const struct trace *trace, const struct trace_stop *stop, struct err *e)
{
	siginfo_t info;

	if (!trace->breakpoints->n || trace->trapped || !is_told_of_kill(stop, &info) ||
		info.si_status != SIGTRAP)
		return 0;
	return err_set(e, EPERM,
		"process %d was not traced (CLONE_UNTRACED of clone(2)), so that it died of "
		"SIGTRAP, as it does where the filter was to be loaded: the command was ended",
		info.si_pid);
}
