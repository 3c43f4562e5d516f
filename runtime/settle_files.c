/* The private directories: mounted before what the user names, which may lie in them. */
#include <linux/mount.h>

#include "cage_complete.h"
#include "scope.h"

#define NOSUID_NODEV (MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV)

/* As the OCI runtimes' own example has them (runc spec), but for /dev/pts' group, which need not be
 * mapped. */
static const struct private_mount {
	size_t asked; /* offset of the switch in the request */
	const char *type, *target, *data;
	uint64_t attr;
	bool with_ipc; /* in an IPC namespace of its own only: it shows that */
} PRIVATE[] = {
	{offsetof(struct cage_request, private_proc), "proc", "/proc", NULL,
		NOSUID_NODEV | MOUNT_ATTR_NOEXEC, false},
	{offsetof(struct cage_request, private_dev), "tmpfs", "/dev", "mode=755,size=65536k",
		MOUNT_ATTR_NOSUID | MOUNT_ATTR_STRICTATIME, false},
	{offsetof(struct cage_request, private_dev), "devpts", "/dev/pts",
		"newinstance,ptmxmode=0666,mode=0620", MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC,
		false},
	{offsetof(struct cage_request, private_dev), "tmpfs", "/dev/shm", "mode=1777,size=65536k",
		NOSUID_NODEV | MOUNT_ATTR_NOEXEC, false},
	{offsetof(struct cage_request, private_dev), "mqueue", "/dev/mqueue", NULL,
		NOSUID_NODEV | MOUNT_ATTR_NOEXEC, true},
	{offsetof(struct cage_request, private_tmp), "tmpfs", "/tmp", "mode=1777", NOSUID_NODEV,
		false},
};

static bool is_asked(const struct cage_request *request, const struct private_mount *mount)
{
	const enum cage_switch *asked = (const void *)((const char *)request + mount->asked);

	return *asked == SWITCH_ON &&
	       (!mount->with_ipc || request->cage.namespaces[CAGE_NS_IPC].how == CAGE_NS_NEW);
}

static int add_mount(struct cage *cage, struct cage_mount mount, struct err *e)
{
	struct cage_mount *added = CAGE_ADD(cage, mounts);

	if (!added)
		return err_nomem(e);
	*added = mount;
	return 0;
}

int cage_settle_files(struct cage_request *request, struct err *e)
{
	struct cage *cage = &request->cage;
	const struct cage_mount *named = cage->mounts;
	size_t n_named = cage->n_mounts;

	cage->mounts = NULL;
	cage->n_mounts = 0;
	for (size_t i = 0; i < ARRAY_LEN(PRIVATE); i++) {
		const struct private_mount *mount = &PRIVATE[i];

		if (is_asked(request, mount) && add_mount(cage,
							(struct cage_mount){.where = mount->target,
								.source = mount->type,
								.target = mount->target,
								.type = mount->type,
								.data = mount->data,
								.attr_set = mount->attr},
							e))
			return -e->code;
	}
	for (size_t i = 0; i < n_named; i++) {
		if (add_mount(cage, named[i], e))
			return -e->code;
	}
	cage->root.default_devices = request->private_dev == SWITCH_ON;
	cage->root.readonly = cage->root.readonly_below = request->read_only == SWITCH_ON;
	return 0;
}
