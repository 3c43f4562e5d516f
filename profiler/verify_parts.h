/*
 * verify_parts.h: the pieces that verify.h is made of.  Internal to it.
 */
#ifndef SYSCLAMP_VERIFY_PARTS_H
#define SYSCLAMP_VERIFY_PARTS_H

#include "filter.h"
#include "policy.h"
#include "verify.h"

/* A profile as somebody reads it. */
struct reading {
	struct policy policy;
	unsigned known; /* KNOWN_*: where this is not how docs/semantics.md reads it */
};

void reading_done(struct reading *reading);

/** As docs/semantics.md reads it.  Errors: those of policy_resolve(). */
int reading_as_written(const struct verify_subject *subject, struct reading *out, struct err *e);

/**
 * As libseccomp reads it: design and bugs apart, what its manual and its sources say it does.
 *
 * Errors: -EINVAL if rules for multiplexed calls meet there with different actions; -ENOMEM.
 */
int reading_of_libseccomp(const struct verify_subject *subject, struct reading *out, struct err *e);

/* Programs on the heap, the newest first. */
struct filters {
	struct filter *filters;
	size_t n;
};

void filters_done(struct filters *filters);

/**
 * Compile with libseccomp as runc feeds it.
 *
 * @tree: ask for the binary tree.
 * Errors: -EPERM, what is refused and by whom; -ENOMEM.
 */
int libseccomp_compile(const struct profile *profile, bool tree, struct filter *out, struct err *e);

/**
 * Hold programs against a profile, @written and libseccomp's reading of it; fills all of @out but
 * subject and why.
 */
int verify_filters(const struct verify_subject *subject, const struct reading *written,
	const struct filters *filters, struct verify_report *out, struct err *e);

/**
 * Whether @filter begins with the stub that runc puts in front of libseccomp's programs
 * (libcontainer/seccomp/patchbpf/enosys_linux.go): code that looks at ABI and number only and ends
 * either in ENOSYS or at the start of the rest.
 *
 * @out_len: how many instructions it has, if so.
 */
bool runc_stub_find(const struct filter *filter, size_t *out_len);

/** Whether the stub of @len instructions leaves alone all numbers up to the largest that @policy
 * speaks of. */
bool runc_stub_keeps_off(const struct filter *filter, size_t len, const struct policy *policy);

#endif
