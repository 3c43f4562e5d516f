/*
 * deny.h: run --on-deny: what becomes of calls that the profile does not let through, and what is
 * told of them.
 */
#ifndef SYSCLAMP_DENY_H
#define SYSCLAMP_DENY_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "enforce.h"
#include "err.h"
#include "policy.h"
#include "proc.h"
#include "supervisor.h"
#include "syscalls.h"

enum deny_mode {
	DENY_PROFILE, /* what the profile says, by the kernel */
	DENY_EXPLAIN, /* what the profile says, by us, and told */
	DENY_LEARN, /* let through and recorded */
	DENY_ASK, /* what the user says */
};

/* A denied call, with what is known of it without its thread. */
struct deny_call {
	struct denial denial; /* its call points to `data` */
	struct seccomp_data data;
	uint64_t args[SYSCALL_ARGS]; /* of an ABI with 32-bit registers: these */
	const struct abi *abi;
	char name[SYSCALL_NAME_MAX]; /* "#999" for a number without one */
	action_t action; /* what the profile says */
	char program[PROC_PATH_MAX]; /* path; "?" if unknown */
};

/** Copy what @denial says, find its program, and what @policy says of it. */
void deny_call_fill(
	struct deny_call *call, const struct policy *policy, const struct denial *denial);

/* What the user asked for. */
struct deny_request {
	enum deny_mode mode;
	const char *profile; /* its file; NULL: none, which is known to allow nothing */
	const char *output; /* where a recording goes; NULL: as the mode says */
	char *const *argv; /* of the command */
	const char *path; /* the file to execute */
};

/* A mode that was made ready. */
struct deny {
	struct supervisor supervisor;
	void *state; /* of the mode */
	void (*free)(void *state);
};

/** The mode of a name, "explain".  Returns 0 or -ENOENT. */
int deny_mode_by_name(const char *name, enum deny_mode *out_mode);

/**
 * Make ready to supervise: @enforced gets the filter that asks.
 *
 * @enforced: read from request->profile, or zeroed if there is none; stays as long as @out.
 * @out: to be released with deny_close().
 * Errors: the profile cannot be enforced so, the recording cannot be written there; -ENXIO: no
 * terminal to ask on.
 */
int deny_open(const struct deny_request *request, struct enforced *enforced,
	const struct notice *to, struct deny *out, struct err *e);
void deny_close(struct deny *deny);

/* The modes: each fills in who supervises, its state, and how that is released. */
int deny_explain_open(const struct deny_request *request, const struct policy *policy,
	struct deny *out, struct err *e);
int deny_learn_open(const struct deny_request *request, const struct policy *policy,
	struct deny *out, struct err *e);
int deny_ask_open(const struct deny_request *request, const struct policy *policy, struct deny *out,
	struct err *e);

#endif
