/*
 * What a bundle's config.json becomes: the cage, and what runs in it.
 */
#include <errno.h>
#include <inttypes.h>
#include <linux/capability.h>
#include <linux/mount.h>
#include <linux/seccomp.h>
#include <sys/mount.h>

#include "bundle_test.h"
#include "tap.h"

#define BIT(cap) (1ull << (cap))

/* What a field is and what it is to be. */
struct number {
	const char *what;
	uint64_t got, wanted;
};

struct text {
	const char *what, *got, *wanted;
};

static void are_numbers(const struct number *rows, size_t n)
{
	for (size_t i = 0; i < n; i++)
		ok(rows[i].got == rows[i].wanted, "%s: %#" PRIx64 ", to be %#" PRIx64, rows[i].what,
			rows[i].got, rows[i].wanted);
}

static void are_texts(const struct text *rows, size_t n)
{
	for (size_t i = 0; i < n; i++)
		is_text(rows[i].got, rows[i].wanted, "%s", rows[i].what);
}

static void are_maps(
	const char *what, const struct cage_maps *maps, const struct cage_map *wanted, size_t n)
{
	ok(maps->n == n, "%s: %zu maps", what, maps->n);
	for (size_t i = 0; i < n && i < maps->n; i++) {
		const struct number numbers[] = {
			{"inside", maps->maps[i].inside, wanted[i].inside},
			{"outside", maps->maps[i].outside, wanted[i].outside},
			{"how many", maps->maps[i].count, wanted[i].count},
		};

		are_numbers(numbers, ARRAY_LEN(numbers));
	}
}

static void check_least_numbers(const struct bundle *bundle)
{
	const struct cage *cage = &bundle->cage;
	const struct number numbers[] = {
		{"a cage", cage->used, true},
		{"a read-only root", cage->root.readonly, false},
		{"a root without devices", cage->root.nodev, false},
		{"the default devices", cage->root.default_devices, true},
		{"a propagation", cage->root.propagation, 0},
		{"somebody", cage->user.set, true},
		{"user", cage->user.uid, 0},
		{"group", cage->user.gid, 0},
		{"supplementary groups", cage->user.n_groups, 0},
		{"capabilities are said", cage->caps.set, true},
		{"bounding", cage->caps.sets[CAGE_CAP_BOUNDING], 0},
		{"permitted", cage->caps.sets[CAGE_CAP_PERMITTED], 0},
		{"a session", cage->new_session, true},
		{"with the launcher", cage->with_parent, true},
		{"an init", cage->init, false},
		{"a terminal", cage->terminal, false},
		{"a umask", cage->set_umask, false},
		{"an OOM score", cage->set_oom_score_adj, false},
		{"no_new_privs", bundle->no_new_privs, false},
		{"a profile", bundle->has_profile, false},
	};

	are_numbers(numbers, ARRAY_LEN(numbers));
}

static void check_least_texts(const struct cage *cage)
{
	char path[128], id[64];
	const struct text texts[] = {
		{"its root", cage->root.path, path},
		{"where capabilities would stand", bundle_place(cage->caps.where),
			"$.process.capabilities"},
		{"the state names the bundle", cage->state.bundle, bundle_dir},
		{"and a version", cage->state.oci_version, "1.0.2"},
		{"and an id", cage->state.id, id},
	};

	bundle_path("rootfs", path);
	(void)snprintf(id, sizeof(id), "sysclamp-%d", (int)getpid());
	are_texts(texts, ARRAY_LEN(texts));
}

static void check_least(void)
{
	struct bundle bundle;

	if (!ok(bundle_is_read("{}", &bundle), "the least there can be"))
		return;
	check_least_numbers(&bundle);
	check_least_texts(&bundle.cage);
	ok(!bundle.env[0] && !bundle.cage.state.annotations, "no environment, no annotations");
	bundle_done(&bundle);
}

