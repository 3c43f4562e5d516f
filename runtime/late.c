#include "late.h"

#include <errno.h>
#include <signal.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

#include "hold.h"
#include "hold_tree.h"
#include "inject.h"
#include "moment.h"
#include "scope.h"
#include "trace.h"
#include "untraced.h"

struct holding {
	const struct sandbox *box;
	const struct moment *moment;
};

static const char *explain_signal(const struct moment *moment, int sig)
{
	return sig == SIGTRAP && moment->breakpoints.n
		       ? ": of SIGTRAP dies who comes there untraced (CLONE_UNTRACED of "
			 "clone(2)), or in a copy of that code"
		       : "";
}

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
			"loaded%s",
			WTERMSIG(trace->leader_status), what,
			explain_signal(moment, WTERMSIG(trace->leader_status)));
	return err_set(e, ECHILD,
		"it exited with status %d before it came to %s, so that no filter was loaded",
		WEXITSTATUS(trace->leader_status), what);
}

static int hold_process(void *ctx, pid_t tid, struct err *e)
{
	const struct holding *h = ctx;
	const struct sandbox *box = h->box;
	const struct sandbox_filter *late = sandbox_late_filter(box);
	const struct hold hold = {
		.filter = late->filter,
		.flags = late->flags,
		.options = TRACE_OPTIONS,
		.suspend = true,
	};

	if (moment_pass(h->moment, tid, e))
		return -e->code;
	return box->mode == SANDBOX_STRICT ? hold_strict(tid, e) : hold_filter(tid, &hold, e);
}

static int check_alone(const struct sandbox *box, const struct trace *trace, struct err *e)
{
	if (box->mode != SANDBOX_STRICT || trace->n_tasks == 1)
		return 0;
	return err_set(e, EBUSY,
		"it has started processes or threads before main, which strict mode would not "
		"hold; use --mode strict-filter");
}

static int wait_for_moment(
	struct trace *trace, struct moment *moment, struct trace_stop *out_stop, struct err *e)
{
	bool reached = false;

	for (;;) {
		if (trace_next(trace, out_stop, e))
			return explain_never(moment, trace, e);
		if (!WIFSTOPPED(out_stop->status))
			continue;
		if (untraced_check_end(trace, out_stop, e) ||
			moment_look(moment, out_stop, &reached, e))
			return -e->code;
		if (reached) {
			if (moment->own_signal)
				out_stop->status = INJECT_NO_SIGNAL;
			return 0;
		}
		trace_resume(trace, out_stop, moment->request, moment->own_signal);
	}
}

static int watch_and_hold(
	const struct sandbox *box, struct moment *moment, struct trace *trace, struct err *e)
{
	struct holding holding = {.box = box, .moment = moment};
	struct trace_stop stop;

	if (wait_for_moment(trace, moment, &stop, e) || check_alone(box, trace, e))
		return -e->code;
	return hold_tree(trace, &stop, hold_process, &holding, e);
}

static void end_child(pid_t pid, struct late_end *out)
{
	(void)kill(pid, SIGKILL);
	out->ended = waitpid(pid, &out->wait_status, 0) == pid;
}

int late_hold(pid_t pid, const struct sandbox *box, void (*go)(void *ctx), void *ctx,
	struct late_end *out, struct err *e)
{
	scoped(moment_done) struct moment moment;
	struct trace trace;
	int code;

	*out = (struct late_end){0};
	moment_init(&moment, box->at, box->symbol, pid);
	if (trace_begin(pid, box->within_ns, &moment.breakpoints, &trace, e)) {
		end_child(pid, out);
		return -e->code;
	}
	go(ctx);
	code = watch_and_hold(box, &moment, &trace, e);
	if (code)
		trace_kill(&trace);
	*out = (struct late_end){trace.leader_ended, trace.leader_status};
	trace_done(&trace);
	return code;
}
