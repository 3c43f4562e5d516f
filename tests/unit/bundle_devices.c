/*
 * Devices of a bundle, and rules on devices, which are held without a device cgroup or refused.
 */
#include <linux/mount.h>

#include "bundle_test.h"
#include "tap.h"

#define DENY_ALL "{'allow': false, 'access': 'rwm'}"
#define DEV	 "{'destination': '/dev', 'type': 'tmpfs', 'source': 'tmpfs'}"

static void check_devices(void)
{
	struct bundle bundle;
	const struct cage *cage = &bundle.cage;

	ok(bundle_is_read("{'linux': {'devices': [{'type': 'c', 'path': '/dev/fuse', 'major': 10, "
			  "'minor': "
			  "229, 'fileMode': 8630, 'uid': 3, 'gid': 4}, {'type': 'p', 'path': "
			  "'/run/pipe'}, "
			  "{'type': 'b', 'path': '/x', 'major': 0, 'minor': 0, 'fileMode': 384}]}}",
		   &bundle),
		"devices, without a rule");
	ok(cage->n_devices == 3 && cage->devices[0].type == S_IFCHR &&
			cage->devices[0].major == 10 && cage->devices[0].minor == 229 &&
			cage->devices[0].mode == 0666 && cage->devices[0].uid == 3 &&
			cage->devices[0].gid == 4,
		"a character device");
	ok(cage->devices[1].type == S_IFIFO && cage->devices[1].mode == 0666 &&
			cage->devices[2].type == S_IFBLK && cage->devices[2].mode == 0600,
		"a pipe, a block device");
	ok(!cage->root.nodev, "work anywhere");
	bundle_done(&bundle);

	ok(bundle_is_read(
		   "{'mounts': [" DEV ", {'destination': '/dev/pts', 'type': 'devpts'}, "
		   "{'destination': '/a', 'source': "
		   "'/a', 'options': ['rbind', 'rdev']}, {'destination': '/b', 'source': '/b', "
		   "'options': ['bind']}, {'destination': '/proc', 'type': 'proc'}], 'linux': "
		   "{'devices': "
		   "[{'type': 'c', 'path': '/dev/fuse', 'major': 10, 'minor': 229}], 'resources': "
		   "{'devices': [" DENY_ALL ", {'allow': true, 'type': 'c', 'major': 10, 'minor': "
		   "229, 'access': 'rw'}, {'allow': "
		   "true, 'type': 'c', 'major': 1, 'minor': 3, 'access': 'rwm'}]}}}",
		   &bundle),
		"all devices denied but one");
	ok(cage->root.nodev, "none works in the root");
	ok(!(cage->mounts[0].attr_set & MOUNT_ATTR_NODEV) &&
			!(cage->mounts[1].attr_set & MOUNT_ATTR_NODEV),
		"but in /dev and in /dev/pts");
	ok(cage->mounts[2].attr_set & MOUNT_ATTR_NODEV &&
			cage->mounts[2].all_set & MOUNT_ATTR_NODEV &&
			!(cage->mounts[2].all_clear & MOUNT_ATTR_NODEV),
		"not in what is bound, nor below");
	ok(cage->mounts[3].attr_set & MOUNT_ATTR_NODEV && !cage->mounts[3].all_set &&
			cage->mounts[4].attr_set & MOUNT_ATTR_NODEV,
		"nor in other mounts");
	bundle_done(&bundle);
}

