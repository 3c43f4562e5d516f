/*
 * The compiler against the rules read one by one: each operator, each ABI, each action, the number
 * space, what may be shared and what has to be left out.
 */
#include "filter.h"

#include <errno.h>
#include <linux/audit.h>

#include "filter_test.h"

/* Values at which words, signs and carries meet. */
static const uint64_t VALUES[] = {0, 1, 5, 0x7fffffff, 0x80000000, 0xfffffffe, 0xffffffff,
	0x100000000, 0x100000005, 0x5ffffffff, 0x500000005, 0x7fffffffffffffff, 0x8000000000000000,
	0xfffffffe00000000, 0xffffffff00000000, 0xffffffff00000005, 0xfffffffffffffffe,
	0xffffffffffffffff};

static const uint64_t MASKS[] = {0, 1, 0xf0, 0x7e020000, 0xfffffff0, 0xffffffff, 0x100000000,
	0xffffffff00000000, 0xfffffff000000000, 0x00f0f0f000f0f0f0, 0x8000000000000001,
	0xfffffffffffff000, 0xffffffffffffffff};

/* All tried values of one argument, each with a bit flipped or one added or taken away too. */
static void hold_values(struct holding *holding, const struct abi *abi, uint32_t nr, int index)
{
	struct seccomp_data call = {.arch = abi->audit_arch, .nr = (int)nr};

	for (size_t i = 0; i < ARRAY_LEN(VALUES); i++) {
		for (int change = -2; change < 64; change++) {
			uint64_t value = VALUES[i];

			value = change < 0 ? value + (change == -1 ? 1 : -1ULL)
					   : value ^ 1ULL << change;
			call.args[index] = abi->bits32 ? (uint32_t)value : value;
			hold_call(holding, &call);
		}
		call.args[index] = abi->bits32 ? (uint32_t)VALUES[i] : VALUES[i];
		hold_call(holding, &call);
	}
}

/* Compile one condition and hold the program against it. */
static void hold_condition(
	struct holding *total, const struct abi *abi, const struct condition *cond)
{
	enum { NR = 16 };
	struct small_policy small;
	struct clause clause = {.action = SECCOMP_RET_ALLOW, .n_conds = 1, .conds = {*cond}};
	uint32_t nr = abi_is_x32(abi) ? X32_BIT + NR : NR;
	scoped(filter_done) struct filter filter = {0};
	struct err e = {0};

	total->policy = small_policy_fill(&small, abi, nr, &clause, 1);
	if (filter_compile(total->policy, &filter, &e) || filter_validate(&filter, &e)) {
		total->wrong++;
		snprintf(total->first, TEXT_LEN, "%.400s", e.text);
		return;
	}
	total->filter = &filter;
	hold_values(total, abi, nr, cond->index);
	hold_values(total, abi, nr + 1, cond->index);
	total->filter = NULL;
}

static void test_operator(const struct abi *abi, enum condition_op op)
{
	struct holding total = {0};
	uint8_t index = 0;

	for (size_t i = 0; i < ARRAY_LEN(VALUES); i++) {
		for (size_t j = 0; j < ARRAY_LEN(MASKS); j++) {
			struct condition cond = {index, op, VALUES[i], 0};

			index = (index + 1) % SYSCALL_ARGS;
			if (op == OP_MASKED_EQ)
				cond = (struct condition){cond.index, op, MASKS[j], VALUES[i]};
			else if (j > 0)
				break;
			hold_condition(&total, abi, &cond);
		}
	}
	hold_ok(&total, "%s: %s says what it means", abi->name, condition_op_name(op));
}

static void test_operators(void)
{
	size_t n;
	const struct abi *abis = abi_table(&n);

	for (size_t i = 0; i < n; i++) {
		for (int op = 0; op < OP_COUNT; op++)
			test_operator(&abis[i], (enum condition_op)op);
	}
}

