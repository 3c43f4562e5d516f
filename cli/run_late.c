#include "run_late.h"

#include <errno.h>
#include <linux/capability.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "caps.h"
#include "prove.h"
#include "scope.h"
#include "syscalls.h"

#define WITHIN_NS UINT64_C(60000000000)

static const char STRICT_FILTER[] =
#include "strict-filter_json.inc"
	;

static const char *const MODES[] = {
	[RUN_FILTER] = "filter",
	[RUN_STRICT] = "strict",
	[RUN_STRICT_FILTER] = "strict-filter",
};

static int read_mode(const char *text, enum run_mode *out, struct err *e)
{
	for (size_t i = 0; i < ARRAY_LEN(MODES); i++) {
		if (!strcmp(text, MODES[i])) {
			*out = (enum run_mode)i;
			return 0;
		}
	}
	return err_set(e, EINVAL, "--mode %s: it is filter, strict or strict-filter", text);
}

/* Which of what was given does not go together; NULL: all does. */
static const char *find_conflict(
	const struct run_late *late, const struct run_plan *plan, bool has_filter, bool has_cage)
{
	bool is_strict = plan->mode != RUN_FILTER;
	bool is_held = has_filter || is_strict || has_cage;
	const struct {
		bool found;
		const char *text;
	} conflicts[] = {
		{!is_held, "no profile given (-p PROFILE), nor what else holds a command "
			   "(--help-cage): its environment does not, nor a switch that is off"},
		{!is_strict && !has_filter && plan->at != SANDBOX_AT_LAUNCH,
			"--at is about a profile (-p PROFILE)"},
		{is_strict && has_filter, "strict modes have their list of calls built in; leave "
					  "out -p, or --mode"},
		{is_strict && late->then, "--then goes with filter mode only"},
		{plan->mode == RUN_STRICT && plan->at != SANDBOX_AT_MAIN,
			"--mode strict begins at main; for another moment use strict-filter"},
		{plan->mode == RUN_STRICT_FILTER && plan->at == SANDBOX_AT_LAUNCH,
			"--mode strict-filter denies execve, so that it cannot begin at launch"},
		{late->then && plan->at == SANDBOX_AT_LAUNCH,
			"--then needs a moment: --at serve, for one"},
		{late->within_ns && plan->at == SANDBOX_AT_LAUNCH,
			"--within needs a moment: --at serve, for one"},
		{late->at && !*late->at, "--at needs a moment or the name of a function"},
	};

	for (size_t i = 0; i < ARRAY_LEN(conflicts); i++) {
		if (conflicts[i].found)
			return conflicts[i].text;
	}
	return NULL;
}

int run_plan(const struct run_late *late, bool has_filter, bool has_cage, struct run_plan *out,
	struct err *e)
{
	struct run_plan plan = {.within_ns = late->within_ns ? late->within_ns : WITHIN_NS};
	const char *conflict;

	if (late->mode && read_mode(late->mode, &plan.mode, e))
		return -e->code;
	plan.at = plan.mode == RUN_FILTER ? SANDBOX_AT_LAUNCH : SANDBOX_AT_MAIN;
	if (late->at)
		plan.at = sandbox_at_by_name(late->at);
	plan.symbol = plan.at == SANDBOX_AT_SYMBOL ? late->at : NULL;
	conflict = find_conflict(late, &plan, has_filter, has_cage);
	if (conflict)
		return err_set(e, EINVAL, "%s", conflict);
	*out = plan;
	return 0;
}

int run_strict_filter(struct enforced *out, struct err *e)
{
	scoped(profile_done) struct profile profile = {0};
	scoped_free char *text = strdup(STRICT_FILTER);
	const char *name = "strict-filter.json";

	if (!text)
		return err_nomem(e);
	if (profile_parse(name, text, strlen(text), &profile, NULL, e))
		return -e->code;
	return enforced_from_profile(name, &profile, out, NULL, e);
}

/* Without CAP_SYS_ADMIN no filter can be made to look away. */
static int check_can_load(const char *first, const struct filter *start, const char *then,
	const struct enforced *serve, struct err *e)
{
	const struct seccomp_data load = {
		.nr = SYS_seccomp,
		.arch = abi_native()->audit_arch,
		.args = {SECCOMP_SET_MODE_FILTER, serve->profile.flags | SECCOMP_FILTER_FLAG_TSYNC},
	};

	if (cap_is_effective(CAP_SYS_ADMIN) || filter_run(start, &load) == SECCOMP_RET_ALLOW)
		return 0;
	return err_set(e, EPERM,
		"%s: loading %s later takes the call seccomp, which it denies, or CAP_SYS_ADMIN: "
		"allow seccomp in it, or run as root",
		first, then);
}

int run_check_phases(const char *first, const struct filter *start, const char *then,
	const struct enforced *serve, struct err *e)
{
	struct proof proof;
	char shown[ERR_TEXT_MAX];

	if (filter_within(&serve->filter, start, &proof, e))
		return err_prefix(e, "%s within %s: ", then, first);
	if (proof.verdict == PROOF_EQUAL)
		return check_can_load(first, start, then, serve, e);
	if (proof.verdict == PROOF_UNDECIDED)
		return err_set(e, EPERM,
			"%s: whether it is within %s was not decided in %llu steps", then, first,
			(unsigned long long)proof.steps);
	return err_set(e, EPERM,
		"%s: cannot be loaded over %s, which stays in force: %s (the program: this profile "
		"alone, the rules: both); let the first one allow that (sysclamp merge --union)",
		then, first, proof_print(&proof, shown, sizeof(shown)));
}

void run_tell_if_strict(const struct run_plan *plan, const char *cmd, int wait_status)
{
	if (plan->mode == RUN_STRICT && WIFSIGNALED(wait_status) &&
		WTERMSIG(wait_status) == SIGKILL)
		fprintf(stderr,
			"sysclamp run: %s was killed by SIGKILL, perhaps by strict mode: it allows "
			"read, write, exit and rt_sigreturn, and neither exit_group nor what stdio "
			"needs; see --mode strict-filter\n",
			cmd);
}
