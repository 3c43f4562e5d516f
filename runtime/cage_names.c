#include "cage_names.h"

#include <errno.h>
#include <sched.h>
#include <string.h>
#include <strings.h>
#include <sys/mount.h>

#include "scope.h"

#ifndef CLONE_NEWTIME
#define CLONE_NEWTIME 0x80 /* linux/sched.h: Linux 5.6 */
#endif

static const struct {
	const char *name;
	int flag;
} SPACES[CAGE_NS_COUNT] = {
	[CAGE_NS_USER] = {"user", CLONE_NEWUSER},
	[CAGE_NS_PID] = {"pid", CLONE_NEWPID},
	[CAGE_NS_MOUNT] = {"mount", CLONE_NEWNS},
	[CAGE_NS_NET] = {"net", CLONE_NEWNET},
	[CAGE_NS_IPC] = {"ipc", CLONE_NEWIPC},
	[CAGE_NS_UTS] = {"uts", CLONE_NEWUTS},
	[CAGE_NS_CGROUP] = {"cgroup", CLONE_NEWCGROUP},
	[CAGE_NS_TIME] = {"time", CLONE_NEWTIME},
};

const char *cage_ns_name(enum cage_ns ns)
{
	return SPACES[ns].name;
}

int cage_ns_flag(enum cage_ns ns)
{
	return SPACES[ns].flag;
}

#define LIMIT(name) [name] = #name

static const char LIMIT_PREFIX[] = "RLIMIT_";

static const char *const LIMITS[RLIM_NLIMITS] = {
	LIMIT(RLIMIT_AS),
	LIMIT(RLIMIT_CORE),
	LIMIT(RLIMIT_CPU),
	LIMIT(RLIMIT_DATA),
	LIMIT(RLIMIT_FSIZE),
	LIMIT(RLIMIT_LOCKS),
	LIMIT(RLIMIT_MEMLOCK),
	LIMIT(RLIMIT_MSGQUEUE),
	LIMIT(RLIMIT_NICE),
	LIMIT(RLIMIT_NOFILE),
	LIMIT(RLIMIT_NPROC),
	LIMIT(RLIMIT_RSS),
	LIMIT(RLIMIT_RTPRIO),
	LIMIT(RLIMIT_RTTIME),
	LIMIT(RLIMIT_SIGPENDING),
	LIMIT(RLIMIT_STACK),
};

const char *cage_limit_name(int resource)
{
	return resource >= 0 && resource < (int)ARRAY_LEN(LIMITS) ? LIMITS[resource] : NULL;
}

int cage_limit_by_name(const char *name, int *out_resource)
{
	size_t prefix = sizeof(LIMIT_PREFIX) - 1;

	if (!strncasecmp(name, LIMIT_PREFIX, prefix))
		name += prefix;
	for (size_t i = 0; i < ARRAY_LEN(LIMITS); i++) {
		if (!strcasecmp(name, LIMITS[i] + prefix)) {
			*out_resource = (int)i;
			return 0;
		}
	}
	return -EINVAL;
}

static const struct {
	const char *name;
	unsigned long flags;
} PROPAGATIONS[] = {
	{"private", MS_PRIVATE},
	{"rprivate", MS_PRIVATE | MS_REC},
	{"slave", MS_SLAVE},
	{"rslave", MS_SLAVE | MS_REC},
	{"shared", MS_SHARED},
	{"rshared", MS_SHARED | MS_REC},
	{"unbindable", MS_UNBINDABLE},
	{"runbindable", MS_UNBINDABLE | MS_REC},
};

const char *cage_propagation_name(unsigned long flags)
{
	for (size_t i = 0; i < ARRAY_LEN(PROPAGATIONS); i++) {
		if (PROPAGATIONS[i].flags == flags)
			return PROPAGATIONS[i].name;
	}
	return NULL;
}

int cage_propagation_by_name(const char *name, unsigned long *out_flags)
{
	for (size_t i = 0; i < ARRAY_LEN(PROPAGATIONS); i++) {
		if (!strcmp(PROPAGATIONS[i].name, name)) {
			*out_flags = PROPAGATIONS[i].flags;
			return 0;
		}
	}
	return -EINVAL;
}

const char *cage_cap_set_name(enum cage_cap_set set)
{
	static const char *const NAMES[CAGE_CAP_SETS] = {
		[CAGE_CAP_BOUNDING] = "bounding",
		[CAGE_CAP_PERMITTED] = "permitted",
		[CAGE_CAP_EFFECTIVE] = "effective",
		[CAGE_CAP_INHERITABLE] = "inheritable",
		[CAGE_CAP_AMBIENT] = "ambient",
	};

	return NAMES[set];
}

const char *cage_hook_time_name(enum cage_hook_time when)
{
	static const char *const NAMES[CAGE_HOOK_TIMES] = {
		[CAGE_HOOK_PRESTART] = "prestart",
		[CAGE_HOOK_CREATE_RUNTIME] = "createRuntime",
		[CAGE_HOOK_CREATE_CONTAINER] = "createContainer",
		[CAGE_HOOK_START_CONTAINER] = "startContainer",
		[CAGE_HOOK_POSTSTART] = "poststart",
		[CAGE_HOOK_POSTSTOP] = "poststop",
	};

	return NAMES[when];
}

bool cage_sysctl_is_name(const char *name)
{
	return *name && *name != '/' && *name != '.' && !strstr(name, "..") &&
	       !strstr(name, "//") && !strstr(name, "./") && !strstr(name, "/.");
}

/* With dots; a final one: and all below.  namespaces(7) and its kin; ipc/ipc_sysctl.c,
 * ipc/mq_sysctl.c, kernel/utsname_sysctl.c, kernel/ucount.c. */
static const struct {
	const char *name;
	enum cage_ns ns;
} OWNERS[] = {
	{"net.", CAGE_NS_NET},
	{"fs.mqueue.", CAGE_NS_IPC},
	{"kernel.msgmax", CAGE_NS_IPC},
	{"kernel.msgmnb", CAGE_NS_IPC},
	{"kernel.msgmni", CAGE_NS_IPC},
	{"kernel.sem", CAGE_NS_IPC},
	{"kernel.shmall", CAGE_NS_IPC},
	{"kernel.shmmax", CAGE_NS_IPC},
	{"kernel.shmmni", CAGE_NS_IPC},
	{"kernel.shm_rmid_forced", CAGE_NS_IPC},
	{"kernel.domainname", CAGE_NS_UTS},
	{"kernel.hostname", CAGE_NS_UTS},
	{"user.", CAGE_NS_USER},
};

/* Whether @name, where @separator stands for the dot, is @owner or below it. */
static bool is_of(const char *name, const char *owner, char separator)
{
	for (; *owner; owner++, name++) {
		if (*name != (*owner == '.' ? separator : *owner))
			return false;
	}
	return owner[-1] == '.' || !*name;
}

enum cage_ns cage_sysctl_owner(const char *name)
{
	const char *first = strpbrk(name, "./");

	for (size_t i = 0; first && i < ARRAY_LEN(OWNERS); i++) {
		if (is_of(name, OWNERS[i].name, *first))
			return OWNERS[i].ns;
	}
	return CAGE_NS_COUNT;
}
