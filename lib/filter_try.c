#include <errno.h>
#include <stdbool.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "filter.h"
#include "scope.h"

/* Shared with the child that tries the load. */
struct load_report {
	bool done;
	int code; /* of filter_load(), or -errno of what came before */
};

/*
 * The child: load, report, end.  Behind the filter no call may work, so the report is a store to
 * memory, and where even exiting is denied an illegal instruction ends the process.
 */
__attribute__((noreturn)) static void try_in_child(
	const struct filter *filter, uint32_t flags, volatile struct load_report *report)
{
	int code = 0;

	/* No core, no matter where cores are sent. */
	if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
		code = -errno;
	/* From here no_new_privs. */
	if (!code)
		code = filter_load(filter, flags);
	/* From here filtered. */
	report->code = code;
	report->done = true;
	(void)syscall(SYS_exit_group, 0);
	(void)syscall(SYS_exit, 0);
	__builtin_trap();
}

static void unmap_report(struct load_report **report)
{
	if (*report != MAP_FAILED)
		(void)munmap(*report, sizeof(**report));
}

int filter_try(const struct filter *filter, uint32_t flags, struct err *e)
{
	scoped(unmap_report) struct load_report *report = mmap(
		NULL, sizeof(*report), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	pid_t pid;

	if (report == MAP_FAILED)
		return err_nomem(e);
	pid = fork();
	if (pid == 0)
		try_in_child(filter, flags, report);
	if (pid < 0)
		return err_sys(e, errno, "cannot fork to try the filter");
	while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		;
	if (!report->done)
		return err_set(e, ECHILD, "the process that tried the filter was killed");
	if (report->code)
		return err_sys(e, -report->code, "the kernel does not load the filter");
	return 0;
}