/* Two clauses over two arguments, all pairs of operators. */
static void test_clauses(const struct abi *abi)
{
	struct holding total = {0};

	for (int pair = 0; pair < OP_COUNT * OP_COUNT; pair++) {
		uint8_t first = (uint8_t)(pair % OP_COUNT), second = (uint8_t)(pair / OP_COUNT);
		struct clause clauses[] = {
			{.action = SECCOMP_RET_ALLOW,
				.n_conds = 2,
				.conds = {{2, first, 0x100000005, 5}, {3, second, 0xffffffff, 1}}},
			{.action = SECCOMP_RET_ALLOW,
				.n_conds = 1,
				.conds = {{2, second, 0x500000005, 0x5ffffffff}}},
			{.action = SECCOMP_RET_ALLOW, .n_conds = 1, .conds = {{3, first, 5, 4}}},
		};
		struct small_policy small;
		scoped(filter_done) struct filter filter = {0};
		struct seccomp_data call = {.arch = abi->audit_arch, .nr = 16};
		struct err e = {0};

		total.policy = small_policy_fill(&small, abi, 16, clauses, ARRAY_LEN(clauses));
		if (filter_compile(total.policy, &filter, &e))
			total.wrong++;
		total.filter = &filter;
		for (size_t i = 0; i < ARRAY_LEN(VALUES) * ARRAY_LEN(VALUES); i++) {
			call.args[2] = VALUES[i % ARRAY_LEN(VALUES)];
			call.args[3] = VALUES[i / ARRAY_LEN(VALUES)];
			if (abi->bits32)
				call.args[2] = (uint32_t)call.args[2];
			if (abi->bits32)
				call.args[3] = (uint32_t)call.args[3];
			hold_call(&total, &call);
		}
	}
	hold_ok(&total, "%s: clauses with several conditions, several clauses", abi->name);
}

/* Calls next to each other whose checks are nearly the same. */
static void test_neighbours(void)
{
	struct clause clauses[] = {
		{.action = SECCOMP_RET_ALLOW, .n_conds = 1, .conds = {{0, OP_EQ, 5, 0}}},
		{.action = SECCOMP_RET_ALLOW, .n_conds = 1, .conds = {{0, OP_EQ, 7, 0}}},
		{.action = SECCOMP_RET_LOG, .n_conds = 1, .conds = {{0, OP_EQ, 7, 0}}},
		{.action = SECCOMP_RET_LOG, .n_conds = 1, .conds = {{1, OP_EQ, 7, 0}}},
		{.action = SECCOMP_RET_LOG, .n_conds = 1, .conds = {{1, OP_NE, 7, 0}}},
		{.action = SECCOMP_RET_LOG, .n_conds = 1, .conds = {{1, OP_NE, 5, 0}}},
		{.action = SECCOMP_RET_LOG, .n_conds = 1, .conds = {{1, OP_MASKED_EQ, 5, 5}}},
		{.action = SECCOMP_RET_LOG, .n_conds = 1, .conds = {{1, OP_MASKED_EQ, 5, 1}}},
		{.action = SECCOMP_RET_LOG,
			.n_conds = 2,
			.conds = {{1, OP_MASKED_EQ, 5, 1}, {0, OP_EQ, 5, 0}}},
	};
	struct call_policy calls[] = {
		{.nr = 16, .first_clause = 0, .n_clauses = 1},
		{.nr = 17, .first_clause = 0, .n_clauses = 2},
		{.nr = 18, .first_clause = 1, .n_clauses = 1},
		{.nr = 19, .first_clause = 2, .n_clauses = 1},
		{.nr = 20, .first_clause = 3, .n_clauses = 1},
		{.nr = 21, .first_clause = 4, .n_clauses = 1},
		{.nr = 22, .first_clause = 5, .n_clauses = 1},
		{.nr = 23, .first_clause = 6, .n_clauses = 1},
		{.nr = 24, .first_clause = 7, .n_clauses = 1},
		{.nr = 25, .first_clause = 8, .n_clauses = 1},
	};
	struct abi_policy abi = {
		abi_by_name("x86_64"), calls, ARRAY_LEN(calls), clauses, ARRAY_LEN(clauses)};
	struct policy policy = {.default_action = ERRNO_OF(1), .abis = &abi, .n_abis = 1};
	scoped(filter_done) struct filter filter = {0};
	struct holding total = {.filter = &filter, .policy = &policy};
	struct err e = {0};

	if (!ok(!filter_compile(&policy, &filter, &e), "nearly the same checks compile"))
		return;
	for (uint32_t i = 0; i < 16 * 10 * 10; i++) {
		struct seccomp_data call = {.arch = AUDIT_ARCH_X86_64,
			.nr = (int)(14 + i / 100),
			.args = {i % 10, i / 10 % 10}};

		hold_call(&total, &call);
	}
	hold_ok(&total, "neighbours with nearly the same checks");
}