static void check_rest_of_process(const struct bundle *bundle)
{
	const struct cage *cage = &bundle->cage;

	ok(bundle->no_new_privs && cage->set_oom_score_adj && cage->oom_score_adj == -17,
		"no_new_privs and oom_score_adj");
	ok(cage->n_limits == 2 && cage->limits[0].resource == RLIMIT_NOFILE &&
			cage->limits[0].soft == 10 && cage->limits[0].hard == 20 &&
			cage->limits[1].resource == RLIMIT_AS && cage->limits[1].hard == INT64_MAX,
		"its limits");
	is_text(bundle_place(cage->limits[1].where), "$.process.rlimits[1]", "and their places");
}

static void check_process_numbers(const struct cage *cage)
{
	const struct number numbers[] = {
		{"a terminal", cage->terminal, true},
		{"its rows", cage->rows, 50},
		{"its columns", cage->columns, 132},
		{"user", cage->user.uid, 1000},
		{"group", cage->user.gid, 4294967294},
		{"groups are set", cage->user.set_groups, true},
		{"a umask", cage->set_umask, true},
		{"its umask", cage->umask, 027},
	};

	are_numbers(numbers, ARRAY_LEN(numbers));
}

static void check_process(void)
{
	struct bundle bundle;
	const struct cage *cage = &bundle.cage;

	if (!ok(bundle_is_read(
			"{'process': {'terminal': true, 'consoleSize': {'height': 50, 'width': "
			"132}, "
			"'user': {'uid': 1000, 'gid': 4294967294, 'additionalGids': [5, 0, 7], "
			"'umask': "
			"23}, 'args': ['a', '', 'b c'], 'env': ['A=1', 'PATH=/x', 'A=2=3', 'B='], "
			"'cwd': '/var/x', 'noNewPrivileges': true, 'oomScoreAdj': -17, 'rlimits': "
			"[{'type': 'RLIMIT_NOFILE', 'soft': 10, 'hard': 20}, {'type': 'RLIMIT_AS', "
			"'soft': "
			"0, 'hard': 9223372036854775807}]}}",
			&bundle),
		    "a process"))
		return;
	check_process_numbers(cage);
	ok(cage->user.n_groups == 3 && cage->user.groups[0] == 5 && cage->user.groups[2] == 7,
		"its groups");
	ok(!strcmp(bundle.argv[0], "a") && !*bundle.argv[1] && !strcmp(bundle.argv[2], "b c") &&
			!bundle.argv[3],
		"its arguments");
	ok(!strcmp(bundle.env[0], "A=2=3") && !strcmp(bundle.env[1], "PATH=/x") &&
			!strcmp(bundle.env[2], "B=") && !bundle.env[3],
		"its environment, each name once");
	is_text(cage->cwd, "/var/x", "its working directory");
	is_text(bundle_place(cage->cwd_where), "$.process.cwd", "which knows its place");
	check_rest_of_process(&bundle);
	bundle_done(&bundle);
}

/* jansson, which makes the others, stops at 2^63 - 1. */
static void check_infinity(void)
{
	scoped_free char *text = json_of(
		"{'ociVersion': '1.0.0', 'process': {'args': ['sh'], 'cwd': '/', 'rlimits': "
		"[{'type': "
		"'RLIMIT_CORE', 'soft': 18446744073709551615, 'hard': 18446744073709551615}]}, "
		"'root': "
		"{'path': 'rootfs'}, 'linux': {'namespaces': [{'type': 'mount'}]}}");
	struct bundle bundle = {0};
	struct err e = {0};

	bundle_write(text);
	ok(!bundle_read(bundle_dir, &bundle, NULL, &e) &&
			bundle.cage.limits[0].soft == RLIM_INFINITY &&
			bundle.cage.limits[0].hard == RLIM_INFINITY,
		"no limit is 2^64 - 1");
	bundle_done(&bundle);
}

