/*
 * verify.h: does a program that somebody else made or loaded say what a profile says?
 *
 * The programs of container engines come from libseccomp, which reads profiles in its own way in a
 * few known places.  So a program is held against the profile as docs/semantics.md reads it, and if
 * it does not say that, as libseccomp is known to read it.  What had to be granted has a name and
 * is reported; everything else is a difference, shown by one call.
 */
#ifndef SYSCLAMP_VERIFY_H
#define SYSCLAMP_VERIFY_H

#include <stdint.h>
#include <sys/types.h>

#include "err.h"
#include "profile.h"
#include "prove.h"

enum verify_answer {
	VERIFY_EQUAL, /* but for what is in verify_report.known */
	VERIFY_DIFFERENT, /* verify_report.proof has a call that shows it */
	VERIFY_UNDECIDED, /* within the prover's budget */
	VERIFY_NONE, /* there is no program to speak of: verify_report.why */
};

/* What may be granted, one bit each. */
enum {
	KNOWN_UNLISTED_ABI = 1,
	KNOWN_NEGATIVE_NUMBERS = 2,
	KNOWN_NATIVE_ABI = 4,
	KNOWN_MULTIPLEXED_CALLS = 8,
	KNOWN_UNKNOWN_NAMES = 16,
	KNOWN_RUNC_ENOSYS_STUB = 32,
	KNOWN_COUNT = 6,
};

struct known {
	const char *kind; /* "difference", "addition" */
	const char *name; /* a few words */
	const char *text; /* what it is */
};

/** The text for bit @index, 0...KNOWN_COUNT-1. */
const struct known *known_at(unsigned index);

enum { VERIFY_SUBJECT_MAX = 192, VERIFY_PLACE_MAX = 32 };

struct verify_report {
	enum verify_answer answer;
	char subject[VERIFY_SUBJECT_MAX]; /* what was held against the profile */
	size_t n_filters, n_insns; /* of it, in all */
	unsigned known; /* KNOWN_*: what was granted; VERIFY_EQUAL only */
	struct proof proof; /* VERIFY_DIFFERENT: call, got, wanted; rule is NULL */
	char place[VERIFY_PLACE_MAX]; /* VERIFY_DIFFERENT: JSON path of what the rules say */
	char why[ERR_TEXT_MAX]; /* VERIFY_NONE */
};

struct verify_subject {
	const char *path; /* of the profile, for messages; "-": standard input */
	const struct profile *profile;
	const struct notice *to; /* told about unknown names; may be NULL */
};

/**
 * The program that the libseccomp of this machine compiles from the profile when it is fed as runc
 * does it (libcontainer/seccomp/seccomp_linux.go): one rule for each name, in order; rules that say
 * the default and unknown names skipped; a repeated index makes each condition a rule.  With more
 * than 32 names runc from 1.2 on asks for libseccomp's binary tree: then both programs are looked
 * at, and the report is about the first that is not equal.
 *
 * Errors: those of policy_resolve(); -ENOMEM.  What libseccomp or the kernel would refuse is an
 * answer, VERIFY_NONE.
 */
int verify_libseccomp(
	const struct verify_subject *subject, struct verify_report *out, struct err *e);

/**
 * A file of struct sock_filter in this machine's byte order, as `generate --format bpf` and
 * seccomp_export_bpf(3) write it.
 *
 * Errors: those of policy_resolve() and file_read(); -EINVAL with the instruction for a program
 * that the kernel would refuse, or a size that is no number of instructions; -ENOMEM.
 */
int verify_program(const struct verify_subject *subject, const char *path,
	struct verify_report *out, struct err *e);

/**
 * The filters that a thread carries, all together (PTRACE_SECCOMP_GET_FILTER).
 *
 * The thread is stopped for about as long as the copying takes.  A wait that such a stop would end
 * with EINTR (signal(7)) is resumed, from the start if it has a timeout; on x86-64 only.
 *
 * @pid: a process, for its main thread, or a thread.
 * Errors: -ESRCH no such process; -EINVAL this process, a kernel thread; -EPERM, with what is
 * missing; -EBUSY another tracer is there; -ETIMEDOUT it does not stop; those of policy_resolve();
 * -ENOMEM.  No filter, strict mode, threads of the process with other filters: VERIFY_NONE.
 */
int verify_pid(
	const struct verify_subject *subject, pid_t pid, struct verify_report *out, struct err *e);

#endif
