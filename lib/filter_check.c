/*
 * A program held against the rules by running both.
 *
 * Numbers: every one that the policy or the program compares with, its neighbours, and the edges.
 * Arguments: the values at which an answer of the rules can change, in all combinations; more
 * values around these where that gives few combinations.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdlib.h>

#include "filter.h"
#include "scope.h"

enum {
	NUMBERS_END = 1024, /* all below are tried */
	ACTION_TEXT_MAX = 64,
	CALL_TEXT_MAX = 256,
	COMBINATIONS_MANY = 1 << 14, /* up to here everything around a value is tried too */
	COMBINATIONS_SOME = 1 << 16, /* and up to here its neighbours */
};

static const uint32_t EDGES[] = {0x3fffffff, 0x40000000, 0x40000401, 0x7fffffff, 0x80000000,
	0xbfffffff, 0xc0000000, 0xfffffffe, 0xffffffff};

/* How much is tried around a value that a condition compares with. */
enum closeness { CLOSE_ANSWERS, CLOSE_NEIGHBOURS, CLOSE_WORDS };

/* Distinct values, sorted once they are all there. */
struct values {
	uint64_t *all; /* heap */
	size_t n, room;
};

static void values_done(struct values *values)
{
	free(values->all);
}

static int values_add(struct values *values, uint64_t value)
{
	if (values->n == values->room) {
		size_t room = values->room ? 2 * values->room : 64;
		uint64_t *grown = reallocarray(values->all, room, sizeof(*grown));

		if (!grown)
			return -ENOMEM;
		values->all = grown;
		values->room = room;
	}
	values->all[values->n++] = value;
	return 0;
}

static int compare_values(const void *a, const void *b)
{
	uint64_t value_a = *(const uint64_t *)a, value_b = *(const uint64_t *)b;

	return (value_a > value_b) - (value_a < value_b);
}

static void values_sort(struct values *values)
{
	size_t kept = 0;

	qsort(values->all, values->n, sizeof(*values->all), compare_values);
	for (size_t i = 0; i < values->n; i++) {
		if (kept == 0 || values->all[i] != values->all[kept - 1])
			values->all[kept++] = values->all[i];
	}
	values->n = kept;
}

/* A number and its neighbours. */
static int numbers_add(struct values *numbers, uint32_t nr)
{
	int code = 0;

	for (uint32_t i = 0; i < 3 && !code; i++)
		code = values_add(numbers, (uint32_t)(nr - 1 + i));
	return code;
}

static int numbers_fill(
	struct values *numbers, const struct filter *filter, const struct policy *policy)
{
	int code = 0;

	for (uint32_t nr = 0; nr < NUMBERS_END && !code; nr++)
		code = values_add(numbers, nr);
	for (size_t i = 0; i < ARRAY_LEN(EDGES) && !code; i++)
		code = values_add(numbers, EDGES[i]);
	for (size_t i = 0; i < policy->n_abis; i++) {
		for (size_t j = 0; j < policy->abis[i].n_calls && !code; j++)
			code = numbers_add(numbers, policy->abis[i].calls[j].nr);
	}
	for (size_t i = 0; i < filter->len && !code; i++) {
		if (BPF_CLASS(filter->insns[i].code) == BPF_JMP)
			code = numbers_add(numbers, filter->insns[i].k);
	}
	if (!code)
		values_sort(numbers);
	return code;
}

/* @value, and with single bits flipped: all of them, or those of @bits. */
static int flipped_add(struct values *values, uint64_t value, uint64_t bits)
{
	int code = values_add(values, value);

	for (uint64_t left = bits; left && !code; left &= left - 1)
		code = values_add(values, value ^ (left & -left));
	return code;
}

/* A value that matches and one that does not, with other bits under the mask and outside of it. */
static int masked_add(
	struct values *values, uint64_t value, uint64_t mask, enum closeness closeness)
{
	uint64_t low = mask & -mask, high = mask ? 1ULL << (63 - __builtin_clzll(mask)) : 0;
	uint64_t bits = closeness >= CLOSE_WORDS ? UINT64_MAX : low | high;
	int code = flipped_add(values, value, bits);

	if (!code && closeness >= CLOSE_WORDS)
		code = flipped_add(values, value ^ low, bits);
	return code ? code : values_add(values, value | ~mask);
}

