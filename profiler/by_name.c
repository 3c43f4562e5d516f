#include "by_name.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "scope.h"

/*
 * Where numbers of calls are, without the base of the ABI: from 0 (the largest is 547, x32's last)
 * and ARM's own (arch/arm/include/uapi/asm/unistd.h: __ARM_NR_BASE).
 */
static const struct {
	uint32_t begin, end;
} NUMBERS[] = {{0, 1024}, {0xf0000, 0xf0010}};

void by_name_done(struct by_name *names)
{
	free(names->calls);
	policy_done(&names->policy);
	*names = (struct by_name){0};
}

static int call_compare(const void *a, const void *b)
{
	return strcmp(((const struct named_call *)a)->name, ((const struct named_call *)b)->name);
}

/* Doubled from a power of two on. */
static struct named_call *new_call(struct by_name *names)
{
	size_t used = names->n_calls;
	struct named_call *grown;

	if (!(used & (used - 1))) {
		grown = reallocarray(names->calls, used ? 2 * used : 1, sizeof(*grown));
		if (!grown)
			return NULL;
		names->calls = grown;
	}
	return &names->calls[names->n_calls++];
}

static int add_number(
	struct by_name *names, const struct abi_policy *abi, uint32_t nr, struct err *e)
{
	const struct call_policy *says = abi_policy_call(abi, nr);
	char buf[SYSCALL_NAME_MAX];
	struct named_call *call;

	if (!syscall_name(abi->abi, nr, buf))
		return 0;
	call = new_call(names);
	if (!call)
		return err_nomem(e);
	*call = (struct named_call){.action = names->policy.default_action};
	strcpy(call->name, buf);
	if (!says)
		return 0;
	call->decided = true;
	call->n_clauses = says->n_clauses;
	if (says->n_clauses)
		call->clauses = &abi->clauses[says->first_clause];
	else
		call->action = says->action;
	return 0;
}

static int add_abi(struct by_name *names, const struct abi_policy *abi, struct err *e)
{
	for (size_t i = 0; i < ARRAY_LEN(NUMBERS); i++) {
		for (uint32_t nr = NUMBERS[i].begin; nr < NUMBERS[i].end; nr++) {
			if (add_number(names, abi, abi->abi->new_base + nr, e))
				return -e->code;
		}
	}
	return 0;
}

static bool same_meaning(const struct named_call *a, const struct named_call *b)
{
	return a->decided == b->decided && a->n_clauses == b->n_clauses && a->action == b->action;
}

/* Of names that several ABIs have, one stays: rules speak of names, so they mean the same. */
static int drop_repeated(const char *input, struct by_name *names, struct err *e)
{
	size_t kept = 0;

	for (size_t i = 0; i < names->n_calls; i++) {
		const struct named_call *call = &names->calls[i];

		if (kept == 0 || call_compare(&names->calls[kept - 1], call))
			names->calls[kept++] = *call;
		else if (!same_meaning(&names->calls[kept - 1], call))
			return err_set(e, EINVAL,
				"%s: %s does not mean the same under all of its architectures; "
				"only --format json can say that",
				input, call->name);
	}
	names->n_calls = kept;
	return 0;
}

int by_name_init(
	const char *input, const struct profile *profile, struct by_name *out, struct err *e)
{
	scoped(by_name_done) struct by_name names = {0};

	if (policy_resolve(input, profile, &names.policy, NULL, e))
		return -e->code;
	for (size_t i = 0; i < names.policy.n_abis; i++) {
		if (add_abi(&names, &names.policy.abis[i], e))
			return -e->code;
	}
	if (names.n_calls)
		qsort(names.calls, names.n_calls, sizeof(*names.calls), call_compare);
	if (drop_repeated(input, &names, e))
		return -e->code;
	*out = names;
	names = (struct by_name){0};
	return 0;
}

const struct named_call *by_name_find(const struct by_name *names, const char *name)
{
	struct named_call key = {0};

	if (!names->n_calls || strlen(name) >= sizeof(key.name))
		return NULL;
	strcpy(key.name, name);
	return bsearch(&key, names->calls, names->n_calls, sizeof(key), call_compare);
}

bool named_call_may_pass(const struct named_call *call, action_t default_action)
{
	if (call->n_clauses == 0)
		return action_lets_through(call->action);
	for (size_t i = 0; i < call->n_clauses; i++) {
		if (action_lets_through(call->clauses[i].action))
			return true;
	}
	return action_lets_through(default_action);
}
