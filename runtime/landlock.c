#include "landlock.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/landlock.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "scope.h"

/*
 * linux/landlock.h of Linux 6.15: the host's may be older.  The structures grow at their end; the
 * kernel takes a longer one than it knows if what is beyond is zero (include/linux/uaccess.h,
 * copy_struct_from_user()).
 */
struct ruleset_attr {
	uint64_t fs, net, scoped;
};

enum { RULE_PATH_BENEATH = 1, RULE_NET_PORT = 2 };

struct net_port_attr {
	uint64_t access, port;
};

/* By bit, with the ABI that brought it. */
struct right {
	const char *name;
	int abi;
};

static const struct right PATH_RIGHTS[] = {
	{"execute", 1},
	{"write-file", 1},
	{"read-file", 1},
	{"read-dir", 1},
	{"remove-dir", 1},
	{"remove-file", 1},
	{"make-char", 1},
	{"make-dir", 1},
	{"make-reg", 1},
	{"make-sock", 1},
	{"make-fifo", 1},
	{"make-block", 1},
	{"make-sym", 1},
	{"refer", 2},
	{"truncate", 3},
	{"ioctl-dev", 5},
};

static const struct right PORT_RIGHTS[] = {{"bind", 4}, {"connect", 4}};
static const struct right SCOPES[] = {{"abstract-unix-socket", 6}, {"signal", 6}};

static const struct {
	const struct right *rights;
	size_t len;
	const char *what, *since; /* since: the first of them */
} KINDS[LANDLOCK_KINDS] = {
	[LANDLOCK_PATHS] = {PATH_RIGHTS, ARRAY_LEN(PATH_RIGHTS), "paths", "5.13"},
	[LANDLOCK_PORTS] = {PORT_RIGHTS, ARRAY_LEN(PORT_RIGHTS), "TCP ports", "6.7"},
	[LANDLOCK_SCOPES] = {SCOPES, ARRAY_LEN(SCOPES), "scopes", "6.12"},
};

/* By bit. */
enum {
	EXECUTE = 1 << 0,
	WRITE_FILE = 1 << 1,
	READ_FILE = 1 << 2,
	READ_DIR = 1 << 3,
	REMOVE_DIR = 1 << 4,
	REMOVE_FILE = 1 << 5,
	MAKE_DIR = 1 << 7,
	MAKE_REG = 1 << 8,
	MAKE_SOCK = 1 << 9,
	MAKE_FIFO = 1 << 10,
	MAKE_SYM = 1 << 12,
	REFER = 1 << 13,
	TRUNCATE = 1 << 14,
	IOCTL_DEV = 1 << 15,

	/* What means something for a file: security/landlock/fs.c, ACCESS_FILE. */
	OF_FILES = EXECUTE | WRITE_FILE | READ_FILE | TRUNCATE | IOCTL_DEV,

	READS = READ_FILE | READ_DIR,
	/* All but devices: to make one, and what only their drivers know (ioctl(2)). */
	WRITES = WRITE_FILE | TRUNCATE | REMOVE_DIR | REMOVE_FILE | MAKE_DIR | MAKE_REG |
		 MAKE_SOCK | MAKE_FIFO | MAKE_SYM | REFER,
};

static const struct {
	const char *name;
	uint64_t rights;
} PRESETS[] = {
	{"ro", READS},
	{"rx", READS | EXECUTE},
	{"rw", READS | WRITES},
	{"rwx", READS | WRITES | EXECUTE},
	{"all", (1 << ARRAY_LEN(PATH_RIGHTS)) - 1},
};

int landlock_abi(void)
{
	long abi = syscall(SYS_landlock_create_ruleset, NULL, 0UL, LANDLOCK_CREATE_RULESET_VERSION);

	return abi > 0 ? (int)abi : 0;
}

uint64_t landlock_rights(enum landlock_kind kind, int abi)
{
	uint64_t rights = 0;

	for (size_t i = 0; i < KINDS[kind].len; i++) {
		if (KINDS[kind].rights[i].abi <= abi)
			rights |= UINT64_C(1) << i;
	}
	return rights;
}

const char *landlock_name(enum landlock_kind kind, unsigned bit)
{
	return bit < KINDS[kind].len ? KINDS[kind].rights[bit].name : NULL;
}

static uint64_t right_by_name(enum landlock_kind kind, const char *name)
{
	for (unsigned bit = 0; landlock_name(kind, bit); bit++) {
		if (!strcmp(landlock_name(kind, bit), name))
			return UINT64_C(1) << bit;
	}
	for (size_t i = 0; kind == LANDLOCK_PATHS && i < ARRAY_LEN(PRESETS); i++) {
		if (!strcmp(PRESETS[i].name, name))
			return PRESETS[i].rights;
	}
	return 0;
}

const char *landlock_print(enum landlock_kind kind, uint64_t rights, char *text, size_t size)
{
	size_t used = 0;

	(void)snprintf(text, size, "none");
	for (unsigned bit = 0; landlock_name(kind, bit) && used < size; bit++) {
		if (rights & UINT64_C(1) << bit)
			used += (size_t)snprintf(text + used, size - used, "%s%s", used ? "," : "",
				landlock_name(kind, bit));
	}
	return text;
}

int landlock_by_name(enum landlock_kind kind, char *names, uint64_t *out_rights, struct err *e)
{
	uint64_t rights = 0;

	for (char *rest = names, *name; (name = strsep(&rest, ","));) {
		uint64_t right = right_by_name(kind, name);
		char known[ERR_TEXT_MAX];

		if (!right)
			return err_set(e, EINVAL, "\"%s\" is none of %s%s", name,
				kind == LANDLOCK_PATHS ? "ro,rx,rw,rwx,all," : "",
				landlock_print(kind, UINT64_MAX, known, sizeof(known)));
		rights |= right;
	}
	*out_rights = rights;
	return 0;
}

