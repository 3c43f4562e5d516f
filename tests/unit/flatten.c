/*
 * Docker's dialect: what each of its keys means, what is refused, what is told.
 */
#include "flatten.h"

#include <errno.h>

#include "enforce.h"
#include "heard.h"
#include "same_profile.h"
#include "scope.h"
#include "tap.h"

#define DEFAULT	     "'defaultAction': 'SCMP_ACT_ERRNO'"
#define ALLOW	     "'action': 'SCMP_ACT_ALLOW'"
#define RULES(rules) "{" DEFAULT ", 'syscalls': [" rules "]}"
#define READ(rest)   RULES("{'names': ['read'], " ALLOW rest "}")
#define PLAIN_HEAD   "{" DEFAULT ", 'defaultErrnoRet': 1, 'architectures': ['SCMP_ARCH_X86_64']"
#define PLAIN(rules) PLAIN_HEAD ", 'syscalls': [" rules "]}"
#define IS_READ	     PLAIN("{'names': ['read'], " ALLOW "}")
#define IS_NOTHING   PLAIN("")
#define FAILS(rest)  "{'names': ['read'], 'action': 'SCMP_ACT_ERRNO'" rest "}"

/* Without --caps and --kernel they are not known. */
struct setting {
	const char *caps, *arch, *kernel;
};

static struct flatten_target target_of(struct setting setting)
{
	struct flatten_target target = {0};
	struct err e;

	if (flatten_abi_parse(setting.arch ? setting.arch : "x86_64", &target.abi, &e))
		abort();
	target.caps_known = setting.caps && !flatten_caps_parse(setting.caps, &target.caps, &e);
	target.kernel_known = setting.kernel &&
			      !flatten_kernel_parse(setting.kernel, &target.kernel, &e);
	return target;
}

static int flatten(const char *text, struct setting setting, struct profile *out,
	struct heard *heard, struct err *e)
{
	const struct flatten_target target = target_of(setting);
	scoped_free char *json = json_of(text);
	struct notice to = notice_to(heard);

	return profile_flatten("web.json", json, strlen(json), &target, out, &to, e);
}

