#include "thread_status.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "file.h"
#include "scope.h"

enum {
	STATUS_MAX = 64 * 1024, /* bytes */
	PF_EXITING = 0x00000004, /* include/linux/sched.h */
	PF_KTHREAD = 0x00200000, /* the same */
	PF_IO_WORKER = 0x00000010, /* the same: io_uring's */
	PF_USER_WORKER = 0x00004000, /* the same: vhost's; since Linux 6.4 */
};

/* What stands behind "\n@key:\t" as a number in @base, or 0. */
static uint64_t status_field(const char *text, const char *key, int base)
{
	char start[32];
	const char *at;

	(void)snprintf(start, sizeof(start), "\n%s:", key);
	at = strstr(text, start);
	return at ? strtoull(at + strlen(start), NULL, base) : 0;
}

static int proc_read(pid_t tid, const char *file, char **out_text, struct err *e)
{
	char path[64];
	size_t size;

	(void)snprintf(path, sizeof(path), "/proc/%d/%s", tid, file);
	if (!file_read(path, STATUS_MAX, out_text, &size, e))
		return 0;
	if (e->code == ENOENT || e->code == ESRCH)
		return err_set(e, ESRCH, "no process has the ID %d", tid);
	return -e->code;
}

/* The ninth field of proc(5)'s stat, counted from behind the name, which may hold anything. */
static unsigned kernel_flags(const char *stat)
{
	const char *at = strrchr(stat, ')');
	unsigned flags = 0;

	if (at)
		(void)sscanf(at, ") %*c %*d %*d %*d %*d %*d %u", &flags);
	return flags;
}

int thread_status_read(pid_t tid, struct thread_status *out, struct err *e)
{
	scoped_free char *text = NULL, *stat = NULL;
	const char *state;
	unsigned flags;

	if (proc_read(tid, "status", &text, e) || proc_read(tid, "stat", &stat, e))
		return -e->code;
	state = strstr(text, "\nState:\t");
	if (!state || !strstr(text, "\nSeccomp:"))
		return err_set(
			e, EINVAL, "/proc/%d/status: no Seccomp: this kernel has no seccomp", tid);
	flags = kernel_flags(stat);
	*out = (struct thread_status){
		.state = state[strlen("\nState:\t")],
		.process = (pid_t)status_field(text, "Tgid", 10),
		.tracer = (pid_t)status_field(text, "TracerPid", 10),
		.user = (uid_t)status_field(text, "Uid", 10),
		.n_threads = (unsigned)status_field(text, "Threads", 10),
		.no_new_privs = status_field(text, "NoNewPrivs", 10),
		.mode = (unsigned)status_field(text, "Seccomp", 10),
		.n_filters = (unsigned)status_field(text, "Seccomp_filters", 10),
		.is_kernel = flags & PF_KTHREAD,
		.is_worker = flags & (PF_IO_WORKER | PF_USER_WORKER),
		.is_exiting = flags & PF_EXITING,
		.pending = status_field(text, "SigPnd", 16) | status_field(text, "ShdPnd", 16),
		.blocked = status_field(text, "SigBlk", 16),
		.ignored = status_field(text, "SigIgn", 16),
		.caught = status_field(text, "SigCgt", 16),
	};
	return 0;
}

/* What happens to those by default is nothing: signal(7). */
static const uint64_t IGNORED_BY_DEFAULT = UINT64_C(1) << (SIGCHLD - 1) |
					   UINT64_C(1) << (SIGCONT - 1) |
					   UINT64_C(1) << (SIGURG - 1) |
					   UINT64_C(1) << (SIGWINCH - 1);

bool thread_status_has_ended(const struct thread_status *first)
{
	return first->is_exiting && first->n_threads <= 1;
}

bool thread_status_is_signalled(const struct thread_status *status, uint64_t blocked)
{
	uint64_t ignored = status->ignored | (IGNORED_BY_DEFAULT & ~status->caught);

	return status->pending & ~blocked & ~ignored;
}
