/* What can be said about a cage: each setting with values that it takes and values that it refuses.
 */
#include <errno.h>
#include <linux/capability.h>
#include <linux/mount.h>
#include <sys/mount.h>

#include "cage_complete.h"
#include "cage_names.h"
#include "cage_setting.h"
#include "landlock.h"
#include "mount_option.h"
#include "scope.h"
#include "tap.h"

static int say(struct cage_request *request, const char *name, const char *text, struct err *e)
{
	char where[128];

	snprintf(where, sizeof(where), "--%s %s", name, text);
	return cage_say(request, cage_setting_find(name), text, where, e);
}

/* @wrong: in the error; NULL: it is taken. */
static const struct {
	const char *name, *text, *wrong;
} VALUES[] = {
	{"user", "", "a value is missing"},
	{"group-add", "", "a group is missing"},
	{"init-groups", "true", NULL},
	{"init-groups", "false", NULL},
	{"init-groups", "yes", "true or false"},
	{"init-groups", "", "true or false"},
	{"init-groups", "True", "true or false"},

	{"cap-add", "net_raw", NULL},
	{"cap-add", "CAP_NET_RAW", NULL},
	{"cap-add", "Cap_Net_Raw,chown", NULL},
	{"cap-add", "all", NULL},
	{"cap-add", "CAP_ALL", NULL},
	{"cap-add", "net_rew", "did you mean NET_RAW?"},
	{"cap-add", "cap_net_rew", "did you mean CAP_NET_RAW?"},
	{"cap-add", "", "is no capability"},
	{"cap-add", "chown,", "is no capability"},
	{"cap-add", "0", "is no capability"},
	{"cap-add", "38", "is no capability"},
	{"cap-drop", "CAP_", "is no capability"},
	{"cap-drop", " chown", "is no capability"},
	{"cap-drop",
		"chownchownchownchownchownchownchownchownchownchownchownchownchownchown"
		"chownchownchown",
		"is no capability"},

	{"umask", "022", NULL},
	{"umask", "0022", NULL},
	{"umask", "777", NULL},
	{"umask", "22", "octal"},
	{"umask", "1777", "octal"},
	{"umask", "028", "octal"},
	{"umask", "00022", "octal"},
	{"umask", "-22", "octal"},
	{"umask", "", "octal"},
	{"umask", "022 ", "octal"},

	{"ulimit", "nofile=1024", NULL},
	{"ulimit", "nofile=1024:4096", NULL},
	{"ulimit", "RLIMIT_NOFILE=unlimited", NULL},
	{"ulimit", "core=0:-1", NULL},
	{"ulimit", "nofile=18446744073709551614", NULL},
	{"ulimit", "nofile=18446744073709551615", "is a number"},
	{"ulimit", "nofile", "NAME=SOFT"},
	{"ulimit", "nofiles=1", "did you mean NOFILE?"},
	{"ulimit", "=1", "there is no limit"},
	{"ulimit", "nofile=", "is a number"},
	{"ulimit", "nofile=1:", "is a number"},
	{"ulimit", "nofile=1:2:3", "is a number"},
	{"ulimit", "nofile=2:1", "above the hard one"},
	{"ulimit", "nofile=unlimited:1", "above the hard one"},
	{"ulimit", "nofile=1k", "is a number"},
	{"ulimit", "nofile=+1", "is a number"},
	{"ulimit", "nofile=-2", "is a number"},

	{"oom-score-adj", "-1000", NULL},
	{"oom-score-adj", "1000", NULL},
	{"oom-score-adj", "0", NULL},
	{"oom-score-adj", "1001", "from -1000"},
	{"oom-score-adj", "-1001", "from -1000"},
	{"oom-score-adj", "--1", "from -1000"},
	{"oom-score-adj", "+1", "from -1000"},
	{"oom-score-adj", "", "from -1000"},
	{"oom-score-adj", "-", "from -1000"},

	{"workdir", "/a", NULL},
	{"workdir", "a", "absolute"},
	{"workdir", "", "absolute"},

	{"env", "A=b", NULL},
	{"env", "A=", NULL},
	{"env", "A", NULL},
	{"env", "A=b=c", NULL},
	{"env", "", "NAME=VALUE"},
	{"env", "=b", "NAME=VALUE"},
	{"unsetenv", "A", NULL},
	{"unsetenv", "A=b", "without ="},
	{"unsetenv", "", "without ="},

	{"preserve-fd", "0", NULL},
	{"preserve-fd", "1,2", NULL},
	{"preserve-fd", "", "number of an open descriptor"},
	{"preserve-fd", "-1", "number of an open descriptor"},
	{"preserve-fd", "3x", "number of an open descriptor"},
	{"preserve-fd", "1,", "number of an open descriptor"},
	{"preserve-fd", "4294967296", "number of an open descriptor"},
	{"preserve-fd", "1000000", "is not open"},

	{"uidmap", "0:1000:1", NULL},
	{"uidmap", "0:0:4294967295", NULL},
	{"uidmap", "0:0:4294967296", "three numbers"},
	{"uidmap", "1:0:4294967295", "beyond id 4294967294"},
	{"uidmap", "0:1000", "three numbers"},
	{"uidmap", "0:1000:1:", "three numbers"},
	{"uidmap", "0:1000:1:1", "three numbers"},
	{"uidmap", "0:1000:", "three numbers"},
	{"uidmap", ":1000:1", "three numbers"},
	{"uidmap", "0:-1:1", "three numbers"},
	{"uidmap", "", "three numbers"},
	{"gidmap", "0:1000:0", "maps no id"},

	{"monotonic", "86400", NULL},
	{"monotonic", "-0.5", NULL},
	{"monotonic", "1.000000001", NULL},
	{"monotonic", "1.0000000001", "seconds"},
	{"monotonic", "1.", "seconds"},
	{"monotonic", ".5", "seconds"},
	{"boottime", "1e3", "seconds"},
	{"boottime", "", "seconds"},
	{"boottime", "--1", "seconds"},

	{"sysctl", "net.ipv4.ip_forward=1", NULL},
	{"sysctl", "net/ipv4/ip_forward=", NULL},
	{"sysctl", "net.ipv4.ip_forward", "NAME=VALUE"},
	{"sysctl", "=1", "no name"},
	{"sysctl", "../../etc/passwd=1", "no name"},
	{"sysctl", "net/../../x=1", "no name"},
	{"sysctl", "/net=1", "no name"},
	{"sysctl", "net./x=1", "no name"},

	{"root", "/srv", NULL},
	{"root", "srv", NULL},
	{"root", "", "path is missing"},
	{"propagation", "rshared", NULL},
	{"propagation", "rshare", "one of private"},
	{"hostname", "a", NULL},
	{"hostname", "", "a value is missing"},

	{"volume", "/a:/b", NULL},
	{"volume", "/a", NULL},
	{"volume", "a:/b:ro,nosuid,rslave,optional", NULL},
	{"volume", "/a:/b:", "option is missing"},
	{"volume", "/a:/b:ro,", "option is missing"},
	{"volume", "/a:/b:z", "no option \"z\""},
	{"volume", "/a:/b:size=1m", "no option \"size=1m\""},
	{"volume", "/a:/b:remount", "a second time"},
	{"volume", "/a:b", "absolute"},
	{"volume", "/a:", "absolute"},
	{"volume", ":/b", "path is missing"},
	{"volume", "", "path is missing"},
	{"tmpfs", "/t", NULL},
	{"tmpfs", "/t:size=64m,mode=1777,exec", NULL},
	{"tmpfs", "t", "absolute"},
	{"tmpfs", "/t:", "option is missing"},
	{"mount", "type=proc,target=/proc", NULL},
	{"mount", "type=bind,src=/a,dst=/b,readonly,bind-propagation=rslave", NULL},
	{"mount", "type=tmpfs,target=/t,tmpfs-size=1m,tmpcopyup", NULL},
	{"mount", "type=bind,target=/b", "needs source"},
	{"mount", "target=/b", "needs type"},
	{"mount", "type=proc", "needs type"},
	{"mount", "type=,target=/b", "needs type"},
	{"mount", "type=bind,src=/a,dst=/b,size=1m", "no option"},
	{"mount", "type=proc,target=/proc,", "option is missing"},
	{"mount", "type=proc,target=proc", "absolute"},
	{"device", "/dev/null", NULL},
	{"device", "/dev/null:/dev/zero", NULL},
	{"device", "/dev/null:/dev/zero:r", "take a cgroup"},
	{"device", "/dev/none/such", "No such file"},
	{"device", "/", "is no device"},
	{"mask-path", "/proc/kcore", NULL},
	{"mask-path", "proc", "absolute"},
	{"read-only-path", "", "absolute"},

	{"landlock", "ro:/usr", NULL},
	{"landlock", "read-file,read-dir,execute:/usr:x", NULL},
	{"landlock", "all:/", NULL},
	{"landlock", "none", NULL},
	{"landlock", "none:/", "none of ro"},
	{"landlock", "r:/", "none of ro"},
	{"landlock", ":/", "none of ro"},
	{"landlock", "ro,:/", "none of ro"},
	{"landlock", "ro", "rights and a path"},
	{"landlock", "ro:usr", "absolute"},
	{"landlock", "bind:/", "none of ro"},
	{"landlock-tcp", "bind:80", NULL},
	{"landlock-tcp", "bind,connect:0", NULL},
	{"landlock-tcp", "none", NULL},
	{"landlock-tcp", "bind:65536", "rights and a port"},
	{"landlock-tcp", "bind:http", "rights and a port"},
	{"landlock-tcp", "bind:", "rights and a port"},
	{"landlock-tcp", "ro:80", "none of bind"},
	{"landlock-scope", "signal,abstract-unix-socket", NULL},
	{"landlock-scope", "signals", "none of abstract-unix-socket"},
	{"landlock-scope", "", "none of abstract-unix-socket"},
};

