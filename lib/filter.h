/*
 * filter.h: classic BPF programs for seccomp: compiled from a policy, evaluated, checked, printed.
 *
 * Instructions: linux/filter.h; the subset and its meaning: kernel/seccomp.c (seccomp_check_filter)
 * and seccomp(2).
 */
#ifndef SYSCLAMP_FILTER_H
#define SYSCLAMP_FILTER_H

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "err.h"
#include "policy.h"

enum { FILTER_INSNS_MAX = 4096 }; /* BPF_MAXINSNS, linux/bpf_common.h */

struct filter {
	struct sock_filter *insns; /* heap */
	size_t len; /* 1...FILTER_INSNS_MAX */
};

void filter_done(struct filter *filter);

/**
 * Compile a policy.
 *
 * ABI dispatch in front (a token that no listed ABI has: KILL_PROCESS), then per token a balanced
 * tree over ranges of numbers with one action each, argument checks at its leaves.  A number
 * without conditions is decided without a look at its arguments, so that the kernel can remember
 * what it allows.  Conditions that cannot fail or cannot hold cost nothing.  Same policy, same
 * program.
 *
 * @policy: one that policy_resolve() made: overlapping clauses of a call have one action.
 * @out: to be released with filter_done().
 * Errors: -E2BIG past FILTER_INSNS_MAX, saying how many instructions it would take; -ENOMEM.
 */
int filter_compile(const struct policy *policy, struct filter *out, struct err *e);

/**
 * One program that answers what two do when a task carries both: the stricter of their actions, of
 * equally strict ones the newer program's, data included (kernel/seccomp.c: seccomp_run_filters()).
 *
 * The newer one runs first; each of its answers goes on to a copy of the older one that has it in
 * mind, and what that leaves no choice shrinks to a return.
 *
 * @newer, @older: programs such as filter_compile() writes: no return of the accumulator, no
 * comparison of it with X, and no use of a register before it is loaded.
 * @out: to be released with filter_done().
 * Errors: -EINVAL for other instructions; -E2BIG past FILTER_INSNS_MAX; -ENOMEM.
 */
int filter_join(
	const struct filter *newer, const struct filter *older, struct filter *out, struct err *e);

/**
 * Read a program from a file, "-" for standard input: struct sock_filter[] in this machine's byte
 * order, as `generate --format bpf` and seccomp_export_bpf(3) write it.
 *
 * @out: valid; to be released with filter_done().
 * Errors, each with the file in front: those of file_read(); -EINVAL for a size that is no number
 * of instructions, and for what filter_validate() refuses.
 */
int filter_read(const char *path, struct filter *out, struct err *e);

/**
 * Whether the kernel would accept the program: opcodes, offsets, jump targets, a return at the end,
 * division by a zero constant, scratch memory read before it is written.  Errors: -EINVAL with the
 * instruction.
 */
int filter_validate(const struct filter *filter, struct err *e);

/**
 * What a valid program answers for a call.  Division by zero returns 0, as in the kernel.
 *
 * @call: in this machine's byte order.  The program finds the halves of its 64-bit fields as on a
 * machine of call->arch (__AUDIT_ARCH_LE, linux/audit.h), so programs for others can be tried.
 */
uint32_t filter_run(const struct filter *filter, const struct seccomp_data *call);

/**
 * Hold a program against a policy by evaluation: for every ABI known (listed or not) every number
 * 0...1023, every number of the policy and its neighbours, the edges of the number space; for calls
 * with conditions all combinations of the boundary values of every argument, and of values around
 * them where these are few.
 *
 * Errors: -EPERM with the first difference, as "what the program answers, what the rules say";
 * -E2BIG when a call has more combinations than CHECK_COMBINATIONS_MAX; -EINVAL for what
 * filter_validate() refuses; -ENOMEM.
 */
enum { CHECK_COMBINATIONS_MAX = 1 << 20 };
int filter_check(const struct filter *filter, const struct policy *policy, struct err *e);

/**
 * Print one instruction a line: address, text, targets, and what the numbers mean where it is
 * known: "   3: if nr >= 186 (gettid) goto 36, else 4".
 *
 * Errors: -EINVAL for what filter_validate() refuses; of writing to @to, which is flushed; -ENOMEM.
 */
int filter_print(const struct filter *filter, FILE *to, struct err *e);

/**
 * Load a program into the calling thread (seccomp(2), SECCOMP_SET_MODE_FILTER).  No allocation, no
 * call but this one: callable behind another filter.
 *
 * @flags: SECCOMP_FILTER_FLAG_*.
 * Returns 0, with NEW_LISTENER its descriptor, or -errno.  EACCES: neither no_new_privs nor
 * CAP_SYS_ADMIN; ESRCH: TSYNC could not take a thread along, and nothing was loaded.
 */
int filter_load(const struct filter *filter, uint32_t flags);

/**
 * Whether the kernel takes the program, here and now: loaded, behind no_new_privs, in a child that
 * ends at once.  The caller stays as it is, and no core is left whatever the program denies.
 *
 * @flags: SECCOMP_FILTER_FLAG_*.
 * Errors: -ECHILD: the child was killed before it could tell; of fork(2) and seccomp(2).
 */
int filter_try(const struct filter *filter, uint32_t flags, struct err *e);

#endif
