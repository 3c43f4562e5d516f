#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "filter.h"
#include "filter_args.h"
#include "filter_emit.h"
#include "filter_tree.h"
#include "scope.h"

enum {
	/*
	 * The kernel remembers which numbers are allowed whatever their arguments
	 * (kernel/seccomp.c, seccomp_cache_prepare()) and then runs no filter for them: calls with
	 * argument checks are the ones worth a short way.
	 */
	WEIGHT_CALL = 8,
	WEIGHT_ACTION = 1,
	ALIKE_MAX = 16, /* with how many calls before it one is compared */
	ROOM_MIN = 64,
};

/* Leaves below this are actions, the rest calls with argument checks, by index. */
#define LEAF_CALLS (1ULL << 32)

enum { SECTIONS = 3 };

/* Where the number space changes hands: x32 has bit 30, negative numbers, of no ABI, have bit 31.
 */
static const uint32_t SECTION_FIRST[SECTIONS] = {0, X32_BIT, 0x80000000u};
static const uint32_t SECTION_LAST[SECTIONS] = {X32_BIT - 1, 0x7fffffffu, UINT32_MAX};

/* What one audit token's numbers lead to. */
struct token {
	struct emitter *emitter;
	const struct policy *policy;
	uint32_t audit_arch;
	struct range *ranges;
	size_t n_ranges, room;
	struct checked_call {
		const struct abi_policy *abi;
		const struct call_policy *call;
		uint32_t at; /* where its checks stand, once @written */
		bool written;
	} * calls;
	size_t n_calls;
};

static void token_done(struct token *token)
{
	free(token->ranges);
	free(token->calls);
}

static uint32_t call_emit(const struct token *token, const struct checked_call *checked)
{
	uint32_t miss = emit_return(token->emitter, token->policy->default_action);

	return args_emit(token->emitter, checked->abi->abi,
		&checked->abi->clauses[checked->call->first_clause], checked->call->n_clauses,
		miss);
}

static uint32_t leaf_emit(void *ctx, uint64_t leaf)
{
	const struct token *token = ctx;
	struct checked_call *checked;

	if (leaf < LEAF_CALLS)
		return emit_return(token->emitter, (uint32_t)leaf);
	checked = &token->calls[leaf - LEAF_CALLS];
	if (!checked->written)
		checked->at = call_emit(token, checked);
	checked->written = true;
	return checked->at;
}

static bool clauses_equal(const struct clause *a, const struct clause *b)
{
	return a->action == b->action &&
	       conditions_equal(a->conds, a->n_conds, b->conds, b->n_conds);
}

/* Of one token: the same byte order. */
static bool calls_equal(const struct checked_call *a, const struct checked_call *b)
{
	if (a->abi->abi->bits32 != b->abi->abi->bits32 || a->call->n_clauses != b->call->n_clauses)
		return false;
	for (size_t i = 0; i < a->call->n_clauses; i++) {
		if (!clauses_equal(&a->abi->clauses[a->call->first_clause + i],
			    &b->abi->clauses[b->call->first_clause + i]))
			return false;
	}
	return true;
}

/* What the policy says of a call all arguments of which are @arg. */
static action_t verdict_for(const struct token *token, uint32_t nr, uint64_t arg)
{
	struct seccomp_data call = {.nr = (int)nr, .arch = token->audit_arch};

	for (size_t i = 0; i < SYSCALL_ARGS; i++)
		call.args[i] = arg;
	return policy_verdict(token->policy, &call, NULL);
}

/* Whether a few calls show already that the checks do not come down to one action. */
static bool answers_vary(const struct token *token, uint32_t nr)
{
	action_t answer = verdict_for(token, nr, 0);

	return verdict_for(token, nr, 1) != answer || verdict_for(token, nr, UINT64_MAX) != answer;
}

/* The action that the checks of a call come down to; false if there is more than one. */
static bool call_is_constant(
	const struct token *token, const struct checked_call *checked, uint32_t *out_action)
{
	size_t len = token->emitter->len;
	bool constant;

	if (answers_vary(token, checked->call->nr))
		return false;
	constant = emit_is_return(token->emitter, call_emit(token, checked), out_action);
	emitter_rewind(token->emitter, len);
	return constant;
}

/* The leaf of a call: an action if its checks come down to one. */
static uint64_t call_leaf(
	struct token *token, const struct abi_policy *abi, const struct call_policy *call)
{
	const struct checked_call checked = {.abi = abi, .call = call};
	size_t oldest = token->n_calls > ALIKE_MAX ? token->n_calls - ALIKE_MAX : 0;
	uint32_t action;

	if (call->n_clauses == 0)
		return call->action;
	/* Neighbours, and the same call of x86_64 and x32, have the same checks. */
	for (size_t i = token->n_calls; i > oldest; i--) {
		if (calls_equal(&token->calls[i - 1], &checked))
			return LEAF_CALLS + i - 1;
	}
	if (call_is_constant(token, &checked, &action))
		return action;
	token->calls[token->n_calls++] = checked;
	return LEAF_CALLS + token->n_calls - 1;
}