static void test_values(void)
{
	for (size_t i = 0; i < ARRAY_LEN(VALUES); i++) {
		scoped(cage_request_done) struct cage_request request = {0};
		const char *wrong = VALUES[i].wrong;
		struct err e = {0};
		char where[128];
		int code = say(&request, VALUES[i].name, VALUES[i].text, &e);

		snprintf(where, sizeof(where), "--%s %.60s", VALUES[i].name, VALUES[i].text);
		if (wrong)
			ok(code && strstr(e.text, wrong) && !strncmp(e.text, where, strlen(where)),
				"%s: refused: %s", where, e.text);
		else
			ok(!code && request.said, "%s: taken %s", where, e.text);
	}
}

/* Users and groups are settled at the end. */
static const struct {
	const char *text, *wrong;
} USERS[] = {
	{"0:0", NULL},
	{"0", NULL},
	{"root", NULL},
	{"root:0", NULL},
	{"4294967294:4294967294", NULL},
	{"4294967294", "name its group, too"},
	{"1:", "the group is missing"},
	{":1", "the user is missing"},
	{":", "the user is missing"},
	{"-1", "is no user"},
	{"+1", "is no user"},
	{"4294967295:0", "is no user"},
	{"0:4294967295", "is no group"},
	{"18446744073709551616:0", "is no user"},
	{"1x:0", "is no user"},
	{"0x0:0", "is no user"},
	{" 0:0", "has no user"},
	{"0 :0", "is no user"},
	{"0:0:0", "is no group"},
	{"no-such-user", "has no user"},
	{"0:no-such-group", "has no group"},
};

