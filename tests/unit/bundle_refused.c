/*
 * What a bundle may not say, and what is said about it: config.json snippets and their error or
 * notice.  Each key of the specification's schema stands here or in bundle.c, where it is read.
 */
#include <errno.h>

#include "bundle_test.h"
#include "tap.h"

static const struct {
	const char *patch, *error;
} ROWS[] = {
	/* the file itself */
	{"{'ociVersion': null}", "$: \"ociVersion\" is missing"},
	{"{'ociVersion': '2.0.0'}",
		"$.ociVersion: version \"2.0.0\": sysclamp reads bundles of version 1.x"},
	{"{'ociVersion': '1.'}",
		"$.ociVersion: version \"1.\": sysclamp reads bundles of version 1.x"},
	{"{'ociVersion': 1}", "$.ociVersion: a string expected, this is an integer"},
	{"{'process': null}", "$: \"process\" is missing"},
	{"{'root': null}", "$: \"root\" is missing"},
	{"{'Hostname': 'x'}",
		"$: \"Hostname\" is read by some runtimes and dropped by others; write "
		"\"hostname\""},
	{"{'process': {'nonewprivileges': true}}",
		"$.process: \"nonewprivileges\" is read by some runtimes and dropped by others; "
		"write \"noNewPrivileges\""},
	{"{'vm': {'kernel': {'path': '/k'}}}",
		"$.vm: sysclamp starts no virtual machine; remove it"},
	{"{'windows': {'layerFolders': ['c']}}",
		"$.windows: is for another system than Linux; remove it"},
	{"{'solaris': {'milestone': 'm'}}",
		"$.solaris: is for another system than Linux; remove it"},
	{"{'zos': {'namespaces': [1]}}", "$.zos: is for another system than Linux; remove it"},
	{"{'freebsd': {'jail': {'host': 'new'}}}",
		"$.freebsd: is for another system than Linux; remove it"},
	/* root */
	{"{'root': {'path': null}}", "$.root: \"path\" is missing"},
	{"{'root': {'path': ''}}", "$.root.path: empty; remove it or give it a value"},
	{"{'root': {'path': '/nowhere'}}", "$.root.path: /nowhere: No such file or directory"},
	{"{'root': {'path': '/etc/passwd'}}", "$.root.path: /etc/passwd is no directory"},
	{"{'root': {'readonly': 1}}",
		"$.root.readonly: true or false expected, this is an integer"},
	/* process */
	{"{'process': {'args': null}}", "$.process: \"args\" is missing"},
	{"{'process': {'args': []}}",
		"$.process.args: names no program; write one as the first element"},
	{"{'process': {'args': ['']}}",
		"$.process.args: names no program; write one as the first element"},
	{"{'process': {'args': ['a', 2]}}",
		"$.process.args[1]: a string expected, this is an integer"},
	{"{'process': {'cwd': null}}", "$.process: \"cwd\" is missing"},
	{"{'process': {'cwd': 'tmp'}}",
		"$.process.cwd: \"tmp\" is relative; write a path that begins with /"},
	{"{'process': {'env': ['A=1', 'B']}}", "$.process.env[1]: \"B\" is not NAME=VALUE"},
	{"{'process': {'env': ['=1']}}", "$.process.env[0]: \"=1\" is not NAME=VALUE"},
	{"{'process': {'terminal': true, 'consoleSize': {'height': 70000, 'width': 1}}}",
		"$.process.consoleSize.height: 70000 is larger than 65535"},
	{"{'process': {'user': {'uid': '0'}}}",
		"$.process.user.uid: a plain integer expected, this is a string"},
	{"{'process': {'user': {'uid': -1}}}", "$.process.user.uid: -1 is negative"},
	{"{'process': {'user': {'uid': 4294967295}}}",
		"$.process.user.uid: 4294967295 is larger than 4294967294"},
	{"{'process': {'user': {'gid': 4294967296}}}",
		"$.process.user.gid: 4294967296 is larger than 4294967294"},
	{"{'process': {'user': {'uid': 1.0}}}",
		"$.process.user.uid: a plain integer expected, this is a number with a fraction or "
		"exponent"},
	{"{'process': {'user': {'additionalGids': [1, -2]}}}",
		"$.process.user.additionalGids[1]: -2 is negative"},
	{"{'process': {'user': {'umask': 512}}}", "$.process.user.umask: 512 is larger than 511"},
	{"{'process': {'user': {'username': 'x'}}}",
		"$.process.user.username: names a user of Windows; write \"uid\" and \"gid\""},
	{"{'process': {'rlimits': [{'type': 'RLIMIT_NOFIL', 'soft': 1, 'hard': 1}]}}",
		"$.process.rlimits[0].type: unknown limit \"RLIMIT_NOFIL\"; did you mean "
		"RLIMIT_NOFILE?"},
	{"{'process': {'rlimits': [{'type': 'RLIMIT_CPU', 'soft': 2, 'hard': 1}]}}",
		"$.process.rlimits[0].soft: above the hard limit"},
	{"{'process': {'rlimits': [{'type': 'RLIMIT_CPU', 'soft': 1}]}}",
		"$.process.rlimits[0]: \"hard\" is missing"},
	{"{'process': {'rlimits': [{'type': 'RLIMIT_CPU', 'soft': 1, 'hard': 1}, "
	 "{'type': 'RLIMIT_CPU', 'soft': 1, 'hard': 1}]}}",
		"$.process.rlimits[1]: a second limit of the same type; remove one"},
	{"{'process': {'oomScoreAdj': 1001}}",
		"$.process.oomScoreAdj: 1001 is not between -1000 and 1000"},
	{"{'process': {'apparmorProfile': 'docker-default'}}",
		"$.process.apparmorProfile: sysclamp loads no AppArmor profile; remove it, or "
		"start "
		"sysclamp itself under it (aa-exec -p docker-default)"},
	{"{'process': {'selinuxLabel': 'a:b'}}", "$.process.selinuxLabel: sysclamp sets no SELinux "
						 "label; remove it, or start sysclamp "
						 "itself under it (runcon)"},
	{"{'process': {'scheduler': {'policy': 'SCHED_FIFO'}}}",
		"$.process.scheduler: sysclamp sets no scheduling policy; remove it, or start "
		"sysclamp itself under it (chrt, nice)"},
	{"{'process': {'ioPriority': {'class': 'IOPRIO_CLASS_RT'}}}",
		"$.process.ioPriority: sysclamp sets no I/O priority; remove it, or start sysclamp "
		"itself with it (ionice)"},
	{"{'process': {'commandLine': 'cmd'}}",
		"$.process.commandLine: is for Windows; write \"args\""},
	/* mounts */
	{"{'mounts': [{'type': 'tmpfs'}]}", "$.mounts[0]: \"destination\" is missing"},
	{"{'mounts': [{'destination': '/', 'type': 'tmpfs'}]}",
		"$.mounts[0].destination: the root itself: name it in $.root.path"},
	{"{'mounts': [{'destination': '/./..//', 'type': 'tmpfs'}]}",
		"$.mounts[0].destination: the root itself: name it in $.root.path"},
	{"{'mounts': [{'destination': '/a'}]}", "$.mounts[0]: neither a file system's \"type\" nor "
						"the option \"bind\" or \"rbind\""},
	{"{'mounts': [{'destination': '/a', 'type': 'none', 'options': ['ro']}]}",
		"$.mounts[0]: neither a file system's \"type\" nor the option \"bind\" or "
		"\"rbind\""},
	{"{'mounts': [{'destination': '/a', 'options': ['bind']}]}",
		"$.mounts[0]: a bind mount without a \"source\""},
	{"{'mounts': [{'destination': '/a', 'source': '/b', 'options': ['bind', 'redonly']}]}",
		"$.mounts[0]: \"redonly\" is no option of a bind mount: it would have no effect; "
		"remove it"},
	{"{'mounts': [{'destination': '/a', 'source': '/b', 'options': ['bind', 'sync']}]}",
		"$.mounts[0]: \"sync\" is no option of a bind mount: it would have no effect; "
		"remove it"},
	{"{'mounts': [{'destination': '/a', 'source': '/b', 'options': ['bind', 'tmpcopyup']}]}",
		"$.mounts[0]: \"tmpcopyup\" is for a tmpfs, not for a bind mount; remove it"},
	{"{'mounts': [{'destination': '/a', 'type': 'proc', 'options': ['tmpcopyup']}]}",
		"$.mounts[0]: \"tmpcopyup\" is for a tmpfs, not for proc"},
	{"{'mounts': [{'destination': '/a', 'type': 'tmpfs', 'options': ['remount']}]}",
		"$.mounts[0].options[0]: \"remount\": nothing is mounted a second time; give the "
		"options to the entry that mounts it"},
	{"{'mounts': [{'destination': '/a', 'type': 'tmpfs', 'options': ['mand']}]}",
		"$.mounts[0].options[0]: \"mand\": Linux has no mandatory locks since 5.15; remove "
		"it"},
	{"{'mounts': [{'destination': '/a', 'type': 'tmpfs', 'options': ['iversion']}]}",
		"$.mounts[0].options[0]: \"iversion\": sysclamp does not switch version numbers of "
		"inodes on; remove it"},
	{"{'mounts': [{'destination': '/a', 'source': '/b', 'options': ['bind', 'idmap']}]}",
		"$.mounts[0].options[1]: \"idmap\": sysclamp maps no owners of mounts; remove it"},
	{"{'mounts': [{'destination': '/a', 'source': '/b', 'options': ['bind', 'ridmap']}]}",
		"$.mounts[0].options[1]: \"ridmap\": sysclamp maps no owners of mounts; remove it"},
	{"{'mounts': [{'destination': '/a', 'type': 'tmpfs', 'uidMappings': [{}, {'size': 1}]}]}",
		"$.mounts[0].uidMappings: sysclamp maps no owners of mounts; remove it"},
	{"{'mounts': [{'destination': '/a', 'type': 'tmpfs', 'gidMappings': [{'size': 1}]}]}",
		"$.mounts[0].gidMappings: sysclamp maps no owners of mounts; remove it"},
	/* namespaces and what needs them */
	{"{'linux': {'namespaces': [{'type': 'networks'}]}}",
		"$.linux.namespaces[0].type: unknown namespace \"networks\"; did you mean "
		"network?"},
	{"{'linux': {'namespaces': [{'type': 'pid', 'path': 'ns'}]}}",
		"$.linux.namespaces[0].path: \"ns\" is relative; write a path that begins with /"},
	{"{'linux': {'namespaces': [{'type': 'pid'}, {'type': 'pid'}]}}",
		"$.linux.namespaces[1]: a second one of the same type; remove one"},
	{"{'linux': {'namespaces': [{}]}}", "$.linux.namespaces[0]: \"type\" is missing"},
	{"{'linux': {'namespaces': []}}", "$.linux.namespaces: a root of one's own needs a new "
					  "mount namespace: add {\"type\": "
					  "\"mount\"}, without a path"},
	{"{'linux': {'namespaces': [{'type': 'mount', 'path': '/proc/1/ns/mnt'}]}}",
		"$.linux.namespaces: a root of one's own needs a new mount namespace: add "
		"{\"type\": "
		"\"mount\"}, without a path"},
	{"{'linux': null}", "$.linux.namespaces: a root of one's own needs a new mount namespace: "
			    "add {\"type\": "
			    "\"mount\"}, without a path"},
	{"{'hostname': 'x'}",
		"$.hostname: would rename the host; add a namespace of type \"uts\", or remove it"},
	{"{'domainname': 'x'}",
		"$.domainname: would rename the host's domain; add a namespace of type \"uts\", or "
		"remove it"},
	{"{'hostname': '12345678901234567890123456789012345678901234567890123456789012345'}",
		"$.hostname: 65 bytes, Linux takes 64"},
	{"{'linux': {'uidMappings': [{'containerID': 0, 'hostID': 1, 'size': 1}]}}",
		"$.linux.uidMappings: needs a new namespace of type \"user\", without a path"},
	{"{'linux': {'gidMappings': [{'containerID': 0, 'hostID': 1, 'size': 1}]}}",
		"$.linux.gidMappings: needs a new namespace of type \"user\", without a path"},
	{"{'linux': {'uidMappings': [{'containerID': 0, 'hostID': 1, 'size': 0}]}}",
		"$.linux.uidMappings[0]: maps no id"},
	{"{'linux': {'uidMappings': [{'containerID': 0, 'hostID': 1}]}}",
		"$.linux.uidMappings[0]: \"size\" is missing"},
	{"{'linux': {'uidMappings': [{'containerID': 0, 'hostID': 1, 'size': 4294967295}]}}",
		"$.linux.uidMappings[0]: goes beyond id 4294967294, the last one there is"},
	{"{'linux': {'gidMappings': [{'containerID': 0, 'hostID': 1000, 'size': 10}, "
	 "{'containerID': 9, 'hostID': 2000, 'size': 1}]}}",
		"$.linux.gidMappings[1]: maps ids that another one maps, too"},
	{"{'linux': {'gidMappings': [{'containerID': 0, 'hostID': 1000, 'size': 10}, "
	 "{'containerID': 10, 'hostID': 999, 'size': 2}]}}",
		"$.linux.gidMappings[1]: maps ids that another one maps, too"},
	{"{'process': {'user': {'uid': 5}}, 'linux': {'namespaces': [{'type': 'mount'}, {'type': "
	 "'user'}], 'uidMappings': [{'containerID': 0, 'hostID': 1, 'size': 5}]}}",
		"$.process.user.uid: 5 is not mapped into the user namespace; add it to "
		"$.linux.uidMappings"},
	{"{'process': {'user': {'additionalGids': [0, 7]}}, 'linux': {'namespaces': [{'type': "
	 "'mount'}, {'type': 'user'}]}}",
		"$.process.user.additionalGids: 7 is not mapped into the user namespace; add it to "
		"$.linux.gidMappings"},
	{"{'linux': {'timeOffsets': {'boottime': {'secs': 1}}}}",
		"$.linux.timeOffsets: needs a new namespace of type \"time\", without a path"},
	{"{'linux': {'timeOffsets': {'monotonic': {'nanosecs': 1000000000}}}}",
		"$.linux.timeOffsets.monotonic.nanosecs: 1000000000 is larger than 999999999"},
	{"{'linux': {'sysctl': {'net.ipv4.ip_forward': '1'}}}",
		"$.linux.sysctl.net.ipv4.ip_forward: would be set on the host, too; add a "
		"namespace of "
		"type \"network\""},
	{"{'linux': {'sysctl': {'kernel/shmmax': '1'}}}",
		"$.linux.sysctl.kernel/shmmax: would be set on the host, too; add a namespace of "
		"type "
		"\"ipc\""},
	{"{'linux': {'sysctl': {'vm.swappiness': '1'}}}",
		"$.linux.sysctl.vm.swappiness: belongs to no namespace: it would be set on the "
		"host; "
		"remove it"},
	{"{'linux': {'sysctl': {'net/../kernel/core_pattern': '|/x'}, 'namespaces': [{'type': "
	 "'network'}]}}",
		"$.linux.sysctl.net/../kernel/core_pattern: \"net/../kernel/core_pattern\" is no "
		"name "
		"of a kernel parameter"},
	{"{'linux': {'sysctl': {'net.//kernel': '1'}}}",
		"$.linux.sysctl.net.//kernel: \"net.//kernel\" is no name of a kernel parameter"},
	{"{'linux': {'sysctl': {'net..a': '1'}}}",
		"$.linux.sysctl.net..a: \"net..a\" is no name of a kernel parameter"},
	{"{'linux': {'sysctl': {'net.a': 1}}}",
		"$.linux.sysctl.net.a: a string expected, this is an integer"},
	/* the rest of linux */
	{"{'linux': {'rootfsPropagation': 'rshared'}}",
		"$.linux.rootfsPropagation: sysclamp makes no such root; write \"slave\" or "
		"\"private\""},
	{"{'linux': {'rootfsPropagation': 'unbindable'}}",
		"$.linux.rootfsPropagation: sysclamp makes no such root; write \"slave\" "
		"or "
		"\"private\""},
	{"{'linux': {'rootfsPropagation': 'x'}}",
		"$.linux.rootfsPropagation: unknown propagation \"x\""},
	{"{'linux': {'maskedPaths': ['/a', 'b']}}",
		"$.linux.maskedPaths[1]: \"b\" is relative; write a path that begins with /"},
	{"{'linux': {'readonlyPaths': ['b']}}",
		"$.linux.readonlyPaths[0]: \"b\" is relative; write a path that begins with /"},
	{"{'linux': {'mountLabel': 'a:b'}}",
		"$.linux.mountLabel: sysclamp sets no SELinux label; remove it"},
	{"{'linux': {'intelRdt': {'closID': 'a'}}}",
		"$.linux.intelRdt: sysclamp uses no resctrl file system; remove it"},
	{"{'linux': {'memoryPolicy': {'mode': 'MPOL_BIND'}}}",
		"$.linux.memoryPolicy: sysclamp sets no memory policy; remove it, or start "
		"sysclamp "
		"itself under it (numactl)"},
	{"{'linux': {'netDevices': {'eth0': {'name': 'a'}}}}",
		"$.linux.netDevices: sysclamp moves no network devices; remove it, or move them in "
		"a "
		"createRuntime hook"},
	{"{'linux': {'personality': {'domain': 'LINUX32'}}}",
		"$.linux.personality.domain: sysclamp sets no personality; remove it, or start "
		"sysclamp itself under it (setarch)"},
	{"{'linux': {'personality': {'domain': 'LINUX', 'flags': ['a']}}}",
		"$.linux.personality.flags: no flag is known; remove them"},
	{"{'linux': {'seccomp': {}}}", "$.linux.seccomp: no \"defaultAction\": runc would run the "
				       "program unconfined; write "
				       "one, such as \"SCMP_ACT_ERRNO\""},
	{"{'linux': {'seccomp': {'defaultAction': 'SCMP_ACT_ERRNO', 'syscalls': [{'names': "
	 "['read'], 'action': 'SCMP_ACT_ALOW'}]}}}",
		"$.linux.seccomp.syscalls[0].action: unknown action \"SCMP_ACT_ALOW\"; did you "
		"mean "
		"SCMP_ACT_ALLOW?"},
	/* resources */
	{"{'linux': {'resources': {'memory': {'limit': 0}}}}",
		"$.linux.resources.memory: sysclamp does not limit memory; remove it, or limit "
		"sysclamp itself, such as by systemd-run -p MemoryMax="},
	{"{'linux': {'resources': {'cpu': {'shares': 2}}}}",
		"$.linux.resources.cpu: sysclamp does not limit processor time; remove it, or "
		"limit "
		"sysclamp itself, such as by systemd-run -p CPUQuota="},
	{"{'linux': {'resources': {'pids': {'limit': 9}}}}",
		"$.linux.resources.pids: sysclamp does not limit the number of processes; remove "
		"it, "
		"or limit sysclamp itself, such as by systemd-run -p TasksMax="},
	{"{'linux': {'resources': {'blockIO': {'weight': 9}}}}",
		"$.linux.resources.blockIO: sysclamp does not limit block I/O; remove it, or limit "
		"sysclamp itself, such as by systemd-run -p IOWeight="},
	{"{'linux': {'resources': {'unified': {'cgroup.max.depth': '1'}}}}",
		"$.linux.resources.unified: sysclamp writes no files of a cgroup; remove it"},
	{"{'linux': {'resources': {'hugepageLimits': [{'pageSize': '2MB', 'limit': 1}]}}}",
		"$.linux.resources.hugepageLimits: sysclamp does not limit huge pages; remove it"},
	{"{'linux': {'resources': {'network': {'classID': 1}}}}",
		"$.linux.resources.network: sysclamp sets no class and no priority of packets; "
		"remove "
		"it"},
	{"{'linux': {'resources': {'rdma': {'mlx5_1': {'hcaHandles': 3}}}}}",
		"$.linux.resources.rdma: sysclamp does not limit RDMA; remove it"},
	/* hooks and annotations */
	{"{'hooks': {'prestart': [{'args': ['a']}]}}", "$.hooks.prestart[0]: \"path\" is missing"},
	{"{'hooks': {'createRuntime': [{'path': 'a'}]}}",
		"$.hooks.createRuntime[0].path: \"a\" is relative; write a path that begins with "
		"/"},
	{"{'hooks': {'poststop': [{'path': '/a', 'timeout': 0}]}}",
		"$.hooks.poststop[0].timeout: 0 s would end every hook at once; remove it for no "
		"limit"},
	{"{'hooks': {'poststart': [{'path': '/a', 'timeout': -5}]}}",
		"$.hooks.poststart[0].timeout: -5 is negative"},
	{"{'hooks': {'createContainer': [{'path': '/a', 'env': ['A']}]}}",
		"$.hooks.createContainer[0].env[0]: \"A\" is not NAME=VALUE"},
	{"{'annotations': {'a': 1}}", "$.annotations.a: a string expected, this is an integer"},
	{"{'annotations': {'': 'a'}}", "$.annotations.: an annotation without a name; remove it"},
	{"{'hooks': []}", "$.hooks: an object expected, this is an array"},
};

