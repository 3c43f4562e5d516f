#include "profile.h"

#include <errno.h>
#include <linux/seccomp.h>
#include <stdio.h>
#include <string.h>

#include "scope.h"

enum { ERRNO_MAX = 4095 };

struct action_row {
	const char *name;
	action_t action;
	uint16_t data_max;
};

/* The first name of a value is the one that is written. */
static const struct action_row ACTIONS[] = {
	{"SCMP_ACT_KILL_PROCESS", SECCOMP_RET_KILL_PROCESS, 0},
	{"SCMP_ACT_KILL_THREAD", SECCOMP_RET_KILL_THREAD, 0},
	{"SCMP_ACT_KILL", SECCOMP_RET_KILL_THREAD, 0},
	{"SCMP_ACT_TRAP", SECCOMP_RET_TRAP, 0},
	{"SCMP_ACT_ERRNO", SECCOMP_RET_ERRNO, ERRNO_MAX},
	{"SCMP_ACT_NOTIFY", SECCOMP_RET_USER_NOTIF, 0},
	{"SCMP_ACT_TRACE", SECCOMP_RET_TRACE, SECCOMP_RET_DATA},
	{"SCMP_ACT_LOG", SECCOMP_RET_LOG, 0},
	{"SCMP_ACT_ALLOW", SECCOMP_RET_ALLOW, 0},
};

static const struct action_row *action_row(action_t action)
{
	for (size_t i = 0; i < ARRAY_LEN(ACTIONS); i++) {
		if (ACTIONS[i].action == (action & SECCOMP_RET_ACTION_FULL))
			return &ACTIONS[i];
	}
	return NULL;
}

const char *action_name(action_t action)
{
	const struct action_row *row = action_row(action);

	return row && (action & SECCOMP_RET_DATA) <= row->data_max ? row->name : NULL;
}

const char *action_name_at(size_t index)
{
	return index < ARRAY_LEN(ACTIONS) ? ACTIONS[index].name : NULL;
}

int action_by_name(const char *name, action_t *out_action)
{
	for (size_t i = 0; i < ARRAY_LEN(ACTIONS); i++) {
		if (!strcmp(ACTIONS[i].name, name)) {
			*out_action = ACTIONS[i].action;
			return 0;
		}
	}
	return -ENOENT;
}

uint16_t action_data_max(action_t action)
{
	const struct action_row *row = action_row(action);

	return row ? row->data_max : 0;
}

bool action_has_data(action_t action)
{
	return action_data_max(action) > 0;
}

bool action_is_stricter(action_t action, action_t other)
{
	/* The kernel compares them as signed numbers and takes the smaller: kernel/seccomp.c,
	 * seccomp_run_filters(). */
	return (int32_t)(action & SECCOMP_RET_ACTION_FULL) <
	       (int32_t)(other & SECCOMP_RET_ACTION_FULL);
}

const char *action_print(action_t action, char *buf, size_t size)
{
	const char *name = action_name(action);
	uint32_t data = action & SECCOMP_RET_DATA;
	const char *error = strerrorname_np((int)data);

	if (!name)
		(void)snprintf(buf, size, "0x%08x", action);
	else if (!action_has_data(action))
		(void)snprintf(buf, size, "%s", name);
	else if ((action & SECCOMP_RET_ACTION_FULL) == SECCOMP_RET_ERRNO && data && error)
		(void)snprintf(buf, size, "%s (%s)", name, error);
	else
		(void)snprintf(buf, size, "%s (%u)", name, data);
	return buf;
}

bool action_lets_through(action_t action)
{
	action &= SECCOMP_RET_ACTION_FULL;
	return action == SECCOMP_RET_ALLOW || action == SECCOMP_RET_LOG;
}

action_t action_effective(uint32_t returned)
{
	const struct action_row *row = action_row(returned);
	uint32_t data = returned & SECCOMP_RET_DATA;

	if (!row)
		return SECCOMP_RET_KILL_PROCESS;
	if (row->action == SECCOMP_RET_TRAP)
		return returned; /* the handler sees it, as si_errno */
	return row->action | (data < row->data_max ? data : row->data_max);
}