/* More states than any budget: (a0 == i and a1 == i), (a2 == i and a3 == i), ... */
static void test_many_clauses(void)
{
	enum { CLAUSES = 300 };
	scoped_free struct clause *clauses = calloc(CLAUSES, sizeof(*clauses));
	struct small_policy small;
	scoped(filter_done) struct filter filter = {0};
	struct holding total = {.filter = &filter};
	struct seccomp_data call = {.arch = AUDIT_ARCH_X86_64, .nr = 16};
	struct err e = {0};

	for (size_t i = 0; clauses && i < CLAUSES; i++) {
		uint8_t arg = (uint8_t)(i % 3);

		clauses[i] = (struct clause){.action = SECCOMP_RET_ALLOW,
			.n_conds = 2,
			.conds = {{arg, OP_GE, i, 0}, {arg + 3, OP_MASKED_EQ, i | 1, i * 7}}};
	}
	total.policy = small_policy_fill(
		&small, abi_by_name("x86_64"), 16, clauses, clauses ? CLAUSES : 0);
	if (!ok(!filter_compile(total.policy, &filter, &e), "300 entangled clauses compile"))
		printf("#   %s\n", e.text);
	for (uint64_t i = 0; filter.insns && i < 200000; i++) {
		for (int arg = 0; arg < 6; arg++)
			call.args[arg] = (i * 2654435761u * (unsigned)(arg + 1) >> 7) % 331;
		hold_call(&total, &call);
	}
	hold_ok(&total, "300 entangled clauses are held to");
	ok(filter.len < 8 * CLAUSES, "and take no more than one after the other (%zu)", filter.len);
}

/* One policy of several ABIs and actions. */
static action_t patterned_action(const struct abi *abi, uint32_t nr)
{
	static const action_t actions[] = {SECCOMP_RET_ALLOW, SECCOMP_RET_ALLOW, SECCOMP_RET_LOG,
		ERRNO_OF(1), ERRNO_OF(4095), SECCOMP_RET_TRACE | 0xffff, SECCOMP_RET_TRAP,
		SECCOMP_RET_USER_NOTIF, SECCOMP_RET_KILL_THREAD, SECCOMP_RET_KILL_PROCESS};
	uint32_t pattern = (nr * 2654435761u ^ abi->scmp_arch) >> 13;

	/* Runs, single numbers, gaps. */
	if (nr / 16 % 3 == 0)
		return SECCOMP_RET_ALLOW;
	if (nr / 16 % 3 == 1 && pattern % 8)
		return SECCOMP_RET_KILL_PROCESS + 1; /* none: the default */
	return actions[pattern % ARRAY_LEN(actions)];
}

static void patterned_fill(struct abi_policy *policy, const struct abi *abi, uint32_t end)
{
	*policy = (struct abi_policy){.abi = abi, .calls = calloc(end, sizeof(*policy->calls))};
	for (uint32_t i = 0; policy->calls && i < end; i++) {
		action_t action = patterned_action(abi, i);

		if (action == SECCOMP_RET_KILL_PROCESS + 1)
			continue;
		policy->calls[policy->n_calls++] = (struct call_policy){
			.nr = abi_is_x32(abi) ? X32_BIT + i : i, .action = action};
	}
}

static void test_numbers(const char *claim, const char *const names[], size_t n, uint32_t end)
{
	struct abi_policy abis[4] = {0};
	struct policy policy = {.default_action = ERRNO_OF(38), .abis = abis, .n_abis = n};
	scoped(filter_done) struct filter filter = {0};
	struct holding holding = {.filter = &filter, .policy = &policy};
	struct err e = {0};

	for (size_t i = 0; i < n; i++)
		patterned_fill(&abis[i], abi_by_name(names[i]), end);
	if (!ok(!filter_compile(&policy, &filter, &e) && !filter_validate(&filter, &e),
		    "%s: compiles", claim))
		printf("#   %s\n", e.text);
	else
		hold_all_numbers(&holding);
	hold_ok(&holding, "%s (%zu instructions)", claim, filter.len);
	ok(!filter_check(&filter, &policy, &e), "%s: filter_check() agrees", claim);
	for (size_t i = 0; i < n; i++)
		free(abis[i].calls);
}