static bool ranges_grow(struct token *token)
{
	size_t room = token->room ? 2 * token->room : ROOM_MIN;
	struct range *grown;

	if (token->n_ranges < token->room)
		return true;
	grown = reallocarray(token->ranges, room, sizeof(*grown));
	if (!grown) {
		token->emitter->error = ENOMEM;
		return false;
	}
	token->ranges = grown;
	token->room = room;
	return true;
}

static void range_add(struct token *token, uint32_t first, uint64_t leaf)
{
	/* Most numbers are treated as those before them: tree_emit() would join these. */
	if (token->n_ranges > 0 && token->ranges[token->n_ranges - 1].leaf == leaf)
		return;
	if (!ranges_grow(token))
		return;
	token->ranges[token->n_ranges++] = (struct range){
		.first = first,
		.weight = leaf < LEAF_CALLS ? WEIGHT_ACTION : WEIGHT_CALL,
		.leaf = leaf,
	};
}

/* The ranges of one section of the number space. */
static void section_fill(struct token *token, size_t section)
{
	uint32_t first = SECTION_FIRST[section], last = SECTION_LAST[section];
	bool negative = first >> 31;
	const struct abi *owner = abi_of_call(token->audit_arch, first);
	const struct abi_policy *abi = owner && !negative ? policy_abi(token->policy, owner) : NULL;
	action_t other = abi || negative ? token->policy->default_action
					 : policy_unlisted(token->policy);
	uint32_t next = first; /* the first number that has no range yet; @last + 1: none */

	for (size_t i = 0; abi && i < abi->n_calls; i++) {
		const struct call_policy *call = &abi->calls[i];

		if (call->nr < first || call->nr > last)
			continue;
		if (call->nr > next)
			range_add(token, next, other);
		range_add(token, call->nr, call_leaf(token, abi, call));
		next = call->nr + 1;
	}
	if (next == first || next <= last)
		range_add(token, next, other);
}

/* Room for every call with argument checks. */
static bool token_init(struct token *token)
{
	size_t checked = 0;

	for (size_t i = 0; i < token->policy->n_abis; i++) {
		const struct abi_policy *abi = &token->policy->abis[i];

		for (size_t k = 0; k < abi->n_calls; k++)
			checked += abi->calls[k].n_clauses > 0;
	}
	token->calls = reallocarray(NULL, checked + 1, sizeof(*token->calls));
	return token->calls;
}

/* Write all numbers of a token: a load of the number and a tree, unless all are treated alike. */
static uint32_t token_emit(
	struct emitter *emitter, const struct policy *policy, uint32_t audit_arch)
{
	scoped(token_done) struct token token = {
		.emitter = emitter, .policy = policy, .audit_arch = audit_arch};
	const struct leaf_writer leaves = {.write = leaf_emit, .ctx = &token};
	uint32_t at, action;

	if (!token_init(&token)) {
		emitter->error = ENOMEM;
		return 0;
	}
	for (size_t i = 0; i < SECTIONS; i++)
		section_fill(&token, i);
	if (emitter->error)
		return 0;
	at = tree_emit(emitter, token.ranges, token.n_ranges, &leaves);
	if (emit_is_return(emitter, at, &action))
		return at;
	return emit_plain(emitter, BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr), at);
}

/*
 * The tokens in the order in which a call is compared with them: the native one first, the others
 * as listed.  Returns how many.
 */
static size_t tokens_list(const struct policy *policy, uint32_t *tokens)
{
	uint32_t native = abi_native()->audit_arch;
	size_t n = 0;

	for (size_t i = 0; i < policy->n_abis; i++) {
		uint32_t token = policy->abis[i].abi->audit_arch;
		size_t known = 0;

		while (known < n && tokens[known] != token)
			known++;
		if (known < n)
			continue;
		tokens[n++] = token;
		if (token == native) {
			memmove(tokens + 1, tokens, (n - 1) * sizeof(*tokens));
			tokens[0] = token;
		}
	}
	return n;
}

static void program_emit(struct emitter *emitter, const struct policy *policy, uint32_t *tokens)
{
	size_t n = tokens_list(policy, tokens);
	uint32_t next = emit_return(emitter, policy_unlisted(policy));

	/* Each comparison stands right in front of its token's tree, which it jumps over. */
	while (n > 0) {
		uint32_t token = tokens[--n];
		uint32_t tree = token_emit(emitter, policy, token);

		next = emit_branch(emitter, BPF_JEQ, token, tree, next);
	}
	(void)emit_plain(
		emitter, BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, arch), next);
}

int filter_compile(const struct policy *policy, struct filter *out, struct err *e)
{
	scoped(emitter_done) struct emitter emitter = {0};
	scoped_free uint32_t *tokens = calloc(policy->n_abis + 1, sizeof(*tokens));

	if (!tokens)
		return err_nomem(e);
	program_emit(&emitter, policy, tokens);
	return emitter_finish(&emitter, out, e);
}
