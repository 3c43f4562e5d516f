/*
 * A policy for minijail0 -S.
 *
 * Source: google/minijail at 8d20993: minijail0(5), and syscall_filter.c (compile_file,
 * compile_policy_line) for what it leaves open.  A line says of one call "1" (allowed), "return
 * ERRNO", or a disjunction of conjunctions of comparisons under which it is allowed, with what it
 * fails with otherwise behind ";".  What has no line is killed, so a default of ERRNO becomes a
 * line for every call; not for those newer than the headers that minijail may have been built with,
 * as it takes no policy with a name that it does not know.  (tools/compile_seccomp_policy.py takes
 * "EXPRESSION; return ERRNO" for the opposite, and then kills what is allowed here: it never allows
 * more.)
 *
 * There is no masked comparison, but "arg & BIT" (some bit is set) and "arg in BITS" (no other bit
 * is set) make one: (arg & 0xf) == 5 is "arg & 0x1 && arg & 0x4 && arg in ~0xa".
 */
#include "emit_parts.h"

#include <errno.h>
#include <inttypes.h>
#include <linux/seccomp.h>
#include <stdio.h>
#include <string.h>

#include "by_name.h"
#include "scope.h"

enum {
	LABELS_MAX = 512, /* bpf.h: BPF_LABELS_MAX; more and the policy does not load */
	OLD_NR_MAX = 450, /* set_mempolicy_home_node of Linux 5.17, the last one of 6.1's headers */
};

struct policy_file {
	FILE *to;
	const struct by_name *names;
	const struct emit_context *ctx;
	const struct abi *abi;
	action_t otherwise;
	size_t n_labels;
	struct name_row logged, newer; /* newer: names that not every minijail knows */
};

static bool is_kill(action_t action)
{
	return action_kind(action) == SECCOMP_RET_KILL_PROCESS ||
	       action_kind(action) == SECCOMP_RET_KILL_THREAD;
}

static void put_errno(FILE *to, action_t action)
{
	uint16_t code = action & SECCOMP_RET_DATA;
	const char *name = code ? strerrorname_np(code) : NULL;

	if (name)
		fprintf(to, "return %s", name);
	else
		fprintf(to, "return %u", code);
}

/* Whether it is known of a condition, whatever the argument, that it holds or does not. */
enum truth { NEVER, ALWAYS, DEPENDS };

/* @cond: not OP_MASKED_EQ, on an argument of at most @max. */
static enum truth compare_truth(const struct condition *cond, uint64_t max)
{
	if (cond->value <= max)
		return DEPENDS;
	return cond->op == OP_NE || cond->op == OP_LT || cond->op == OP_LE ? ALWAYS : NEVER;
}

static enum truth masked_truth(const struct condition *cond, uint64_t max)
{
	if (cond->value & cond->value_two & ~max)
		return NEVER;
	return cond->value & max ? DEPENDS : ALWAYS;
}

static enum truth truth_of(const struct condition *cond, const struct abi *abi)
{
	uint64_t max = abi->bits32 ? UINT32_MAX : UINT64_MAX;

	return cond->op == OP_MASKED_EQ ? masked_truth(cond, max) : compare_truth(cond, max);
}

static enum truth clause_truth(const struct clause *clause, const struct abi *abi)
{
	enum truth all = ALWAYS;

	for (size_t i = 0; i < clause->n_conds; i++) {
		enum truth one = truth_of(&clause->conds[i], abi);

		if (one == NEVER)
			return NEVER;
		if (one == DEPENDS)
			all = DEPENDS;
	}
	return all;
}

static void put_masked(FILE *to, const struct condition *cond, const struct abi *abi)
{
	uint64_t max = abi->bits32 ? UINT32_MAX : UINT64_MAX;
	uint64_t mask = cond->value & max, ones = cond->value_two & mask, zeros = mask & ~ones;
	const char *between = "";

	if (mask == max) {
		fprintf(to, "arg%u == 0x%" PRIx64, cond->index, ones);
		return;
	}
	for (uint64_t bit = 1; bit; bit <<= 1) {
		if (!(ones & bit))
			continue;
		fprintf(to, "%sarg%u & 0x%" PRIx64, between, cond->index, bit);
		between = " && ";
	}
	if (zeros)
		fprintf(to, "%sarg%u in 0x%" PRIx64, between, cond->index, ~zeros & max);
}

