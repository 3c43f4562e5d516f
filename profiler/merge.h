/*
 * merge.h: several profiles made into one.
 *
 * Each call, with its arguments, gets what one of the profiles says of it: in a union the least
 * strict of the actions, in an intersection the strictest, which is what a process gets that
 * carries the filters of all (kernel/seccomp.c).  So a union allows what any of them allows, an
 * intersection what every one does; denials keep their errnos.  Of equally strict actions, as two
 * errnos are, the first profile's counts.
 *
 * That is exact, default actions, argument rules and ABIs included, or an error: a profile's rules
 * are the same for all of its ABIs, and it has one default action.
 */
#ifndef SYSCLAMP_MERGE_H
#define SYSCLAMP_MERGE_H

#include <stddef.h>

#include "err.h"
#include "profile.h"

enum profile_merge_mode { PROFILE_UNION, PROFILE_INTERSECT };

struct named_profile {
	const char *name; /* of the file, for errors and notices */
	struct profile profile;
};

/**
 * Merge @n profiles, one at least, to @out (released with profile_done()).
 *
 * What comes out obeys what engines ask for: each call has one unconditional rule or conditional
 * ones that do not overlap with different actions, no rule has an index twice, ABIs are listed.
 * Same input, same rules; in what order the profiles come shows only where two are equally strict.
 *
 * @to: told what is ignored, and whose errno counts for the default.
 * Errors: -EINVAL as policy_resolve(), and for what no profile can say: a call that would be
 * answered in another way under one ABI than under another, other flags or listeners; -E2BIG:
 * argument rules too many together; -ENOMEM.
 */
int profile_merge(enum profile_merge_mode mode, const struct named_profile *profiles, size_t n,
	struct profile *out, const struct notice *to, struct err *e);

#endif
