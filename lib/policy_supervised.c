#include <stdlib.h>
#include <string.h>

#include "policy.h"
#include "scope.h"

static action_t supervised(action_t action)
{
	return action_lets_through(action) ? action : SECCOMP_RET_USER_NOTIF;
}

static int copy_abi(const struct abi_policy *from, struct abi_policy *to, struct err *e)
{
	to->abi = from->abi;
	to->calls = calloc(from->n_calls + 1, sizeof(*to->calls));
	to->clauses = calloc(from->n_clauses + 1, sizeof(*to->clauses));
	if (!to->calls || !to->clauses)
		return err_nomem(e);
	for (; to->n_calls < from->n_calls; to->n_calls++) {
		to->calls[to->n_calls] = from->calls[to->n_calls];
		to->calls[to->n_calls].action = supervised(from->calls[to->n_calls].action);
	}
	for (; to->n_clauses < from->n_clauses; to->n_clauses++) {
		to->clauses[to->n_clauses] = from->clauses[to->n_clauses];
		to->clauses[to->n_clauses].action = supervised(from->clauses[to->n_clauses].action);
	}
	return 0;
}

int policy_supervised(const struct policy *policy, struct policy *out, struct err *e)
{
	scoped(policy_done) struct policy work = {
		.default_action = supervised(policy->default_action),
		.deviations = POLICY_UNLISTED_NOTIFY,
	};

	work.abis = calloc(policy->n_abis + 1, sizeof(*work.abis));
	if (!work.abis)
		return err_nomem(e);
	while (work.n_abis < policy->n_abis) {
		size_t i = work.n_abis++;

		if (copy_abi(&policy->abis[i], &work.abis[i], e))
			return -e->code;
	}
	*out = work;
	memset(&work, 0, sizeof(work)); /* it is the caller's now */
	return 0;
}
