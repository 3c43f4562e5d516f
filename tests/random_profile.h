/*
 * random_profile.h: profiles and calls from a seed, for tests that compare two readings of a
 * profile.  The same seed gives the same profile on every machine.
 *
 *	struct profile profile;
 *	struct rng rng = {seed};
 *	struct seccomp_data call;
 *
 *	random_profile(&rng, 0, &profile);
 *	random_call(&rng, &profile, &call);
 *	...
 *	profile_done(&profile);
 */
#ifndef SYSCLAMP_RANDOM_PROFILE_H
#define SYSCLAMP_RANDOM_PROFILE_H

#include <linux/seccomp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "profile.h"
#include "scope.h"
#include "syscalls.h"

enum random_options {
	/* Conditional rules of one call may overlap with different actions: often not resolvable.
	 */
	RANDOM_CONFLICTS = 1 << 0,
	/* Names that no ABI has, in rules that allow. */
	RANDOM_UNKNOWN_NAMES = 1 << 1,
	/* Only ABIs of x86-64 machines. */
	RANDOM_X86_ONLY = 1 << 2,
};

/* tests/fuzz has one whose numbers are the bytes of its input. */
#ifndef RNG_FROM_BYTES
struct rng {
	uint64_t state;
};

/* splitmix64: https://prng.di.unimi.it/splitmix64.c (public domain), by its formula. */
static inline uint64_t rng_next(struct rng *rng)
{
	uint64_t z = rng->state += 0x9e3779b97f4a7c15;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
	z = (z ^ z >> 27) * 0x94d049bb133111eb;
	return z ^ z >> 31;
}

/* 0...@n - 1 */
static inline uint64_t rng_below(struct rng *rng, uint64_t n)
{
	return rng_next(rng) % n;
}
#endif

static inline bool rng_percent(struct rng *rng, unsigned percent)
{
	return rng_below(rng, 100) < percent;
}

#define rng_pick(rng, table) ((table)[rng_below((rng), ARRAY_LEN(table))])

/* A value such as profiles have, or one next to an edge where a comparison may go wrong. */
static inline uint64_t random_value(struct rng *rng)
{
	static const uint64_t edges[] = {0, 1, 2, 5, 0x80, 0xff, 0x541b, 0x7fffffff, 0x80000000,
		0xfffffffe, 0xffffffff, 0x100000000, 0x100000001, 0x100000005, 0x1ffffffff,
		0x200000000, 0xffffffff00000000, 0x7fffffffffffffff, 0x8000000000000000,
		0xfffffffffffffffe, 0xffffffffffffffff};

	switch (rng_below(rng, 8)) {
	case 0:
		return rng_next(rng);
	case 1:
		return rng_next(rng) & 0xffffffff;
	case 2:
		return 1ULL << rng_below(rng, 64);
	case 3:
		return rng_below(rng, 16) << 32 | rng_below(rng, 16);
	case 4:
		return rng_pick(rng, edges) + rng_below(rng, 3) - 1;
	default:
		return rng_percent(rng, 50) ? rng_pick(rng, edges) : rng_below(rng, 16);
	}
}

static inline uint64_t random_mask(struct rng *rng)
{
	static const uint64_t masks[] = {0xffffffff, 0xf, 0x7e020000, 0xffffffffffffffff,
		0xffffffff00000000, 0x8000000000000000, 0x80000000, 1, 0};

	return rng_percent(rng, 70) ? rng_pick(rng, masks) : random_value(rng);
}

static inline struct condition random_condition(struct rng *rng, uint8_t index)
{
	struct condition cond = {
		.index = index,
		.op = (uint8_t)rng_below(rng, OP_COUNT),
		.value = random_value(rng),
	};

	if (cond.op == OP_MASKED_EQ) {
		cond.value = random_mask(rng);
		cond.value_two = random_value(rng);
		/* Bits outside of the mask mean nothing, and must mean nothing: keep some. */
		if (rng_percent(rng, 80))
			cond.value_two &= cond.value;
	}
	return cond;
}

