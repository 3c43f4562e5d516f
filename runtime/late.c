#include "late.h"

#include <errno.h>
#include <signal.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

#include "caps.h"
#include "hold.h"
#include "inject.h"
#include "moment.h"
#include "proc.h"
#include "scope.h"
#include "trace.h"

/* What is known while the processes are held one by one. */
struct holding {
	const struct sandbox *box;
	struct trace *trace;
	unsigned filters; /* how many a task carries that is not held yet */
};

/* Why the moment never came. */
static int explain_never(const struct moment *moment, const struct trace *trace, struct err *e)
{
	const char *what = moment_name(moment);
	struct err cause = *e;

	if (cause.code == ETIMEDOUT)
		return err_set(e, ETIMEDOUT,
			"it did not come to %s in time (--within), so that no filter was loaded: "
			"it was ended",
			what);
	if (cause.code != ECHILD || !trace->leader_ended)
		return -cause.code;
	if (WIFSIGNALED(trace->leader_status))
		return err_set(e, ECHILD,
			"it was ended by signal %d before it came to %s, so that no filter was "
			"loaded",
			WTERMSIG(trace->leader_status), what);
	return err_set(e, ECHILD,
		"it exited with status %d before it came to %s, so that no filter was loaded",
		WEXITSTATUS(trace->leader_status), what);
}

static int hold_strictly(struct holding *h, const struct trace_stop *stop, struct err *e)
{
	if (h->trace->n_tasks != 1)
		return err_set(e, EBUSY,
			"it has started processes or threads before main, which strict mode would "
			"not hold; use --mode strict-filter");
	return hold_strict(stop->tid, e);
}

/* @stop: an interruption stop of a task that is not held yet. */
static int hold_process(struct holding *h, const struct trace_stop *stop, struct err *e)
{
	const struct sandbox *box = h->box;
	const struct sandbox_filter *late = sandbox_late_filter(box);
	const struct hold hold = {
		.filter = late->filter,
		.flags = late->flags,
		.suspend = box->then && cap_is_effective(CAP_SYS_ADMIN),
		.options = TRACE_OPTIONS,
	};
	int code = box->mode == SANDBOX_STRICT ? hold_strictly(h, stop, e)
					       : hold_filter(stop->tid, &hold, e);

	return code == -ESRCH ? 0 : code; /* of the process's other tasks each has its own stop */
}

static bool is_held(const struct holding *h, pid_t tid)
{
	return proc_filters(tid) > h->filters;
}

/* A stop of a task that was interrupted; it is let go as soon as its process is held. */
static int hold_and_release(struct holding *h, struct trace_stop *stop, struct err *e)
{
	if (inject_stop(stop->tid, stop->status, e))
		return e->code == ESRCH ? 0 : -e->code;
	stop->status = PTRACE_EVENT_STOP << 16 | SIGTRAP << 8 | 0x7f;
	if (!is_held(h, stop->tid) && hold_process(h, stop, e))
		return -e->code;
	trace_resume(h->trace, stop, PTRACE_DETACH, false);
	return 0;
}

/* Until none of the tasks is traced any more: those that are born meanwhile are, too. */
static int hold_all(struct holding *h, struct trace_stop *stop, struct err *e)
{
	trace_interrupt(h->trace);
	do {
		if (hold_and_release(h, stop, e))
			return -e->code;
	} while (!trace_next(h->trace, stop, e));
	return e->code == ECHILD ? 0 : -e->code;
}

static int wait_for_moment(
	struct trace *trace, struct moment *moment, struct trace_stop *out_stop, struct err *e)
{
	bool reached = false;

	for (;;) {
		if (trace_next(trace, out_stop, e))
			return explain_never(moment, trace, e);
		if (moment_look(moment, out_stop, &reached, e))
			return -e->code;
		if (reached) {
			if (moment->own_signal)
				out_stop->status = INJECT_NO_SIGNAL;
			return 0;
		}
		trace_resume(trace, out_stop, moment->request, moment->own_signal);
	}
}

static int watch_and_hold(const struct sandbox *box, struct trace *trace, struct err *e)
{
	scoped(moment_done) struct moment moment;
	struct holding holding = {.box = box, .trace = trace};
	struct trace_stop stop;

	moment_init(&moment, box->at, box->symbol, trace->leader);
	if (wait_for_moment(trace, &moment, &stop, e))
		return -e->code;
	holding.filters = proc_filters(getpid()) + (box->then ? 1 : 0);
	return hold_all(&holding, &stop, e);
}

int late_hold(pid_t pid, const struct sandbox *box, void (*go)(void *ctx), void *ctx,
	struct late_end *out, struct err *e)
{
	struct trace trace;
	int code;

	*out = (struct late_end){0};
	if (trace_begin(pid, box->within_ns, &trace, e))
		return -e->code;
	go(ctx);
	code = watch_and_hold(box, &trace, e);
	if (code)
		trace_kill(&trace);
	*out = (struct late_end){trace.leader_ended, trace.leader_status};
	trace_done(&trace);
	return code;
}
