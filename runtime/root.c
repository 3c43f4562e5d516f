#include "root.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "devices.h"
#include "inside.h"
#include "masks.h"
#include "mounts.h"
#include "parameters.h"
#include "scope.h"

void root_done(struct root *root)
{
	scope_close(&root->fd);
	root->fd = -1;
}

/* Of the command's root, outside: the caller's own, if it has none. */
static const char *path_of(const struct cage *cage)
{
	return cage->root.path ? cage->root.path : "/";
}

static const char *name_of(const struct cage *cage)
{
	return cage->root.where ? cage->root.where : "the root";
}

/* Nothing that is mounted goes out; what is mounted outside may come in: mount_namespaces(7).
 * Cutting off is of all mounts; to bind what is unbindable is not possible, so it comes last. */
static int set_propagation(const struct cage *cage, struct err *e)
{
	unsigned long asked = cage->root.propagation, now = asked;

	if (!asked)
		now = MS_SLAVE | MS_REC;
	else if (asked & MS_UNBINDABLE)
		now = MS_PRIVATE | MS_REC;
	else if (!(asked & MS_SHARED))
		now |= MS_REC;
	if (mount(NULL, "/", NULL, now, NULL))
		return err_sys(e, errno, "%s: propagation of mounts", name_of(cage));
	return 0;
}

/* The mount that @directory is in leaves its peers, so that what is mounted there does not go out,
 * whatever the propagation of the rest: pivot_root(2) wants it so, too. */
static int leave_peers(int directory)
{
	scoped_fd int at = fcntl(directory, F_DUPFD_CLOEXEC, 0);
	struct statx st;

	while (at >= 0 && !statx(at, "", AT_EMPTY_PATH, STATX_INO, &st)) {
		scoped_fd int below = at;

		if (st.stx_attributes & STATX_ATTR_MOUNT_ROOT)
			return mount_change(steal_fd(&at), 0, 0, MS_PRIVATE, false);
		at = openat(below, "..", O_PATH | O_DIRECTORY | O_CLOEXEC);
		if (at >= 0 && inside_is_root(at, below))
			return -EINVAL; /* the top, in a chroot */
	}
	return -errno;
}

/* All that is mounted in the tree; the root itself only in the end: mounts get their places in it.
 */
static int protect_below(int tree)
{
	struct statvfs st;
	int code;

	if (fstatvfs(tree, &st))
		return -errno;
	code = mount_change(tree, MOUNT_ATTR_RDONLY, 0, 0, true);
	if (!code && !(st.f_flag & ST_RDONLY))
		code = mount_change(tree, 0, MOUNT_ATTR_RDONLY, 0, false);
	return code;
}

/*
 * A copy of the directory with all that is mounted below it, mounted over the directory: pivot_root
 * wants a mount, attributes are to be of the command's root only, what is mounted in it hides no
 * source of what is mounted later, and hooks find it where it was.
 */
static int mount_root(const struct cage *cage, struct err *e)
{
	const char *path = path_of(cage);
	scoped_fd int under = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	scoped_fd int tree = under < 0 ? -errno : mount_copy(under, "", true);
	int code = 0;

	if (tree < 0)
		return err_sys(e, -tree, "%s: root directory %s", name_of(cage), path);
	if (cage->root.nodev)
		code = mount_change(tree, MOUNT_ATTR_NODEV, 0, 0, true);
	if (!code && cage->root.readonly_below)
		code = protect_below(tree);
	/* It is not to be among the peers of the directory's own mount: pivot_root(2). */
	if (!code)
		code = mount_change(tree, 0, 0, MS_SLAVE, false);
	if (!code)
		code = leave_peers(under);
	if (!code)
		code = mount_attach(tree, under);
	if (code)
		return err_sys(e, -code, "%s: mounting the root directory %s", name_of(cage), path);
	return steal_fd(&tree);
}

static int fill(int root, const struct cage *cage, struct err *e)
{
	for (size_t i = 0; i < cage->n_mounts; i++) {
		if (mount_in(root, cage, &cage->mounts[i], e))
			return -e->code;
	}
	return devices_make(root, cage, e);
}

static int prepare(const struct cage *cage, struct root *out, struct err *e)
{
	scoped_fd int root = -1;

	if (set_propagation(cage, e))
		return -e->code;
	root = mount_root(cage, e);
	if (root < 0)
		return root;
	if (fill(root, cage, e))
		return -e->code;
	out->fd = steal_fd(&root);
	return 0;
}

int root_prepare(const struct cage *cage, struct root *out, struct err *e)
{
	mode_t before = umask(0); /* what is made has the mode that is said */
	int code = prepare(cage, out, e);

	(void)umask(before);
	return code;
}

/*
 * The former root is stacked on the new one, at the same place: pivot_root(2), "." and ".".  It
 * leaves its peers, which would else lose their mounts with it, and is taken away.
 */
static int pivot(int root, const struct cage *cage, struct err *e)
{
	scoped_fd int old = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	int code;

	if (old < 0 || fchdir(root) || syscall(SYS_pivot_root, ".", "."))
		return err_sys(e, errno, "%s: making %s the root%s", name_of(cage), path_of(cage),
			errno == EINVAL ? ", which works from no chroot or initramfs" : "");
	code = mount_change(old, 0, 0, MS_SLAVE, true);
	if (!code && (umount2(".", MNT_DETACH) || chdir("/")))
		code = -errno;
	return code ? err_sys(e, -code, "%s: leaving the former root", name_of(cage)) : 0;
}

/* Where the caller was is where the command is, by name, if the root is the caller's. */
static int go_back(const char *path, struct err *e)
{
	if (chdir(path))
		return err_sys(e, errno,
			"working directory %s, which is none inside; choose one (--workdir)", path);
	return 0;
}

/* What is of the root as a whole; below it nothing is to be changed any more. */
static int finish(int root, const struct cage *cage, struct err *e)
{
	unsigned long propagation = cage->root.propagation & ~(unsigned long)MS_REC;
	uint64_t attributes = cage->root.readonly ? MOUNT_ATTR_RDONLY : 0;
	int code = mount_change(root, attributes, 0, propagation, false);

	return code ? err_sys(e, -code, "%s: %s", name_of(cage),
			      attributes ? "making it read-only" : "its propagation")
		    : 0;
}

int root_enter(const struct cage *cage, struct root *root, struct err *e)
{
	char directory[PATH_MAX];
	bool goes_back = !cage->root.path && !cage->cwd;

	if (goes_back && !getcwd(directory, sizeof(directory)))
		return err_sys(e, errno, "the working directory");
	if (parameters_set(cage, e) || masks_set(root->fd, cage, e) || pivot(root->fd, cage, e) ||
		finish(root->fd, cage, e))
		return -e->code;
	root_done(root);
	return goes_back ? go_back(directory, e) : 0;
}
