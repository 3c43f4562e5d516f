/*
 * $.linux.devices and $.linux.resources.
 *
 * sysclamp has no device cgroup.  The rule that every engine writes, "no devices, but these", is
 * held all the same: nodes work in /dev alone, on a tmpfs that is made for the purpose, where
 * nothing but the default devices and the listed ones are, and whoever has neither CAP_MKNOD nor
 * CAP_SYS_ADMIN makes no other node and no other mount.
 */
#include <errno.h>
#include <inttypes.h>
#include <linux/capability.h>
#include <linux/mount.h>
#include <string.h>
#include <sys/stat.h>

#include "bundle_parts.h"
#include "scope.h"

enum {
	MAJOR_MAX = (1 << 12) - 1, /* MINORBITS: include/linux/kdev_t.h */
	MINOR_MAX = (1 << 20) - 1,
	MODE_MAX = 07777,
	MODE_DEFAULT = 0666, /* as runc and crun */
	ANY = -1,
};

/* $.linux.devices */

struct device {
	struct cage_device cage;
	int64_t major, minor; /* ANY: not given */
};

static const struct bundle_name TYPES[] = {
	{"c", S_IFCHR}, {"u", S_IFCHR}, {"b", S_IFBLK}, {"p", S_IFIFO}};

static int read_type(
	struct bundle_reader *r, const struct json_at *at, void *to_mode, struct err *e)
{
	int type;

	(void)r;
	if (bundle_name(at, TYPES, ARRAY_LEN(TYPES), "type of a device", &type, e))
		return -e->code;
	*(mode_t *)to_mode = (mode_t)type;
	return 0;
}

/* Some write the type of the file into its mode. */
static int read_mode(
	struct bundle_reader *r, const struct json_at *at, void *to_mode, struct err *e)
{
	uint64_t value;

	(void)r;
	if (json_u64(at, UINT32_MAX, &value, e))
		return -e->code;
	if (value & ~(uint64_t)(S_IFMT | MODE_MAX))
		return json_err(at, e, "%" PRIu64 " is no mode of a file", value);
	*(mode_t *)to_mode = (mode_t)value & MODE_MAX;
	return 0;
}

static int read_number(
	struct bundle_reader *r, const struct json_at *at, void *to_i64, struct err *e)
{
	(void)r;
	return json_i64(at, to_i64, e);
}

static const struct bundle_key DEVICE_KEYS[] = {
	BUNDLE_READ("type", read_type, struct device, cage.type),
	BUNDLE_READ("path", bundle_absolute, struct device, cage.path),
	BUNDLE_READ("major", read_number, struct device, major),
	BUNDLE_READ("minor", read_number, struct device, minor),
	BUNDLE_READ("fileMode", read_mode, struct device, cage.mode),
	BUNDLE_READ("uid", bundle_id, struct device, cage.uid),
	BUNDLE_READ("gid", bundle_id, struct device, cage.gid),
	BUNDLE_KEYS_END,
};

static int check_numbers(const struct json_at *at, struct device *device, struct err *e)
{
	if (device->cage.type == S_IFIFO)
		return 0;
	if (device->major < 0 || device->major > MAJOR_MAX || device->minor < 0 ||
		device->minor > MINOR_MAX)
		return json_err(at, e, "needs a \"major\" of 0 to %d and a \"minor\" of 0 to %d",
			MAJOR_MAX, MINOR_MAX);
	device->cage.major = (unsigned)device->major;
	device->cage.minor = (unsigned)device->minor;
	return 0;
}

static int read_device(struct bundle_reader *r, const struct json_at *at, void *item, struct err *e)
{
	struct device device = {.cage.mode = MODE_DEFAULT, .major = ANY, .minor = ANY};
	struct cage_device *added;
	struct json_at child;

	(void)item;
	if (bundle_object(r, at, DEVICE_KEYS, &device, e) || json_need(at, "type", &child, e) ||
		json_need(at, "path", &child, e) || check_numbers(at, &device, e) ||
		bundle_set_where(r, at, &device.cage.where, e))
		return -e->code;
	added = CAGE_ADD(r->cage, devices);
	if (!added)
		return err_nomem(e);
	*added = device.cage;
	return 0;
}

int bundle_devices(struct bundle_reader *r, const struct json_at *at, void *to, struct err *e)
{
	return bundle_each(r, at, read_device, to, e);
}

/* $.linux.resources.devices */

struct access_rule {
	bool allow;
	struct bundle_device_rule rule;
	const char *access;
};

