#include "sandbox.h"

#include <errno.h>
#include <stdint.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cage_check.h"
#include "cage_run.h"
#include "cage_spaces.h"
#include "features.h"
#include "guard.h"
#include "late.h"
#include "sandbox_parts.h"
#include "scope.h"
#include "stage.h"
#include "syscalls.h"

static uint64_t as_argument(const void *pointer)
{
	return (uintptr_t)pointer;
}

/*
 * Ask the filter itself about the call that it will see, arguments included.  An errno of execve is
 * then always the kernel's word on the program.
 */
static action_t exec_action(const struct sandbox *box)
{
	const struct sandbox_filter *first = sandbox_first_filter(box);
	const struct seccomp_data call = {
		.nr = SYS_execve,
		.arch = abi_native()->audit_arch,
		.args = {as_argument(box->path), as_argument(box->argv), as_argument(box->env)},
	};

	return first ? action_effective(filter_run(first->filter, &call)) : SECCOMP_RET_ALLOW;
}

static bool is_asked(action_t action)
{
	return (action & SECCOMP_RET_ACTION_FULL) == SECCOMP_RET_USER_NOTIF;
}

int sandbox_check_exec(const struct sandbox *box, struct err *e)
{
	enum { ACTION_TEXT_MAX = 64 };
	char text[ACTION_TEXT_MAX];
	action_t action = exec_action(box);

	if (action_lets_through(action))
		return 0;
	if (box->supervisor && box->supervisor->starts_anyway && is_asked(action))
		return 0;
	return err_set(e, EPERM,
		"the filter answers the execve that starts the command with %s; allow execve "
		"without conditions",
		action_print(action, text, sizeof(text)));
}

static int explain_exec(const struct sandbox *box, int error, struct err *e)
{
	if (error == ENOENT)
		return err_set(e, error,
			"%s: no such file or directory: it, or the interpreter that its first line "
			"or its ELF header names",
			box->path);
	if (error == ENOEXEC)
		return err_set(e, error,
			"%s: neither a program of this machine nor a script with a #! line; for a "
			"shell script, run sh %s",
			box->path, box->path);
	return err_sys(e, error, "%s", box->path);
}

/* Raising a hard one is done beforehand. */
static int explain_limit(const struct stage *stage, struct err *e)
{
	const struct cage_limit *limit = &stage->box->cage->limits[stage->limit];

	return err_sys(e, stage->error, "%s", limit->where ? limit->where : "a limit");
}

/* What was being done. */
static const char *const STEPS[] = {
	[STAGE_SIGNALS] = "giving the command the caller's signals",
	[STAGE_GROUP] = "a process group of its own",
	[STAGE_WITH_PARENT] = "ending the command with who waits for it",
	[STAGE_UMASK] = "setting the umask",
	[STAGE_NO_NEW_PRIVS] = "setting no_new_privs",
};

int sandbox_explain(const struct stage *stage, struct launch_end *end, struct err *e)
{
	int error = stage->error;

	if (stage->failed == STAGE_EXEC) {
		end->exec_errno = error;
		return explain_exec(stage->box, error, e);
	}
	if (stage->failed == STAGE_LIMIT)
		return explain_limit(stage, e);
	if (stage->failed != STAGE_LOAD)
		return err_sys(e, error, "%s", STEPS[stage->failed]);
	if (error == EACCES)
		return err_set(e, error,
			"without no_new_privs, loading a filter needs CAP_SYS_ADMIN: run as root, "
			"or without --new-privs");
	return err_sys(e, error, "the kernel does not load the filter%s",
		error == EINVAL && stage->filter_flags ? ", perhaps for the profile's flags" : "");
}

int sandbox_wait(pid_t pid, bool reaps, int *out_status, struct err *e)
{
	int status;

	for (;;) {
		pid_t ended = launch_wait(reaps ? -1 : pid, &status);

		if (ended < 0) {
			if (errno == ECHILD)
				return err_sys(e, errno, "waiting for the command");
			continue; /* EINTR, or whatever the child wrote over it */
		}
		if (ended != pid)
			continue; /* an orphan, or a stop that was told of */
		if (!WIFSTOPPED(status)) {
			*out_status = status;
			return 0;
		}
		launch_suspend_with(pid, WSTOPSIG(status));
	}
}

