/*
 * emit.h: a profile in the formats of those who enforce it.
 *
 * An emitter writes what the profile says or nothing: what its format cannot say is an error that
 * names it.  What a person may accept to lose (a check of arguments that would become a check of
 * the name alone) is one, too, unless `lossy` is set; then it is told.  Nothing is ever lost in
 * silence.  Same profile and context, same bytes.
 */
#ifndef SYSCLAMP_EMIT_H
#define SYSCLAMP_EMIT_H

#include <stdbool.h>
#include <stddef.h>

#include "err.h"
#include "profile.h"
#include "recording.h"

enum { EMIT_NAME_MAX = 200 }; /* bytes of a name; the hash and ".json" still fit a file name */

struct emit_context {
	const char *input; /* what the profile was made from, for errors */
	const char *name; /* of the workload: emit_name_check(); NULL: not known */
	const char *namespace; /* where it runs in Kubernetes; NULL: not given */
	const char *container; /* of its pod; NULL: called as the workload */
	bool new_privs; /* the container runs without no_new_privs */
	bool lossy; /* accept what can be lost */
	const struct recording *rec; /* what it was cut from; NULL: not known */
	const struct notice *to; /* told what is lost or done otherwise; may be NULL */
};

struct emitter {
	const char *name; /* of the format, as given to --format */
	const char *extension; /* of a file of it, with the dot */
	const char *summary; /* what it is */
	bool is_binary;
	bool needs_name;
	/* As emit_profile(). */
	int (*emit)(const struct profile *profile, const struct emit_context *ctx, char **out_text,
		size_t *out_size, struct err *e);
};

/** The formats, the first is the default; @out_len: how many. */
const struct emitter *emitter_table(size_t *out_len);

/** NULL if there is none of that name. */
const struct emitter *emitter_by_name(const char *name);

/**
 * Write a profile.
 *
 * @out_text: heap, owned by the caller.
 * Errors: -EINVAL, with what the format cannot say, or the name that it needs; those of
 * policy_resolve(); for programs those of enforced_from_profile(); -EFBIG; -ENOMEM.
 */
int emit_profile(const struct emitter *emitter, const struct profile *profile,
	const struct emit_context *ctx, char **out_text, size_t *out_size, struct err *e);

/**
 * Whether Kubernetes takes @name for an object: a DNS subdomain (RFC 1123: lower-case letters,
 * digits, '-' and '.', a letter or digit at both ends of every part) of 1...EMIT_NAME_MAX bytes.
 *
 * @what: that the name is for, for errors: "--name".
 */
int emit_name_check(const char *what, const char *name, struct err *e);

/** The same for a namespace or a container: one part, of up to 63 bytes. */
int emit_label_check(const char *what, const char *name, struct err *e);

/**
 * The name nearest to what a file or program is called: its last component, without .json and
 * .rec, in lower case, other characters as '-'.
 *
 * @buf: EMIT_NAME_MAX + 1 bytes.
 * Returns @buf, or NULL if nothing is left.
 */
const char *emit_name_from(const char *path, char *buf);

#endif