static int read_rule_type(
	struct bundle_reader *r, const struct json_at *at, void *to_char, struct err *e)
{
	const char *name;

	(void)r;
	if (json_text(at, &name, e))
		return -e->code;
	if (!*name)
		return 0;
	if (strlen(name) != 1 || !strchr("abc", *name))
		return json_err(at, e, "\"%s\" is no type of a rule; write a, b or c", name);
	*(char *)to_char = *name;
	return 0;
}

static int read_access(
	struct bundle_reader *r, const struct json_at *at, void *to_text, struct err *e)
{
	const char *text;

	(void)r;
	if (json_text(at, &text, e))
		return -e->code;
	if (text[strspn(text, "rwm")])
		return json_err(at, e, "\"%s\" is not composed of r, w and m", text);
	*(const char **)to_text = text;
	return 0;
}

static const struct bundle_key RULE_KEYS[] = {
	BUNDLE_READ("allow", bundle_bool, struct access_rule, allow),
	BUNDLE_READ("type", read_rule_type, struct access_rule, rule.type),
	BUNDLE_READ("major", read_number, struct access_rule, rule.major),
	BUNDLE_READ("minor", read_number, struct access_rule, rule.minor),
	BUNDLE_READ("access", read_access, struct access_rule, access),
	BUNDLE_KEYS_END,
};

static bool is_any(int64_t number)
{
	return number < 0;
}

static bool is_about_all(const struct access_rule *rule)
{
	return rule->rule.type == 'a' && is_any(rule->rule.major) && is_any(rule->rule.minor);
}

/* Without one it is about nothing in a cgroup; engines write it always. */
static bool gives(const struct access_rule *rule, char access)
{
	return strchr(rule->access, access);
}

static int add_rule(
	struct bundle_reader *r, const struct json_at *at, struct access_rule *rule, struct err *e)
{
	struct bundle_device_rule *added;

	if (!rule->allow) {
		if (!is_about_all(rule) || !gives(rule, 'r') || !gives(rule, 'w') ||
			!gives(rule, 'm'))
			return json_err(at, e,
				"sysclamp has no device cgroup: it can deny all devices (access "
				"\"rwm\" and nothing else), not some; remove it");
		r->rules_devices = true;
		r->n_allowed = 0;
		return 0;
	}
	if (!r->rules_devices)
		return json_err(at, e,
			"sysclamp has no device cgroup: it can allow devices only after a rule "
			"that denies all of them; put {\"allow\": false, \"access\": \"rwm\"} "
			"first, or remove it");
	if (!gives(rule, 'r') || !gives(rule, 'w'))
		return 0; /* no device is allowed less than this: bundle_hold_devices() */
	added = cage_append(r->cage, &r->allowed, &r->n_allowed, sizeof(*r->allowed));
	if (!added)
		return err_nomem(e);
	*added = rule->rule;
	return 0;
}

static int read_rule(struct bundle_reader *r, const struct json_at *at, void *item, struct err *e)
{
	struct access_rule rule = {.rule = {.type = 'a', .major = ANY, .minor = ANY}, .access = ""};
	struct json_at child;

	(void)item;
	if (bundle_object(r, at, RULE_KEYS, &rule, e) || json_need(at, "allow", &child, e) ||
		add_rule(r, at, &rule, e))
		return -e->code;
	return 0;
}

static int read_rules(struct bundle_reader *r, const struct json_at *at, void *to, struct err *e)
{
	if (bundle_set_where(r, at, &r->rules_where, e))
		return -e->code;
	return bundle_each(r, at, read_rule, to, e);
}

#define NO_CGROUP(what, option)                                                                    \
	"sysclamp does not limit " what "; remove it, or limit sysclamp itself, such as by "       \
	"systemd-run -p " option

static const struct bundle_key RESOURCE_KEYS[] = {
	BUNDLE_READ_WHOLE("devices", read_rules),
	BUNDLE_REFUSED("memory", NO_CGROUP("memory", "MemoryMax=")),
	BUNDLE_REFUSED("cpu", NO_CGROUP("processor time", "CPUQuota=")),
	BUNDLE_REFUSED("pids", NO_CGROUP("the number of processes", "TasksMax=")),
	BUNDLE_REFUSED("blockIO", NO_CGROUP("block I/O", "IOWeight=")),
	BUNDLE_REFUSED("unified", "sysclamp writes no files of a cgroup; remove it"),
	BUNDLE_REFUSED("hugepageLimits", "sysclamp does not limit huge pages; remove it"),
	BUNDLE_REFUSED("network", "sysclamp sets no class and no priority of packets; remove it"),
	BUNDLE_REFUSED("rdma", "sysclamp does not limit RDMA; remove it"),
	BUNDLE_KEYS_END,
};