/*
 * Nobody but root may look into the caller from now on, nor write to it: it runs without the
 * filter, under the same user as the command.  Nor does a child leave a core of us that has to end
 * itself by an invalid instruction (PR_SET_DUMPABLE(2const); an execve starts afresh).
 *
 * Returns what to restore.
 */
bool sandbox_close_memory(void)
{
	bool open = prctl(PR_GET_DUMPABLE, 0L, 0L, 0L, 0L) == 1;

	if (open)
		(void)prctl(PR_SET_DUMPABLE, 0L, 0L, 0L, 0L);
	return open;
}

void sandbox_open_memory(bool open)
{
	if (open)
		(void)prctl(PR_SET_DUMPABLE, 1L, 0L, 0L, 0L);
}

/* A child that waits to be traced, and the caller's memory, which is closed once it is. */
struct gate {
	struct stage *stage;
	bool *memory_open;
};

static void open_gate(void *ctx)
{
	const struct gate *gate = ctx;

	*gate->memory_open = sandbox_close_memory();
	stage_go(gate->stage);
}

/* Whoever stays in a PID namespace of the cage's is its process 1, to which orphans are left. */
static bool is_init(const struct sandbox *box)
{
	return box->cage && box->cage->namespaces[CAGE_NS_PID].how == CAGE_NS_NEW;
}

/*
 * To trace a process takes that its memory, which is the caller's until its execve, is open to
 * others of the same user (ptrace(2): the dumpable attribute).  In a cage it is closed already;
 * there is nobody inside yet who could make use of that, unless the cage is not a new one.
 */
static void open_for_trace(const struct cage *cage)
{
	if (cage && !spaces_joins(cage))
		sandbox_open_memory(true);
}

static int start_and_hold(
	struct stage *stage, bool *memory_open, struct launch_end *end, struct err *e)
{
	bool late = stage->box->at != SANDBOX_AT_LAUNCH;
	struct gate gate = {stage, memory_open};
	struct late_end early = {0};
	pid_t pid;
	int status = 0, code = 0;

	if (!late)
		*memory_open = sandbox_close_memory();
	else
		open_for_trace(stage->box->cage);
	pid = stage_start(stage);
	if (pid < 0)
		return err_sys(e, -pid, "starting a process");
	if (launch_forward_signals(pid, e))
		return -e->code;
	if (late)
		code = late_hold(pid, stage->box, open_gate, &gate, &early, e);
	if (!code && !early.ended && sandbox_wait(pid, late || is_init(stage->box), &status, e))
		return -e->code;
	if (stage->failed)
		return sandbox_explain(stage, end, e);
	end->wait_status = early.ended ? early.wait_status : status;
	return code ? err_prefix(e, "%s: ", stage->box->argv[0]) : 0;
}

/* The supervisor's part: as start_and_wait(), but with calls to answer meanwhile. */
static int supervise(
	struct stage *stage, struct supervision *at, struct launch_end *end, struct err *e)
{
	bool asked = is_asked(exec_action(stage->box));
	pid_t pid = stage_start(stage);
	int status = 0, listener;

	if (pid < 0)
		return err_sys(e, -pid, "starting a process");
	supervision_watch(at, pid);
	while ((listener = stage_listener(stage)) == STAGE_LOADING)
		supervision_look(at);
	if (supervision_run(at, listener, asked, &status, e))
		return -e->code;
	if (stage->failed)
		return sandbox_explain(stage, end, e);
	end->wait_status = status;
	return at->by->end ? at->by->end(at->by->ctx, end, e) : 0;
}

/*
 * A thread that a supervisor was asked about would be asked about again after a signal, if it did
 * not wait killably.
 */