static void put_condition(FILE *to, const struct condition *cond, const struct abi *abi)
{
	static const char *const operators[OP_COUNT] = {
		[OP_NE] = "!=",
		[OP_LT] = "<",
		[OP_LE] = "<=",
		[OP_EQ] = "==",
		[OP_GE] = ">=",
		[OP_GT] = ">",
	};

	if (cond->op == OP_MASKED_EQ)
		put_masked(to, cond, abi);
	else
		fprintf(to, "arg%u %s 0x%" PRIx64, cond->index, operators[cond->op], cond->value);
}

static void put_clause(const struct policy_file *file, const struct clause *clause)
{
	const char *between = "";

	for (size_t i = 0; i < clause->n_conds; i++) {
		if (truth_of(&clause->conds[i], file->abi) == ALWAYS)
			continue;
		fputs(between, file->to);
		put_condition(file->to, &clause->conds[i], file->abi);
		between = " && ";
	}
}

/* A line allows; what other actions some arguments get it cannot say. */
static int check_clauses(struct policy_file *file, const struct named_call *call, struct err *e)
{
	char text[SYSCALL_NAME_MAX];
	bool logs = false;

	for (size_t i = 0; i < call->n_clauses; i++) {
		action_t action = call->clauses[i].action;

		if (!action_lets_through(action))
			return emit_refuse(file->ctx, e,
				"%s: a policy of minijail cannot say %s for some arguments only; "
				"give it that without args",
				call->name, action_print(action, text, sizeof(text)));
		logs |= action_kind(action) == SECCOMP_RET_LOG;
	}
	if (logs)
		name_row_add(&file->logged, call->name);
	return 0;
}

/* What the clauses come to under this ABI: allowed, not allowed, or the line behind the colon. */
static enum truth clauses_truth(const struct policy_file *file, const struct named_call *call)
{
	enum truth any = NEVER;

	for (size_t i = 0; i < call->n_clauses; i++) {
		enum truth one = clause_truth(&call->clauses[i], file->abi);

		if (one == ALWAYS)
			return ALWAYS;
		if (one == DEPENDS)
			any = DEPENDS;
	}
	return any;
}

static void put_clauses(struct policy_file *file, const struct named_call *call)
{
	const char *between = "";

	fprintf(file->to, "%s: ", call->name);
	file->n_labels += 2;
	for (size_t i = 0; i < call->n_clauses; i++) {
		if (clause_truth(&call->clauses[i], file->abi) == NEVER)
			continue;
		fputs(between, file->to);
		put_clause(file, &call->clauses[i]);
		between = " || ";
		file->n_labels++;
	}
	if (!is_kill(file->otherwise)) {
		fputs("; ", file->to);
		put_errno(file->to, file->otherwise);
	}
	fputc('\n', file->to);
}

static int put_action(struct policy_file *file, const char *name, action_t action, struct err *e)
{
	char text[SYSCALL_NAME_MAX];

	switch (action_kind(action)) {
	case SECCOMP_RET_KILL_PROCESS:
	case SECCOMP_RET_KILL_THREAD:
		return 0;
	case SECCOMP_RET_LOG:
		name_row_add(&file->logged, name);
		/* fall through */
	case SECCOMP_RET_ALLOW:
		fprintf(file->to, "%s: 1\n", name);
		return 0;
	case SECCOMP_RET_ERRNO:
		fprintf(file->to, "%s: ", name);
		put_errno(file->to, action);
		fputc('\n', file->to);
		file->n_labels++;
		return 0;
	default:
		return emit_refuse(file->ctx, e,
			"%s: a policy of minijail cannot say %s; let it allow, kill, or answer "
			"with an "
			"error",
			name, action_print(action, text, sizeof(text)));
	}
}