int bundle_resources(struct bundle_reader *r, const struct json_at *at, void *to, struct err *e)
{
	return bundle_object(r, at, RESOURCE_KEYS, to, e);
}

/* Holding to the rules. */

static bool allows(const struct bundle_device_rule *rule, const struct cage_device *device)
{
	bool same_type = rule->type == 'a' || (rule->type == 'c') == (device->type == S_IFCHR);

	return same_type && (is_any(rule->major) || rule->major == device->major) &&
	       (is_any(rule->minor) || rule->minor == device->minor);
}

static bool is_allowed(const struct bundle_reader *r, const struct cage_device *device)
{
	if (device->type == S_IFIFO)
		return true;
	for (size_t i = 0; i < r->n_allowed; i++) {
		if (allows(&r->allowed[i], device))
			return true;
	}
	return false;
}

static bool is_below_dev(const char *path)
{
	return !strncmp(path, "/dev/", strlen("/dev/")) && !strstr(path, "/../");
}

static int check_device(
	const struct bundle_reader *r, const struct cage_device *device, struct err *e)
{
	if (!is_allowed(r, device))
		return err_set(e, EINVAL,
			"%s: %s is denied by %s, which allows it neither to be read nor written; "
			"add a rule that allows both, or remove it",
			device->where, device->path, r->rules_where);
	if (device->type != S_IFIFO && !is_below_dev(device->path))
		return err_set(e, EINVAL,
			"%s: %s is not below /dev, where alone devices work under %s",
			device->where, device->path, r->rules_where);
	return 0;
}

static bool is_dev(const char *path)
{
	return !strcmp(path, "/dev") || !strcmp(path, "/dev/");
}

/* The mount on /dev: a later one hides those before. */
static struct cage_mount *dev_mount(struct cage *cage)
{
	struct cage_mount *found = NULL;

	for (size_t i = 0; i < cage->n_mounts; i++) {
		if (is_dev(cage->mounts[i].target))
			found = &cage->mounts[i];
	}
	return found;
}

/* A devpts has no other nodes than terminals, which every rule allows (default devices). */
static bool may_have_devices(const struct cage_mount *mount, const struct cage_mount *dev)
{
	return mount == dev || (mount->type && !strcmp(mount->type, "devpts"));
}

static void close_devices(struct cage *cage, const struct cage_mount *dev)
{
	cage->root.nodev = true;
	for (size_t i = 0; i < cage->n_mounts; i++) {
		struct cage_mount *mount = &cage->mounts[i];

		if (may_have_devices(mount, dev))
			continue;
		mount->attr_set |= MOUNT_ATTR_NODEV;
		if (mount->recursive)
			mount->all_set |= MOUNT_ATTR_NODEV;
		mount->all_clear &= ~(uint64_t)MOUNT_ATTR_NODEV;
	}
}

static uint64_t all_caps(const struct cage *cage)
{
	uint64_t caps = 0;

	for (size_t i = 0; i < CAGE_CAP_SETS; i++)
		caps |= cage->caps.sets[i];
	return caps;
}

int bundle_hold_devices(struct bundle_reader *r, struct err *e)
{
	const uint64_t makers = 1ull << CAP_MKNOD | 1ull << CAP_SYS_ADMIN;
	struct cage_mount *dev = dev_mount(r->cage);

	if (!r->rules_devices)
		return 0;
	if (all_caps(r->cage) & makers)
		return err_set(e, EINVAL,
			"%s: sysclamp has no device cgroup: it holds a command to this only "
			"without CAP_MKNOD and CAP_SYS_ADMIN; take them out of "
			"$.process.capabilities, or remove it",
			r->rules_where);
	if (!dev || !dev->type || strcmp(dev->type, "tmpfs") != 0 || dev->copies_up)
		return err_set(e, EINVAL,
			"%s: sysclamp has no device cgroup: it holds a command to this only with "
			"a tmpfs of its own on /dev; add one to $.mounts, or remove it",
			r->rules_where);
	for (size_t i = 0; i < r->cage->n_devices; i++) {
		if (check_device(r, &r->cage->devices[i], e))
			return -e->code;
	}
	close_devices(r->cage, dev);
	return 0;
}
