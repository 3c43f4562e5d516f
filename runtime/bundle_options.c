/*
 * The options of a mount: config.md, "Linux mount options"; mount(8); mount_setattr(2).
 *
 * What an option takes back is what another one before it has said.  A bind mount keeps what its
 * source has (read-only, nosuid, ...), whatever "rw" or "suid" say: as with runc 1.1, and nothing
 * that the host has closed is opened.  Access times are the exception, and the recursive options,
 * which say so.
 */
#include <errno.h>
#include <linux/mount.h>
#include <string.h>
#include <sys/mount.h>

#include "bundle_parts.h"
#include "scope.h"

/* What the options have said so far. */
struct told {
	struct cage_mount *mount;
	bool bound;
};

struct option {
	const char *name;
	void (*apply)(struct told *told, uint64_t bits);
	uint64_t bits;
	const char *refused; /* without @apply */
};

static void set(struct told *told, uint64_t bits)
{
	told->mount->attr_set |= bits;
}

static void unset(struct told *told, uint64_t bits)
{
	told->mount->attr_set &= ~bits;
}

/* The kernel changes access times only together (mount_setattr(2), MOUNT_ATTR__ATIME). */
static void set_atime(struct told *told, uint64_t bits)
{
	told->mount->attr_clear |= MOUNT_ATTR__ATIME;
	told->mount->attr_set = (told->mount->attr_set & ~(uint64_t)MOUNT_ATTR__ATIME) | bits;
}

/* "atime" takes "noatime" back, not "strictatime". */
static void unset_atime(struct told *told, uint64_t bits)
{
	if ((told->mount->attr_set & MOUNT_ATTR__ATIME) == bits)
		set_atime(told, MOUNT_ATTR_RELATIME);
}

static void set_all(struct told *told, uint64_t bits)
{
	told->mount->all_set |= bits;
	told->mount->all_clear &= ~bits;
}

static void clear_all(struct told *told, uint64_t bits)
{
	told->mount->all_clear |= bits;
	told->mount->all_set &= ~bits;
}

static void set_all_atime(struct told *told, uint64_t bits)
{
	told->mount->all_clear |= MOUNT_ATTR__ATIME;
	told->mount->all_set = (told->mount->all_set & ~(uint64_t)MOUNT_ATTR__ATIME) | bits;
}

static void unset_all_atime(struct told *told, uint64_t bits)
{
	if ((told->mount->all_set & MOUNT_ATTR__ATIME) == bits)
		set_all_atime(told, MOUNT_ATTR_RELATIME);
}

static void bind(struct told *told, uint64_t flags)
{
	told->bound = true;
	told->mount->recursive = flags & MS_REC;
}

static void propagate(struct told *told, uint64_t flags)
{
	told->mount->propagation = (unsigned long)flags;
}

static void copy_up(struct told *told, uint64_t unused)
{
	(void)unused;
	told->mount->copies_up = true;
}

/* The kernel's default, or without a meaning any more. */
static void nothing(struct told *told, uint64_t unused)
{
	(void)told, (void)unused;
}