static void check_refused(void)
{
	for (size_t i = 0; i < ARRAY_LEN(ROWS); i++) {
		struct bundle bundle = {.no_new_privs = true};
		struct err e = {0};
		int result = bundle_of(BUNDLE_BASE, ROWS[i].patch, &bundle, NULL, &e);

		is_text(result ? bundle_place(e.text) : "read", ROWS[i].error, "%.60s",
			ROWS[i].patch);
		ok(bundle.no_new_privs && !bundle.argv, "the bundle is left alone");
		if (!result)
			bundle_done(&bundle);
	}
}

/* Read all the same; what is not done is said. */
static const struct {
	const char *patch, *notice; /* "": none */
} TOLD[] = {
	{"{'ociVersion': '1.3.0-dev', 'x': 1}", "$: unknown key \"x\" ignored\n"},
	{"{'process': {'umask': 1}}", "$.process: unknown key \"umask\" ignored\n"},
	{"{'process': {'capabilites': {}}}",
		"$.process: unknown key \"capabilites\" ignored; did you mean capabilities?\n"},
	{"{'process': {'execCPUAffinity': {'final': '0-3'}}}",
		"$.process.execCPUAffinity: ignored: it is about processes that join later\n"},
	{"{'linux': {'cgroupsPath': '/x'}}",
		"$.linux.cgroupsPath: ignored: the command stays in the cgroup of sysclamp\n"},
	{"{'process': {'capabilities': {'bounding': ['CAP_KILL', 'CAP_FLY', 'kill']}}}",
		"$.process.capabilities.bounding[1]: left out: \"CAP_FLY\" is no capability that "
		"is "
		"known here\n"},
	{"{'process': {'capabilities': {'ambient': ['CAP_KILL'], 'permitted': ['CAP_KILL']}}}",
		"$.process.capabilities: ambient: left out what is not inheritable: CAP_KILL; "
		"add that to inheritable, or remove it from ambient\n"},
	/* what asks for nothing */
	{"{'process': {'apparmorProfile': '', 'selinuxLabel': '', 'user': {'username': ''}}}", ""},
	{"{'process': {'apparmorProfile': 'unconfined'}}", ""},
	{"{'linux': {'resources': {'memory': {'useHierarchy': false}, 'pids': {}, 'unified': "
	 "null}, "
	 "'cgroupsPath': '', 'mountLabel': '', 'intelRdt': {}, 'netDevices': {}}}",
		""},
	{"{'hostname': '', 'domainname': '', 'windows': null, 'hooks': {}, 'mounts': []}", ""},
	{"{'linux': {'personality': {'domain': 'LINUX'}, 'rootfsPropagation': ''}}", ""},
	{"{'process': {'consoleSize': {'height': 70000, 'width': 1}}}", ""},
};