static int put_call(struct policy_file *file, const struct named_call *call, struct err *e)
{
	bool is_newer;
	uint32_t nr;

	if (syscall_number(file->abi, call->name, &nr))
		return 0;
	is_newer = nr - file->abi->new_base > OLD_NR_MAX || !syscall_name_is_portable(call->name);
	if (is_newer && !call->decided)
		return 0;
	if (is_newer)
		name_row_add(&file->newer, call->name);
	if (call->n_clauses == 0)
		return put_action(file, call->name, call->action, e);
	if (check_clauses(file, call, e))
		return -e->code;
	switch (clauses_truth(file, call)) {
	case ALWAYS:
		return put_action(file, call->name, SECCOMP_RET_ALLOW, e);
	case NEVER:
		return put_action(file, call->name, file->otherwise, e);
	default:
		put_clauses(file, call);
		return 0;
	}
}

static int check_default(const struct policy_file *file, struct err *e)
{
	char text[SYSCALL_NAME_MAX];

	if (is_kill(file->otherwise) || action_kind(file->otherwise) == SECCOMP_RET_ERRNO)
		return 0;
	return emit_refuse(file->ctx, e,
		"$.defaultAction: a policy of minijail cannot say %s for all other calls; "
		"let it kill, or answer with an error",
		action_print(file->otherwise, text, sizeof(text)));
}

/* The machine's own ABI if it is listed; the calls of the others are killed. */
static int choose_abi(struct policy_file *file, struct err *e)
{
	const struct policy *policy = &file->names->policy;
	struct name_row others = {0};
	char text[ERR_TEXT_MAX / 4];

	file->abi = policy_abi(policy, abi_native()) ? abi_native() : policy->abis[0].abi;
	for (size_t i = 0; i < policy->n_abis; i++) {
		if (policy->abis[i].abi != file->abi)
			name_row_add(&others, policy->abis[i].abi->name);
	}
	(void)snprintf(text, sizeof(text),
		"a policy of minijail is for one architecture, here %s, and kills calls of",
		file->abi->name);
	return emit_lose_names(file->ctx, &others, text, e);
}

static void tell_newer(struct policy_file *file)
{
	if (file->newer.n_names > 0)
		notice_tell(file->ctx->to,
			"%s: a minijail built with kernel headers that lack one of these takes no "
			"policy with it: %s",
			file->ctx->input, name_row_text(&file->newer));
	if (action_kind(file->otherwise) == SECCOMP_RET_ERRNO)
		notice_tell(file->ctx->to,
			"%s: minijail kills what has no line: calls up to Linux 5.17 have one, "
			"newer ones that no rule speaks of are killed",
			file->ctx->input);
}

static int put_policy(struct policy_file *file, struct err *e)
{
	scoped_free char *origin = emit_origin(file->ctx);

	fprintf(file->to, "# minijail0 -S, for %s only\n%s", file->abi->name, origin ? origin : "");
	for (size_t i = 0; i < file->names->n_calls; i++) {
		if (put_call(file, &file->names->calls[i], e))
			return -e->code;
	}
	if (file->n_labels > LABELS_MAX)
		return emit_refuse(file->ctx, e,
			"its policy takes %zu labels, and minijail0 has %d; let it kill (the "
			"default action) what it need not answer, or check fewer arguments",
			file->n_labels, LABELS_MAX);
	tell_newer(file);
	return emit_lose_names(file->ctx, &file->logged, "allowed without being logged", e);
}

EMITTER(emit_minijail)
{
	scoped(by_name_done) struct by_name names = {0};
	scoped_free char *text = NULL;
	struct policy_file file = {
		.names = &names, .ctx = ctx, .otherwise = profile->default_action};
	int code;

	if (by_name_init(ctx->input, profile, &names, e) || check_default(&file, e) ||
		choose_abi(&file, e) || emit_lose_loading(profile, ctx, e))
		return -e->code;
	file.to = open_memstream(&text, out_size);
	if (!file.to)
		return err_nomem(e);
	code = put_policy(&file, e);
	if (fclose(file.to) && !code)
		code = err_nomem(e);
	if (!code)
		*out_text = steal_ptr(text);
	return code;
}