/* Rules on devices that are not held, and why. */
static const struct {
	const char *caps, *mounts, *devices, *rules, *error;
} RULES[] = {
	{"", DEV, "", "{'allow': false, 'type': 'a', 'access': 'mwr'}", NULL},
	{"", DEV, "", "{'allow': false, 'access': 'rwm', 'major': -1}", NULL},
	{"", DEV, "", DENY_ALL ", {'allow': true, 'access': 'm'}", NULL},
	{"", DEV, "", "{'allow': true, 'access': 'rwm'}",
		"$.linux.resources.devices[0]: sysclamp has no device cgroup: it can allow devices "
		"only after a rule that denies all of them; put {\"allow\": false, \"access\": "
		"\"rwm\"} first, or remove it"},
	{"", DEV, "", "{'allow': false, 'access': 'rw'}",
		"$.linux.resources.devices[0]: sysclamp has no device cgroup: it can deny all "
		"devices "
		"(access \"rwm\" and nothing else), not some; remove it"},
	{"", DEV, "", "{'allow': false}",
		"$.linux.resources.devices[0]: sysclamp has no device cgroup: it can deny all "
		"devices "
		"(access \"rwm\" and nothing else), not some; remove it"},
	{"", DEV, "", DENY_ALL ", {'allow': false, 'type': 'b', 'access': 'rwm'}",
		"$.linux.resources.devices[1]: sysclamp has no device cgroup: it can deny all "
		"devices "
		"(access \"rwm\" and nothing else), not some; remove it"},
	{"", DEV, "", "{'allow': false, 'major': 1, 'access': 'rwm'}",
		"$.linux.resources.devices[0]: sysclamp has no device cgroup: it can deny all "
		"devices "
		"(access \"rwm\" and nothing else), not some; remove it"},
	{"", DEV, "", "{'access': 'rwm'}", "$.linux.resources.devices[0]: \"allow\" is missing"},
	{"", DEV, "", "{'allow': true, 'type': 'x'}",
		"$.linux.resources.devices[0].type: \"x\" is no type of a rule; write a, b or c"},
	{"", DEV, "", "{'allow': true, 'access': 'rwx'}",
		"$.linux.resources.devices[0].access: \"rwx\" is not composed of r, w and m"},
	{"'CAP_MKNOD'", DEV, "", DENY_ALL,
		"$.linux.resources.devices: sysclamp has no device cgroup: it holds a command to "
		"this "
		"only without CAP_MKNOD and CAP_SYS_ADMIN; take them out of "
		"$.process.capabilities, "
		"or remove it"},
	{"'CAP_SYS_ADMIN'", DEV, "", DENY_ALL,
		"$.linux.resources.devices: sysclamp has no device cgroup: it holds a command to "
		"this "
		"only without CAP_MKNOD and CAP_SYS_ADMIN; take them out of "
		"$.process.capabilities, "
		"or remove it"},
	{"", "", "", DENY_ALL,
		"$.linux.resources.devices: sysclamp has no device cgroup: it holds a command to "
		"this "
		"only with a tmpfs of its own on /dev; add one to $.mounts, or remove it"},
	{"", DEV ", {'destination': '/dev/', 'source': '/dev', 'options': ['bind']}", "", DENY_ALL,
		"$.linux.resources.devices: sysclamp has no device cgroup: it holds a command to "
		"this "
		"only with a tmpfs of its own on /dev; add one to $.mounts, or remove it"},
	{"", "{'destination': '/dev', 'type': 'tmpfs', 'options': ['tmpcopyup']}", "", DENY_ALL,
		"$.linux.resources.devices: sysclamp has no device cgroup: it holds a command to "
		"this "
		"only with a tmpfs of its own on /dev; add one to $.mounts, or remove it"},
	{"", DEV, "{'type': 'c', 'path': '/dev/a', 'major': 1, 'minor': 1}", DENY_ALL,
		"$.linux.devices[0]: /dev/a is denied by $.linux.resources.devices, which allows "
		"it "
		"neither to be read nor written; add a rule that allows both, or remove it"},
	{"", DEV, "{'type': 'c', 'path': '/dev/a', 'major': 1, 'minor': 1}",
		DENY_ALL ", {'allow': true, 'type': 'c', 'major': 1, 'minor': 1, 'access': 'r'}",
		"$.linux.devices[0]: /dev/a is denied by $.linux.resources.devices, which allows "
		"it "
		"neither to be read nor written; add a rule that allows both, or remove it"},
	{"", DEV, "{'type': 'c', 'path': '/dev/a', 'major': 1, 'minor': 1}",
		DENY_ALL ", {'allow': true, 'type': 'b', 'major': 1, 'minor': 1, 'access': 'rw'}",
		"$.linux.devices[0]: /dev/a is denied by $.linux.resources.devices, which allows "
		"it "
		"neither to be read nor written; add a rule that allows both, or remove it"},
	{"", DEV, "{'type': 'c', 'path': '/dev/a', 'major': 1, 'minor': 1}",
		DENY_ALL ", {'allow': true, 'major': 1, 'access': 'rw'}, " DENY_ALL,
		"$.linux.devices[0]: /dev/a is denied by $.linux.resources.devices, which allows "
		"it "
		"neither to be read nor written; add a rule that allows both, or remove it"},
	{"", DEV, "{'type': 'c', 'path': '/dev/a', 'major': 1, 'minor': 1}",
		DENY_ALL ", {'allow': true, 'access': 'rwm'}", NULL},
	{"", DEV, "{'type': 'c', 'path': '/dev/../a', 'major': 1, 'minor': 1}",
		DENY_ALL ", {'allow': true, 'access': 'rwm'}",
		"$.linux.devices[0]: /dev/../a is not below /dev, where alone devices work under "
		"$.linux.resources.devices"},
	{"", DEV, "{'type': 'c', 'path': '/a', 'major': 1, 'minor': 1}",
		DENY_ALL ", {'allow': true, 'access': 'rwm'}",
		"$.linux.devices[0]: /a is not below /dev, where alone devices work under "
		"$.linux.resources.devices"},
	{"", "", "{'type': 'c', 'path': '/a', 'major': 1}", "",
		"$.linux.devices[0]: needs a \"major\" of 0 to 4095 and a \"minor\" of 0 to "
		"1048575"},
	{"", "", "{'type': 'c', 'path': '/a', 'major': 4096, 'minor': 0}", "",
		"$.linux.devices[0]: needs a \"major\" of 0 to 4095 and a \"minor\" of 0 to "
		"1048575"},
	{"", "", "{'type': 'd', 'path': '/a'}", "",
		"$.linux.devices[0].type: unknown type of a device \"d\"; did you mean c?"},
	{"", "", "{'type': 'p', 'path': '/a', 'fileMode': 1048576}", "",
		"$.linux.devices[0].fileMode: 1048576 is no mode of a file"},
};

