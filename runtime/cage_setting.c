#include "cage_setting.h"

#include <string.h>

#include "cage_words.h"
#include "scope.h"

#define SWITCH(name, group, member, help)                                                          \
	{                                                                                          \
		name, SETTING_SWITCH, group, NULL, help, word_switch,                              \
			offsetof(struct cage_request, member)                                      \
	}
#define TEXT(name, group, value, take, member, help)                                               \
	{                                                                                          \
		name, SETTING_TEXT, group, value, help, take,                                      \
			offsetof(struct cage_request, member)                                      \
	}
/* What @take fills it knows itself. */
#define ONE(name, group, value, take, help)                                                        \
	{                                                                                          \
		name, SETTING_TEXT, group, value, help, take, 0                                    \
	}
#define LIST(name, group, value, take, help)                                                       \
	{                                                                                          \
		name, SETTING_LIST, group, value, help, take, 0                                    \
	}
#define SPACE(name, ns, help)                                                                      \
	{                                                                                          \
		name, SETTING_TEXT, SETTING_SPACES, "WAY", help, word_said,                        \
			offsetof(struct cage_request, namespaces[ns])                              \
	}
#define MAP(name, member, help)                                                                    \
	{                                                                                          \
		name, SETTING_LIST, SETTING_SPACES, "IN:OUT:N", help, word_map,                    \
			offsetof(struct cage_request, cage.member)                                 \
	}

static const struct cage_setting SETTINGS[] = {
	TEXT("user", SETTING_USER, "USER[:GROUP]", word_said, user, "who it runs as"),
	TEXT("group", SETTING_USER, "GROUP", word_said, group, "its group"),
	LIST("group-add", SETTING_USER, "GROUP", word_group_add, "a supplementary group"),
	SWITCH("init-groups", SETTING_USER, init_groups, "those that /etc/group gives the user"),
	SWITCH("keep-groups", SETTING_USER, keep_groups, "those of the caller"),
	LIST("cap-add", SETTING_USER, "CAP", word_cap_add, "a capability more, or all"),
	LIST("cap-drop", SETTING_USER, "CAP", word_cap_drop, "one less, or all"),

	ONE("workdir", SETTING_PROCESS, "DIR", word_workdir, "its working directory"),
	ONE("umask", SETTING_PROCESS, "MODE", word_umask, "three octal digits"),
	LIST("ulimit", SETTING_PROCESS, "NAME=SOFT[:HARD]", word_limit, "a limit: setrlimit(2)"),
	ONE("oom-score-adj", SETTING_PROCESS, "N", word_oom, "-1000 to 1000"),
	LIST("preserve-fd", SETTING_PROCESS, "N", word_descriptor, "a descriptor that stays open"),
	SWITCH("new-session", SETTING_PROCESS, new_session, "setsid(2); the default in a cage"),
	SWITCH("init", SETTING_PROCESS, init, "process 1 is ours; the default with --pid"),
	SWITCH("die-with-parent", SETTING_PROCESS, with_parent, "it ends when sysclamp is killed"),
	SWITCH("tty", SETTING_PROCESS, terminal, "a terminal of its own"),

	SWITCH("clearenv", SETTING_ENV, clear_env, "begin with no environment"),
	LIST("unsetenv", SETTING_ENV, "NAME", word_unset_env, "without this variable"),
	LIST("env", SETTING_ENV, "NAME[=VALUE]", word_env, "with it; alone: the caller's"),

	SPACE("userns", CAGE_NS_USER, "user IDs; WAY: private, host or ns:PATH"),
	SPACE("pid", CAGE_NS_PID, "processes"),
	SPACE("mountns", CAGE_NS_MOUNT, "mounts"),
	SPACE("net", CAGE_NS_NET, "network; none is private"),
	SPACE("ipc", CAGE_NS_IPC, "System V IPC, message queues"),
	SPACE("uts", CAGE_NS_UTS, "host name"),
	SPACE("cgroupns", CAGE_NS_CGROUP, "root of the cgroups"),
	SPACE("timens", CAGE_NS_TIME, "clocks"),
	SWITCH("unshare-all", SETTING_SPACES, unshare_all, "private, all that are not named"),
	MAP("uidmap", uid_maps, "user IDs inside and outside"),
	MAP("gidmap", gid_maps, "group IDs; either stands for both"),
	TEXT("hostname", SETTING_SPACES, "NAME", word_text, cage.hostname, "its host name"),
	TEXT("domainname", SETTING_SPACES, "NAME", word_text, cage.domainname, "its NIS domain"),
	TEXT("monotonic", SETTING_SPACES, "SECONDS", word_clock, cage.monotonic,
		"added to CLOCK_MONOTONIC"),
	TEXT("boottime", SETTING_SPACES, "SECONDS", word_clock, cage.boottime,
		"added to CLOCK_BOOTTIME"),
	LIST("sysctl", SETTING_SPACES, "NAME=VALUE", word_sysctl, "of its namespaces"),

	ONE("root", SETTING_FILES, "DIR", word_root, "its root directory: pivot_root(2)"),
	SWITCH("read-only", SETTING_FILES, read_only, "the root and all that is mounted in it"),
	ONE("propagation", SETTING_FILES, "WAY", word_propagation, "of all mounts: rslave"),
	SWITCH("private-proc", SETTING_FILES, private_proc, "a /proc of its processes"),
	SWITCH("private-dev", SETTING_FILES, private_dev, "a /dev with the usual few"),
	SWITCH("private-tmp", SETTING_FILES, private_tmp, "an empty /tmp"),
	LIST("volume", SETTING_FILES, "SRC:DIR[:OPTIONS]", word_volume, "a bind mount"),
	LIST("tmpfs", SETTING_FILES, "DIR[:OPTIONS]", word_tmpfs, "an empty one in memory"),
	LIST("mount", SETTING_FILES, "type=TYPE,...", word_mount, "any, as podman says it"),
	LIST("device", SETTING_FILES, "SRC[:PATH]", word_device, "a device of the host"),
	LIST("mask-path", SETTING_FILES, "PATH", word_mask_path, "nothing to be read there"),
	LIST("read-only-path", SETTING_FILES, "PATH", word_read_only_path, "nothing to be written"),

	LIST("landlock", SETTING_LANDLOCK, "RIGHTS:PATH", word_landlock,
		"ro, rx, rw, rwx below it; nothing elsewhere"),
	LIST("landlock-tcp", SETTING_LANDLOCK, "RIGHTS:PORT", word_landlock_tcp,
		"bind, connect; no other ports"),
	LIST("landlock-scope", SETTING_LANDLOCK, "WHAT", word_landlock_scope,
		"signal, abstract-unix-socket: not out of it"),
	SWITCH("landlock-strict", SETTING_LANDLOCK, landlock_strict,
		"what the kernel lacks of it is an error"),
};

