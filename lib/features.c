#include "features.h"

#include <errno.h>
#include <linux/seccomp.h>
#include <sys/utsname.h>

#include "host.h"
#include "scope.h"

static const struct feature ACTIONS[] = {
	{SECCOMP_RET_KILL_PROCESS, "SCMP_ACT_KILL_PROCESS", "4.14"},
	{SECCOMP_RET_KILL_THREAD, "SCMP_ACT_KILL_THREAD", "3.5"},
	{SECCOMP_RET_TRAP, "SCMP_ACT_TRAP", "3.5"},
	{SECCOMP_RET_ERRNO, "SCMP_ACT_ERRNO", "3.5"},
	{SECCOMP_RET_USER_NOTIF, "SCMP_ACT_NOTIFY", "5.0"},
	{SECCOMP_RET_TRACE, "SCMP_ACT_TRACE", "3.5"},
	{SECCOMP_RET_LOG, "SCMP_ACT_LOG", "4.14"},
	{SECCOMP_RET_ALLOW, "SCMP_ACT_ALLOW", "3.5"},
};

static const struct feature FLAGS[] = {
	{SECCOMP_FILTER_FLAG_TSYNC, "SECCOMP_FILTER_FLAG_TSYNC", "3.17"},
	{SECCOMP_FILTER_FLAG_LOG, "SECCOMP_FILTER_FLAG_LOG", "4.14"},
	{SECCOMP_FILTER_FLAG_SPEC_ALLOW, "SECCOMP_FILTER_FLAG_SPEC_ALLOW", "4.17"},
	{SECCOMP_FILTER_FLAG_NEW_LISTENER, "SECCOMP_FILTER_FLAG_NEW_LISTENER", "5.0"},
	{SECCOMP_FILTER_FLAG_TSYNC_ESRCH, "SECCOMP_FILTER_FLAG_TSYNC_ESRCH", "5.7"},
	{SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV, "SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV", "5.19"},
};

const struct feature *features_actions(size_t *out_n)
{
	*out_n = ARRAY_LEN(ACTIONS);
	return ACTIONS;
}

const struct feature *features_flags(size_t *out_n)
{
	*out_n = ARRAY_LEN(FLAGS);
	return FLAGS;
}

static int refuse(const struct feature *feature, struct err *e)
{
	struct utsname host;
	bool known = !uname(&host);

	return err_set(e, EOPNOTSUPP,
		"this kernel%s%s has no %s, which came with Linux %s: boot a newer one, or do "
		"without it",
		known ? ", " : "", known ? host.release : "", feature->name, feature->since);
}

int features_need_action(uint32_t action, struct err *e)
{
	for (size_t i = 0; i < ARRAY_LEN(ACTIONS); i++) {
		if (ACTIONS[i].value == (action & SECCOMP_RET_ACTION_FULL) &&
			host_has_action(ACTIONS[i].value) == 0)
			return refuse(&ACTIONS[i], e);
	}
	return 0;
}

int features_need_flags(uint32_t flags, struct err *e)
{
	for (size_t i = 0; i < ARRAY_LEN(FLAGS); i++) {
		if (flags & FLAGS[i].value && host_has_filter_flag(FLAGS[i].value) == 0)
			return refuse(&FLAGS[i], e);
	}
	return 0;
}

uint32_t features_load_flags(uint32_t flags, bool listener)
{
	if (!listener)
		return flags & ~(uint32_t)SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV;
	if (flags & SECCOMP_FILTER_FLAG_TSYNC)
		flags |= SECCOMP_FILTER_FLAG_TSYNC_ESRCH;
	return flags | SECCOMP_FILTER_FLAG_NEW_LISTENER;
}