static inline action_t random_action(struct rng *rng)
{
	static const action_t actions[] = {SECCOMP_RET_KILL_PROCESS, SECCOMP_RET_KILL_THREAD,
		SECCOMP_RET_TRAP, SECCOMP_RET_ERRNO, SECCOMP_RET_USER_NOTIF, SECCOMP_RET_TRACE,
		SECCOMP_RET_LOG, SECCOMP_RET_ALLOW};
	static const uint16_t data[] = {0, 1, 2, 38, 4094, 4095};
	action_t action;

	if (rng_percent(rng, 50))
		return rng_percent(rng, 60) ? SECCOMP_RET_ALLOW : SECCOMP_RET_ERRNO | 1;
	action = rng_pick(rng, actions);
	if (action == SECCOMP_RET_ERRNO)
		action |= rng_pick(rng, data);
	if (action == SECCOMP_RET_TRACE)
		action |= (uint32_t)rng_below(rng, 0x10000);
	return action;
}

/* Such names that ABIs differ in: here, there, multiplexed on some, newer than libseccomp. */
static const char *const RANDOM_NAMES[] = {"read", "write", "open", "close", "stat", "lstat",
	"poll", "lseek", "mmap", "mmap2", "mprotect", "ioctl", "pread64", "socket", "socketpair",
	"bind", "connect", "listen", "accept", "accept4", "sendto", "recvfrom", "socketcall", "ipc",
	"semop", "semget", "shmat", "msgget", "clone", "clone3", "fork", "vfork", "execve",
	"execveat", "exit", "exit_group", "wait4", "waitpid", "kill", "tgkill", "uname", "fcntl",
	"fcntl64", "personality", "prctl", "arch_prctl", "modify_ldt", "futex", "futex_time64",
	"openat", "openat2", "setns", "unshare", "bpf", "keyctl", "ptrace", "process_vm_readv",
	"_llseek", "_newselect", "time", "clock_gettime", "clock_gettime64", "rseq", "statx",
	"io_uring_setup", "close_range", "faccessat2", "cachestat", "fchmodat2", "mseal",
	"setxattrat", "restart_syscall", "rt_sigreturn", "sigreturn", "vm86", "set_tls",
	"riscv_flush_icache", "s390_pci_mmio_read"};

/* A test's allocations do not fail. */
static inline void *random_alloc(void *ptr)
{
	if (!ptr)
		abort();
	return ptr;
}

static inline struct rule *random_rule_add(
	struct profile *profile, char **names, size_t n_names, action_t action)
{
	struct rule *rule;

	profile->rules = random_alloc(
		reallocarray(profile->rules, profile->n_rules + 1, sizeof(*profile->rules)));
	rule = &profile->rules[profile->n_rules++];
	*rule = (struct rule){.action = action};
	rule->names = random_alloc(calloc(n_names, sizeof(*rule->names)));
	for (; rule->n_names < n_names; rule->n_names++)
		rule->names[rule->n_names] = random_alloc(strdup(names[rule->n_names]));
	return rule;
}

static inline void random_condition_add(struct rule *rule, struct condition cond)
{
	rule->conds = random_alloc(
		reallocarray(rule->conds, rule->n_conds + 1, sizeof(*rule->conds)));
	rule->conds[rule->n_conds++] = cond;
}

/* Conditions on several arguments, each once; @taken: an index to leave alone, or 6. */
static inline void random_conditions_add(struct rng *rng, struct rule *rule, uint8_t taken)
{
	static const unsigned counts[] = {1, 1, 1, 2, 2, 3};
	unsigned used = 1u << taken;

	for (unsigned left = rng_pick(rng, counts); left > 0; left--) {
		uint8_t index = (uint8_t)rng_below(rng, SYSCALL_ARGS);

		if (!(used & 1u << index))
			random_condition_add(rule, random_condition(rng, index));
		used |= 1u << index;
	}
}

/* Conditional rules of one action, some with a repeated index. */
static inline void random_group_same(
	struct rng *rng, unsigned options, struct profile *profile, char **names, size_t n_names)
{
	action_t action = random_action(rng);