static void check_caps(void)
{
	struct bundle bundle;
	const uint64_t *sets = bundle.cage.caps.sets;

	ok(bundle_is_read("{'process': {'capabilities': {'bounding': ['CAP_CHOWN', 'CAP_BPF'], "
			  "'permitted': "
			  "['CAP_KILL', 'CAP_CHOWN', 'CAP_SETUID'], 'effective': ['CAP_KILL', "
			  "'CAP_SYS_ADMIN'], "
			  "'inheritable': ['CAP_KILL', 'CAP_SETGID'], 'ambient': ['CAP_KILL', "
			  "'CAP_SETUID', "
			  "'CAP_SETGID']}}}",
		   &bundle),
		"capabilities");
	ok(sets[CAGE_CAP_BOUNDING] == (BIT(CAP_CHOWN) | BIT(CAP_BPF)), "bounding");
	ok(sets[CAGE_CAP_PERMITTED] == (BIT(CAP_KILL) | BIT(CAP_CHOWN) | BIT(CAP_SETUID)),
		"permitted");
	ok(sets[CAGE_CAP_EFFECTIVE] == BIT(CAP_KILL), "effective: of the permitted ones");
	ok(sets[CAGE_CAP_INHERITABLE] == (BIT(CAP_KILL) | BIT(CAP_SETGID)), "inheritable");
	ok(sets[CAGE_CAP_AMBIENT] == BIT(CAP_KILL), "ambient: of the permitted, inheritable ones");
	bundle_done(&bundle);
}

/* Options of a tmpfs, or, with "bind" among them, of a bind mount. */
static const struct {
	const char *options;
	uint64_t set, clear, all_set, all_clear;
	const char *data;
	unsigned long propagation;
} OPTIONS[] = {
	{"'ro'", MOUNT_ATTR_RDONLY, 0, 0, 0, NULL, 0},
	{"'ro', 'rw'", 0, 0, 0, 0, NULL, 0},
	{"'nosuid', 'nodev', 'noexec', 'nodiratime', 'nosymfollow'",
		MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC | MOUNT_ATTR_NODIRATIME |
			MOUNT_ATTR_NOSYMFOLLOW,
		0, 0, 0, NULL, 0},
	{"'nosuid', 'nodev', 'noexec', 'nodiratime', 'nosymfollow', 'suid', 'dev', 'exec', "
	 "'diratime', 'symfollow'",
		0, 0, 0, 0, NULL, 0},
	{"'bind', 'rw', 'suid', 'dev', 'exec'", 0, 0, 0, 0, NULL, 0},
	{"'noatime'", MOUNT_ATTR_NOATIME, MOUNT_ATTR__ATIME, 0, 0, NULL, 0},
	{"'noatime', 'atime'", 0, MOUNT_ATTR__ATIME, 0, 0, NULL, 0},
	{"'noatime', 'nostrictatime'", MOUNT_ATTR_NOATIME, MOUNT_ATTR__ATIME, 0, 0, NULL, 0},
	{"'noatime', 'strictatime'", MOUNT_ATTR_STRICTATIME, MOUNT_ATTR__ATIME, 0, 0, NULL, 0},
	{"'strictatime', 'atime'", MOUNT_ATTR_STRICTATIME, MOUNT_ATTR__ATIME, 0, 0, NULL, 0},
	{"'strictatime', 'relatime'", MOUNT_ATTR_RELATIME, MOUNT_ATTR__ATIME, 0, 0, NULL, 0},
	{"'norelatime'", 0, 0, 0, 0, NULL, 0},
	{"'rbind', 'rro', 'rnosuid', 'rnodev', 'rnoexec', 'rnodiratime', 'rnosymfollow'", 0, 0,
		MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC |
			MOUNT_ATTR_NODIRATIME | MOUNT_ATTR_NOSYMFOLLOW,
		0, NULL, 0},
	{"'rbind', 'rrw', 'rsuid', 'rdev', 'rexec', 'rdiratime', 'rsymfollow'", 0, 0, 0,
		MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC |
			MOUNT_ATTR_NODIRATIME | MOUNT_ATTR_NOSYMFOLLOW,
		NULL, 0},
	{"'rbind', 'rro', 'rrw'", 0, 0, 0, MOUNT_ATTR_RDONLY, NULL, 0},
	{"'rbind', 'rrw', 'rro'", 0, 0, MOUNT_ATTR_RDONLY, 0, NULL, 0},
	{"'rbind', 'rnoatime'", 0, 0, MOUNT_ATTR_NOATIME, MOUNT_ATTR__ATIME, NULL, 0},
	{"'rbind', 'rnoatime', 'ratime'", 0, 0, 0, MOUNT_ATTR__ATIME, NULL, 0},
	{"'rbind', 'rstrictatime', 'rnorelatime'", 0, 0, MOUNT_ATTR_STRICTATIME, MOUNT_ATTR__ATIME,
		NULL, 0},
	{"'rbind', 'rstrictatime', 'rnostrictatime'", 0, 0, 0, MOUNT_ATTR__ATIME, NULL, 0},
	{"'rbind', 'rstrictatime', 'rrelatime'", 0, 0, 0, MOUNT_ATTR__ATIME, NULL, 0},
	{"'defaults', 'async', 'loud', 'silent', 'nolazytime', 'noiversion', 'nomand'", 0, 0, 0, 0,
		NULL, 0},
	{"'mode=755', 'nosuid', 'size=64k', 'sync', 'dirsync', 'lazytime'", MOUNT_ATTR_NOSUID, 0, 0,
		0, "mode=755,size=64k,sync,dirsync,lazytime", 0},
	{"'private'", 0, 0, 0, 0, NULL, MS_PRIVATE},
	{"'rprivate'", 0, 0, 0, 0, NULL, MS_PRIVATE | MS_REC},
	{"'slave'", 0, 0, 0, 0, NULL, MS_SLAVE},
	{"'rslave'", 0, 0, 0, 0, NULL, MS_SLAVE | MS_REC},
	{"'shared'", 0, 0, 0, 0, NULL, MS_SHARED},
	{"'rshared'", 0, 0, 0, 0, NULL, MS_SHARED | MS_REC},
	{"'unbindable'", 0, 0, 0, 0, NULL, MS_UNBINDABLE},
	{"'runbindable'", 0, 0, 0, 0, NULL, MS_UNBINDABLE | MS_REC},
};

