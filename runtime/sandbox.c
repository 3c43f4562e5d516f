#include "sandbox.h"

#include <errno.h>
#include <stdint.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>

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
static int check_exec_allowed(const struct sandbox *box, struct err *e)
{
	const struct seccomp_data call = {
		.nr = SYS_execve,
		.arch = abi_native()->audit_arch,
		.args = {as_argument(box->path), as_argument(box->argv), as_argument(box->env)},
	};
	uint32_t action = filter_run(box->filter, &call) & SECCOMP_RET_ACTION_FULL;

	if (action == SECCOMP_RET_ALLOW || action == SECCOMP_RET_LOG)
		return 0;
	return err_set(e, EPERM,
		"the profile denies the execve that starts the command; allow execve without "
		"conditions");
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

static int explain(const struct stage *stage, struct launch_end *end, struct err *e)
{
	int error = stage->error;

	if (stage->failed == STAGE_EXEC) {
		end->exec_errno = error;
		return explain_exec(stage->box, error, e);
	}
	if (stage->failed == STAGE_NO_NEW_PRIVS)
		return err_sys(e, error, "setting no_new_privs");
	if (error == EACCES)
		return err_set(e, error,
			"without no_new_privs, loading a filter needs CAP_SYS_ADMIN: run as root, "
			"or without --new-privs");
	return err_sys(e, error, "the kernel does not load the filter%s",
		error == EINVAL && stage->box->filter_flags ? ", perhaps for the profile's flags"
							    : "");
}

/* Wait for the command's end, and share its suspensions. */
static int wait_for(pid_t pid, int *out_status, struct err *e)
{
	int status;

	for (;;) {
		if (waitpid(pid, &status, WUNTRACED) < 0) {
			if (errno == ECHILD)
				return err_sys(e, errno, "waiting for the command");
			continue; /* EINTR, or whatever the child wrote over it */
		}
		if (!WIFSTOPPED(status)) {
			*out_status = status;
			return 0;
		}
		launch_suspend_with(pid, WSTOPSIG(status));
	}
}

static int start_and_wait(struct stage *stage, struct launch_end *end, struct err *e)
{
	pid_t pid = stage_start(stage);
	int status = 0;

	if (pid < 0)
		return err_sys(e, -pid, "starting a process");
	if (launch_forward_signals(pid, e) || wait_for(pid, &status, e))
		return -e->code;
	if (stage->failed)
		return explain(stage, end, e);
	end->wait_status = status;
	return 0;
}

/*
 * Nobody but root may look into the caller from now on, nor write to it: it runs without the
 * filter, under the same user as the command.  Nor does a child leave a core of us that has to end
 * itself by an invalid instruction (PR_SET_DUMPABLE(2const); an execve starts afresh).
 *
 * Returns what to restore.
 */
static bool memory_close(void)
{
	bool open = prctl(PR_GET_DUMPABLE, 0L, 0L, 0L, 0L) == 1;

	if (open)
		(void)prctl(PR_SET_DUMPABLE, 0L, 0L, 0L, 0L);
	return open;
}

static void memory_restore(bool open)
{
	if (open)
		(void)prctl(PR_SET_DUMPABLE, 1L, 0L, 0L, 0L);
}

int sandbox_run(const struct sandbox *box, struct launch_end *end, struct err *e)
{
	/* Of the one command that there can be (launch_hold_signals()).  In our own frame, every
	 * page of it would be touched (-fstack-clash-protection). */
	static char stack[STAGE_STACK_SIZE] __attribute__((aligned(16)));
	struct stage stage = {.box = box, .stack_top = stack + sizeof(stack)};
	bool open;
	int result;

	*end = (struct launch_end){0};
	if (check_exec_allowed(box, e) || launch_hold_signals(e))
		return -e->code;
	open = memory_close();
	result = start_and_wait(&stage, end, e);
	memory_restore(open);
	launch_restore_signals();
	return result;
}
