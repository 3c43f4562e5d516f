/*
 * filter_test.h: for the tests of lib/filter: policies by hand, and a program held against one.
 */
#ifndef SYSCLAMP_FILTER_TEST_H
#define SYSCLAMP_FILTER_TEST_H

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>

#include "filter.h"
#include "policy.h"
#include "scope.h"
#include "tap.h"

enum { TEXT_LEN = 512 };

#define ERRNO_OF(code) (SECCOMP_RET_ERRNO | (code))

/* In a child that is going to load a filter, and maybe to be killed by it. */
static inline void filtered_child_begin(void)
{
	static const struct rlimit no_core;

	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	setrlimit(RLIMIT_CORE, &no_core);
}

/*
 * What the kernel makes of @n programs, the newest first, written down once more: the smallest
 * action as a signed number, of equal ones the newest one's (kernel/seccomp.c:
 * seccomp_run_filters()).
 */
static inline uint32_t answer_of_all(
	const struct filter *filters, size_t n, const struct seccomp_data *call)
{
	uint32_t answer = SECCOMP_RET_ALLOW;

	for (size_t i = n; i-- > 0;) {
		uint32_t one = filter_run(&filters[i], call);

		if ((int32_t)(one & SECCOMP_RET_ACTION_FULL) <=
			(int32_t)(answer & SECCOMP_RET_ACTION_FULL))
			answer = one;
	}
	return answer;
}

/* A policy of one ABI and one call with clauses, in storage of the caller. */
struct small_policy {
	struct policy policy;
	struct abi_policy abi;
	struct call_policy call;
};

static inline const struct policy *small_policy_fill(struct small_policy *small,
	const struct abi *abi, uint32_t nr, struct clause *clauses, size_t n)
{
	small->call = (struct call_policy){.nr = nr, .n_clauses = n};
	small->abi = (struct abi_policy){abi, &small->call, 1, clauses, n};
	small->policy = (struct policy){
		.default_action = ERRNO_OF(38), .abis = &small->abi, .n_abis = 1};
	return &small->policy;
}

/* What holding a program against a policy came to. */
struct holding {
	const struct filter *filter;
	const struct policy *policy;
	size_t calls, wrong;
	char first[TEXT_LEN]; /* the first difference */
};

static inline void hold_call(struct holding *holding, const struct seccomp_data *call)
{
	uint32_t got = action_effective(filter_run(holding->filter, call));
	action_t want = policy_verdict(holding->policy, call, NULL);
	int used;

	holding->calls++;
	if (got == want || holding->wrong++)
		return;
	used = snprintf(holding->first, TEXT_LEN, "arch 0x%08x nr 0x%x got 0x%08x want 0x%08x args",
		call->arch, (uint32_t)call->nr, got, want);
	for (int i = 0; i < 6; i++)
		used += snprintf(holding->first + used, TEXT_LEN - (size_t)used, " 0x%" PRIx64,
			(uint64_t)call->args[i]);
}

/* One test point. */
__attribute__((format(printf, 2, 3))) static inline void hold_ok(
	const struct holding *holding, const char *format, ...)
{
	char name[256];
	va_list args;

	va_start(args, format);
	vsnprintf(name, sizeof(name), format, args);
	va_end(args);
	if (!ok(holding->calls > 0 && holding->wrong == 0, "%s (%zu calls)", name, holding->calls))
		printf("#   %zu wrong, the first: %s\n", holding->wrong, holding->first);
}

static const uint32_t NUMBER_EDGES[] = {0x3ffffffe, 0x3fffffff, 0x7ffffffe, 0x7fffffff, 0x80000000,
	0x80000001, 0xbfffffff, 0xc0000000, 0xfffffffe, 0xffffffff};

/* Every number 0...1023, those of x32, and the edges; arguments once zero, once ones. */
static inline void hold_numbers(struct holding *holding, const struct abi *abi)
{
	struct seccomp_data call = {.arch = abi ? abi->audit_arch : 0};

	for (int ones = 0; ones < 2; ones++) {
		for (uint32_t i = 0; i < 2048 + ARRAY_LEN(NUMBER_EDGES); i++) {
			uint32_t nr = i < 1024 ? i : 0x40000000 + i - 1024;

			call.nr = (int)(i < 2048 ? nr : NUMBER_EDGES[i - 2048]);
			hold_call(holding, &call);
		}
		memset(call.args, 0xff, abi && abi->bits32 ? 0 : sizeof(call.args));
		for (int i = 0; i < 6; i++)
			call.args[i] |= 0xffffffff;
	}
}

/* Every ABI there is, and a token of none. */
static inline void hold_all_numbers(struct holding *holding)
{
	size_t n;
	const struct abi *abis = abi_table(&n);

	for (size_t i = 0; i < n; i++)
		hold_numbers(holding, &abis[i]);
	hold_numbers(holding, NULL);
}

/*
 * Whether the kernel finds by itself that a number is allowed whatever its arguments: the
 * instructions that seccomp_is_const_allow() of kernel/seccomp.c follows, and no others.
 */
static inline bool const_allow(const struct filter *filter, uint32_t arch, uint32_t nr)
{
	uint32_t a = 0;

	for (size_t pc = 0; pc < filter->len; pc++) {
		const struct sock_filter *insn = &filter->insns[pc];
		bool holds = false;

		switch (insn->code) {
		case BPF_LD | BPF_W | BPF_ABS:
			if (insn->k > offsetof(struct seccomp_data, arch))
				return false;
			a = insn->k == offsetof(struct seccomp_data, nr) ? nr : arch;
			continue;
		case BPF_RET | BPF_K:
			return insn->k == SECCOMP_RET_ALLOW;
		case BPF_JMP | BPF_JA:
			pc += insn->k;
			continue;
		case BPF_ALU | BPF_AND | BPF_K:
			a &= insn->k;
			continue;
		case BPF_JMP | BPF_JEQ | BPF_K:
			holds = a == insn->k;
			break;
		case BPF_JMP | BPF_JGE | BPF_K:
			holds = a >= insn->k;
			break;
		case BPF_JMP | BPF_JGT | BPF_K:
			holds = a > insn->k;
			break;
		case BPF_JMP | BPF_JSET | BPF_K:
			holds = a & insn->k;
			break;
		default:
			return false;
		}
		pc += holds ? insn->jt : insn->jf;
	}
	return false;
}

static inline bool filter_loads(const struct filter *filter, size_t offset)
{
	for (size_t i = 0; i < filter->len; i++) {
		if (filter->insns[i].code == (BPF_LD | BPF_W | BPF_ABS) &&
			filter->insns[i].k == offset)
			return true;
	}
	return false;
}

#endif