static void test_number_space(void)
{
	test_numbers("x86_64 alone", (const char *[]){"x86_64"}, 1, 600);
	test_numbers("x32 alone", (const char *[]){"x32"}, 1, 600);
	test_numbers("x86_64 and x32", (const char *[]){"x86_64", "x32"}, 2, 600);
	test_numbers("x32 before x86_64", (const char *[]){"x32", "x86_64"}, 2, 600);
	test_numbers("four ABIs, the native one last",
		(const char *[]){"aarch64", "s390x", "i386", "x86_64"}, 4, 600);
	test_numbers("ABIs of others", (const char *[]){"arm", "riscv64", "ppc64", "s390"}, 4, 600);
	test_numbers("no call listed", (const char *[]){"x86_64", "i386"}, 2, 0);
	test_numbers("one call listed", (const char *[]){"x86_64", "aarch64"}, 2, 1);
	test_numbers("long jumps", (const char *[]){"x86_64", "x32", "i386", "aarch64"}, 4, 1024);
}

/* Programs of which is known how short they can be. */
struct folding {
	const char *claim;
	const char *abi;
	size_t len;
	size_t n;
	struct clause clauses[3];
};

#define ALLOW_IF(count, ...)                                                                       \
	{                                                                                          \
		.action = SECCOMP_RET_ALLOW, .n_conds = (count), .conds = { __VA_ARGS__ }          \
	}

/* The rest of each: architecture (2), number (2), x32 range (2), default, allow, kill. */
enum { REST = 9, REST_OTHER = 7 };

static const struct folding FOLDINGS[] = {
	{"a 32-bit mask looks at the low word alone", "x86_64", REST + 2, 1,
		{ALLOW_IF(1, {0, OP_MASKED_EQ, 0xffffffff, 0x100000007})}},
	{"a mask of zero is always true", "x86_64", REST, 1,
		{ALLOW_IF(1, {0, OP_MASKED_EQ, 0, 7})}},
	{"a wanted zero is JSET", "x86_64", REST + 2, 1,
		{ALLOW_IF(1, {0, OP_MASKED_EQ, 0x7e020000, 0})}},
	{"a single bit is JSET", "x86_64", REST + 2, 1, {ALLOW_IF(1, {0, OP_MASKED_EQ, 8, 0xff})}},
	{"another mask is AND", "x86_64", REST + 3, 1,
		{ALLOW_IF(1, {0, OP_MASKED_EQ, 0x12, 0xff})}},
	{"64 bits take two words", "x86_64", REST + 4, 1,
		{ALLOW_IF(1, {1, OP_EQ, 0x100000005, 0})}},
	{"a power of two needs no low word", "x86_64", REST + 2, 1,
		{ALLOW_IF(1, {1, OP_LT, 0x100000000, 0})}},
	{"nor does its predecessor", "x86_64", REST + 2, 1,
		{ALLOW_IF(1, {1, OP_GT, 0xffffffff, 0})}},
	{">= 0 is always true", "x86_64", REST, 1, {ALLOW_IF(1, {1, OP_GE, 0, 0})}},
	{"<= 2^64-1 is always true", "x86_64", REST, 1, {ALLOW_IF(1, {1, OP_LE, UINT64_MAX, 0})}},
	{"< 5 or >= 5 is always true", "x86_64", REST, 2,
		{ALLOW_IF(1, {1, OP_LT, 5, 0}), ALLOW_IF(1, {1, OP_GE, 5, 0})}},
	{"clauses share words", "x86_64", REST + 6, 3,
		{ALLOW_IF(1, {1, OP_EQ, 5, 0}), ALLOW_IF(1, {1, OP_EQ, 7, 0}),
			ALLOW_IF(1, {1, OP_EQ, 9, 0})}},
	{"neighbours are a range", "x86_64", REST + 5, 3,
		{ALLOW_IF(1, {1, OP_EQ, 5, 0}), ALLOW_IF(1, {1, OP_EQ, 6, 0}),
			ALLOW_IF(1, {1, OP_EQ, 7, 0})}},
	{"no high word on 32 bits", "i386", REST_OTHER + 2, 1, {ALLOW_IF(1, {1, OP_EQ, 5, 0})}},
	{"equal beyond 32 bits is never true", "i386", 4, 1,
		{ALLOW_IF(1, {1, OP_EQ, 0x100000005, 0})}},
	{"less beyond 32 bits is always true", "i386", REST_OTHER, 1,
		{ALLOW_IF(1, {1, OP_LT, 0x100000000, 0})}},
	{"greater beyond 32 bits is never true", "i386", 4, 1,
		{ALLOW_IF(1, {1, OP_GE, 0x100000000, 0})}},
};