static void test_users(void)
{
	for (size_t i = 0; i < ARRAY_LEN(USERS); i++) {
		scoped(cage_request_done) struct cage_request request = {0};
		const char *wrong = USERS[i].wrong;
		struct err e = {0};
		int code;

		/* The map is the number's: nobody has to be privileged. */
		if (say(&request, "user", USERS[i].text, &e) ||
			say(&request, "userns", "private", &e))
			ok(false, "%s", e.text);
		code = cage_complete(&request, &e);
		if (wrong)
			ok(code && strstr(e.text, wrong) && strstr(e.text, "--user "),
				"user \"%s\": refused: %s", USERS[i].text, e.text);
		else
			ok(!code && request.cage.user.set &&
					request.cage.uid_maps.maps[0].inside ==
						request.cage.user.uid,
				"user \"%s\": user %u group %u", USERS[i].text,
				request.cage.user.uid, request.cage.user.gid);
	}
}

/* What the values come to. */
static void test_meaning(void)
{
	scoped(cage_request_done) struct cage_request request = {0};
	const struct cage *cage = &request.cage;
	struct err e = {0};

	ok(!say(&request, "volume", "/a\\:b\\\\:/c", &e) &&
			!strcmp(cage->mounts[0].source, "/a:b\\") &&
			!strcmp(cage->mounts[0].target, "/c"),
		"\\: and \\\\ stand for : and \\");
	ok(cage->mounts[0].all_set == (MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV) &&
			cage->mounts[0].recursive &&
			cage->mounts[0].propagation == (MS_PRIVATE | MS_REC),
		"a volume: all below, too, without devices and set-user-ID");
	say(&request, "volume", "/a:/c:bind,ro,dev", &e);
	ok(!cage->mounts[1].recursive && !cage->mounts[1].all_set &&
			cage->mounts[1].attr_set == (MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID),
		"options take defaults back");
	say(&request, "ulimit", "nofile=1", &e);
	say(&request, "ulimit", "core=2", &e);
	say(&request, "ulimit", "nofile=3:4", &e);
	ok(cage->n_limits == 2 && cage->limits[0].soft == 3 && cage->limits[0].hard == 4,
		"of a limit said twice, the last one counts");
	say(&request, "monotonic", "-0.25", &e);
	ok(cage->monotonic.s == -1 && cage->monotonic.ns == 750000000, "-0.25 s");
	say(&request, "oom-score-adj", "-17", &e);
	ok(cage->oom_score_adj == -17, "a negative score");
	say(&request, "umask", "027", &e);
	ok(cage->umask == 027, "octal digits");
	say(&request, "uidmap", "0:1000:10", &e);
	ok(say(&request, "uidmap", "9:5000:1", &e) == -EINVAL &&
			say(&request, "uidmap", "20:1009:1", &e),
		"maps that overlap, inside or outside");
	ok(!say(&request, "uidmap", "10:1010:1", &e) && cage->uid_maps.n == 2, "others do not");
}