/* Both words below, at and above those of the value, and at their own edges. */
static int words_add(struct values *values, uint64_t value)
{
	uint32_t high = (uint32_t)(value >> 32), low = (uint32_t)value;
	uint32_t lows[] = {low - 1, low, low + 1, 0, UINT32_MAX};
	int code = 0;

	for (size_t i = 0; i < ARRAY_LEN(lows) && !code; i++) {
		for (uint32_t j = 0; j < 3 && !code; j++)
			code = values_add(
				values, (uint64_t)(uint32_t)(high - 1 + j) << 32 | lows[i]);
	}
	return code;
}

static int condition_values_add(
	struct values *values, const struct condition *cond, enum closeness closeness)
{
	uint64_t value = cond->value;
	int code = 0;

	if (cond->op == OP_MASKED_EQ)
		return masked_add(values, cond->value_two & value, value, closeness);
	if (closeness >= CLOSE_WORDS)
		code = words_add(values, value);
	if (closeness >= CLOSE_NEIGHBOURS && !code)
		code = values_add(values, value - 1);
	if (!code)
		code = values_add(values, value);
	return code ? code : values_add(values, value + 1);
}

/* The values of each argument. */
struct grid {
	struct values args[SYSCALL_ARGS];
};

static void grid_done(struct grid *grid)
{
	for (size_t i = 0; i < SYSCALL_ARGS; i++)
		values_done(&grid->args[i]);
}

/* No values at all for an argument that no condition mentions. */
static int grid_fill(struct grid *grid, const struct abi *abi, const struct clause *clauses,
	size_t n, enum closeness closeness)
{
	uint64_t max = abi->bits32 ? UINT32_MAX : UINT64_MAX;
	int code = 0;

	for (size_t i = 0; i < n; i++) {
		for (size_t j = 0; j < clauses[i].n_conds && !code; j++) {
			const struct condition *cond = &clauses[i].conds[j];

			code = condition_values_add(&grid->args[cond->index], cond, closeness);
		}
	}
	for (size_t i = 0; i < SYSCALL_ARGS && !code; i++) {
		struct values *values = &grid->args[i];

		if (values->n == 0)
			continue;
		code = values_add(values, 0);
		if (!code)
			code = values_add(values, max);
		for (size_t j = 0; j < values->n; j++)
			values->all[j] &= max;
		values_sort(values);
	}
	return code;
}

/* How many calls a grid has; SIZE_MAX for too many to count. */
static size_t grid_size(const struct grid *grid)
{
	size_t size = 1;

	for (size_t i = 0; i < SYSCALL_ARGS; i++) {
		if (grid->args[i].n && __builtin_mul_overflow(size, grid->args[i].n, &size))
			return SIZE_MAX;
	}
	return size;
}

static void grid_point(
	const struct grid *grid, size_t number, uint64_t elsewhere, struct seccomp_data *call)
{
	for (size_t i = 0; i < SYSCALL_ARGS; i++) {
		const struct values *values = &grid->args[i];

		call->args[i] = elsewhere;
		if (values->n == 0)
			continue;
		call->args[i] = values->all[number % values->n];
		number /= values->n;
	}
}

/* "x86_64 ioctl (16)" */
static const char *call_print(const struct seccomp_data *call, char buf[CALL_TEXT_MAX])
{
	uint32_t nr = (uint32_t)call->nr;
	const struct abi *abi = abi_of_call(call->arch, nr);
	char name[SYSCALL_NAME_MAX];

	if (!abi)
		(void)snprintf(buf, CALL_TEXT_MAX, "architecture 0x%08x call 0x%x", call->arch, nr);
	else if (!syscall_name(abi, nr, name))
		(void)snprintf(buf, CALL_TEXT_MAX, "%s call 0x%x", abi->name, nr);
	else
		(void)snprintf(buf, CALL_TEXT_MAX, "%s %s (%u)", abi->name, name, nr);
	return buf;
}

static int check_call(const struct filter *filter, const struct policy *policy,
	const struct seccomp_data *call, struct err *e)
{
	uint32_t answer = action_effective(filter_run(filter, call));
	action_t action = action_effective(policy_verdict(policy, call, NULL));
	char got[ACTION_TEXT_MAX], want[ACTION_TEXT_MAX], text[CALL_TEXT_MAX];
	const uint64_t *args = (const uint64_t *)call->args;

	if (answer == action)
		return 0;
	return err_set(e, EPERM,
		"%s, arguments 0x%" PRIx64 " 0x%" PRIx64 " 0x%" PRIx64 " 0x%" PRIx64 " 0x%" PRIx64
		" 0x%" PRIx64 ": the filter says %s, the rules "
		"say %s",
		call_print(call, text), args[0], args[1], args[2], args[3], args[4], args[5],
		action_print(answer, got, sizeof(got)), action_print(action, want, sizeof(want)));
}

