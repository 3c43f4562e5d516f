#include "stage.h"

#include <errno.h>
#include <linux/futex.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

/*
 * Sanitizers stay outside: their checks allocate, take locks and make calls that the filter denies.
 */
#define UNCHECKED __attribute__((no_sanitize("address", "undefined")))

/*
 * End without the help of the kernel if need be: a filter may answer both exits with an errno, but
 * nothing can deny an invalid instruction.
 */
UNCHECKED static _Noreturn void stage_fail(struct stage *stage, enum stage_step step, int error)
{
	stage->error = error;
	stage->failed = step;
	(void)syscall(SYS_exit_group, EXIT_OWN_FAILURE);
	(void)syscall(SYS_exit, EXIT_OWN_FAILURE);
	__builtin_trap();
}

/* Until somebody traces it.  Without a caller there is nobody who would. */
UNCHECKED static void stage_wait(struct stage *stage)
{
	(void)prctl(PR_SET_PDEATHSIG, (long)SIGKILL, 0L, 0L, 0L);
	if (syscall(SYS_getppid) != stage->caller)
		stage_fail(stage, STAGE_EXEC, ECANCELED); /* it had died before the line above */
	while (!stage->go)
		(void)syscall(SYS_futex, &stage->go, FUTEX_WAIT, 0, NULL, NULL, 0);
	(void)prctl(PR_SET_PDEATHSIG, 0L, 0L, 0L, 0L);
}

/*
 * What would be in the way of whoever makes the cage, and of who waits for the command in it: that
 * is for the command alone.
 */
UNCHECKED static void stage_shape(struct stage *stage, const struct cage *cage)
{
	/* Its parent leads the session, so that it can be stopped from a terminal: setpgid(2). */
	if (stage->own_group && syscall(SYS_setpgid, 0, 0))
		stage_fail(stage, STAGE_GROUP, errno);
	/* Who waits for it inside shall not end before it. */
	if (stage->tied && prctl(PR_SET_PDEATHSIG, (long)SIGKILL, 0L, 0L, 0L))
		stage_fail(stage, STAGE_WITH_PARENT, errno);
	if (stage->tied && syscall(SYS_getppid) != stage->caller)
		stage_fail(stage, STAGE_WITH_PARENT, ECANCELED);
	for (size_t i = 0; i < cage->n_limits; i++) {
		const struct cage_limit *limit = &cage->limits[i];
		const struct rlimit64 value = {limit->soft, limit->hard};

		stage->limit = i;
		if (syscall(SYS_prlimit64, 0, limit->resource, &value, NULL))
			stage_fail(stage, STAGE_LIMIT, errno);
	}
	if (cage->set_umask && syscall(SYS_umask, cage->umask) < 0)
		stage_fail(
			stage, STAGE_UMASK, errno); /* where a filter of the caller's forbids it */
}

/*
 * Caller and child have one errno between them.  The child writes it when it fails, and then ends;
 * nothing that the caller does meanwhile depends on it (launch_forward_signals(), waitpid()).
 */
UNCHECKED static _Noreturn void stage_become(struct stage *stage)
{
	const struct sandbox *box = stage->box;
	int status = 0;

	if (stage->held_back)
		stage_wait(stage);

	/* Signals first: this takes calls that the filter may deny. */
	status = launch_child_signals();
	if (status)
		stage_fail(stage, STAGE_SIGNALS, -status);
	if (box->cage)
		stage_shape(stage, box->cage);

	/* From here no_new_privs. */
	if (!box->new_privs && prctl(PR_SET_NO_NEW_PRIVS, 1L, 0L, 0L, 0L))
		stage_fail(stage, STAGE_NO_NEW_PRIVS, errno);

	/* Should both the supervisor and its guard be killed, this ends the command at least. */
	if (box->supervisor && !stage->tied)
		(void)prctl(PR_SET_PDEATHSIG, (long)SIGKILL, 0L, 0L, 0L);

	if (stage->filter)
		status = filter_load(stage->filter, stage->filter_flags);
	if (status < 0)
		stage_fail(stage, STAGE_LOAD, -status);
	if (box->supervisor)
		__atomic_store_n(&stage->listener, status, __ATOMIC_RELEASE);

	/* From here filtered, if at all: execve with these arguments is all that is known to be
	 * allowed. */
	(void)syscall(SYS_execve, box->path, box->argv, box->env, 0L, 0L, 0L);
	stage_fail(stage, STAGE_EXEC, errno);
}

UNCHECKED static int stage_run(void *arg)
{
	stage_become(arg);
}

_Noreturn void stage_here(struct stage *stage)
{
	stage_become(stage);
}

pid_t stage_start(struct stage *stage)
{
	int flags = CLONE_VM | SIGCHLD;
	pid_t pid;

	if (stage->box->supervisor)
		flags |= CLONE_FILES | CLONE_CHILD_CLEARTID;
	stage->listener = -1;
	stage->early = 1;
	pid = clone(stage_run, stage->stack_top, flags, stage, NULL, NULL, &stage->early);
	return pid < 0 ? -errno : pid;
}

void stage_go(struct stage *stage)
{
	stage->go = 1;
	(void)syscall(SYS_futex, &stage->go, FUTEX_WAKE, 1, NULL, NULL, 0);
}

/*
 * The child cannot wake anybody: the filter may ask about the call that does.  Where it asks about
 * the execve itself, nothing else tells that the filter is loaded, so it is looked at; everywhere
 * else the kernel wakes at once.
 */
int stage_listener(struct stage *stage)
{
	const struct timespec moment = {.tv_nsec = STAGE_LOOK_NS};
	/* In this order: it is loaded before the program is executed. */
	int early = __atomic_load_n(&stage->early, __ATOMIC_ACQUIRE);
	int listener = __atomic_load_n(&stage->listener, __ATOMIC_ACQUIRE);

	if (listener >= 0)
		return listener;
	if (!early)
		return STAGE_NO_LISTENER;
	(void)syscall(SYS_futex, &stage->early, FUTEX_WAIT, early, &moment, NULL, 0);
	return STAGE_LOADING;
}
