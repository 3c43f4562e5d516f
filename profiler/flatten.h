/*
 * flatten.h: from Docker's dialect of a profile to a plain one.
 *
 * Docker and podman read keys that the OCI format does not have: rules that apply only with a
 * capability, on an architecture, from a kernel on (includes, excludes), architectures by machine
 * (archMap), errors by name (errno, defaultErrno), a single name (name).  containerd, runc and crun
 * drop them.  Flattening answers these questions for one container and leaves what every engine
 * reads alike.  Where the two readers differ, each key is given its meaning by the reader that
 * knows it, and the difference is told when it shows: docs/semantics.md, section 9.
 *
 * Sources: moby/profiles, seccomp/seccomp_linux.go and seccomp.go (14f2f11, 4d021b0);
 * containers/common, pkg/seccomp/seccomp_linux.go, as vendored by podman (050c638).
 */
#ifndef SYSCLAMP_FLATTEN_H
#define SYSCLAMP_FLATTEN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "err.h"
#include "profile.h"

/* As engines compare them: the first two numbers of a release. */
struct kernel_version {
	unsigned version, major; /* "6.1.0-13-amd64": 6, 1; each 0...255 */
};

/* The container that the profile is for. */
struct flatten_target {
	const struct abi *abi; /* of the machine */
	uint64_t caps; /* its bounding set: 1 << CAP_* of linux/capability.h */
	struct kernel_version kernel;
	bool caps_known, kernel_known; /* a file that asks for what is not known is refused */
};

/**
 * Read a list of capabilities: names with or without "CAP_" in any case, and the sets "none",
 * "all", "default" (of docker, and of containerd for Kubernetes) and "podman", joined by commas.
 *
 * Errors (-EINVAL): a name that is none; an empty one.
 */
int flatten_caps_parse(const char *list, uint64_t *out_caps, struct err *e);

/**
 * Read a machine: our name of its ABI (x86_64), that of a profile (SCMP_ARCH_X86_64), that of Go or
 * of Docker's files (amd64).  Errors (-EINVAL): none of these.
 */
int flatten_abi_parse(const char *name, const struct abi **out_abi, struct err *e);

/** What Docker's files call a machine: "amd64". */
const char *flatten_arch_name(const struct abi *abi);

/** Whether podman's reader knows the machine in archMap (its nativeToSeccomp). */
bool flatten_podman_maps(const struct abi *abi);

/**
 * Read "6.1", or a release of which that is the beginning ("6.1.0-13-amd64").
 * Errors (-EINVAL): no such text, a number above 255.
 */
int flatten_kernel_parse(const char *text, struct kernel_version *out, struct err *e);

/**
 * Read the text of a profile in either dialect.
 *
 * Keys, limits and what is refused: as profile_parse(), but for the keys above.
 *
 * @text: @size bytes, overwritten in part.
 * @out: to be released with profile_done(); it always lists its architectures.
 * @to: told where docker and podman would differ for this target.
 * Errors: those of profile_parse(); -EINVAL: both of archMap and architectures, or of name and
 * names; a kernel or error that is none; something that @target does not know.
 */
int profile_flatten(const char *name, char *text, size_t size, const struct flatten_target *target,
	struct profile *out, const struct notice *to, struct err *e);

/** The same for a file, "-" for standard input. */
int profile_flatten_read(const char *path, const struct flatten_target *target, struct profile *out,
	const struct notice *to, struct err *e);

#endif
