/*
 * cage.h: what holds a command besides the filter, as a description: plain data.
 *
 * Options, a file of ours and an OCI bundle make one; cage_run.h executes it, cage_print.h shows
 * it.  Zeroed, it changes nothing.  What it points to lies in its arena, or outlives it (argv).
 *
 * Paths "inside" are absolute and mean the command's root, whatever symbolic links stand there.
 */
#ifndef SYSCLAMP_CAGE_H
#define SYSCLAMP_CAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/resource.h>
#include <sys/types.h>

#include "arena.h"
#include "err.h"

/* namespaces(7) */
enum cage_ns {
	CAGE_NS_USER,
	CAGE_NS_PID,
	CAGE_NS_MOUNT,
	CAGE_NS_NET,
	CAGE_NS_IPC,
	CAGE_NS_UTS,
	CAGE_NS_CGROUP,
	CAGE_NS_TIME,
	CAGE_NS_COUNT,
};

enum cage_ns_how {
	CAGE_NS_SHARED, /* the caller's */
	CAGE_NS_NEW,
	CAGE_NS_JOIN, /* the one that a path names */
};

/*
 * `where`, here and below: how to call the thing in errors, as the user wrote it or where it
 * stands ("--bind /a:/b", "config.json: $.mounts[3]").
 */
struct cage_namespace {
	enum cage_ns_how how;
	const char *path; /* CAGE_NS_JOIN, outside: /proc/PID/ns/net */
	const char *where;
};

/* user_namespaces(7): @count ids from @inside on are those from @outside on. */
struct cage_map {
	uint32_t inside, outside, count;
};

struct cage_maps {
	struct cage_map *maps;
	size_t n;
};

/* time_namespaces(7) */
struct cage_clock {
	int64_t s;
	uint32_t ns;
};

struct cage_mount {
	const char *where;
	const char *source; /* outside, for a bind mount; else what the file system is told */
	const char *target; /* inside; made if it is missing */
	const char *type; /* of the file system; NULL: a bind mount */
	const char *data; /* its own options, "mode=755,size=64k"; NULL: none */
	bool recursive; /* a bind mount takes what is mounted below along */
	bool optional; /* without a source it is left out */
	bool copies_up; /* a new tmpfs begins with what the target holds (runc: tmpcopyup) */
	uint64_t attr_set, attr_clear; /* MOUNT_ATTR_*: mount_setattr(2) */
	uint64_t all_set, all_clear; /* of all mounts below as well (runc: rro, rnosuid, ...) */
	unsigned long propagation; /* MS_PRIVATE, MS_SLAVE, ..., also with MS_REC; 0: left alone */
};

struct cage_device {
	const char *where;
	const char *path; /* inside */
	mode_t type; /* S_IFCHR, S_IFBLK, S_IFIFO */
	unsigned major, minor;
	mode_t mode;
	uid_t uid;
	gid_t gid;
};

/* The root of the command. */
struct cage_root {
	const char *path; /* outside: a directory; NULL: the caller's root, as it is */
	const char *where;
	bool readonly;
	bool readonly_below; /* so is what is mounted in it outside: not what the cage mounts */
	/* MS_*, of all mounts before anything is mounted; 0: MS_SLAVE | MS_REC, so that nothing
	 * goes out. */
	unsigned long propagation;
	/* /dev gets null, zero, full, random, urandom, tty, fd, stdin, stdout, stderr, ptmx, as the
	 * OCI runtime specification has it (config-linux.md, "Default Devices"). */
	bool default_devices;
	/* No device works by a node that stands in the root or in what is mounted below it
	 * outside (MOUNT_ATTR_NODEV, AT_RECURSIVE); `mounts` say it for themselves. */
	bool nodev;
};

struct cage_sysctl {
	const char *where;
	const char *name; /* "net.ipv4.ip_forward", or with slashes */
	const char *value;
};

struct cage_limit {
	const char *where;
	int resource; /* RLIMIT_*: getrlimit(2) */
	rlim_t soft, hard;
};

/* credentials(7) */
struct cage_user {
	bool set;
	uid_t uid; /* inside */
	gid_t gid;
	bool set_groups; /* else, if `set`: none are left */
	gid_t *groups;
	size_t n_groups;
};

/* capabilities(7): bit N is capability N. */
enum cage_cap_set {
	CAGE_CAP_BOUNDING,
	CAGE_CAP_PERMITTED,
	CAGE_CAP_EFFECTIVE,
	CAGE_CAP_INHERITABLE,
	CAGE_CAP_AMBIENT,
	CAGE_CAP_SETS,
};

struct cage_caps {
	bool set; /* else they are what execve(2) makes of the caller's */
	const char *where;
	uint64_t sets[CAGE_CAP_SETS];
};

