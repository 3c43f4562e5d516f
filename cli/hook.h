/*
 * hook.h: what an OCI runtime tells its hooks, and what a container's annotations ask for.
 */
#ifndef SYSCLAMP_HOOK_H
#define SYSCLAMP_HOOK_H

#include <stdbool.h>
#include <sys/types.h>

#include "err.h"

/* Asks for a profile: "of:/abs/out.json", and with "if:/abs/in.json;" one to extend.  The
 * annotation of oci-seccomp-bpf-hook, which is in use. */
#define HOOK_PROFILE_ANNOTATION "io.containers.trace-syscall"
/* Asks for a recording: "/abs/out.rec.json". */
#define HOOK_RECORD_ANNOTATION "dev.sysclamp.record"

struct hook_request {
	char *id; /* of the container; all are heap */
	char *bundle;
	pid_t pid; /* of its first process, which has not executed the container's program yet */
	char *recording, *profile, *base_profile; /* absolute paths, or NULL */
	/* Of the container's program, as far as the bundle tells: */
	char **argv; /* NULL-terminated, heap as one block; NULL if unknown */
	char *cwd; /* heap; NULL if unknown */
	bool nnp; /* it runs with no_new_privs */
	bool confined; /* it runs behind a seccomp filter */
	const char *directory; /* borrowed: no file outside of it is touched; NULL: any may be */
};

/**
 * Read the state (runtime-spec, runtime.md, "State") and, in the bundle, what the container is
 * going to run.
 *
 * @text: @size bytes, overwritten in part.
 * @out: to be released with hook_request_done(); without any of the annotations it asks for
 * nothing. Errors: with the place in the state, or in the annotation.
 */
int hook_request_parse(char *text, size_t size, struct hook_request *out, struct err *e);
void hook_request_done(struct hook_request *request);

/**
 * Before the container runs: what can be known to fail at its end, and what shall not be done.
 * Whoever may set annotations shall not replace whatever file root may write.
 */
int hook_check_files(const struct hook_request *request, struct err *e);

/** Refuse to replace a file that is something else, @why. */
int hook_refuse_other(const struct err *why, struct err *e);

/** Whether there is a profile to extend: one that extends itself begins with nothing. */
bool hook_extends(const struct hook_request *request);

/**
 * Record the container until it has ended, then write what was asked for.
 *
 * @attached: called once everything is counted.
 */
int hook_record(
	const struct hook_request *request, void (*attached)(void *ctx), void *ctx, struct err *e);

#endif