static const char *const GROUPS[SETTING_GROUPS] = {
	[SETTING_USER] = "Who it is",
	[SETTING_PROCESS] = "What it starts with",
	[SETTING_ENV] = "Its environment",
	[SETTING_SPACES] = "Its namespaces",
	[SETTING_FILES] = "Its files",
	[SETTING_LANDLOCK] = "Landlock",
};

const struct cage_setting *cage_settings(size_t *len)
{
	*len = ARRAY_LEN(SETTINGS);
	return SETTINGS;
}

const struct cage_setting *cage_setting_find(const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(SETTINGS); i++) {
		if (!strcmp(SETTINGS[i].name, name))
			return &SETTINGS[i];
	}
	return NULL;
}

const char *cage_setting_group_name(enum cage_setting_group group)
{
	return GROUPS[group];
}

/* A switch that is off takes nothing. */
static bool takes_cage(const struct cage_setting *setting, const char *text)
{
	return setting->group != SETTING_ENV &&
	       (setting->kind != SETTING_SWITCH || strcmp(text, "false") != 0);
}

int cage_say(struct cage_request *request, const struct cage_setting *setting, const char *text,
	const char *where, struct err *e)
{
	bool caged = takes_cage(setting, text);
	struct cage_said said = {
		.text = (char *)cage_text(&request->cage, "%s", text),
		.where = cage_text(&request->cage, "%s", where),
	};

	if (!said.text || !said.where)
		return err_nomem(e);
	if (setting->take(request, setting, &said, e))
		return -e->code;
	request->said = true;
	request->caged |= caged;
	return 0;
}