/* landlock(7).  What is not granted is denied, once anything is. */
struct cage_path_rule {
	const char *where;
	const char *path; /* inside */
	uint64_t access; /* LANDLOCK_ACCESS_FS_* */
};

struct cage_port_rule {
	const char *where;
	uint16_t port; /* TCP */
	uint64_t access; /* LANDLOCK_ACCESS_NET_* */
};

struct cage_landlock {
	struct cage_path_rule *paths;
	size_t n_paths;
	struct cage_port_rule *ports;
	size_t n_ports;
	bool restrict_paths, restrict_ports; /* also without any rule: then all is denied */
	uint64_t scoped; /* LANDLOCK_SCOPE_*: what does not reach out of the cage */
	bool strict; /* what the kernel's Landlock lacks is an error, not a notice */
};

/* OCI runtime specification, config.md, "POSIX-platform Hooks", in the order in which they run. */
enum cage_hook_time {
	CAGE_HOOK_PRESTART,
	CAGE_HOOK_CREATE_RUNTIME,
	CAGE_HOOK_CREATE_CONTAINER, /* in the command's namespaces, before its root */
	CAGE_HOOK_START_CONTAINER, /* in its root */
	CAGE_HOOK_POSTSTART,
	CAGE_HOOK_POSTSTOP,
	CAGE_HOOK_TIMES,
};

struct cage_hook {
	const char *where;
	const char *path; /* absolute */
	char **argv, **env; /* NULL-terminated */
	unsigned timeout_s; /* 0: none */
};

struct cage_hooks {
	struct cage_hook *hooks;
	size_t n;
};

/* Of a bundle, for its hooks: the "state" of runtime.md. */
struct cage_state {
	const char *oci_version, *id, *bundle;
	const char *annotations; /* a JSON object as text; NULL: none */
};

struct cage {
	struct arena arena;
	bool used; /* there is anything at all to do */

	struct cage_namespace namespaces[CAGE_NS_COUNT];
	struct cage_maps uid_maps, gid_maps;
	bool set_clocks;
	struct cage_clock monotonic, boottime; /* what a new time namespace adds */
	const char *hostname, *domainname; /* NULL: left alone; need their own UTS namespace */

	struct cage_root root;
	struct cage_mount *mounts; /* in this order */
	size_t n_mounts;
	struct cage_device *devices;
	size_t n_devices;
	const char **masked; /* inside: nothing is to be read there; may be missing */
	size_t n_masked;
	const char **readonly; /* inside; may be missing */
	size_t n_readonly;
	struct cage_sysctl *sysctls;
	size_t n_sysctls;

	struct cage_user user;
	struct cage_caps caps;
	struct cage_limit *limits;
	size_t n_limits;
	bool set_umask, set_oom_score_adj;
	mode_t umask;
	int oom_score_adj;
	const char *cwd; /* inside; NULL: that of the caller, or / with a root of its own */
	const char *cwd_where;
	bool fresh_signals; /* none is blocked or ignored */
	bool sets_home; /* HOME, where the environment has none: home.h */
	bool new_session; /* setsid(2): no way to the caller's terminal (TIOCSTI) */
	bool with_parent; /* it ends when the launcher does, whatever ends that */
	bool init; /* process 1 is ours: it reaps, sends signals on, and starts the command */
	bool terminal; /* a terminal of its own, which the launcher connects to that of the caller
			*/
	uint16_t rows, columns; /* of it; 0: as the caller's */
	int *passed; /* descriptors that stay open beside 0, 1 and 2 */
	size_t n_passed;
	struct cage_landlock landlock;

	struct cage_hooks hooks[CAGE_HOOK_TIMES];
	struct cage_state state;
};

/** Release what is in the arena; takes a zeroed one too. */
void cage_done(struct cage *cage);

/** @text, formatted, in the arena; NULL without memory. */
const char *cage_text(struct cage *cage, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/**
 * Room for one more item at the end of an array in the arena.
 *
 * @items: address of the array's pointer, NULL while it is empty; it may move.
 * @n: address of its length, which grows by one.
 * @size: of an item, in bytes.
 * Returns the new item, zeroed; NULL without memory, with nothing changed.
 */
void *cage_append(struct cage *cage, void *items, size_t *n, size_t size);

/** Append to an array of the cage: CAGE_ADD(cage, mounts) is the new, zeroed struct cage_mount. */
#define CAGE_ADD(cage, array)                                                                      \
	((__typeof__((cage)->array))cage_append(                                                   \
		cage, &(cage)->array, &(cage)->n_##array, sizeof(*(cage)->array)))

#endif
