#include "devices.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "inside.h"
#include "mounts.h"
#include "scope.h"

/* Linux Documentation/admin-guide/devices.txt */
static const struct cage_device DEFAULTS[] = {
	{"the default devices", "/dev/null", S_IFCHR, 1, 3, 0666, 0, 0},
	{"the default devices", "/dev/zero", S_IFCHR, 1, 5, 0666, 0, 0},
	{"the default devices", "/dev/full", S_IFCHR, 1, 7, 0666, 0, 0},
	{"the default devices", "/dev/random", S_IFCHR, 1, 8, 0666, 0, 0},
	{"the default devices", "/dev/urandom", S_IFCHR, 1, 9, 0666, 0, 0},
	{"the default devices", "/dev/tty", S_IFCHR, 5, 0, 0666, 0, 0},
};

static const struct {
	const char *path, *text;
} LINKS[] = {
	{"/dev/fd", "/proc/self/fd"},
	{"/dev/stdin", "/proc/self/fd/0"},
	{"/dev/stdout", "/proc/self/fd/1"},
	{"/dev/stderr", "/proc/self/fd/2"},
	{"/dev/ptmx", "pts/ptmx"},
};

static bool is_device(int fd, mode_t type, unsigned major, unsigned minor)
{
	struct stat st;

	return !fstat(fd, &st) && (st.st_mode & S_IFMT) == type &&
	       st.st_rdev == makedev(major, minor);
}

/* What stands at @path outside, if it is that device; else -ENODEV or another -errno. */
static int copy_named(const char *path, const struct cage_device *device)
{
	scoped_fd int tree = mount_copy(AT_FDCWD, path, false);

	if (tree < 0)
		return tree;
	if (!is_device(tree, device->type, device->major, device->minor))
		return -ENODEV;
	return steal_fd(&tree);
}

/* By the same path; by that of a default device; by number, where udev keeps links for that. */
static int find_outside(const struct cage_device *device)
{
	char by_number[sizeof("/dev/block/4294967295:4294967295")];
	int tree = copy_named(device->path, device);

	for (size_t i = 0; tree < 0 && i < ARRAY_LEN(DEFAULTS); i++) {
		if (DEFAULTS[i].major == device->major && DEFAULTS[i].minor == device->minor)
			tree = copy_named(DEFAULTS[i].path, device);
	}
	(void)snprintf(by_number, sizeof(by_number), "/dev/%s/%u:%u",
		device->type == S_IFBLK ? "block" : "char", device->major, device->minor);
	return tree < 0 ? copy_named(by_number, device) : tree;
}

/* Read-only: that is not about what the device does, but nobody inside gives the host's node
 * another mode or owner. */
static int copy_of_host(const struct cage_device *device, struct err *e)
{
	scoped_fd int tree = find_outside(device);
	int code;

	if (tree < 0)
		return err_set(e, -tree,
			"%s: no node can be made here, and outside there is none of the device "
			"%u:%u at %s to be had instead",
			device->where, device->major, device->minor, device->path);
	code = mount_change(
		tree, MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC, 0, 0, false);
	if (code)
		return err_sys(e, -code, "%s: the host's %s", device->where, device->path);
	return steal_fd(&tree);
}

int devices_null(struct err *e)
{
	return copy_of_host(&DEFAULTS[0], e);
}

static int mount_node(int root, const struct cage_device *device, struct err *e)
{
	scoped_fd int tree = copy_of_host(device, e);
	scoped_fd int target = -1;
	int code;

	if (tree < 0)
		return tree;
	target = inside_make(root, device->path, false, true, e);
	if (target < 0)
		return err_prefix(e, "%s: ", device->where);
	code = mount_attach(tree, target);
	return code ? err_sys(e, -code, "%s: mounting the host's %s", device->where, device->path)
		    : 0;
}

/*
 * The umask is 0 (root_prepare()).  The owner is given to what the name stands for, if that is
 * still the node: in a directory that others write to it may be something else by now.
 */
static int make_node(int parent, const char *name, const struct cage_device *device)
{
	scoped_fd int node = -1;

	if (mknodat(parent, name, device->type | (device->mode & 07777),
		    makedev(device->major, device->minor)))
		return -errno;
	node = openat(parent, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	if (node < 0)
		return -errno;
	if (!is_device(node, device->type, device->major, device->minor))
		return -ESTALE;
	return fchownat(node, "", device->uid, device->gid, AT_EMPTY_PATH) ? -errno : 0;
}

/* The name is taken: by the device, by a file that it can be mounted on (as is left by an earlier
 * time), or by something else. */
static int take_place(
	int root, int parent, const char *name, const struct cage_device *device, struct err *e)
{
	scoped_fd int there = openat(parent, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	struct stat st;

	if (there >= 0 && is_device(there, device->type, device->major, device->minor))
		return 0;
	if (there >= 0 && !fstat(there, &st) && S_ISREG(st.st_mode) && device->type != S_IFIFO)
		return mount_node(root, device, e);
	return err_set(e, EEXIST,
		"%s: %s is there and is something else; have a new tmpfs on its directory, or "
		"remove it",
		device->where, device->path);
}

/* No link leads to a device: an image could have them made in what is mounted from outside. */
static int make_device(int root, const struct cage_device *device, struct err *e)
{
	const char *name;
	scoped_fd int parent = inside_parent(root, device->path, true, &name, e);
	int code;

	if (parent < 0)
		return err_prefix(e, "%s: ", device->where);
	code = make_node(parent, name, device);
	if (code == -EPERM && device->type != S_IFIFO)
		return mount_node(root, device, e);
	if (code == -EEXIST)
		return take_place(root, parent, name, device, e);
	return code ? err_sys(e, -code, "%s: device %s", device->where, device->path) : 0;
}

static int make_link(int root, const char *path, const char *text, struct err *e)
{
	const char *name;
	scoped_fd int parent = inside_parent(root, path, true, &name, e);

	if (parent < 0)
		return err_prefix(e, "the default devices: ");
	if (symlinkat(text, parent, name) && errno != EEXIST)
		return err_sys(e, errno, "the default devices: the link %s", path);
	return 0;
}

static int make_defaults(int root, struct err *e)
{
	for (size_t i = 0; i < ARRAY_LEN(DEFAULTS); i++) {
		if (make_device(root, &DEFAULTS[i], e))
			return -e->code;
	}
	for (size_t i = 0; i < ARRAY_LEN(LINKS); i++) {
		if (make_link(root, LINKS[i].path, LINKS[i].text, e))
			return -e->code;
	}
	return 0;
}

int devices_make(int root, const struct cage *cage, struct err *e)
{
	if (cage->root.default_devices && make_defaults(root, e))
		return -e->code;
	for (size_t i = 0; i < cage->n_devices; i++) {
		if (make_device(root, &cage->devices[i], e))
			return -e->code;
	}
	return 0;
}
