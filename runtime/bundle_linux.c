#include <errno.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/personality.h>

#include "bundle_parts.h"
#include "scope.h"

/* Runtimes differ in whether what is mounted below counts; to cut more off is safe. */
static const struct bundle_name PROPAGATIONS[] = {
	{"private", MS_PRIVATE | MS_REC},
	{"rprivate", MS_PRIVATE | MS_REC},
	{"slave", MS_SLAVE | MS_REC},
	{"rslave", MS_SLAVE | MS_REC},
	/* Refused: */
	{"shared", 0},
	{"rshared", 0},
	{"unbindable", 0},
	{"runbindable", 0},
};

static int read_propagation(
	struct bundle_reader *r, const struct json_at *at, void *to, struct err *e)
{
	int flags;

	(void)to;
	if (bundle_says_nothing(at->value))
		return 0;
	if (bundle_name(at, PROPAGATIONS, ARRAY_LEN(PROPAGATIONS), "propagation", &flags, e))
		return -e->code;
	if (!flags)
		return json_err(
			at, e, "sysclamp makes no such root; write \"slave\" or \"private\"");
	r->cage->root.propagation = (unsigned long)flags;
	return 0;
}

static int read_masked(struct bundle_reader *r, const struct json_at *at, void *item, struct err *e)
{
	const char **path = CAGE_ADD(r->cage, masked);

	(void)item;
	return path ? bundle_absolute(r, at, path, e) : err_nomem(e);
}

static int read_all_masked(
	struct bundle_reader *r, const struct json_at *at, void *to, struct err *e)
{
	return bundle_each(r, at, read_masked, to, e);
}

static int read_readonly(
	struct bundle_reader *r, const struct json_at *at, void *item, struct err *e)
{
	const char **path = CAGE_ADD(r->cage, readonly);

	(void)item;
	return path ? bundle_absolute(r, at, path, e) : err_nomem(e);
}

static int read_all_readonly(
	struct bundle_reader *r, const struct json_at *at, void *to, struct err *e)
{
	return bundle_each(r, at, read_readonly, to, e);
}

static int read_domain(struct bundle_reader *r, const struct json_at *at, void *to, struct err *e)
{
	enum { ASK = 0xffffffff };
	const char *name;

	(void)r, (void)to;
	if (json_text(at, &name, e))
		return -e->code;
	if (strcmp(name, "LINUX") != 0)
		return json_err(at, e,
			"sysclamp sets no personality; remove it, or start sysclamp itself under "
			"it (setarch)");
	if (personality(ASK) != PER_LINUX)
		return json_err(at, e, "sysclamp was started under another personality (setarch)");
	return 0;
}

static const struct bundle_key PERSONALITY_KEYS[] = {
	BUNDLE_READ_WHOLE("domain", read_domain),
	BUNDLE_REFUSED("flags", "no flag is known; remove them"),
	BUNDLE_KEYS_END,
};

static int read_personality(
	struct bundle_reader *r, const struct json_at *at, void *to, struct err *e)
{
	return bundle_object(r, at, PERSONALITY_KEYS, to, e);
}

static int read_seccomp(struct bundle_reader *r, const struct json_at *at, void *to, struct err *e)
{
	(void)to;
	if (bundle_set_where(r, at, &r->out->profile_where, e) ||
		profile_parse_at(at, &r->out->profile, r->to, e))
		return -e->code;
	r->out->has_profile = true;
	return 0;
}

/* In this order: what a kernel parameter belongs to is known by the namespaces. */
static const struct bundle_key LINUX_KEYS[] = {
	BUNDLE_READ_WHOLE("namespaces", bundle_namespaces),
	BUNDLE_READ_WHOLE("uidMappings", bundle_uid_maps),
	BUNDLE_READ_WHOLE("gidMappings", bundle_gid_maps),
	BUNDLE_READ_WHOLE("timeOffsets", bundle_clocks),
	BUNDLE_READ_WHOLE("devices", bundle_devices),
	BUNDLE_READ_WHOLE("resources", bundle_resources),
	BUNDLE_READ_WHOLE("rootfsPropagation", read_propagation),
	BUNDLE_READ_WHOLE("maskedPaths", read_all_masked),
	BUNDLE_READ_WHOLE("readonlyPaths", read_all_readonly),
	BUNDLE_READ_WHOLE("sysctl", bundle_sysctls),
	BUNDLE_READ_WHOLE("personality", read_personality),
	BUNDLE_READ_WHOLE("seccomp", read_seccomp),
	BUNDLE_IGNORED("cgroupsPath", "ignored: the command stays in the cgroup of sysclamp"),
	BUNDLE_REFUSED("mountLabel", "sysclamp sets no SELinux label; remove it"),
	BUNDLE_REFUSED("intelRdt", "sysclamp uses no resctrl file system; remove it"),
	BUNDLE_REFUSED("memoryPolicy",
		"sysclamp sets no memory policy; remove it, or start sysclamp itself under it "
		"(numactl)"),
	BUNDLE_REFUSED("netDevices",
		"sysclamp moves no network devices; remove it, or move them in a "
		"createRuntime hook"),
	BUNDLE_KEYS_END,
};

int bundle_linux(struct bundle_reader *r, const struct json_at *at, void *to, struct err *e)
{
	return bundle_object(r, at, LINUX_KEYS, to, e);
}