	for (uint64_t left = 1 + rng_below(rng, 4); left > 0; left--) {
		struct rule *rule = random_rule_add(profile, names, n_names, action);

		random_conditions_add(rng, rule, SYSCALL_ARGS);
		if (rng_percent(rng, 15))
			random_condition_add(rule, random_condition(rng, rule->conds[0].index));
		if (options & RANDOM_CONFLICTS)
			action = random_action(rng);
	}
}

/* Conditional rules of several actions that exclude each other by one argument. */
static inline void random_group_split(
	struct rng *rng, struct profile *profile, char **names, size_t n_names)
{
	uint8_t index = (uint8_t)rng_below(rng, SYSCALL_ARGS);
	uint64_t pivot = random_value(rng), mask = random_mask(rng);
	struct condition sides[2][2] = {
		{{index, OP_LT, pivot, 0}, {index, OP_GE, pivot, 0}},
		{{index, OP_LE, pivot, 0}, {index, OP_GT, pivot, 0}},
	};
	size_t kind = rng_below(rng, 5);

	if (kind == 2) {
		sides[0][0] = (struct condition){index, OP_EQ, pivot, 0};
		sides[0][1] = (struct condition){index, OP_NE, pivot, 0};
	} else if (kind == 3) {
		sides[0][0] = (struct condition){index, OP_EQ, pivot, 0};
		sides[0][1] = (struct condition){index, OP_EQ, pivot + 1 + rng_below(rng, 3), 0};
	} else if (kind == 4) {
		mask |= 1;
		sides[0][0] = (struct condition){index, OP_MASKED_EQ, mask, pivot};
		sides[0][1] = (struct condition){index, OP_MASKED_EQ, mask, pivot ^ 1};
	}
	for (size_t side = 0; side < 2; side++) {
		struct rule *rule = random_rule_add(profile, names, n_names, random_action(rng));

		random_condition_add(rule, sides[kind == 1][side]);
		if (rng_percent(rng, 40))
			random_conditions_add(rng, rule, index);
	}
}

/* Rules about some calls.  Groups of one profile share no name. */
static inline void random_group(
	struct rng *rng, unsigned options, struct profile *profile, char **names, size_t n_names)
{
	uint64_t kind = rng_below(rng, 10);

	if (kind < 3)
		random_group_same(rng, options, profile, names, n_names);
	else if (kind < 5)
		random_group_split(rng, profile, names, n_names);
	if (kind >= 4)
		random_rule_add(profile, names, n_names, random_action(rng));
	/* A second unconditional rule is shadowed, in whatever order it comes out. */
	if (kind == 9)
		random_rule_add(profile, names, n_names, random_action(rng));
}

static inline void random_abis(struct rng *rng, unsigned options, struct profile *profile)
{
	enum { X86_ROWS = 3 };
	size_t n_rows, n_wanted = 1 + rng_below(rng, 4);
	const struct abi *rows = abi_table(&n_rows);

	if (options & RANDOM_X86_ONLY)
		n_rows = X86_ROWS;
	if (rng_percent(rng, 5))
		return;
	profile->abis = random_alloc(calloc(n_rows, sizeof(const struct abi *)));
	for (size_t i = 0; i < n_rows && profile->n_abis < n_wanted; i++) {
		/* The first three, those of x86-64 machines, more often than the rest. */
		if (rng_percent(rng, i < X86_ROWS ? 60 : 12))
			profile->abis[profile->n_abis++] = &rows[i];
	}
	if (profile->n_abis == 0)
		profile->abis[profile->n_abis++] = &rows[rng_below(rng, n_rows)];
}

static inline void random_shuffle(struct rng *rng, struct profile *profile)
{
	for (size_t i = profile->n_rules; i > 1; i--) {
		size_t other = rng_below(rng, i);
		struct rule moved = profile->rules[i - 1];

		profile->rules[i - 1] = profile->rules[other];
		profile->rules[other] = moved;
	}
}

/**
 * A profile of up to about 60 rules: all operators and actions, 64-bit values, several conditions
 * in a rule, several rules for a call, several ABIs, shadowed and void rules.
 *
 * @options: enum random_options.  Without RANDOM_CONFLICTS policy_resolve() accepts it.
 * @out: to be released with profile_done().
 */