static bool same_data(const char *a, const char *b)
{
	return a == b || (a && b && !strcmp(a, b));
}

static void check_options(void)
{
	for (size_t i = 0; i < ARRAY_LEN(OPTIONS); i++) {
		const struct cage_mount *mount;
		struct bundle bundle;
		char patch[512];

		snprintf(patch, sizeof(patch),
			"{'mounts': [{'destination': '/m', 'source': '/s', 'type': 'tmpfs', "
			"'options': "
			"[%s]}]}",
			OPTIONS[i].options);
		if (!ok(bundle_is_read(patch, &bundle), "%s", OPTIONS[i].options))
			continue;
		mount = &bundle.cage.mounts[0];
		ok(mount->attr_set == OPTIONS[i].set && mount->attr_clear == OPTIONS[i].clear &&
				mount->all_set == OPTIONS[i].all_set &&
				mount->all_clear == OPTIONS[i].all_clear &&
				mount->propagation == OPTIONS[i].propagation &&
				same_data(mount->data, OPTIONS[i].data),
			"set %#lx, clear %#lx, all %#lx, all clear %#lx, data %s, propagation %#lx",
			mount->attr_set, mount->attr_clear, mount->all_set, mount->all_clear,
			mount->data ? mount->data : "none", mount->propagation);
		ok(!mount->type == !!strstr(OPTIONS[i].options, "bind'") ||
				strstr(OPTIONS[i].options, "unbindable"),
			"a bind mount or none");
		bundle_done(&bundle);
	}
}