bool landlock_is_set(const struct cage_landlock *rules)
{
	return rules->restrict_paths || rules->restrict_ports || rules->scoped;
}

/* What is to be held of each kind. */
struct held {
	uint64_t rights[LANDLOCK_KINDS];
};

static struct held wanted_of(const struct cage_landlock *rules)
{
	return (struct held){{
		[LANDLOCK_PATHS] = rules->restrict_paths
					   ? landlock_rights(LANDLOCK_PATHS, LANDLOCK_ABI_KNOWN)
					   : 0,
		[LANDLOCK_PORTS] = rules->restrict_ports
					   ? landlock_rights(LANDLOCK_PORTS, LANDLOCK_ABI_KNOWN)
					   : 0,
		[LANDLOCK_SCOPES] = rules->scoped,
	}};
}

/* What one kind lacks. */
static int check_kind(enum landlock_kind kind, uint64_t wanted, int abi, bool strict,
	const struct notice *to, struct err *e)
{
	/* ABI 1 denies REFER everywhere: that is more, not less. */
	uint64_t known = landlock_rights(kind, abi) | (kind == LANDLOCK_PATHS && abi ? REFER : 0);
	uint64_t lacking = wanted & ~known;
	char names[ERR_TEXT_MAX / 2];

	if (!lacking)
		return 0;
	if (lacking == wanted)
		return err_set(e, EOPNOTSUPP,
			"Landlock: this kernel%s holds nothing to rules for %s; it takes Linux "
			"%s with landlock among its security modules (lsm=)",
			abi ? "'s is too old: it" : " lacks it: it", KINDS[kind].what,
			KINDS[kind].since);
	landlock_print(kind, lacking, names, sizeof(names));
	if (strict)
		return err_set(e, EOPNOTSUPP,
			"Landlock: this kernel's ABI %d has not: %s; boot a newer one, or leave "
			"strict out",
			abi, names);
	notice_tell(
		to, "Landlock: this kernel's ABI %d has not, and denies nowhere: %s", abi, names);
	return 0;
}

int landlock_check_abi(
	const struct cage_landlock *rules, int abi, const struct notice *to, struct err *e)
{
	struct held wanted = wanted_of(rules);

	for (int kind = 0; kind < LANDLOCK_KINDS; kind++) {
		if (check_kind((enum landlock_kind)kind, wanted.rights[kind], abi, rules->strict,
			    to, e))
			return -e->code;
	}
	return 0;
}

int landlock_check(const struct cage_landlock *rules, const struct notice *to, struct err *e)
{
	return landlock_is_set(rules) ? landlock_check_abi(rules, landlock_abi(), to, e) : 0;
}

static int add_path(int ruleset, const struct cage_path_rule *rule, uint64_t handled, struct err *e)
{
	scoped_fd int fd = open(rule->path, O_PATH | O_CLOEXEC);
	struct landlock_path_beneath_attr attr = {
		.allowed_access = rule->access & handled,
		.parent_fd = fd,
	};
	struct stat st;

	if (fd < 0 || fstat(fd, &st))
		return err_sys(e, errno, "%s", rule->where);
	if (!S_ISDIR(st.st_mode))
		attr.allowed_access &= OF_FILES;
	if (!attr.allowed_access)
		return 0; /* the kernel refuses a rule that grants nothing (ENOMSG) */
	if (syscall(SYS_landlock_add_rule, ruleset, RULE_PATH_BENEATH, &attr, 0))
		return err_sys(e, errno, "%s: Landlock", rule->where);
	return 0;
}

static int add_port(int ruleset, const struct cage_port_rule *rule, uint64_t handled, struct err *e)
{
	struct net_port_attr attr = {.access = rule->access & handled, .port = rule->port};

	if (attr.access && syscall(SYS_landlock_add_rule, ruleset, RULE_NET_PORT, &attr, 0))
		return err_sys(e, errno, "%s: Landlock", rule->where);
	return 0;
}

static int add_rules(int ruleset, const struct cage_landlock *rules,
	const struct ruleset_attr *handled, struct err *e)
{
	for (size_t i = 0; i < rules->n_paths; i++) {
		if (add_path(ruleset, &rules->paths[i], handled->fs, e))
			return -e->code;
	}
	for (size_t i = 0; i < rules->n_ports; i++) {
		if (add_port(ruleset, &rules->ports[i], handled->net, e))
			return -e->code;
	}
	return 0;
}

int landlock_enter(const struct cage_landlock *rules, const struct notice *to, struct err *e)
{
	struct held wanted = wanted_of(rules);
	int abi = landlock_abi();
	const struct ruleset_attr attr = {
		.fs = wanted.rights[LANDLOCK_PATHS] & landlock_rights(LANDLOCK_PATHS, abi),
		.net = wanted.rights[LANDLOCK_PORTS] & landlock_rights(LANDLOCK_PORTS, abi),
		.scoped = wanted.rights[LANDLOCK_SCOPES] & landlock_rights(LANDLOCK_SCOPES, abi),
	};
	scoped_fd int ruleset = -1;

	if (!landlock_is_set(rules))
		return 0;
	if (landlock_check_abi(rules, abi, to, e))
		return -e->code;
	ruleset = (int)syscall(SYS_landlock_create_ruleset, &attr, sizeof(attr), 0);
	if (ruleset < 0)
		return err_sys(e, errno, "Landlock: a set of rules");
	if (add_rules(ruleset, rules, &attr, e))
		return -e->code;
	if (syscall(SYS_landlock_restrict_self, ruleset, 0))
		return err_sys(e, errno, "Landlock: entering the rules");
	return 0;
}
