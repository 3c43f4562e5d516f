#include "deny.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "scope.h"

#define NOTHING_KNOWN "a profile that allows nothing"

struct mode {
	const char *name;
	bool starts_as_profile; /* the profile has to allow the execve that starts the command */
	int (*open)(const struct deny_request *request, const struct policy *policy,
		struct deny *out, struct err *e);
};

static const struct mode MODES[] = {
	[DENY_PROFILE] = {"profile", true, NULL},
	[DENY_EXPLAIN] = {"explain", true, deny_explain_open},
	[DENY_LEARN] = {"learn", false, deny_learn_open},
	[DENY_ASK] = {"ask", false, deny_ask_open},
};

int deny_mode_by_name(const char *name, enum deny_mode *out_mode)
{
	for (size_t i = 0; i < ARRAY_LEN(MODES); i++) {
		if (!strcmp(MODES[i].name, name)) {
			*out_mode = (enum deny_mode)i;
			return 0;
		}
	}
	return -ENOENT;
}

/* What there is without a profile: nothing is known, so everything is asked about. */
static int know_nothing(struct enforced *out, struct err *e)
{
	scoped(profile_done) struct profile profile = {
		.default_action = SECCOMP_RET_ERRNO | ENOSYS};

	return enforced_from_profile(NOTHING_KNOWN, &profile, out, NULL, e);
}

int deny_open(const struct deny_request *request, struct enforced *enforced,
	const struct notice *to, struct deny *out, struct err *e)
{
	const struct mode *mode = &MODES[request->mode];
	const char *name = request->profile ? request->profile : NOTHING_KNOWN;

	*out = (struct deny){0};
	if (!request->profile && know_nothing(enforced, e))
		return -e->code;
	if (mode->starts_as_profile &&
		(enforced_can_hold(name, enforced, to, e) || enforced_can_start(name, enforced, e)))
		return -e->code;
	if (enforced_supervise(name, enforced, e))
		return -e->code;
	out->supervisor.starts_anyway = !mode->starts_as_profile;
	return mode->open(request, &enforced->policy, out, e);
}

void deny_close(struct deny *deny)
{
	if (deny->free)
		deny->free(deny->state);
	*deny = (struct deny){0};
}

void deny_call_fill(
	struct deny_call *call, const struct policy *policy, const struct denial *denial)
{
	uint32_t nr = (uint32_t)denial->call->nr;

	call->denial = *denial;
	call->data = *denial->call;
	call->denial.call = &call->data;
	call->abi = abi_of_call(call->data.arch, nr);
	if (!call->abi)
		call->abi = abi_native();
	for (size_t i = 0; i < SYSCALL_ARGS; i++)
		call->args[i] = call->abi->bits32 ? (uint32_t)call->data.args[i]
						  : call->data.args[i];
	if (!syscall_name(call->abi, nr, call->name))
		(void)snprintf(call->name, sizeof(call->name), "#%d", call->data.nr);
	call->action = action_effective(policy_verdict(policy, denial->call, NULL));
	if (!proc_program(denial->tid, call->program))
		strcpy(call->program, "?");
}
