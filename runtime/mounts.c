#include "mounts.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cgroup_mount.h"
#include "copy_up.h"
#include "inside.h"
#include "scope.h"
#include "targets.h"

enum { OPTION_SIZE = 4096, MESSAGE_SIZE = 256 };

int mount_copy(int fd, const char *path, bool recursive)
{
	unsigned flags = OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | (*path ? 0U : AT_EMPTY_PATH) |
			 (recursive ? AT_RECURSIVE : 0U);
	int tree = open_tree(fd, path, flags);

	return tree < 0 ? -errno : tree;
}

int mount_attach(int tree, int target)
{
	return move_mount(tree, "", target, "", MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH)
		       ? -errno
		       : 0;
}

int mount_change(int fd, uint64_t set, uint64_t clear, unsigned long propagation, bool recursive)
{
	struct mount_attr attributes = {
		.attr_set = set,
		.attr_clr = clear,
		.propagation = propagation,
	};

	/* What is about access times is one field: it is cleared before it is set. */
	if ((set | clear) & MOUNT_ATTR__ATIME)
		attributes.attr_clr |= MOUNT_ATTR__ATIME;
	if (!set && !attributes.attr_clr && !propagation)
		return 0;
	return mount_setattr(fd, "", AT_EMPTY_PATH | (recursive ? AT_RECURSIVE : 0U), &attributes,
		       sizeof(attributes))
		       ? -errno
		       : 0;
}

/* One of the file system's own options: "key=value" or "flag". */
static int set_option(int context, char *option)
{
	char *value = strchr(option, '=');

	if (!*option)
		return 0;
	if (!value)
		return fsconfig(context, FSCONFIG_SET_FLAG, option, NULL, 0);
	*value++ = '\0';
	return fsconfig(context, FSCONFIG_SET_STRING, option, value, 0);
}

/* What takes a namespace of the same owner as the user namespace: the kernel's FS_USERNS_MOUNT file
 * systems that show one (fs/proc/root.c, fs/sysfs/mount.c, ipc/mqueue.c, kernel/cgroup/cgroup.c).
 */
static const struct {
	const char *type;
	enum cage_ns kind;
	const char *hint;
} SHOWING[] = {
	{"proc", CAGE_NS_PID,
		"in a user namespace it takes a pid namespace of its own, and a /proc outside with "
		"nothing mounted over; or bind what is there"},
	{"sysfs", CAGE_NS_NET,
		"in a user namespace it takes a network namespace of its own, and a /sys outside "
		"with nothing mounted over; or bind what is there"},
	{"mqueue", CAGE_NS_IPC, "in a user namespace it takes an IPC namespace of its own"},
	{"cgroup2", CAGE_NS_CGROUP, "in a user namespace it takes a cgroup namespace of its own"},
};

static const char *hint_of(const struct cage *cage, const struct cage_mount *mount)
{
	if (!cage || cage->namespaces[CAGE_NS_USER].how == CAGE_NS_SHARED)
		return "mounting takes CAP_SYS_ADMIN, or a user namespace of its own";
	for (size_t i = 0; i < ARRAY_LEN(SHOWING); i++) {
		if (!strcmp(SHOWING[i].type, mount->type))
			return SHOWING[i].hint;
	}
	return "the kernel does not mount it in a user namespace";
}

/* The kernel's own words on what it refused, if it has any: "e tmpfs: Bad value for 'size'". */
static int explain_new(int context, const struct cage *cage, const struct cage_mount *mount,
	const char *what, struct err *e)
{
	int error = errno;
	char message[MESSAGE_SIZE];
	ssize_t size = read(context, message, sizeof(message) - 1);
	const char *hint = error == EPERM ? hint_of(cage, mount) : NULL;

	message[size > 2 ? size : 0] = '\0';
	if (hint)
		return err_set(e, error, "%s: the %s file system: %s: %s", mount->where,
			mount->type, strerror(error), hint);
	return err_sys(e, error, "%s: %s%s%s%s", mount->where, mount->type, what,
		size > 2 ? ": " : "", size > 2 ? message + 2 : "");
}

static int set_own_options(
	int context, const struct cage *cage, const struct cage_mount *mount, struct err *e)
{
	char options[OPTION_SIZE], *at = options, *option;

	if ((size_t)snprintf(options, sizeof(options), "%s", mount->data) >= sizeof(options))
		return err_set(e, E2BIG, "%s: more than 4095 bytes of options", mount->where);
	while ((option = strsep(&at, ","))) {
		/* Its text stays up to its "=": for the message. */
		if (set_option(context, option)) {
			char what[OPTION_SIZE];
			int error = errno;

			(void)snprintf(what, sizeof(what), ", option %s", option);
			errno = error;
			return explain_new(context, cage, mount, what, e);
		}
	}
	return 0;
}

static int set_options(
	int context, const struct cage *cage, const struct cage_mount *mount, struct err *e)
{
	if (mount->source && *mount->source &&
		fsconfig(context, FSCONFIG_SET_STRING, "source", mount->source, 0))
		return explain_new(context, cage, mount, ", its source", e);
	/* The file system as well as the mount, as by mount(2); not what is to be filled yet. */
	if ((mount->attr_set & MOUNT_ATTR_RDONLY) && !mount->copies_up &&
		fsconfig(context, FSCONFIG_SET_FLAG, "ro", NULL, 0))
		return explain_new(context, cage, mount, ", option ro", e);
	return mount->data ? set_own_options(context, cage, mount, e) : 0;
}