static uint32_t load_flags(const struct sandbox *box, const struct sandbox_filter *filter)
{
	if (!box->supervisor)
		return filter->flags;
	return features_load_flags(filter->flags | SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV, true);
}

/*
 * Of the one command that there can be (launch_hold_signals()).  In the frame of a function of
 * ours, every page of it would be touched (-fstack-clash-protection).
 */
static char child_stack[STAGE_STACK_SIZE] __attribute__((aligned(16)));

/* A terminal of its own is for the session's leader, which keeps the command in its group. */
static bool needs_group(const struct sandbox *box)
{
	return box->cage->new_session && !box->cage->terminal && sandbox_stays(box);
}

/* With process 1 its PID namespace ends anyway. */
static bool needs_tie(const struct sandbox *box)
{
	return sandbox_stays(box) && !is_init(box);
}

struct stage sandbox_stage(const struct sandbox *box)
{
	const struct sandbox_filter *first = sandbox_first_filter(box);

	return (struct stage){
		.box = box,
		.filter = first ? first->filter : NULL,
		.filter_flags = first ? load_flags(box, first) : 0,
		.caller = getpid(),
		.held_back = box->at != SANDBOX_AT_LAUNCH,
		.own_group = box->cage && needs_group(box),
		.tied = box->cage && needs_tie(box),
		.stack_top = child_stack + sizeof(child_stack),
	};
}

static int run_supervisor(void *ctx, struct guard *guard, struct launch_end *end, struct err *e)
{
	scoped(supervision_done) struct supervision at = SUPERVISION_CLOSED;
	const struct sandbox *box = ctx;
	struct stage stage = sandbox_stage(box);

	if (supervision_open(box->supervisor, guard, &at, e))
		return -e->code;
	return supervise(&stage, &at, end, e);
}

static int run_supervised(const struct sandbox *box, struct launch_end *end, struct err *e)
{
	bool open = sandbox_close_memory();
	int result = guard_run(run_supervisor, (void *)box, end, e);

	sandbox_open_memory(open);
	return result;
}

static int run_alone(const struct sandbox *box, struct launch_end *end, struct err *e)
{
	struct stage stage = sandbox_stage(box);
	bool open = false;
	int result = start_and_hold(&stage, &open, end, e);

	sandbox_open_memory(open);
	return result;
}

bool sandbox_stays(const struct sandbox *box)
{
	return box->cage->init || box->supervisor || box->at != SANDBOX_AT_LAUNCH;
}

int sandbox_run_here(const struct sandbox *box, struct launch_end *end, struct err *e)
{
	return box->supervisor ? run_supervised(box, end, e) : run_alone(box, end, e);
}

static int run_caged(const struct sandbox *box, struct launch_end *end, struct err *e)
{
	int result;

	/* Without its path, what execve is called with is known inside only. */
	if ((box->path && sandbox_check_exec(box, e)) || cage_check(box, e) ||
		launch_hold_signals(e))
		return -e->code;
	result = cage_run(box, end, e);
	launch_restore_signals();
	return result;
}

static int run_bare(struct sandbox box, struct launch_end *end, struct err *e)
{
	int result;

	box.cage = NULL; /* there is nothing in it */
	if (sandbox_check_exec(&box, e) || launch_hold_signals(e))
		return -e->code;
	result = sandbox_run_here(&box, end, e);
	launch_restore_signals();
	return result;
}

int sandbox_run(const struct sandbox *box, struct launch_end *end, struct err *e)
{
	*end = (struct launch_end){0};
	if (box->cage && box->cage->used)
		return run_caged(box, end, e);
	return run_bare(*box, end, e);
}

const struct sandbox_filter *sandbox_first_filter(const struct sandbox *box)
{
	bool at_launch = box->at == SANDBOX_AT_LAUNCH || box->then;

	return at_launch && box->filter.filter ? &box->filter : NULL;
}

const struct sandbox_filter *sandbox_late_filter(const struct sandbox *box)
{
	return box->then ? box->then : &box->filter;
}