/* What is said, and which namespaces that makes new, as "mount pid"; or the error. */
static const struct {
	const char *name, *text, *more, *more_text, *spaces, *wrong;
} NEEDS[] = {
	{"hostname", "a", NULL, NULL, "uts", NULL},
	{"private-proc", "true", NULL, NULL, "pid mount", NULL},
	{"private-tmp", "true", NULL, NULL, "mount", NULL},
	{"mask-path", "/a", NULL, NULL, "mount", NULL},
	{"read-only", "true", NULL, NULL, "mount", NULL},
	{"root", "/", NULL, NULL, "mount", NULL},
	{"monotonic", "1", NULL, NULL, "time", NULL},
	{"init", "true", NULL, NULL, "pid", NULL},
	{"net", "none", NULL, NULL, "net", NULL},
	{"uidmap", "0:0:1", NULL, NULL, "", NULL},
	{"umask", "022", NULL, NULL, NULL, NULL},
	{"landlock", "ro:/", NULL, NULL, NULL, NULL},
	{"unshare-all", "true", NULL, NULL, "pid mount net ipc uts cgroup time", NULL},
	{"unshare-all", "true", "net", "host", "pid mount ipc uts cgroup time", NULL},
	{"hostname", "a", "uts", "host", NULL, "takes a uts namespace of its own"},
	{"hostname", "a", "uts", "ns:/x", NULL, "takes a uts namespace of its own"},
	{"private-proc", "true", "pid", "host", NULL, "takes a pid namespace of its own"},
	{"private-proc", "true", "pid", "ns:/x", "mount", NULL},
	{"init", "true", "pid", "ns:/x", NULL, "takes a pid namespace of its own"},
	{"root", "/", "mountns", "host", NULL, "takes a mount namespace of its own"},
	{"pid", "none", NULL, NULL, NULL, "private, host or ns:PATH"},
	{"pid", "ns:", NULL, NULL, NULL, "private, host or ns:PATH"},
	{"pid", "new", NULL, NULL, NULL, "private, host or ns:PATH"},
	{"sysctl", "net.ipv4.ip_forward=1", NULL, NULL, NULL, "on the host, too"},
	{"sysctl", "net.ipv4.ip_forward=1", "net", "none", "mount net", NULL},
	{"sysctl", "net/ipv4/conf/a.b/forwarding=1", "net", "none", "mount net", NULL},
	{"sysctl", "kernel.msgmax=1", "net", "none", NULL, "private ipc namespace"},
	{"sysctl", "kernel.panic=1", "unshare-all", "true", NULL, "belongs to no namespace"},
	{"cap-add", "chown", "cap-drop", "chown", NULL, "both added and dropped"},
	{"cap-add", "all", "cap-drop", "all", NULL, "both added and dropped"},
	{"init-groups", "true", NULL, NULL, NULL, "takes a user of /etc/passwd"},
	{"user", "5:5", "uidmap", "0:1000:1", NULL, "user 5 has no number outside"},
};

