#include <errno.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "filter.h"

int filter_load(const struct filter *filter, uint32_t flags)
{
	struct sock_fprog program = {
		.len = (unsigned short)filter->len,
		.filter = filter->insns,
	};
	long result = syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, &program);

	if (result < 0)
		return -errno;
	/* With NEW_LISTENER the result is the descriptor; else it is 0, or the id of a thread that
	 * TSYNC could not take along, and then nothing was loaded. */
	if (result > 0 && !(flags & SECCOMP_FILTER_FLAG_NEW_LISTENER))
		return -ESRCH;
	return (int)result;
}