/* The file's name stands in the middle of some errors as well. */
static const char *without_name(const char *text, char buf[ERR_TEXT_MAX])
{
	char name[128], *found;

	snprintf(buf, ERR_TEXT_MAX, "%s", text);
	bundle_path("config.json: ", name);
	while ((found = strstr(buf, name)))
		memmove(found, found + strlen(name), strlen(found + strlen(name)) + 1);
	return buf;
}

static void check_rules(void)
{
	for (size_t i = 0; i < ARRAY_LEN(RULES); i++) {
		char patch[2048], text[ERR_TEXT_MAX];
		struct bundle bundle;
		struct err e = {0};
		int result;

		snprintf(patch, sizeof(patch),
			"{'process': {'capabilities': {'bounding': [%s]}}, 'mounts': [%s], "
			"'linux': "
			"{'devices': [%s], 'resources': {'devices': [%s]}}}",
			RULES[i].caps, RULES[i].mounts, RULES[i].devices, RULES[i].rules);
		result = bundle_of(BUNDLE_BASE, patch, &bundle, NULL, &e);
		is_text(result ? without_name(e.text, text) : "read",
			RULES[i].error ? RULES[i].error : "read", "rules %zu", i);
		if (!result)
			bundle_done(&bundle);
	}
}

int main(void)
{
	if (!bundle_begin())
		return 1;
	check_devices();
	check_rules();
	ok(bundle_end(), "nothing is left");
	return tap_done();
}