static const struct {
	const char *claim, *json;
	struct setting setting;
	const char *plain; /* the same for every engine */
	const char *told; /* in a notice; NULL: there is none */
} ROWS[] = {
	/* Plain files stay what they are. */
	{"a plain file", PLAIN(FAILS(", 'errnoRet': 9")), {0}, PLAIN(FAILS(", 'errnoRet': 9")),
		NULL},
	{"no architectures", READ(""), {0}, IS_READ, NULL},
	{"no architectures, for another machine", READ(""), {.arch = "arm64"},
		"{" DEFAULT ", 'architectures': ['SCMP_ARCH_AARCH64'], 'syscalls': [{'names': "
		"['read'], " ALLOW "}]}",
		NULL},
	{"architectures", "{" DEFAULT ", 'architectures': ['SCMP_ARCH_X32']}", {0},
		"{" DEFAULT ", 'architectures': ['SCMP_ARCH_X32']}", NULL},
	{"conditions", READ(", 'args': [{'index': 1, 'value': 7, 'op': 'SCMP_CMP_GE'}]"), {0},
		PLAIN("{'names': ['read'], " ALLOW
		      ", 'args': [{'index': 1, 'value': 7, 'op': 'SCMP_CMP_GE'}]}"),
		NULL},
	{"flags and listener",
		"{" DEFAULT ", 'flags': ['SECCOMP_FILTER_FLAG_LOG'], 'listenerPath': '/x'}", {0},
		PLAIN_HEAD ", 'flags': ['SECCOMP_FILTER_FLAG_LOG'], 'listenerPath': '/x'}", NULL},
	{"keys that say nothing",
		READ(", 'name': '', 'includes': {}, 'excludes': {'caps': [], 'arches': null}, "
		     "'errno': '', 'args': null, 'comment': ''"),
		{0}, IS_READ, NULL},

	/* includes: all of caps, one of arches, the kernel. */
	{"includes.caps held", READ(", 'includes': {'caps': ['CAP_BPF']}"), {.caps = "bpf"},
		IS_READ, NULL},
	{"includes.caps not held", READ(", 'includes': {'caps': ['CAP_BPF']}"), {.caps = "perfmon"},
		IS_NOTHING, NULL},
	{"includes.caps, one of two held", READ(", 'includes': {'caps': ['CAP_BPF', 'CAP_KILL']}"),
		{.caps = "bpf"}, IS_NOTHING, NULL},
	{"includes.caps, both held", READ(", 'includes': {'caps': ['CAP_BPF', 'CAP_KILL']}"),
		{.caps = "kill,bpf"}, IS_READ, NULL},
	{"includes.caps in another case", READ(", 'includes': {'caps': ['cap_bpf']}"),
		{.caps = "all"}, IS_NOTHING, "no capability is called \"cap_bpf\""},
	{"includes.arches, one of two", READ(", 'includes': {'arches': ['arm64', 'amd64']}"), {0},
		IS_READ, NULL},
	{"includes.arches, none", READ(", 'includes': {'arches': ['arm64', 'x32']}"), {0},
		IS_NOTHING, NULL},
	{"includes.arches by another name", READ(", 'includes': {'arches': ['x86_64']}"), {0},
		IS_NOTHING, "engines call \"x86_64\" \"amd64\" here"},
	{"includes.arches of an unknown machine", READ(", 'includes': {'arches': ['loong64']}"),
		{0}, IS_NOTHING, NULL},
	{"includes.minKernel reached", READ(", 'includes': {'minKernel': '4.8'}"),
		{.kernel = "4.8"}, IS_READ, NULL},
	{"includes.minKernel not reached", READ(", 'includes': {'minKernel': '4.8'}"),
		{.kernel = "4.7"}, IS_NOTHING, "podman and CRI-O do not read minKernel"},
	{"includes.minKernel, numbers and not text", READ(", 'includes': {'minKernel': '4.8'}"),
		{.kernel = "4.18"}, IS_READ, NULL},
	{"includes.minKernel, a later version", READ(", 'includes': {'minKernel': '4.8'}"),
		{.kernel = "6.1.0-13-amd64"}, IS_READ, NULL},
	{"includes.minKernel, an earlier version", READ(", 'includes': {'minKernel': '4.8'}"),
		{.kernel = "3.19"}, IS_NOTHING, "$.syscalls[0]: left out for this kernel"},
	{"includes.minKernel not reached, and the arch is another",
		READ(", 'includes': {'minKernel': '4.8', 'arches': ['arm64']}"), {.kernel = "4.7"},
		IS_NOTHING, NULL},
	{"includes.minKernel empty", READ(", 'includes': {'minKernel': ''}"), {.kernel = "2.6"},
		IS_READ, NULL},

	/* excludes: one of caps, one of arches, the kernel. */
	{"excludes.caps held", READ(", 'excludes': {'caps': ['CAP_BPF']}"), {.caps = "bpf"},
		IS_NOTHING, NULL},
	{"excludes.caps not held", READ(", 'excludes': {'caps': ['CAP_BPF']}"), {.caps = "none"},
		IS_READ, NULL},
	{"excludes.caps, one of two held", READ(", 'excludes': {'caps': ['CAP_BPF', 'CAP_KILL']}"),
		{.caps = "kill"}, IS_NOTHING, NULL},
	{"excludes.arches", READ(", 'excludes': {'arches': ['arm', 'amd64']}"), {0}, IS_NOTHING,
		NULL},
	{"excludes.arches, another", READ(", 'excludes': {'arches': ['arm']}"), {0}, IS_READ, NULL},
	{"excludes.minKernel reached", READ(", 'excludes': {'minKernel': '4.8'}"),
		{.kernel = "4.8"}, IS_NOTHING, "podman and CRI-O do not read minKernel"},
	{"excludes.minKernel not reached", READ(", 'excludes': {'minKernel': '4.8'}"),
		{.kernel = "4.7"}, IS_READ, NULL},
	{"excludes.minKernel empty: always reached", READ(", 'excludes': {'minKernel': ''}"),
		{.kernel = "2.6"}, IS_NOTHING, "minKernel"},
	{"the order of the rules that are left",
		RULES("{'names': ['a'], " ALLOW ", 'excludes': {'arches': ['amd64']}}, "
		      "{'names': ['b'], " ALLOW "}, {'names': ['c'], " ALLOW
		      ", 'includes': {'arches': ['arm']}}, {'names': ['d'], " ALLOW "}"),
		{0}, PLAIN("{'names': ['b'], " ALLOW "}, {'names': ['d'], " ALLOW "}"), NULL},

	/* archMap */
	{"archMap",
		"{" DEFAULT ", 'archMap': [{'architecture': 'SCMP_ARCH_AARCH64', "
		"'subArchitectures': ['SCMP_ARCH_ARM']}, {'architecture': 'SCMP_ARCH_X86_64', "
		"'subArchitectures': ['SCMP_ARCH_X86', 'SCMP_ARCH_X32']}]}",
		{0},
		"{" DEFAULT ", 'architectures': ['SCMP_ARCH_X86_64', 'SCMP_ARCH_X86', "
		"'SCMP_ARCH_X32']}",
		NULL},
	{"archMap for another machine",
		"{" DEFAULT ", 'archMap': [{'architecture': 'SCMP_ARCH_X86_64', "
		"'subArchitectures': ['SCMP_ARCH_X86']}, {'architecture': 'SCMP_ARCH_AARCH64', "
		"'subArchitectures': ['SCMP_ARCH_ARM']}]}",
		{.arch = "aarch64"},
		"{" DEFAULT ", 'architectures': ['SCMP_ARCH_AARCH64', 'SCMP_ARCH_ARM']}", NULL},
	{"archMap without the machine",
		"{" DEFAULT ", 'archMap': [{'architecture': 'SCMP_ARCH_AARCH64'}]}", {0},
		PLAIN_HEAD "}", "$.archMap: nothing for x86_64"},
	{"archMap, the first of two",
		"{" DEFAULT ", 'archMap': [{'architecture': 'SCMP_ARCH_X86_64'}, "
		"{'architecture': 'SCMP_ARCH_X86_64', 'subArchitectures': ['SCMP_ARCH_X86']}]}",
		{0}, PLAIN_HEAD "}", NULL},
	{"archMap with a machine unknown here",
		"{" DEFAULT ", 'archMap': [{'architecture': 'SCMP_ARCH_LOONGARCH64', "
		"'subArchitectures': null}, {'architecture': 'SCMP_ARCH_X86_64'}]}",
		{0}, PLAIN_HEAD "}", NULL},
	{"archMap that podman does not know",
		"{" DEFAULT ", 'archMap': [{'architecture': 'SCMP_ARCH_PPC64LE', "
		"'subArchitectures': ['SCMP_ARCH_PPC64']}]}",
		{.arch = "ppc64le"},
		"{" DEFAULT ", 'architectures': ['SCMP_ARCH_PPC64LE', 'SCMP_ARCH_PPC64']}",
		"podman and CRI-O know no archMap for ppc64le"},
	{"archMap empty, and architectures",
		"{" DEFAULT ", 'archMap': [], 'architectures': ['SCMP_ARCH_X86_64']}", {0},
		PLAIN_HEAD "}", NULL},

	/* errno and name */
	{"errno", RULES(FAILS(", 'errno': 'EINVAL'")), {0}, PLAIN(FAILS(", 'errnoRet': 22")),
		"docker does not read it and answers 1"},
	{"errno beats errnoRet", RULES(FAILS(", 'errno': 'ENOSYS', 'errnoRet': 2")), {0},
		PLAIN(FAILS(", 'errnoRet': 38")), "$.syscalls[0].errno: ENOSYS, as by podman"},
	{"errno that agrees", RULES(FAILS(", 'errno': 'ENOSYS', 'errnoRet': 38")), {0},
		PLAIN(FAILS(", 'errnoRet': 38")), NULL},
	{"errno EPERM, the default", RULES(FAILS(", 'errno': 'EPERM'")), {0}, PLAIN(FAILS("")),
		NULL},
	{"errno, a number", RULES(FAILS(", 'errno': '11'")), {0}, PLAIN(FAILS(", 'errnoRet': 11")),
		"docker does not read it"},
	{"errno on MIPS, the same everywhere", RULES(FAILS(", 'errno': 'EINVAL'")),
		{.arch = "mips64"},
		"{" DEFAULT ", 'architectures': ['SCMP_ARCH_MIPS64'], 'syscalls': [" FAILS(
			", 'errnoRet': 22") "]}",
		"docker"},
	{"defaultErrno", "{" DEFAULT ", 'defaultErrno': 'ENOSYS'}", {0},
		"{" DEFAULT ", 'defaultErrnoRet': 38, 'architectures': ['SCMP_ARCH_X86_64']}",
		"$.defaultErrno: ENOSYS, as by podman"},
	{"a single name", RULES("{'name': 'read', " ALLOW "}"), {0}, IS_READ, NULL},
	{"a single name, and no names", RULES("{'name': 'read', 'names': [], " ALLOW "}"), {0},
		IS_READ, NULL},
};