static const char *new_spaces(const struct cage *cage, char *text, size_t size)
{
	size_t used = 0;

	text[0] = '\0';
	for (int ns = CAGE_NS_PID; ns < CAGE_NS_COUNT; ns++) {
		if (cage->namespaces[ns].how == CAGE_NS_NEW)
			used += (size_t)snprintf(text + used, size - used, "%s%s", used ? " " : "",
				cage_ns_name((enum cage_ns)ns));
	}
	return text;
}

static void test_needs(void)
{
	for (size_t i = 0; i < ARRAY_LEN(NEEDS); i++) {
		scoped(cage_request_done) struct cage_request request = {0};
		const char *more = NEEDS[i].more;
		struct err e = {0};
		char spaces[128], name[128];
		int code = say(&request, NEEDS[i].name, NEEDS[i].text, &e) ||
			   (more && say(&request, more, NEEDS[i].more_text, &e)) ||
			   cage_complete(&request, &e);

		snprintf(name, sizeof(name), "%s %s %s %s", NEEDS[i].name, NEEDS[i].text,
			more ? more : "", more ? NEEDS[i].more_text : "");
		new_spaces(&request.cage, spaces, sizeof(spaces));
		if (NEEDS[i].wrong)
			ok(code && strstr(e.text, NEEDS[i].wrong), "%s: refused: %s", name, e.text);
		else if (NEEDS[i].spaces)
			is_text(code ? e.text : spaces, NEEDS[i].spaces, "%s: namespaces", name);
		else
			ok(!code && !*spaces && request.cage.used, "%s: a cage without: %s", name,
				e.text);
	}
}

static void test_defaults(void)
{
	scoped(cage_request_done) struct cage_request request = {0}, off = {0}, none = {0};
	struct err e = {0};

	say(&request, "pid", "private", &e);
	ok(!cage_complete(&request, &e) && request.cage.new_session && request.cage.init,
		"a new session, and an init with a PID namespace");
	say(&off, "pid", "private", &e);
	say(&off, "init", "false", &e);
	say(&off, "new-session", "false", &e);
	ok(!cage_complete(&off, &e) && !off.cage.new_session && !off.cage.init, "or not");
	say(&none, "new-session", "false", &e);
	say(&none, "env", "A=b", &e);
	ok(!cage_complete(&none, &e) && !none.cage.used, "an environment takes no cage");
}

static void test_environment(void)
{
	static char *caller[] = {"A=1", "B=2", "A=3", "C=4", NULL};
	scoped(cage_request_done) struct cage_request request = {0}, cleared = {0};
	struct err e = {0};
	char **env = NULL;

	say(&request, "env", "B=x", &e);
	say(&request, "env", "D=", &e);
	say(&request, "unsetenv", "A", &e);
	ok(!cage_environment(&request, caller, &env, &e) && !strcmp(env[0], "B=x") &&
			!strcmp(env[1], "C=4") && !strcmp(env[2], "D=") && !env[3],
		"taken away under every entry, set anew, added");
	say(&cleared, "env", "C", &e);
	say(&cleared, "env", "none", &e);
	say(&cleared, "env", "A=y", &e);
	say(&cleared, "clearenv", "true", &e);
	ok(!cage_environment(&cleared, caller, &env, &e) && !strcmp(env[0], "C=4") &&
			!strcmp(env[1], "A=y") && !env[2],
		"cleared: what is passed and set alone");
}