static inline void random_profile(struct rng *rng, unsigned options, struct profile *out)
{
	char *names[ARRAY_LEN(RANDOM_NAMES)];
	size_t left = ARRAY_LEN(names), n_groups = rng_below(rng, 20);

	*out = (struct profile){.default_action = random_action(rng)};
	random_abis(rng, options, out);
	for (size_t i = 0; i < left; i++)
		names[i] = (char *)RANDOM_NAMES[i];
	for (size_t group = 0; group < n_groups && left > 0; group++) {
		size_t n_names = 1 + rng_below(rng, left < 6 ? left : 6);

		/* Draw the group's names to the end of those that are left. */
		for (size_t i = 0; i < n_names; i++) {
			size_t drawn = rng_below(rng, left - i);
			char *name = names[drawn];

			names[drawn] = names[left - 1 - i];
			names[left - 1 - i] = name;
		}
		left -= n_names;
		random_group(rng, options, out, &names[left], n_names);
	}
	if (options & RANDOM_UNKNOWN_NAMES && out->default_action != SECCOMP_RET_ALLOW) {
		names[0] = (char *)"no_such_call";
		random_rule_add(out, names, 1, SECCOMP_RET_ALLOW);
	}
	random_shuffle(rng, out);
}

/* A value at or next to one that the profile compares with, with single bits flipped at times. */
static inline uint64_t random_arg(struct rng *rng, const struct profile *profile)
{
	const struct rule *rule = NULL;
	uint64_t value = random_value(rng);

	if (profile->n_rules > 0)
		rule = &profile->rules[rng_below(rng, profile->n_rules)];
	if (rule && rule->n_conds > 0 && rng_percent(rng, 75)) {
		const struct condition *cond = &rule->conds[rng_below(rng, rule->n_conds)];

		value = cond->op == OP_MASKED_EQ ? cond->value_two : cond->value;
		value += rng_below(rng, 3) - 1;
	}
	if (rng_percent(rng, 20))
		value ^= 1ULL << rng_below(rng, 64);
	return value;
}

/* A number that the profile speaks of under @abi if there is one, else any. */
static inline uint32_t random_nr(
	struct rng *rng, const struct profile *profile, const struct abi *abi)
{
	uint32_t nr;

	for (int tries = 0; tries < 4 && profile->n_rules > 0; tries++) {
		const struct rule *rule = &profile->rules[rng_below(rng, profile->n_rules)];
		const char *name = rule->names[rng_below(rng, rule->n_names)];

		if (!syscall_number(abi, name, &nr))
			return rng_percent(rng, 90) ? nr : nr + (uint32_t)rng_below(rng, 3) - 1;
	}
	return abi->new_base + (uint32_t)rng_below(rng, 512);
}

/** A call such as the kernel may report, mostly one that the profile's rules speak of. */
static inline void random_call(
	struct rng *rng, const struct profile *profile, struct seccomp_data *out)
{
	static const uint32_t odd_numbers[] = {0, 0x3fffffff, 0x40000000, 0x400001ff, 0x7fffffff,
		0x80000000, 0xbfffffff, 0xc0000000, 0xffffffff};
	size_t n_rows;
	const struct abi *rows = abi_table(&n_rows), *abi = &rows[rng_below(rng, n_rows)];

	if (profile->n_abis > 0 && rng_percent(rng, 90))
		abi = profile->abis[rng_below(rng, profile->n_abis)];
	else if (profile->n_abis == 0 && rng_percent(rng, 90))
		abi = abi_native();
	*out = (struct seccomp_data){.arch = abi->audit_arch};
	out->nr = (int)random_nr(rng, profile, abi);
	if (rng_percent(rng, 5))
		out->nr = (int)rng_pick(rng, odd_numbers);
	out->instruction_pointer = rng_next(rng);
	for (int i = 0; i < SYSCALL_ARGS; i++) {
		out->args[i] = random_arg(rng, profile);
		if (abi->bits32)
			out->args[i] &= 0xffffffff;
	}
}

#endif