static void test_meaning(void)
{
	for (size_t i = 0; i < ARRAY_LEN(ROWS); i++) {
		scoped(profile_done) struct profile got = {0}, want = {0};
		scoped_free char *plain = json_of(ROWS[i].plain);
		struct heard heard = {0};
		struct err e = {0};
		bool read = !profile_parse("plain", plain, strlen(plain), &want, NULL, &e) &&
			    !flatten(ROWS[i].json, ROWS[i].setting, &got, &heard, &e);

		if (!ok(read && same_profile(&got, &want), "%s", ROWS[i].claim))
			printf("#   %s\n", e.text);
		if (!ok(ROWS[i].told ? strstr(heard.text, ROWS[i].told) != NULL : !heard.lines,
			    "%s: %s", ROWS[i].claim, ROWS[i].told ? "told" : "nothing is told"))
			printf("#   told: %s\n", heard.text);
	}
}

static const struct {
	const char *json;
	struct setting setting;
	const char *says;
} REFUSED[] = {
	{"{}", {0}, "web.json: $: no \"defaultAction\""},
	{"{" DEFAULT ", 'archMap': [{'architecture': 'SCMP_ARCH_X86_64'}], 'architectures': "
	 "['SCMP_ARCH_X86_64']}",
		{0}, "$: \"architectures\" and \"archMap\": docker and podman take one"},
	{"{" DEFAULT ", 'archMap': {'architecture': 'SCMP_ARCH_X86_64'}}", {0},
		"$.archMap: an array expected"},
	{"{" DEFAULT ", 'archMap': ['SCMP_ARCH_X86_64']}", {0}, "$.archMap[0]: an object expected"},
	{"{" DEFAULT ", 'archMap': [{}]}", {0}, "$.archMap[0]: \"architecture\" is missing"},
	{"{" DEFAULT ", 'archMap': [{'Architecture': 'x'}]}", {0}, "write \"architecture\""},
	{"{" DEFAULT ", 'archMap': [{'architecture': 'SCMP_ARCH_X86_64', 'subArchitectures': "
	 "['SCMP_ARCH_X86_32']}]}",
		{0}, "$.archMap[0].subArchitectures[0]: unknown architecture"},
	{"{" DEFAULT ", 'defaultErrno': 'ENOSUCH'}", {0}, "\"ENOSUCH\" is no error"},
	{"{" DEFAULT ", 'defaultErrno': 38}", {0}, "$.defaultErrno: a string expected"},
	{"{'defaultAction': 'SCMP_ACT_ALLOW', 'defaultErrno': 'EPERM'}", {0},
		"$.defaultErrno: SCMP_ACT_ALLOW has no errno"},
	{READ(", 'errno': 'EPERM'"), {0}, "$.syscalls[0].errno: SCMP_ACT_ALLOW has no errno"},
	{RULES(FAILS(", 'errno': 'eperm'")), {0}, "write it in upper case"},
	{RULES(FAILS(", 'errno': '4096'")), {0}, "4096 is above 4095"},
	{RULES(FAILS(", 'errno': '99999'")), {0}, "\"99999\" is no error"},
	{RULES(FAILS(", 'errno': '-1'")), {0}, "\"-1\" is no error"},
	{RULES(FAILS(", 'errno': 'ENOSYS'")), {.arch = "mipsel64"},
		"ENOSYS has another number on mipsel64"},
	{READ(", 'name': 'write'"), {0}, "$.syscalls[0]: \"name\" and \"names\""},
	{READ(", 'minKernel': '4.8'"), {.kernel = "6.1"}, "no engine reads it here"},
	{READ(", 'includes': []"), {0}, "$.syscalls[0].includes: an object expected"},
	{READ(", 'includes': ['CAP_BPF']"), {0}, "$.syscalls[0].includes: an object expected"},
	{READ(", 'includes': {'caps': 'CAP_BPF'}"), {.caps = "all"},
		"$.syscalls[0].includes.caps: an array expected"},
	{READ(", 'includes': {'caps': [1]}"), {.caps = "all"}, "includes.caps[0]: a string"},
	{READ(", 'includes': {'Caps': []}"), {0}, "$.syscalls[0].includes: \"Caps\" is read by"},
	{READ(", 'includes': {'caps': ['CAP_BPF']}"), {0},
		"$.syscalls[0].includes.caps: depends on the container's capabilities: say which"},
	{READ(", 'excludes': {'caps': ['CAP_BPF']}"), {0}, "$.syscalls[0].excludes.caps: depends"},
	{READ(", 'includes': {'minKernel': '4.8'}"), {0},
		"$.syscalls[0].includes.minKernel: depends on the kernel: say which"},
	{READ(", 'includes': {'minKernel': '4'}"), {.kernel = "6.1"},
		"$.syscalls[0].includes.minKernel: \"4\" is no kernel version"},
	{READ(", 'includes': {'minKernel': '4.8.1'}"), {.kernel = "6.1"}, "no kernel version"},
	{READ(", 'includes': {'minKernel': '4.8-rc1'}"), {.kernel = "6.1"}, "no kernel version"},
	{READ(", 'includes': {'minKernel': '4.256'}"), {.kernel = "6.1"}, "no kernel version"},
	{READ(", 'includes': {'minKernel': '0.0'}"), {.kernel = "6.1"}, "no kernel version"},
	{READ(", 'includes': {'minKernel': ' 4.8'}"), {.kernel = "6.1"}, "no kernel version"},
	{READ(", 'includes': {'minKernel': 4.8}"), {.kernel = "6.1"}, "a string expected"},
	{READ(", 'includes': {'arches': ['arm']}, 'args': [{'index': 9, 'value': 0, 'op': "
	      "'SCMP_CMP_EQ'}]"),
		{0}, "index: 9: arguments are numbered 0 to 5"},
};

