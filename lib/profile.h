/*
 * profile.h: the OCI seccomp object: a default action, architectures, and rules in order.
 *
 * This is the text of a profile as data; profile_emit() and profile_parse() are inverse.  What it
 * means, number by number, is policy.h.
 */
#ifndef SYSCLAMP_PROFILE_H
#define SYSCLAMP_PROFILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "err.h"
#include "syscalls.h"

enum {
	PROFILE_SIZE_MAX = 4 * 1024 * 1024, /* bytes of a file that the reader accepts */
	PROFILE_RULES_MAX = 4096,
	PROFILE_NAMES_MAX = 4096, /* names in one rule */
	PROFILE_CONDS_MAX = 64, /* conditions in one rule, repeated indexes included */
};

/*
 * An action is the 32-bit value that a filter returns for it: SECCOMP_RET_* of linux/seccomp.h with
 * the errno (or the tracer's message) in the lower 16 bits.
 */
typedef uint32_t action_t;

/** "SCMP_ACT_ERRNO" of an action, or NULL for a value that no profile can name. */
const char *action_name(action_t action);

/** The actions there are, the strictest first, or NULL from @index on.  For suggestions. */
const char *action_name_at(size_t index);

/**
 * The action of an OCI name, its data bits zero.  SCMP_ACT_KILL is SCMP_ACT_KILL_THREAD.
 * Returns 0 or -ENOENT.
 */
int action_by_name(const char *name, action_t *out_action);

/** Whether errnoRet has a meaning for it: ERRNO and TRACE. */
bool action_has_data(action_t action);

/**
 * The largest errnoRet for it: 4095 for ERRNO (MAX_ERRNO of include/linux/err.h, to which
 * kernel/seccomp.c cuts larger ones), 65535 for TRACE (SECCOMP_RET_DATA), 0 for the rest.
 */
uint16_t action_data_max(action_t action);

/**
 * Whether the kernel would prefer @action over @other if two filters said them (seccomp(2), "Filter
 * return values"): KILL_PROCESS, KILL_THREAD, TRAP, ERRNO, NOTIFY, TRACE, LOG, ALLOW.  Errno and
 * message do not count.
 */
bool action_is_stricter(action_t action, action_t other);

/** Whether the call is made: ALLOW and LOG. */
bool action_lets_through(action_t action);

/**
 * The action that the kernel takes for a filter's return value: data where it has no meaning is
 * dropped, an errno is capped at 4095, an unknown action is KILL_PROCESS (kernel/seccomp.c:
 * __seccomp_filter).
 */
action_t action_effective(uint32_t returned);

/** Print for people: "SCMP_ACT_ERRNO (ENOSYS)".  Returns @buf. */
const char *action_print(action_t action, char *buf, size_t size);

enum condition_op {
	OP_NE,
	OP_LT,
	OP_LE,
	OP_EQ,
	OP_GE,
	OP_GT,
	OP_MASKED_EQ, /* (argument & value) == (value_two & value), seccomp_rule_add(3) */
	OP_COUNT,
};

/** "SCMP_CMP_EQ" */
const char *condition_op_name(enum condition_op op);

/** Returns 0 or -ENOENT. */
int condition_op_by_name(const char *name, enum condition_op *out_op);

struct condition {
	uint8_t index; /* of the argument: 0...5 */
	uint8_t op; /* enum condition_op */
	uint64_t value;
	uint64_t value_two; /* OP_MASKED_EQ only, else 0 */
};

/** Whether two lists of conditions are the same, in the same order. */
bool conditions_equal(const struct condition *a, size_t n_a, const struct condition *b, size_t n_b);

struct rule {
	char **names; /* as written, known here or not */
	size_t n_names;
	action_t action;
	struct condition *conds;
	size_t n_conds;
};

/** Whether a rule names the call @name. */
bool rule_names(const struct rule *rule, const char *name);

struct profile {
	action_t default_action;
	const struct abi **abis; /* as listed, without repetition; empty: the native one */
	size_t n_abis;
	struct rule *rules;
	size_t n_rules;
	uint32_t flags; /* SECCOMP_FILTER_FLAG_* */
	char *listener_path; /* NULL if none */
	char *listener_metadata; /* NULL if none; only with a listener_path */
};

/**
 * "SECCOMP_FILTER_FLAG_LOG" of a single bit, or NULL for one that no profile can name: what the
 * runtime specification lists (config-linux.md, flags), without the kernel's NEW_LISTENER and
 * TSYNC_ESRCH, which are for the loader to set.
 */
const char *profile_flag_name(uint32_t flag);

/** Release what @profile owns; NULL and a half-built one are fine. */
void profile_done(struct profile *profile);

/**
 * Read the text of a profile.
 *
 * Refused, with file and path: what kubernetes, containerd, CRI-O, podman, runc and crun read in
 * different ways (facts: docs/semantics.md), among them a missing default action, Docker-only keys,
 * duplicate or wrong-case keys, errno on an action without one.  Unknown keys are told to @to;
 * whether a name is known is for policy_resolve() to say.
 *
 * @name: of the file, for errors.
 * @text: @size bytes, overwritten in part (json_parse()).
 * @out: to be released with profile_done().
 * Errors: -EINVAL; -EFBIG above PROFILE_SIZE_MAX; -ENOMEM.
 */
int profile_parse(const char *name, char *text, size_t size, struct profile *out,
	const struct notice *to, struct err *e);

struct json_at; /* json.h */

/** The same of a value in a document that is read already, such as linux.seccomp of a bundle. */
int profile_parse_at(
	const struct json_at *at, struct profile *out, const struct notice *to, struct err *e);

/** Read a file, "-" for standard input. */
int profile_read(const char *path, struct profile *out, const struct notice *to, struct err *e);

/**
 * Write the text: heap, owned by the caller; final newline; one name a line.
 *
 * Errors: -EINVAL for what profile_parse() would not read back (an action without a name, a rule
 * without names); -ENOMEM.
 */
int profile_emit(const struct profile *profile, char **out_text, size_t *out_size, struct err *e);

#endif