/* Which sets a user has: as root and others, in a user namespace of its own. */
static void test_caps(void)
{
	const uint64_t chown = UINT64_C(1) << CAP_CHOWN, kill = UINT64_C(1) << CAP_KILL;
	scoped(cage_request_done) struct cage_request root = {0}, user = {0}, less = {0},
						      every = {0};
	const uint64_t *sets = root.cage.caps.sets;
	struct err e = {0};

	say(&root, "userns", "private", &e);
	say(&root, "user", "0:0", &e);
	say(&root, "cap-drop", "all", &e);
	say(&root, "cap-add", "chown,kill", &e);
	ok(!cage_complete(&root, &e) && sets[CAGE_CAP_BOUNDING] == (chown | kill) &&
			sets[CAGE_CAP_PERMITTED] == (chown | kill) &&
			sets[CAGE_CAP_EFFECTIVE] == (chown | kill) && !sets[CAGE_CAP_INHERITABLE] &&
			!sets[CAGE_CAP_AMBIENT],
		"user 0: execve gives it its bounding set");
	say(&user, "userns", "private", &e);
	say(&user, "user", "7:7", &e);
	say(&user, "cap-add", "chown", &e);
	sets = user.cage.caps.sets;
	ok(!cage_complete(&user, &e) && sets[CAGE_CAP_PERMITTED] == chown &&
			sets[CAGE_CAP_AMBIENT] == chown && sets[CAGE_CAP_INHERITABLE] == chown &&
			(sets[CAGE_CAP_BOUNDING] & kill),
		"others: as ambient ones");
	say(&less, "userns", "private", &e);
	say(&less, "user", "0:0", &e);
	say(&less, "cap-drop", "kill", &e);
	sets = less.cage.caps.sets;
	ok(!cage_complete(&less, &e) && (sets[CAGE_CAP_BOUNDING] & chown) &&
			!(sets[CAGE_CAP_BOUNDING] & kill) && !(sets[CAGE_CAP_EFFECTIVE] & kill),
		"all that containers have but what is dropped");
	say(&every, "userns", "private", &e);
	say(&every, "user", "0:0", &e);
	say(&every, "cap-add", "all", &e);
	say(&every, "cap-drop", "kill", &e);
	sets = every.cage.caps.sets;
	ok(!cage_complete(&every, &e) &&
			(sets[CAGE_CAP_EFFECTIVE] & UINT64_C(1) << CAP_SYS_ADMIN) &&
			!(sets[CAGE_CAP_EFFECTIVE] & kill),
		"all that there are but what is dropped");
}

static void test_table(void)
{
	size_t n;
	const struct cage_setting *settings = cage_settings(&n);

	for (size_t i = 0; i < n; i++) {
		const char *name = settings[i].name;

		ok(cage_setting_find(name) == &settings[i] &&
				name[strspn(name, "abcdefghijklmnopqrstuvwxyz-")] == '\0' &&
				!settings[i].value == (settings[i].kind == SETTING_SWITCH) &&
				strlen(settings[i].help) > 0 && strlen(settings[i].help) < 48,
			"%s: once, with its help", name);
	}
	ok(!cage_setting_find("nonsense"), "no other");
}

static void test_names(void)
{
	unsigned long flags;
	int resource;

	for (int i = 0; cage_limit_name(i); i++)
		ok(!cage_limit_by_name(cage_limit_name(i), &resource) && resource == i, "limit %s",
			cage_limit_name(i));
	ok(!cage_propagation_by_name("runbindable", &flags) && flags == (MS_UNBINDABLE | MS_REC) &&
			!strcmp(cage_propagation_name(flags), "runbindable"),
		"propagation");
	ok(cage_sysctl_owner("net.ipv4.x") == CAGE_NS_NET &&
			cage_sysctl_owner("net/ipv4/x") == CAGE_NS_NET &&
			cage_sysctl_owner("network.x") == CAGE_NS_COUNT &&
			cage_sysctl_owner("kernel.sem") == CAGE_NS_IPC &&
			cage_sysctl_owner("kernel.sema") == CAGE_NS_COUNT &&
			cage_sysctl_owner("kernel") == CAGE_NS_COUNT,
		"whose a kernel parameter is");
}

int main(void)
{
	test_table();
	test_names();
	test_values();
	test_users();
	test_meaning();
	test_needs();
	test_defaults();
	test_environment();
	test_caps();
	return tap_done();
}