/* "sync", "dirsync" and "lazytime" are the file system's: it gets them with its own. */
static const struct option OPTIONS[] = {
	{"ro", set, MOUNT_ATTR_RDONLY, NULL},
	{"rw", unset, MOUNT_ATTR_RDONLY, NULL},
	{"nosuid", set, MOUNT_ATTR_NOSUID, NULL},
	{"suid", unset, MOUNT_ATTR_NOSUID, NULL},
	{"nodev", set, MOUNT_ATTR_NODEV, NULL},
	{"dev", unset, MOUNT_ATTR_NODEV, NULL},
	{"noexec", set, MOUNT_ATTR_NOEXEC, NULL},
	{"exec", unset, MOUNT_ATTR_NOEXEC, NULL},
	{"nodiratime", set, MOUNT_ATTR_NODIRATIME, NULL},
	{"diratime", unset, MOUNT_ATTR_NODIRATIME, NULL},
	{"nosymfollow", set, MOUNT_ATTR_NOSYMFOLLOW, NULL},
	{"symfollow", unset, MOUNT_ATTR_NOSYMFOLLOW, NULL},
	{"noatime", set_atime, MOUNT_ATTR_NOATIME, NULL},
	{"atime", unset_atime, MOUNT_ATTR_NOATIME, NULL},
	{"relatime", set_atime, MOUNT_ATTR_RELATIME, NULL},
	{"norelatime", nothing, 0, NULL},
	{"strictatime", set_atime, MOUNT_ATTR_STRICTATIME, NULL},
	{"nostrictatime", unset_atime, MOUNT_ATTR_STRICTATIME, NULL},
	{"rro", set_all, MOUNT_ATTR_RDONLY, NULL},
	{"rrw", clear_all, MOUNT_ATTR_RDONLY, NULL},
	{"rnosuid", set_all, MOUNT_ATTR_NOSUID, NULL},
	{"rsuid", clear_all, MOUNT_ATTR_NOSUID, NULL},
	{"rnodev", set_all, MOUNT_ATTR_NODEV, NULL},
	{"rdev", clear_all, MOUNT_ATTR_NODEV, NULL},
	{"rnoexec", set_all, MOUNT_ATTR_NOEXEC, NULL},
	{"rexec", clear_all, MOUNT_ATTR_NOEXEC, NULL},
	{"rnodiratime", set_all, MOUNT_ATTR_NODIRATIME, NULL},
	{"rdiratime", clear_all, MOUNT_ATTR_NODIRATIME, NULL},
	{"rnosymfollow", set_all, MOUNT_ATTR_NOSYMFOLLOW, NULL},
	{"rsymfollow", clear_all, MOUNT_ATTR_NOSYMFOLLOW, NULL},
	{"rnoatime", set_all_atime, MOUNT_ATTR_NOATIME, NULL},
	{"ratime", unset_all_atime, MOUNT_ATTR_NOATIME, NULL},
	{"rrelatime", set_all_atime, MOUNT_ATTR_RELATIME, NULL},
	{"rnorelatime", nothing, 0, NULL},
	{"rstrictatime", set_all_atime, MOUNT_ATTR_STRICTATIME, NULL},
	{"rnostrictatime", unset_all_atime, MOUNT_ATTR_STRICTATIME, NULL},
	{"bind", bind, 0, NULL},
	{"rbind", bind, MS_REC, NULL},
	{"private", propagate, MS_PRIVATE, NULL},
	{"rprivate", propagate, MS_PRIVATE | MS_REC, NULL},
	{"slave", propagate, MS_SLAVE, NULL},
	{"rslave", propagate, MS_SLAVE | MS_REC, NULL},
	{"shared", propagate, MS_SHARED, NULL},
	{"rshared", propagate, MS_SHARED | MS_REC, NULL},
	{"unbindable", propagate, MS_UNBINDABLE, NULL},
	{"runbindable", propagate, MS_UNBINDABLE | MS_REC, NULL},
	{"tmpcopyup", copy_up, 0, NULL},
	{"defaults", nothing, 0, NULL},
	{"async", nothing, 0, NULL},
	{"loud", nothing, 0, NULL},
	{"silent", nothing, 0, NULL},
	{"nolazytime", nothing, 0, NULL},
	{"noiversion", nothing, 0, NULL},
	{"nomand", nothing, 0, NULL},
	{"mand", NULL, 0, "Linux has no mandatory locks since 5.15; remove it"},
	{"iversion", NULL, 0, "sysclamp does not switch version numbers of inodes on; remove it"},
	{"remount", NULL, 0,
		"nothing is mounted a second time; give the options to the entry that mounts it"},
	{"idmap", NULL, 0, "sysclamp maps no owners of mounts; remove it"},
	{"ridmap", NULL, 0, "sysclamp maps no owners of mounts; remove it"},
};

static const struct option *option_find(const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(OPTIONS); i++) {
		if (!strcmp(OPTIONS[i].name, name))
			return &OPTIONS[i];
	}
	return NULL;
}

/* What no table knows is for the file system. */
static int add_data(
	struct bundle_reader *r, struct cage_mount *mount, const char *text, struct err *e)
{
	mount->data = mount->data ? cage_text(r->cage, "%s,%s", mount->data, text) : text;
	return mount->data ? 0 : err_nomem(e);
}

static int read_option(struct bundle_reader *r, const struct json_at *at, void *item, struct err *e)
{
	struct told *told = item;
	const struct option *option;
	const char *text = NULL;

	if (bundle_text(r, at, &text, e))
		return -e->code;
	option = option_find(text);
	if (!option)
		return add_data(r, told->mount, text, e);
	if (!option->apply)
		return json_err(at, e, "\"%s\": %s", text, option->refused);
	option->apply(told, option->bits);
	return 0;
}

int bundle_mount_options(struct bundle_reader *r, const struct json_at *at,
	struct cage_mount *mount, bool *bound, struct err *e)
{
	struct told told = {.mount = mount, .bound = *bound};

	if (bundle_each(r, at, read_option, &told, e))
		return -e->code;
	*bound = told.bound;
	return 0;
}