/* Also: a refusal leaves the output alone. */
static void test_refused(void)
{
	for (size_t i = 0; i < ARRAY_LEN(REFUSED); i++) {
		struct profile profile = {.default_action = 0x1234}, before = profile;
		struct err e = {0};
		bool refused = flatten(REFUSED[i].json, REFUSED[i].setting, &profile, NULL, &e) ==
				       -e.code &&
			       e.code;

		if (!ok(refused && strstr(e.text, REFUSED[i].says) &&
				    !memcmp(&profile, &before, sizeof(profile)),
			    "refused: %.60s", REFUSED[i].says))
			printf("#   got: %s\n#   for: %s\n", e.text, REFUSED[i].json);
	}
}

static void test_caps(void)
{
	static const struct {
		const char *list;
		uint64_t caps;
	} rows[] = {
		{"none", 0},
		{"CAP_CHOWN", 1},
		{"chown,Cap_Bpf", 1 | 1ull << 39},
		{"all", (1ull << 41) - 1},
		{"default", 0xa80425fb},
		{"podman", 0x800405fb},
		{"podman,mknod,net_raw,audit_write", 0xa80425fb},
	};
	static const char *const wrong[] = {"", ",", "chown,", "CAP_", "CAP_NONE", "CAP_ALL",
		"chown kill", "CAP_CAP_CHOWN", "0"};
	uint64_t caps = 77;
	struct err e;

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		ok(!flatten_caps_parse(rows[i].list, &caps, &e) && caps == rows[i].caps,
			"capabilities: %s", rows[i].list);
	}
	caps = 77;
	for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
		ok(flatten_caps_parse(wrong[i], &caps, &e) == -EINVAL && caps == 77 &&
				strstr(e.text, "is neither a capability"),
			"no capabilities: \"%s\"", wrong[i]);
	}
	ok(flatten_caps_parse("sys_amdin", &caps, &e) && strstr(e.text, "mean SYS_ADMIN?"),
		"a near name is suggested");
}

