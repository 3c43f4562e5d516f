#include "caps.h"

#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

bool cap_is_effective(unsigned cap)
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3] = {0};

	if (syscall(SYS_capget, &header, data))
		return false;
	return data[CAP_TO_INDEX(cap)].effective & CAP_TO_MASK(cap);
}

bool cap_is_reachable(unsigned cap)
{
	return prctl(PR_CAPBSET_READ, (unsigned long)cap, 0L, 0L, 0L) == 1;
}