static void check_mounts(void)
{
	struct bundle bundle;
	const struct cage_mount *mounts;
	char path[128];

	ok(bundle_is_read(
		   "{'mounts': [{'destination': 'old/way', 'type': 'tmpfs', 'options': "
		   "['tmpcopyup']}, {'destination': '/b', 'source': 'data', 'options': ['rbind']}, "
		   "{'destination': '/b', 'source': '/abs', 'type': 'bind'}, {'destination': '/b', "
		   "'type': 'none', 'source': 'x', 'options': ['bind']}]}",
		   &bundle),
		"mounts");
	mounts = bundle.cage.mounts;
	ok(bundle.cage.n_mounts == 4, "all of them, two of one target too");
	ok(!strcmp(mounts[0].target, "/old/way") && mounts[0].copies_up &&
			!strcmp(mounts[0].type, "tmpfs"),
		"a relative target is of the root");
	bundle_path("data", path);
	ok(!strcmp(mounts[1].source, path) && mounts[1].recursive && !mounts[1].type,
		"a relative source is of the bundle");
	ok(!strcmp(mounts[2].source, "/abs") && !mounts[2].recursive && !mounts[2].type,
		"a bind mount by its type");
	is_text(bundle_place(mounts[3].where), "$.mounts[3]", "it knows its place");
	bundle_done(&bundle);
	ok(bundle_is_read(
		   "{'mounts': [{'destination': '/dev', 'source': '/dev', 'options': ['rbind']}]}",
		   &bundle) &&
			!bundle.cage.root.default_devices,
		"a bind mount on /dev gets no devices");
	bundle_done(&bundle);
}

static void check_names_and_clocks(const struct cage *cage)
{
	const struct text texts[] = {
		{"joined by its path", cage->namespaces[CAGE_NS_UTS].path, "/proc/1/ns/uts"},
		{"it knows its place", bundle_place(cage->namespaces[CAGE_NS_UTS].where),
			"$.linux.namespaces[1]"},
		{"hostname", cage->hostname, "h"},
		{"domainname", cage->domainname, "d"},
	};
	const struct number clocks[] = {
		{"clocks are set", cage->set_clocks, true},
		{"monotonic, seconds", (uint64_t)cage->monotonic.s, (uint64_t)-7},
		{"monotonic, nanoseconds", cage->monotonic.ns, 999999999},
		{"boottime, seconds", (uint64_t)cage->boottime.s, INT64_MAX},
		{"boottime, nanoseconds", cage->boottime.ns, 0},
	};

	are_texts(texts, ARRAY_LEN(texts));
	are_numbers(clocks, ARRAY_LEN(clocks));
}

static void check_spaces(void)
{
	struct bundle bundle;
	const struct cage *cage = &bundle.cage;

	if (!ok(bundle_is_read(
			"{'hostname': 'h', 'domainname': 'd', 'process': {'user': {'uid': 11, "
			"'gid': "
			"3}}, "
			"'linux': {'namespaces': [{'type': 'mount'}, {'type': 'uts', 'path': "
			"'/proc/1/ns/uts'}, {'type': 'user'}, {'type': 'pid', 'path': ''}, "
			"{'type': "
			"'ipc'}, "
			"{'type': 'network'}, {'type': 'cgroup'}, {'type': 'time'}], "
			"'uidMappings': "
			"[{'containerID': 0, 'hostID': 1000, 'size': 1}, {'containerID': 10, "
			"'hostID': "
			"100000, 'size': 5}], 'gidMappings': [{'containerID': 3, 'hostID': 4, "
			"'size': "
			"1}], "
			"'timeOffsets': {'monotonic': {'secs': -7, 'nanosecs': 999999999}, "
			"'boottime': "
			"{'secs': 9223372036854775807}}}}",
			&bundle),
		    "namespaces"))
		return;
	for (int i = 0; i < CAGE_NS_COUNT; i++)
		ok(cage->namespaces[i].how == (i == CAGE_NS_UTS ? CAGE_NS_JOIN : CAGE_NS_NEW),
			"namespace %d", i);
	check_names_and_clocks(cage);
	are_maps("users", &cage->uid_maps, (const struct cage_map[]){{0, 1000, 1}, {10, 100000, 5}},
		2);
	are_maps("groups", &cage->gid_maps, (const struct cage_map[]){{3, 4, 1}}, 1);
	bundle_done(&bundle);
}

/* The caller is mapped to the process's user. */
static void check_no_maps(void)
{
	struct bundle bundle;

	if (!ok(bundle_is_read("{'process': {'user': {'uid': 5, 'gid': 6}}, 'linux': "
			       "{'namespaces': [{'type': "
			       "'mount'}, {'type': 'user'}]}}",
			&bundle),
		    "a user namespace without mappings"))
		return;
	are_maps("users", &bundle.cage.uid_maps, (const struct cage_map[]){{5, geteuid(), 1}}, 1);
	are_maps("groups", &bundle.cage.gid_maps, (const struct cage_map[]){{6, getegid(), 1}}, 1);
	bundle_done(&bundle);
}

