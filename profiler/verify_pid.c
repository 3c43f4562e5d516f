#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <linux/seccomp.h>
#include <stdio.h>
#include <unistd.h>

#include "num.h"
#include "scope.h"
#include "thread_status.h"
#include "verify_dump.h"

static int check_self(pid_t pid, struct err *e)
{
	struct thread_status self;

	if (pid == getpid())
		return err_set(e, EINVAL, "process %d is sysclamp itself; name another one", pid);
	if (thread_status_read(getpid(), &self, e))
		return -e->code;
	/* kernel/seccomp.c: seccomp_get_filter() */
	if (self.mode != SECCOMP_MODE_DISABLED)
		return err_set(e, EPERM,
			"sysclamp runs behind a filter here, and the kernel shows those of others "
			"to unconfined processes only: run it outside of the container");
	return 0;
}

static int check_thread(pid_t pid, const struct thread_status *status, struct err *e)
{
	if (status->is_kernel)
		return err_set(
			e, EINVAL, "process %d is a kernel thread; no filter applies to it", pid);
	if (status->state == 'Z' || status->state == 'X')
		return err_set(e, ESRCH, "process %d has ended; what it carried is gone", pid);
	return 0;
}

/* Nothing that a program could be held against; true if so. */
static bool carries_none(const struct thread_status *status, struct verify_report *out)
{
	static const char *const why[] = {
		[SECCOMP_MODE_DISABLED] = "it carries no filter: every call is allowed",
		[SECCOMP_MODE_STRICT] =
			"it is in seccomp's strict mode, which is no filter: read, "
			"write, exit and sigreturn are allowed, anything else kills",
	};

	if (status->mode >= ARRAY_LEN(why))
		return false;
	out->answer = VERIFY_NONE;
	(void)snprintf(out->why, sizeof(out->why), "%s", why[status->mode]);
	return true;
}

/*
 * Filters belong to threads.  Whether all threads of the process have as many as its main thread;
 * the first that has not, or 0.  One that ends meanwhile does not count.
 */
static pid_t find_other_thread(pid_t pid, const struct thread_status *status)
{
	scoped(scope_closedir) DIR *dir = NULL;
	const struct dirent *entry;
	char path[64];

	(void)snprintf(path, sizeof(path), "/proc/%d/task", pid);
	dir = opendir(path);
	while (dir && (entry = readdir(dir))) {
		struct thread_status other;
		struct err ignored;
		uint64_t tid;

		if (num_parse(entry->d_name, INT_MAX, &tid) ||
			thread_status_read((pid_t)tid, &other, &ignored) || other.state == 'Z')
			continue;
		if (other.mode != status->mode || other.n_filters != status->n_filters)
			return (pid_t)tid;
	}
	return 0;
}

static bool threads_differ(pid_t pid, const struct thread_status *status, struct verify_report *out)
{
	pid_t other = status->process == pid ? find_other_thread(pid, status) : 0;

	if (!other)
		return false;
	out->answer = VERIFY_NONE;
	(void)snprintf(out->why, sizeof(out->why),
		"its threads carry different filters, thread %d not those of the main one; ask "
		"about each thread",
		other);
	return true;
}

int verify_pid(
	const struct verify_subject *subject, pid_t pid, struct verify_report *out, struct err *e)
{
	scoped(reading_done) struct reading written = {0};
	scoped(filters_done) struct filters filters = {0};
	struct verify_report report = {0};
	struct thread_status status = {0};

	(void)snprintf(report.subject, sizeof(report.subject), "process %d", pid);
	if (reading_as_written(subject, &written, e) || check_self(pid, e) ||
		thread_status_read(pid, &status, e) || check_thread(pid, &status, e))
		return -e->code;
	if (!carries_none(&status, &report) && !threads_differ(pid, &status, &report) &&
		(filters_dump(pid, &filters, e) ||
			verify_filters(subject, &written, &filters, &report, e)))
		return -e->code;
	*out = report;
	return 0;
}