static void test_foldings(void)
{
	for (size_t i = 0; i < ARRAY_LEN(FOLDINGS); i++) {
		const struct folding *row = &FOLDINGS[i];
		struct clause clauses[3];
		struct small_policy small;
		scoped(filter_done) struct filter filter = {0};
		struct err e = {0};

		memcpy(clauses, row->clauses, sizeof(clauses));
		small_policy_fill(&small, abi_by_name(row->abi), 16, clauses, row->n);
		if (filter_compile(&small.policy, &filter, &e))
			printf("#   %s\n", e.text);
		if (!ok(filter.len == row->len, "%s: %zu instructions", row->claim, row->len)) {
			printf("#   got %zu:\n", filter.len);
			filter_print(&filter, stdout, &e);
		}
	}
}

/* The kernel's own knowledge of allowed numbers must not suffer from checks of other ones. */
static void test_const_allow(void)
{
	static const uint64_t args[] = {0, UINT64_MAX};
	struct call_policy calls[600] = {0};
	struct clause clause = ALLOW_IF(1, {0, OP_EQ, 5, 0});
	struct abi_policy abi = {abi_by_name("x86_64"), calls, 0, &clause, 1};
	struct policy policy = {.default_action = ERRNO_OF(1), .abis = &abi, .n_abis = 1};
	scoped(filter_done) struct filter filter = {0};
	struct err e = {0};
	size_t wrong = 0, allowed = 0;

	for (uint32_t nr = 0; nr < 450; nr++) {
		if (nr % 7 != 3)
			calls[abi.n_calls++] = (struct call_policy){
				.nr = nr, .action = SECCOMP_RET_ALLOW, .n_clauses = nr % 5 == 1};
	}
	ok(!filter_compile(&policy, &filter, &e), "allowed and checked calls compile");
	for (uint32_t nr = 0; filter.insns && nr < 600; nr++) {
		bool want = true;

		for (size_t i = 0; i < ARRAY_LEN(args); i++) {
			struct seccomp_data call = {
				.arch = AUDIT_ARCH_X86_64, .nr = (int)nr, .args = {args[i]}};

			want &= policy_verdict(&policy, &call, NULL) == SECCOMP_RET_ALLOW;
		}
		wrong += const_allow(&filter, AUDIT_ARCH_X86_64, nr) != want;
		allowed += want;
	}
	ok(wrong == 0 && allowed == 308, "the kernel knows all %zu allowed numbers as such",
		allowed);
}

/* A distinct action for every other number of several ABIs. */
static void test_too_long(void)
{
	enum { CALLS = 2000 };
	struct abi_policy abis[2] = {{.abi = abi_by_name("x86_64")}, {.abi = abi_by_name("i386")}};
	struct policy policy = {
		.default_action = SECCOMP_RET_ALLOW, .abis = abis, .n_abis = ARRAY_LEN(abis)};
	struct filter filter = {0};
	struct err e = {0};

	for (size_t i = 0; i < 2; i++) {
		abis[i].calls = calloc(CALLS, sizeof(*abis[i].calls));
		for (uint32_t nr = 0; abis[i].calls && nr < CALLS; nr++)
			abis[i].calls[abis[i].n_calls++] = (struct call_policy){
				.nr = 2 * nr, .action = ERRNO_OF(nr + 1)};
	}
	ok(filter_compile(&policy, &filter, &e) == -E2BIG && e.code == E2BIG && !filter.insns,
		"past 4096 instructions: -E2BIG, and nothing is handed out");
	ok(strstr(e.text, " instructions and the kernel accepts 4096; list fewer"),
		"it says how many and what to do");
	printf("#   %s\n", e.text);
	abis[0].n_calls = abis[1].n_calls = CALLS / 3;
	ok(!filter_compile(&policy, &filter, &e) && !filter_validate(&filter, &e) &&
			!filter_check(&filter, &policy, &e),
		"a third of that fits and is right");
	ok(filter.len > 1024, "with jumps beyond the short ones' reach (%zu)", filter.len);
	filter_done(&filter);
	free(abis[0].calls);
	free(abis[1].calls);
}

int main(void)
{
	test_operators();
	test_clauses(abi_by_name("x86_64"));
	test_clauses(abi_by_name("i386"));
	test_clauses(abi_by_name("s390x"));
	test_neighbours();
	test_many_clauses();
	test_number_space();
	test_foldings();
	test_const_allow();
	test_too_long();
	return tap_done();
}
