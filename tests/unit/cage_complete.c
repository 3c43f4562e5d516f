/* What is said about a cage made whole: users, namespaces, capabilities, the environment. */
#include "cage_complete.h"

#include <linux/capability.h>

#include "cage_names.h"
#include "cage_said.h"
#include "scope.h"
#include "tap.h"

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

int main(void)
{
	test_users();
	test_needs();
	test_defaults();
	test_environment();
	test_caps();
	return tap_done();
}
