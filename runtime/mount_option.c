#include "mount_option.h"

#include <linux/mount.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>

#include "cage_names.h"
#include "scope.h"

struct option {
	const char *name;
	void (*apply)(struct mount_told *told, uint64_t bits);
	uint64_t bits;
	const char *refused; /* without @apply */
};

static void set(struct mount_told *told, uint64_t bits)
{
	told->mount->attr_set |= bits;
}

static void unset(struct mount_told *told, uint64_t bits)
{
	told->mount->attr_set &= ~bits;
}

/* The kernel changes access times only together (mount_setattr(2), MOUNT_ATTR__ATIME). */
static void set_atime(struct mount_told *told, uint64_t bits)
{
	told->mount->attr_clear |= MOUNT_ATTR__ATIME;
	told->mount->attr_set = (told->mount->attr_set & ~(uint64_t)MOUNT_ATTR__ATIME) | bits;
}

/* "atime" takes "noatime" back, not "strictatime". */
static void unset_atime(struct mount_told *told, uint64_t bits)
{
	if ((told->mount->attr_set & MOUNT_ATTR__ATIME) == bits)
		set_atime(told, MOUNT_ATTR_RELATIME);
}

static void set_all(struct mount_told *told, uint64_t bits)
{
	told->mount->all_set |= bits;
	told->mount->all_clear &= ~bits;
}

static void clear_all(struct mount_told *told, uint64_t bits)
{
	told->mount->all_clear |= bits;
	told->mount->all_set &= ~bits;
}

static void set_all_atime(struct mount_told *told, uint64_t bits)
{
	told->mount->all_clear |= MOUNT_ATTR__ATIME;
	told->mount->all_set = (told->mount->all_set & ~(uint64_t)MOUNT_ATTR__ATIME) | bits;
}

static void unset_all_atime(struct mount_told *told, uint64_t bits)
{
	if ((told->mount->all_set & MOUNT_ATTR__ATIME) == bits)
		set_all_atime(told, MOUNT_ATTR_RELATIME);
}

static void bind(struct mount_told *told, uint64_t flags)
{
	told->bound = true;
	told->mount->recursive = flags & MS_REC;
}

static void copy_up(struct mount_told *told, uint64_t unused)
{
	(void)unused;
	told->mount->copies_up = true;
}

/* The kernel's default, or without a meaning any more. */
static void nothing(struct mount_told *told, uint64_t unused)
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

enum mount_option_kind mount_option_apply(
	struct mount_told *told, const char *name, const char **out_why)
{
	const struct option *option;
	unsigned long propagation;

	if (!cage_propagation_by_name(name, &propagation)) {
		told->mount->propagation = propagation;
		return MOUNT_OPTION_OURS;
	}
	option = option_find(name);
	if (!option)
		return MOUNT_OPTION_DATA;
	if (!option->apply) {
		*out_why = option->refused;
		return MOUNT_OPTION_REFUSED;
	}
	option->apply(told, option->bits);
	return MOUNT_OPTION_OURS;
}

/* Access times are a number, not bits: MOUNT_ATTR__ATIME. */
static bool says(const struct option *option, uint64_t attr)
{
	uint64_t mask = option->apply == set_atime ? MOUNT_ATTR__ATIME : option->bits;

	return option->bits && (attr & mask) == option->bits;
}

const char *mount_attr_print(uint64_t attr, char *text, size_t size)
{
	size_t used = 0;

	text[0] = '\0';
	for (size_t i = 0; i < ARRAY_LEN(OPTIONS) && used < size; i++) {
		const struct option *option = &OPTIONS[i];

		if ((option->apply == set || option->apply == set_atime) && says(option, attr))
			used += (size_t)snprintf(
				text + used, size - used, "%s%s", used ? "," : "", option->name);
	}
	return text;
}