static void check_linux(void)
{
	struct bundle bundle;
	const struct cage *cage = &bundle.cage;

	ok(bundle_is_read(
		   "{'root': {'readonly': true}, 'linux': {'namespaces': [{'type': 'mount'}, "
		   "{'type': "
		   "'network'}, {'type': 'ipc'}], 'maskedPaths': ['/a', '/b'], 'readonlyPaths': "
		   "['/c'], 'rootfsPropagation': 'private', 'sysctl': {'net.ipv4.ip_forward': '1', "
		   "'net/ipv4/conf/eth0.1/forwarding': '', 'fs.mqueue.msg_max': '5', "
		   "'kernel.shm_rmid_forced': '1'}, 'seccomp': {'defaultAction': "
		   "'SCMP_ACT_KILL_PROCESS', "
		   "'architectures': ['SCMP_ARCH_X86_64'], 'flags': ['SECCOMP_FILTER_FLAG_LOG'], "
		   "'syscalls': [{'names': ['read'], 'action': 'SCMP_ACT_ALLOW'}]}}}",
		   &bundle),
		"linux");
	ok(cage->root.readonly && cage->root.propagation == (MS_PRIVATE | MS_REC), "the root");
	ok(cage->n_masked == 2 && !strcmp(cage->masked[1], "/b") && cage->n_readonly == 1 &&
			!strcmp(cage->readonly[0], "/c"),
		"masked and read-only paths");
	ok(cage->n_sysctls == 4 &&
			!strcmp(cage->sysctls[1].name, "net/ipv4/conf/eth0.1/forwarding"),
		"kernel parameters");
	ok(bundle.has_profile && bundle.profile.default_action == SECCOMP_RET_KILL_PROCESS &&
			bundle.profile.n_rules == 1 &&
			bundle.profile.flags == SECCOMP_FILTER_FLAG_LOG,
		"a profile");
	is_text(bundle_place(bundle.profile_where), "$.linux.seccomp", "it knows its place");
	bundle_done(&bundle);
}

static void check_hooks(void)
{
	static const char *const keys[CAGE_HOOK_TIMES] = {"prestart", "createRuntime",
		"createContainer", "startContainer", "poststart", "poststop"};
	struct bundle bundle;

	for (int i = 0; i < CAGE_HOOK_TIMES; i++) {
		const struct cage_hooks *hooks = &bundle.cage.hooks[i];
		char patch[256];

		snprintf(patch, sizeof(patch),
			"{'hooks': {'%s': [{'path': '/a'}, {'path': '/b', 'args': ['x', 'y'], "
			"'env': "
			"['A=1'], 'timeout': 3}]}}",
			keys[i]);
		ok(bundle_is_read(patch, &bundle) && hooks->n == 2, "%s", keys[i]);
		ok(!strcmp(hooks->hooks[0].argv[0], "/a") && !hooks->hooks[0].argv[1] &&
				!hooks->hooks[0].env[0] && !hooks->hooks[0].timeout_s,
			"what is not said");
		ok(!strcmp(hooks->hooks[1].path, "/b") && !strcmp(hooks->hooks[1].argv[1], "y") &&
				!strcmp(hooks->hooks[1].env[0], "A=1") &&
				hooks->hooks[1].timeout_s == 3,
			"what is said");
		bundle_done(&bundle);
	}
	ok(bundle_is_read("{'annotations': {'b': 'x\\ny', 'a': ''}}", &bundle), "annotations");
	is_text(bundle.cage.state.annotations, "{\"b\": \"x\\u000ay\", \"a\": \"\"}",
		"as they are");
	bundle_done(&bundle);
}

int main(void)
{
	if (!bundle_begin())
		return 1;
	check_least();
	check_process();
	check_infinity();
	check_caps();
	check_options();
	check_mounts();
	check_spaces();
	check_no_maps();
	check_linux();
	check_hooks();
	ok(bundle_end(), "nothing is left");
	return tap_done();
}
