/*
 * enforce.h: the one way from a profile's file to a filter that may be loaded.
 *
 * Nothing loads a filter that did not come through here: compiled, then proven equal to the rules
 * it was compiled from.
 */
#ifndef SYSCLAMP_ENFORCE_H
#define SYSCLAMP_ENFORCE_H

#include "err.h"
#include "filter.h"
#include "policy.h"
#include "profile.h"

/* A profile, what it means, and a program that was proven to say the same. */
struct enforced {
	struct profile profile;
	struct policy policy;
	struct filter filter;
};

/**
 * Resolve, compile, prove.
 *
 * @path: the profile's file, "-" for standard input; for messages.
 * @profile: taken over on success, left alone on failure.
 * @out: to be released with enforced_done().
 * @to: told about unknown names; may be NULL.
 * Errors: those of policy_resolve(), filter_compile() and filter_must_equal(), each with the file
 * in front.
 */
int enforced_from_profile(const char *path, struct profile *profile, struct enforced *out,
	const struct notice *to, struct err *e);

/** The same for a file, with the errors of profile_read() too; @to is told about unknown keys as
 * well. */
int enforced_read(const char *path, struct enforced *out, const struct notice *to, struct err *e);
void enforced_done(struct enforced *enforced);

/**
 * Whether the running kernel has the actions and flags that the profile asks for: an action that it
 * does not have would kill.
 *
 * @path: as for enforced_read(), for messages.
 * Errors (-EOPNOTSUPP): those of features_need_action() and features_need_flags().
 */
int enforced_can_load(const char *path, const struct enforced *enforced, struct err *e);

/**
 * Whether a command can be held by the filter, with nobody there to answer or trace it.
 *
 * @path: as for enforced_read(), for messages.
 * @to: told that SCMP_ACT_TRACE is answered ENOSYS where no tracer is attached (seccomp(2)).
 * Errors (-EPERM): the native ABI is not listed; something in the profile is SCMP_ACT_NOTIFY.
 */
int enforced_can_hold(
	const char *path, const struct enforced *enforced, const struct notice *to, struct err *e);

/**
 * Whether a command can be started behind the filter as well: an execve is not denied whatever its
 * arguments.
 *
 * Errors: -EPERM.
 */
int enforced_can_start(const char *path, const struct enforced *enforced, struct err *e);

/**
 * Make the filter one under a supervisor: compiled from policy_supervised(), and proven to say
 * that. The policy stays: it is what the supervisor decides by.
 *
 * Errors: as enforced_from_profile(); -EPERM: something in the profile is SCMP_ACT_NOTIFY, so it
 * counts on another supervisor.
 */
int enforced_supervise(const char *path, struct enforced *enforced, struct err *e);

#endif