static void test_machines(void)
{
	static const char *const names[][2] = {{"x86_64", "x86_64"}, {"amd64", "x86_64"},
		{"SCMP_ARCH_X86_64", "x86_64"}, {"386", "i386"}, {"x86", "i386"},
		{"arm64", "aarch64"}, {"mips64le", "mipsel64"}, {"mipsel64", "mipsel64"}};
	const struct abi *abi = NULL, *rows;
	size_t n_rows, unnamed = 0;
	struct err e;

	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		ok(!flatten_abi_parse(names[i][0], &abi, &e) && !strcmp(abi->name, names[i][1]),
			"machine: %s", names[i][0]);
	}
	ok(flatten_abi_parse("x86_65", &abi, &e) == -EINVAL &&
			strstr(e.text, "did you mean x86_64?"),
		"no machine: x86_65");
	rows = abi_table(&n_rows);
	for (size_t i = 0; i < n_rows; i++) {
		unnamed += flatten_abi_parse(flatten_arch_name(&rows[i]), &abi, &e) ||
			   abi != &rows[i];
	}
	ok(unnamed == 0, "every ABI has a name of its own in Docker's files");
}

static void test_kernels(void)
{
	static const struct {
		const char *text;
		struct kernel_version kernel;
	} rows[] = {{"6.1", {6, 1}}, {"6.18.5", {6, 18}}, {"6.1.0-13-amd64", {6, 1}},
		{"3.12-rc5", {3, 12}}, {"5.15+", {5, 15}}, {"0.0", {0, 0}},
		{"255.255", {255, 255}}};
	static const char *const wrong[] = {"", "6", "6.", ".1", "6.x", "v6.1", " 6.1", "6. 1",
		"6.1x", "6.256", "256.1", "-6.1", "6.-1", "6.+1", "99999999999.1"};
	struct kernel_version kernel = {1, 2};
	struct err e;

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		ok(!flatten_kernel_parse(rows[i].text, &kernel, &e) &&
				kernel.version == rows[i].kernel.version &&
				kernel.major == rows[i].kernel.major,
			"kernel: %s", rows[i].text);
	}
	for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
		ok(flatten_kernel_parse(wrong[i], &kernel, &e) == -EINVAL &&
				strstr(e.text, "is no kernel version"),
			"no kernel: \"%s\"", wrong[i]);
	}
}

int main(void)
{
	test_meaning();
	test_refused();
	test_caps();
	test_machines();
	test_kernels();
	return tap_done();
}
