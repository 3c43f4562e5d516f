#include "root.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mount.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "devices.h"
#include "masks.h"
#include "mounts.h"
#include "scope.h"

void root_done(struct root *root)
{
	scope_close(&root->fd);
	root->fd = -1;
}

static const char *name_of(const struct cage *cage)
{
	return cage->root.where ? cage->root.where : "the root";
}

/* Nothing that is mounted goes out; what is mounted outside may come in: mount_namespaces(7). */
static int set_propagation(const struct cage *cage, struct err *e)
{
	unsigned long propagation = cage->root.propagation ? cage->root.propagation
							   : MS_SLAVE | MS_REC;

	if (mount(NULL, "/", NULL, propagation, NULL))
		return err_sys(e, errno, "%s: propagation of mounts", name_of(cage));
	return 0;
}

/*
 * A copy of the directory with all that is mounted below it, mounted over the directory: pivot_root
 * wants a mount, and attributes are to be of the command's root only.
 */
static int mount_root(const struct cage *cage, struct err *e)
{
	const char *path = cage->root.path;
	scoped_fd int tree = mount_copy(AT_FDCWD, path, true);
	scoped_fd int under = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	int code = 0;

	if (tree < 0 || under < 0)
		return err_sys(
			e, tree < 0 ? -tree : errno, "%s: root directory %s", name_of(cage), path);
	if (cage->root.nodev)
		code = mount_change(tree, MOUNT_ATTR_NODEV, 0, 0, true);
	/* It is not to be among the peers of the directory's own mount: pivot_root(2). */
	if (!code)
		code = mount_change(tree, 0, 0, MS_PRIVATE, true);
	if (!code)
		code = mount_attach(tree, under);
	if (code)
		return err_sys(e, -code, "%s: mounting the root directory %s", name_of(cage), path);
	return steal_fd(&tree);
}

static int open_root(const struct cage *cage, struct err *e)
{
	int fd;

	if (cage->root.path)
		return mount_root(cage, e);
	fd = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	return fd < 0 ? err_sys(e, errno, "/") : fd;
}

static int fill(int root, const struct cage *cage, struct err *e)
{
	for (size_t i = 0; i < cage->n_mounts; i++) {
		if (mount_in(root, &cage->mounts[i], e))
			return -e->code;
	}
	return devices_make(root, cage, e);
}

int root_prepare(const struct cage *cage, struct root *out, struct err *e)
{
	scoped_fd int root = -1;

	if (set_propagation(cage, e))
		return -e->code;
	root = open_root(cage, e);
	if (root < 0)
		return root;
	if (fill(root, cage, e))
		return -e->code;
	out->fd = steal_fd(&root);
	return 0;
}

/*
 * The former root is stacked below the new one, at the same place: pivot_root(2), "." and ".".
 * Where the caller's working directory is then, in the former one, it is taken away from below.
 */
static int pivot(int root, const struct cage *cage, struct err *e)
{
	if (fchdir(root) || syscall(SYS_pivot_root, ".", ".") || umount2(".", MNT_DETACH) ||
		chdir("/"))
		return err_sys(e, errno, "%s: making %s the root", name_of(cage), cage->root.path);
	return 0;
}

int root_enter(const struct cage *cage, struct root *root, struct err *e)
{
	int code;

	if (masks_set(root->fd, cage, e))
		return -e->code;
	if (cage->root.readonly) {
		code = mount_change(root->fd, MOUNT_ATTR_RDONLY, 0, 0, false);
		if (code)
			return err_sys(e, -code, "%s: making it read-only", name_of(cage));
	}
	if (cage->root.path && pivot(root->fd, cage, e))
		return -e->code;
	root_done(root);
	return 0;
}