int mount_new(const struct cage *cage, const struct cage_mount *mount, struct err *e)
{
	scoped_fd int context = fsopen(mount->type, FSOPEN_CLOEXEC);
	uint64_t attributes = mount->attr_set;
	int tree;

	if (mount->copies_up)
		attributes &= ~(uint64_t)MOUNT_ATTR_RDONLY;
	if (context < 0 && errno == ENODEV)
		return err_set(e, ENODEV, "%s: this kernel has no file system %s", mount->where,
			mount->type);
	if (context < 0)
		return explain_new(-1, cage, mount, "", e);
	if (set_options(context, cage, mount, e))
		return -e->code;
	if (fsconfig(context, FSCONFIG_CMD_CREATE, NULL, NULL, 0))
		return explain_new(context, cage, mount, "", e);
	tree = fsmount(context, FSMOUNT_CLOEXEC, (unsigned)attributes);
	return tree < 0 ? explain_new(context, cage, mount, "", e) : tree;
}

/* Returns a descriptor; -ENOENT without @e for what may be left out; -errno with @e. */
static int bind_source(const struct cage_mount *mount, struct err *e)
{
	int tree = mount_copy(AT_FDCWD, mount->source, mount->recursive);

	if (tree >= 0 || (tree == -ENOENT && mount->optional))
		return tree;
	if (tree == -EINVAL)
		return err_set(e, EINVAL,
			"%s: %s has mounts below it that cannot be left out here; take them along "
			"(rbind)",
			mount->where, mount->source);
	return err_sys(e, -tree, "%s: source %s", mount->where, mount->source);
}

static int refuse_attributes(const struct cage_mount *mount, int error, struct err *e)
{
	if (error == EPERM)
		return err_set(e, EPERM,
			"%s: in a user namespace a mount keeps the restrictions that it has "
			"outside (ro, nosuid, nodev, noexec, access times)",
			mount->where);
	return err_sys(e, error, "%s: its options", mount->where);
}

static int set_attributes(int tree, const struct cage_mount *mount, struct err *e)
{
	/* A new file system has been given them. */
	int code = mount->type ? 0
			       : mount_change(tree, mount->attr_set, mount->attr_clear, 0, false);

	if (!code)
		code = mount_change(tree, mount->all_set, mount->all_clear, 0, true);
	return code ? refuse_attributes(mount, -code, e) : 0;
}

static bool is_directory(int tree)
{
	struct stat st;

	return fstat(tree, &st) || S_ISDIR(st.st_mode);
}

static int fill(int tree, int target, const struct cage_mount *mount, struct err *e)
{
	int code;

	if (!mount->copies_up)
		return 0;
	if (copy_up(target, tree, e))
		return err_prefix(e, "%s: ", mount->where);
	code = mount_change(tree, mount->attr_set & MOUNT_ATTR_RDONLY, 0, 0, false);
	return code ? err_sys(e, -code, "%s: making it read-only", mount->where) : 0;
}

/* As runc has it: what covers a directory is no more open than that, unless it says so. */
static int take_mode(int root, int tree, const struct cage_mount *mount, struct err *e)
{
	scoped_fd int covered = -1;
	struct stat st;

	if (!mount->type || strcmp(mount->type, "tmpfs") != 0 || mount->copies_up ||
		(mount->attr_set & MOUNT_ATTR_RDONLY) ||
		(mount->data && strstr(mount->data, "mode=")))
		return 0;
	covered = inside_open(root, mount->target, O_PATH | O_DIRECTORY, false);
	if (covered < 0)
		return 0; /* it is to be made */
	if (fstat(covered, &st) || fchmodat(tree, ".", st.st_mode & 07777, 0))
		return err_sys(e, errno, "%s: the mode of %s", mount->where, mount->target);
	return 0;
}

static int attach(int root, int tree, const struct cage_mount *mount, struct err *e)
{
	scoped_fd int target = target_open(root, mount, tree, is_directory(tree), e);
	bool recursive = mount->propagation & MS_REC;
	int code;

	if (target < 0)
		return target;
	if (fill(tree, target, mount, e))
		return -e->code;
	code = mount_attach(tree, target);
	if (code)
		return err_sys(e, -code, "%s: mounting on %s", mount->where, mount->target);
	code = mount_change(tree, 0, 0, mount->propagation & ~(unsigned long)MS_REC, recursive);
	return code ? err_sys(e, -code, "%s: its propagation", mount->where) : 0;
}

int mount_in(int root, const struct cage *cage, const struct cage_mount *mount, struct err *e)
{
	scoped_fd int tree = -1;

	if (mount->type && !strcmp(mount->type, "cgroup"))
		return cgroup_mount_in(root, cage, mount, e);
	tree = mount->type ? mount_new(cage, mount, e) : bind_source(mount, e);
	if (tree == -ENOENT && !mount->type && mount->optional)
		return 0;
	if (tree < 0)
		return tree;
	if (set_attributes(tree, mount, e) || take_mode(root, tree, mount, e))
		return -e->code;
	return attach(root, tree, mount, e);
}