static void check_told(void)
{
	for (size_t i = 0; i < ARRAY_LEN(TOLD); i++) {
		struct heard heard = {0};
		struct bundle bundle = {0};
		struct err e = {0};

		if (!ok(!bundle_of(BUNDLE_BASE, TOLD[i].patch, &bundle, &heard, &e), "%.60s",
			    TOLD[i].patch))
			printf("#   %s\n", e.text);
		if (*TOLD[i].notice)
			ok(!strncmp(bundle_place(heard.text), TOLD[i].notice,
				   strlen(TOLD[i].notice)),
				"says so");
		else
			is_text(heard.text, "", "says nothing");
		bundle_done(&bundle);
	}
}

/* No more notices than anybody reads. */
static void check_many_notices(void)
{
	scoped_free char *patch = malloc(100000);
	struct heard heard = {0};
	struct bundle bundle = {0};
	size_t used = 0;
	struct err e;

	used += (size_t)sprintf(patch, "{");
	for (int i = 0; i < 1000; i++)
		used += (size_t)sprintf(patch + used, "%s'x-%d': 1", i ? ", " : "", i);
	sprintf(patch + used, "}");
	ok(!bundle_of(BUNDLE_BASE, patch, &bundle, &heard, &e) && heard.lines == 17,
		"1000 unknown keys: %u notices", heard.lines);
	bundle_done(&bundle);
}

