/*
 * profiler.h: from recordings to profiles, and profiles into place.
 */
#ifndef SYSCLAMP_PROFILER_H
#define SYSCLAMP_PROFILER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "err.h"
#include "merge.h"
#include "profile.h"
#include "recording.h"

enum base_runtime { BASE_NONE, BASE_RUNC, BASE_CRUN, BASE_ANY };

/* C libraries that make different calls for the same. */
enum libc { LIBC_GLIBC, LIBC_MUSL, LIBCS };

/* Which arguments become conditions (pin.h). */
enum pin_mode {
	PIN_NONE,
	PIN_SAFE, /* those that choose what a call is, with values that libraries agree about */
	PIN_FULL, /* all that are recorded, but of calls made so often that a look at them costs */
};

struct generate_options {
	enum base_runtime runtime; /* whose own calls behind the filter are added */
	bool nnp; /* the container runs with no_new_privs: the runtime needs less */
	action_t default_action; /* for what is not in the profile */
	bool exact; /* leave out what is implied */
	unsigned portable; /* bit 1 << enum libc: add what this one calls instead */
	const struct abi *arch; /* cut for this one instead of those recorded; may be NULL */
	const struct named_profile *base; /* add to this profile; may be NULL; borrowed */
	const char *const *phases; /* borrowed; if any: only what was called in one of these */
	size_t n_phases;
	bool exclude_exec; /* leave out what only processes called that entered from outside */
	bool allow_incomplete;
	enum pin_mode args; /* of which arguments only those seen are allowed */
};

/** "runc", "crun", "any", "none"; -ENOENT for another. */
int base_runtime_by_name(const char *name, enum base_runtime *out_runtime);

/** "glibc", "musl". */
const char *libc_name(enum libc libc);

/** Returns 0 or -ENOENT. */
int libc_by_name(const char *name, enum libc *out_libc);

/** The default: SCMP_ACT_ERRNO with ENOSYS, for any runtime with no_new_privs. */
struct generate_options generate_defaults(void);

/**
 * Whether a recording may be used: if it is incomplete, only with allow_incomplete.
 *
 * profile_generate() asks too, but of a join it cannot tell which file is at fault.
 *
 * @name: of the recording, for errors.
 * @to: told what is incomplete when that is allowed.
 * Errors (-EPERM): what was lost, or that the recording never ended.
 */
int generate_accept(const char *name, const struct recording *rec,
	const struct generate_options *options, const struct notice *to, struct err *e);

/**
 * Cut a names-only profile from a recording (of several: their join).
 *
 * In it: what was seen and not always denied, the runtime's base set, and what is implied
 * (closure.h).  Deterministic: same input, same profile.
 *
 * @name: of the recording, for errors.
 * @to: told what was added or skipped, and why.
 * With a base, the result is that profile, its default action included, but for what the recording
 * has it allow besides: denials with an errno of their own stay.  It lists the ABIs of both.
 *
 * Errors: an incomplete recording without allow_incomplete; a number without a name that the kernel
 * did not answer with ENOSYS; a base that allows by default, is of another byte order, or that
 * profile_merge() does not take.
 */
int profile_generate(const char *name, const struct recording *rec,
	const struct generate_options *options, struct profile *out, const struct notice *to,
	struct err *e);

/**
 * The same, and why each name is in the profile or not: the text of sysclamp-notes(5).
 *
 * @out_notes: heap, owned by the caller, @out_size bytes.  Same input, same bytes.
 */
int profile_generate_noted(const char *name, const struct recording *rec,
	const struct generate_options *options, struct profile *out, char **out_notes,
	size_t *out_size, const struct notice *to, struct err *e);

/** Whether any rule speaks of the call @name. */
bool profile_names(const struct profile *profile, const char *name);

/**
 * Allow in @base what @with allows, and leave the rest as it is: names that @with allows leave the
 * rules of @base, whatever these say of them and under which conditions.
 *
 * @base: after a failure good for profile_done() only.
 * @with: as profile_generate() makes it: rules that allow, without conditions.
 * Errors: -ENOMEM.
 */
int profile_extend(struct profile *base, const struct profile *with, struct err *e);

/**
 * Take out of @profile what @base allows whatever the arguments: what is left is what one that is
 * laid over @base by an engine or an operator (baseProfileName) has to say.
 */
void profile_beyond(struct profile *profile, const struct profile *base);

struct install_request {
	const char *profile_path; /* "-" for standard input */
	const char *name; /* one or more path components below seccomp/, no extension */
	const char *kubelet_dir; /* /var/lib/kubelet */
	bool dry_run;
};

struct install_result {
	char *file; /* the path written, or that would be; heap */
	char *localhost_profile; /* relative to <kubelet-dir>/seccomp; heap */
};

void install_result_done(struct install_result *result);

/**
 * Put a profile where a kubelet finds it, as <kubelet-dir>/seccomp/<name>-<hash8>.json.
 *
 * Parsed, resolved, compiled, checked and loaded once in a forked child before anything is written.
 * What is written is profile_emit()'s text, not the file's: all engines read that alike.  The hash
 * is the first 8 hex digits of its SHA-256.  Written atomically (file_replace_at()), 0644,
 * directories made 0755; no symbolic link is followed below the kubelet's directory; a file of that
 * name and content that is there already is success.
 *
 * @to: told what was written, or was there.
 * Errors: a name that is empty, absolute, longer than 200 bytes, ends in ".json", has components
 * ".", ".." or empty, or characters beyond letters, digits, "._-" and "/"; SCMP_ACT_NOTIFY or
 * listenerPath; a file of that name with other content.
 */
int profile_install(const struct install_request *request, struct install_result *out,
	const struct notice *to, struct err *e);

#endif