/* The closest look at a call's arguments that stays within its bounds. */
static int choose_grid(const struct abi_policy *abi, const struct call_policy *about,
	const struct seccomp_data *call, struct grid *grid, struct err *e)
{
	static const size_t bounds[] = {
		[CLOSE_ANSWERS] = CHECK_COMBINATIONS_MAX,
		[CLOSE_NEIGHBOURS] = COMBINATIONS_SOME,
		[CLOSE_WORDS] = COMBINATIONS_MANY,
	};
	const struct clause *clauses = &abi->clauses[about->first_clause];
	char text[CALL_TEXT_MAX];
	size_t size = SIZE_MAX;

	for (int closeness = CLOSE_WORDS; closeness >= CLOSE_ANSWERS; closeness--) {
		grid_done(grid);
		*grid = (struct grid){0};
		if (grid_fill(grid, abi->abi, clauses, about->n_clauses, (enum closeness)closeness))
			return err_nomem(e);
		size = grid_size(grid);
		if (size <= bounds[closeness])
			return 0;
	}
	return err_set(e, E2BIG,
		"%s: its conditions have %zu combinations of boundary values, and %d are checked "
		"at most; use fewer conditions for this call",
		call_print(call, text), size, CHECK_COMBINATIONS_MAX);
}

/*
 * A call with conditions: all points of its grid, the arguments that it leaves out once all zero
 * and once all ones.
 */
static int check_conditions(const struct filter *filter, const struct policy *policy,
	const struct abi_policy *abi, const struct call_policy *about, struct seccomp_data *call,
	struct err *e)
{
	scoped(grid_done) struct grid grid = {0};
	uint64_t max = abi->abi->bits32 ? UINT32_MAX : UINT64_MAX;
	size_t size;

	if (choose_grid(abi, about, call, &grid, e))
		return -e->code;
	size = grid_size(&grid);
	for (size_t i = 0; i < size; i++) {
		grid_point(&grid, i, 0, call);
		if (check_call(filter, policy, call, e))
			return -e->code;
		grid_point(&grid, i, max, call);
		if (check_call(filter, policy, call, e))
			return -e->code;
	}
	return 0;
}

/* One number under a token, with all arguments that may matter. */
static int check_number(const struct filter *filter, const struct policy *policy, uint32_t token,
	uint32_t nr, struct err *e)
{
	struct seccomp_data call = {.nr = (int)nr, .arch = token};
	const struct abi *abi = abi_of_call(token, nr);
	const struct abi_policy *listed = abi ? policy_abi(policy, abi) : NULL;
	const struct call_policy *about = listed ? abi_policy_call(listed, nr) : NULL;

	if (about && about->n_clauses)
		return check_conditions(filter, policy, listed, about, &call, e);
	if (check_call(filter, policy, &call, e))
		return -e->code;
	if (!listed)
		return 0;
	for (size_t i = 0; i < SYSCALL_ARGS; i++)
		call.args[i] = abi->bits32 ? UINT32_MAX : UINT64_MAX;
	return check_call(filter, policy, &call, e);
}

static int check_token(const struct filter *filter, const struct policy *policy,
	const struct values *numbers, uint32_t token, struct err *e)
{
	bool has_x32 = abi_of_call(token, 0) != abi_of_call(token, X32_BIT);

	for (size_t i = 0; i < numbers->n; i++) {
		if (check_number(filter, policy, token, (uint32_t)numbers->all[i], e))
			return -e->code;
	}
	for (uint32_t nr = 0; has_x32 && nr < NUMBERS_END; nr++) {
		if (check_number(filter, policy, token, nr | X32_BIT, e))
			return -e->code;
	}
	return 0;
}

int filter_check(const struct filter *filter, const struct policy *policy, struct err *e)
{
	scoped(values_done) struct values numbers = {0};
	size_t n_abis;
	const struct abi *abis = abi_table(&n_abis);

	if (filter_validate(filter, e))
		return -e->code;
	if (numbers_fill(&numbers, filter, policy))
		return err_nomem(e);
	for (size_t i = 0; i < n_abis; i++) {
		if (!abi_is_x32(&abis[i]) &&
			check_token(filter, policy, &numbers, abis[i].audit_arch, e))
			return -e->code;
	}
	return check_token(filter, policy, &numbers, 0, e);
}
