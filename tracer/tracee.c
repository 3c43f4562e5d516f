#include "tracee.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "scope.h"

/*
 * Every call of every ABI stops.  RET_TRACE gives way to what a filter of the workload denies
 * (seccomp(2): precedence), which is how denied calls are told: they enter, but this does not
 * answer.
 */
static int load_trace_filter(void)
{
	struct sock_filter insns[] = {
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_TRACE | TRACEE_FILTER_DATA)};
	struct sock_fprog program = {.len = ARRAY_LEN(insns), .filter = insns};

	if (!syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program))
		return 0;
	/* Without CAP_SYS_ADMIN it takes no_new_privs.  That costs setuid programs their bit, which
	 * an unprivileged tracer costs them anyway (ptrace(2)). */
	if (errno != EACCES || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
		return errno;
	return syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program) ? errno : 0;
}

/* In the child: from here no malloc, no stdio; failures go up through the shared page. */
static _Noreturn void child(
	const struct tracer_job *job, bool filter, int go_fd, struct tracee_report *report)
{
	char byte;

	if (launch_child_signals() || read(go_fd, &byte, 1) != 1)
		_exit(EXIT_OWN_FAILURE);
	if (filter)
		report->filter_errno = load_trace_filter();
	if (!report->filter_errno) {
		/* From here every call is recorded. */
		(void)execve(job->path, job->argv, environ);
		report->exec_errno = errno;
	}
	_exit(EXIT_OWN_FAILURE);
}

static struct tracee_report *report_map(void)
{
	void *page = mmap(NULL, sizeof(struct tracee_report), PROT_READ | PROT_WRITE,
		MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	return page == MAP_FAILED ? NULL : page;
}

int tracee_start(const struct tracer_job *job, bool filter, struct tracee *out, struct err *e)
{
	struct tracee tracee = {.pid = -1, .go_fd = -1, .wait_fd = -1, .report = report_map()};
	int go[2], code;

	if (!tracee.report || pipe2(go, O_CLOEXEC)) {
		code = errno;
		tracee_done(&tracee);
		return err_sys(e, code, "cannot prepare to start the command");
	}
	tracee.go_fd = go[1];
	tracee.wait_fd = go[0];
	tracee.pid = fork();
	if (tracee.pid == 0) {
		(void)close(go[1]);
		child(job, filter, go[0], tracee.report);
	}
	if (tracee.pid < 0) {
		code = errno;
		tracee_done(&tracee);
		return err_sys(e, code, "cannot start a process for the command");
	}
	*out = tracee;
	return 0;
}

static void go_close(struct tracee *tracee)
{
	(void)close(tracee->go_fd);
	(void)close(tracee->wait_fd);
	tracee->go_fd = tracee->wait_fd = -1;
}

int tracee_go(struct tracee *tracee, struct err *e)
{
	if (write(tracee->go_fd, "g", 1) != 1)
		return err_sys(e, errno, "cannot start the command");
	go_close(tracee);
	return 0;
}

void tracee_done(struct tracee *tracee)
{
	int status;

	if (tracee->go_fd >= 0) {
		go_close(tracee);
		/* It reads end of file, and ends, with a stop on the way (PTRACE_O_TRACEEXIT). */
		while (tracee->pid > 0 && waitpid(tracee->pid, &status, __WALL) > 0 &&
			WIFSTOPPED(status))
			(void)ptrace(PTRACE_CONT, tracee->pid, 0, 0);
	}
	if (tracee->report)
		(void)munmap(tracee->report, sizeof(*tracee->report));
	*tracee = (struct tracee){.pid = -1, .go_fd = -1, .wait_fd = -1};
}

int tracee_failure(const struct tracee *tracee, const struct tracer_job *job,
	struct launch_end *end, struct err *e)
{
	const struct tracee_report *report = tracee->report;

	if (report->filter_errno)
		return err_sys(e, report->filter_errno, "cannot load the recorder's filter");
	if (report->exec_errno) {
		end->exec_errno = report->exec_errno;
		return err_sys(e, report->exec_errno, "%s", job->argv[0]);
	}
	return err_set(e, ECHILD, "%s: ended before it was started", job->argv[0]);
}