/* Texts that are no bundle at all. */
static void check_texts(void)
{
	static const struct {
		const char *text;
		int code;
	} rows[] = {
		{"", EINVAL},
		{"[]", EINVAL},
		{"null", EINVAL},
		{"{\"ociVersion\": \"1.0.0\", \"ociVersion\": \"1.0.0\"}", EINVAL},
		{"{\"ociVersion\": \"1.0\\u0000\"}", EINVAL},
		{"\xef\xbb\xbf{}", EINVAL},
		{"{\"process\": {\"args\": [\"a\xff\"]}}", EINVAL},
	};
	struct bundle bundle = {0};
	struct err e = {0};
	char path[128];

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		bundle_write(rows[i].text);
		ok(bundle_read(bundle_dir, &bundle, NULL, &e) == -rows[i].code, "%s", e.text);
	}
	bundle_path("config.json", path);
	unlink(path);
	ok(bundle_read(bundle_dir, &bundle, NULL, &e) == -ENOENT, "%s", e.text);
	ok(bundle_read("/nowhere", &bundle, NULL, &e) == -ENOENT, "%s", e.text);
	bundle_write("");
	ok(!truncate(path, BUNDLE_SIZE_MAX + 1) &&
			bundle_read(bundle_dir, &bundle, NULL, &e) == -EFBIG,
		"%s", e.text);
}

int main(void)
{
	if (!bundle_begin())
		return 1;
	check_refused();
	check_told();
	check_many_notices();
	check_texts();
	ok(bundle_end(), "nothing is left");
	return tap_done();
}
