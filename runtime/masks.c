#include "masks.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mount.h>
#include <sys/stat.h>

#include "devices.h"
#include "inside.h"
#include "mounts.h"
#include "scope.h"

static int empty_directory(struct err *e)
{
	const struct cage_mount empty = {
		.where = "masked paths",
		.source = "tmpfs",
		.type = "tmpfs",
		.attr_set = MOUNT_ATTR_RDONLY,
	};

	return mount_new(NULL, &empty, e);
}

/* Returns a descriptor; -ENOENT: there is nothing there. */
static int open_path(int root, const char *path, struct err *e)
{
	scoped_fd int fd = inside_open(root, path, O_PATH, false);

	if (fd == -ENOENT || fd == -ENOTDIR)
		return -ENOENT;
	if (fd < 0)
		return err_sys(e, -fd, "%s inside", path);
	/* What is mounted over it would lie below it: it would be seen all the same. */
	if (inside_is_root(root, fd))
		return err_set(e, EINVAL,
			"%s is the root itself, which is neither masked nor made read-only as a "
			"path; make the whole root read-only (--read-only; a bundle: "
			"root.readonly), or name what is in it",
			path);
	return steal_fd(&fd);
}

static int mask(int root, const char *path, struct err *e)
{
	scoped_fd int target = open_path(root, path, e);
	scoped_fd int cover = -1;
	struct stat st;
	int code;

	if (target < 0)
		return target == -ENOENT ? 0 : target;
	if (fstat(target, &st))
		return err_sys(e, errno, "%s inside", path);
	cover = S_ISDIR(st.st_mode) ? empty_directory(e) : devices_null(e);
	if (cover < 0)
		return cover;
	code = mount_attach(cover, target);
	return code ? err_sys(e, -code, "masking %s", path) : 0;
}

static int make_readonly(int root, const char *path, struct err *e)
{
	scoped_fd int target = open_path(root, path, e);
	scoped_fd int tree = -1;
	int code;

	if (target < 0)
		return target == -ENOENT ? 0 : target;
	tree = mount_copy(target, "", true);
	code = tree < 0 ? tree : mount_change(tree, MOUNT_ATTR_RDONLY, 0, 0, true);
	if (!code)
		code = mount_attach(tree, target);
	return code ? err_sys(e, -code, "making %s read-only", path) : 0;
}

int masks_set(int root, const struct cage *cage, struct err *e)
{
	for (size_t i = 0; i < cage->n_readonly; i++) {
		if (make_readonly(root, cage->readonly[i], e))
			return -e->code;
	}
	for (size_t i = 0; i < cage->n_masked; i++) {
		if (mask(root, cage->masked[i], e))
			return -e->code;
	}
	return 0;
}
