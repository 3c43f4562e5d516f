/* What can be said about a cage: each setting with values that it takes and values that it refuses.
 */
#include <errno.h>
#include <linux/mount.h>
#include <sys/mount.h>

#include "cage_names.h"
#include "cage_said.h"
#include "scope.h"
#include "tap.h"

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
	test_meaning();
	return tap_done();
}
