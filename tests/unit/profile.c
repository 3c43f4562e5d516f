/*
 * Profiles that are read: what becomes of them, that the writer and the reader are inverse, and the
 * actions by name.
 */
#include "profile.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/seccomp.h>
#include <sys/stat.h>

#include "heard.h"
#include "random_profile.h"
#include "same_profile.h"
#include "scope.h"
#include "tap.h"

#define DEFAULT "'defaultAction': 'SCMP_ACT_ERRNO'"

static int parse(char *json, struct profile *out, struct heard *heard, struct err *e)
{
	struct notice to = notice_to(heard);

	return profile_parse("web.json", json, strlen(json), out, &to, e);
}

/* What is read, and the text that is written for it. */
static const struct {
	const char *claim, *json, *text, *notices;
} READ[] = {
	{"the least profile", "{'defaultAction': 'SCMP_ACT_ALLOW'}",
		"{\n"
		"  'defaultAction': 'SCMP_ACT_ALLOW',\n"
		"  'syscalls': []\n"
		"}\n",
		""},
	{"errno without a number is EPERM, and is written out",
		"{" DEFAULT ", 'defaultErrnoRet': null, 'syscalls': [\n"
		"{'action': 'SCMP_ACT_TRACE', 'names': ['read']},\n"
		"{'names': ['write'], 'action': 'SCMP_ACT_ERRNO', 'errnoRet': 0, 'args': []}]}",
		"{\n"
		"  'defaultAction': 'SCMP_ACT_ERRNO',\n"
		"  'defaultErrnoRet': 1,\n"
		"  'syscalls': [\n"
		"    {\n"
		"      'names': [\n"
		"        'read'\n"
		"      ],\n"
		"      'action': 'SCMP_ACT_TRACE',\n"
		"      'errnoRet': 1\n"
		"    },\n"
		"    {\n"
		"      'names': [\n"
		"        'write'\n"
		"      ],\n"
		"      'action': 'SCMP_ACT_ERRNO',\n"
		"      'errnoRet': 0\n"
		"    }\n"
		"  ]\n"
		"}\n",
		""},
	{"everything there is, in the order in which it is written",
		"{'syscalls': [{'args': [\n"
		"{'op': 'SCMP_CMP_MASKED_EQ', 'valueTwo': 9223372036854775808, 'value': "
		"18446744073709551615, 'index': 5},\n"
		"{'op': 'SCMP_CMP_GE', 'valueTwo': 0, 'value': 9007199254740993, 'index': 0}],\n"
		"'action': 'SCMP_ACT_KILL', 'names': ['b', 'a', 'b'], 'comment': 'why'}],\n"
		"'listenerMetadata': 'm', 'listenerPath': '/run/\\u00e9', 'comment': 'x',\n"
		"'flags': ['SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV', 'SECCOMP_FILTER_FLAG_TSYNC', "
		"'SECCOMP_FILTER_FLAG_SPEC_ALLOW', 'SECCOMP_FILTER_FLAG_LOG'],\n"
		"'architectures': ['SCMP_ARCH_X32', 'SCMP_ARCH_AARCH64', 'SCMP_ARCH_X32'],\n"
		"'defaultErrnoRet': 4095, 'defaultAction': 'SCMP_ACT_ERRNO'}",
		"{\n"
		"  'defaultAction': 'SCMP_ACT_ERRNO',\n"
		"  'defaultErrnoRet': 4095,\n"
		"  'architectures': [\n"
		"    'SCMP_ARCH_X32',\n"
		"    'SCMP_ARCH_AARCH64'\n"
		"  ],\n"
		"  'flags': [\n"
		"    'SECCOMP_FILTER_FLAG_TSYNC',\n"
		"    'SECCOMP_FILTER_FLAG_LOG',\n"
		"    'SECCOMP_FILTER_FLAG_SPEC_ALLOW',\n"
		"    'SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV'\n"
		"  ],\n"
		"  'listenerPath': '/run/\xc3\xa9',\n"
		"  'listenerMetadata': 'm',\n"
		"  'syscalls': [\n"
		"    {\n"
		"      'names': [\n"
		"        'b',\n"
		"        'a',\n"
		"        'b'\n"
		"      ],\n"
		"      'action': 'SCMP_ACT_KILL_THREAD',\n"
		"      'args': [\n"
		"        {'index': 5, 'value': 18446744073709551615, 'valueTwo': "
		"9223372036854775808, 'op': 'SCMP_CMP_MASKED_EQ'},\n"
		"        {'index': 0, 'value': 9007199254740993, 'op': 'SCMP_CMP_GE'}\n"
		"      ]\n"
		"    }\n"
		"  ]\n"
		"}\n",
		""},
	{"a second value that is not given is 0, and is written where it means something",
		"{'defaultAction': 'SCMP_ACT_LOG', 'syscalls': [{'names': ['clone'], 'action': "
		"'SCMP_ACT_ALLOW', 'args': [{'index': 0, 'value': 2114060288, 'op': "
		"'SCMP_CMP_MASKED_EQ'}]}]}",
		"{\n"
		"  'defaultAction': 'SCMP_ACT_LOG',\n"
		"  'syscalls': [\n"
		"    {\n"
		"      'names': [\n"
		"        'clone'\n"
		"      ],\n"
		"      'action': 'SCMP_ACT_ALLOW',\n"
		"      'args': [\n"
		"        {'index': 0, 'value': 2114060288, 'valueTwo': 0, 'op': "
		"'SCMP_CMP_MASKED_EQ'}\n"
		"      ]\n"
		"    }\n"
		"  ]\n"
		"}\n",
		""},
	{"null is absent, and what is empty and docker's says nothing",
		"{'defaultAction': 'SCMP_ACT_LOG', 'syscalls': null, 'architectures': null, "
		"'flags': [], 'listenerPath': '', 'archMap': null, 'defaultErrno': '', "
		"'Comment': 1}",
		"{\n"
		"  'defaultAction': 'SCMP_ACT_LOG',\n"
		"  'syscalls': []\n"
		"}\n",
		"web.json: $: unknown key \"Comment\" ignored\n"},
	{"unknown keys and a second value without a use are told",
		"{'defaultAction': 'SCMP_ACT_LOG', 'x-made-by': {}, 'syscalls': [{'names': "
		"['read'], 'action': 'SCMP_ACT_KILL_PROCESS', 'includes': {}, 'excludes': {}, "
		"'priority': 1, 'args': [{'index': 1, 'value': 2, 'valueTwo': 3, 'op': "
		"'SCMP_CMP_NE', 'mask': 1}]}]}",
		"{\n"
		"  'defaultAction': 'SCMP_ACT_LOG',\n"
		"  'syscalls': [\n"
		"    {\n"
		"      'names': [\n"
		"        'read'\n"
		"      ],\n"
		"      'action': 'SCMP_ACT_KILL_PROCESS',\n"
		"      'args': [\n"
		"        {'index': 1, 'value': 2, 'op': 'SCMP_CMP_NE'}\n"
		"      ]\n"
		"    }\n"
		"  ]\n"
		"}\n",
		"web.json: $: unknown key \"x-made-by\" ignored\n"
		"web.json: $.syscalls[0]: unknown key \"priority\" ignored\n"
		"web.json: $.syscalls[0].args[0]: unknown key \"mask\" ignored\n"
		"web.json: $.syscalls[0].args[0].valueTwo: ignored: only SCMP_CMP_MASKED_EQ has a "
		"second value\n"},
};

static void test_read(void)
{
	for (size_t i = 0; i < ARRAY_LEN(READ); i++) {
		scoped(profile_done) struct profile profile = {0};
		scoped_free char *json = json_of(READ[i].json), *want = json_of(READ[i].text);
		scoped_free char *text = NULL;
		struct heard heard = {0};
		struct err e = {0};
		size_t size = 0;

		if (!ok(!parse(json, &profile, &heard, &e) &&
				    !profile_emit(&profile, &text, &size, &e),
			    "read: %s", READ[i].claim))
			printf("#   %s\n", e.text);
		is_text(text, want, "written: %s", READ[i].claim);
		is_text(heard.text, READ[i].notices, "notices: %s", READ[i].claim);
	}
}

static void test_random_round_trip(void)
{
	enum { ROUNDS = 10000 };
	size_t wrong = 0, rules = 0;

	for (uint64_t seed = 0; seed < ROUNDS; seed++) {
		scoped(profile_done) struct profile profile, again = {0};
		scoped_free char *text = NULL, *copy = NULL, *text_again = NULL;
		struct rng rng = {seed};
		struct err e = {0};
		size_t size, size_again;

		random_profile(&rng, RANDOM_CONFLICTS | RANDOM_UNKNOWN_NAMES, &profile);
		rules += profile.n_rules;
		profile.flags = (uint32_t)rng_below(&rng, 2) * SECCOMP_FILTER_FLAG_LOG;
		if (!profile_emit(&profile, &text, &size, &e))
			copy = random_alloc(strdup(text));
		if (!copy || size != strlen(copy) ||
			profile_parse("p", copy, size, &again, NULL, &e) ||
			!same_profile(&profile, &again) ||
			profile_emit(&again, &text_again, &size_again, &e) ||
			strcmp(text, text_again)) {
			printf("#   seed %zu: %s\n", (size_t)seed, e.text);
			wrong++;
		}
	}
	ok(wrong == 0, "parse(emit(p)) == p for %d random profiles of %zu rules", ROUNDS, rules);
}

static void test_emit_refuses(void)
{
	struct condition cond = {.index = 0, .op = OP_EQ, .value = 1, .value_two = 1};
	char *names[] = {(char *)"read"};
	struct rule rule = {.names = names, .n_names = 1, .action = SECCOMP_RET_ALLOW};
	struct profile profile = {
		.default_action = SECCOMP_RET_ERRNO | 4096, .rules = &rule, .n_rules = 1};
	char *text = NULL;
	struct err e;
	size_t size;

	ok(profile_emit(&profile, &text, &size, &e) == -EINVAL && strstr(e.text, "default action"),
		"errno 4096 is not written");
	profile.default_action = SECCOMP_RET_ALLOW;
	profile.flags = SECCOMP_FILTER_FLAG_NEW_LISTENER;
	ok(profile_emit(&profile, &text, &size, &e) == -EINVAL && strstr(e.text, "flags"),
		"a flag without a name is not written");
	profile.flags = 0;
	rule.action = SECCOMP_RET_ALLOW | 1;
	ok(profile_emit(&profile, &text, &size, &e) == -EINVAL && strstr(e.text, "rule 0"),
		"an action that no profile can name is not written");
	rule.action = SECCOMP_RET_LOG;
	rule.n_names = 0;
	ok(profile_emit(&profile, &text, &size, &e) == -EINVAL && strstr(e.text, "no names"),
		"a rule without names is not written");
	rule.n_names = 1;
	rule.conds = &cond;
	rule.n_conds = 1;
	ok(profile_emit(&profile, &text, &size, &e) == -EINVAL && strstr(e.text, "condition 0"),
		"a second value that would be lost is not written");
	ok(text == NULL, "what failed handed nothing out");
}

static void test_files(void)
{
	scoped(profile_done) struct profile profile = {0};
	char dir[] = "/tmp/sysclamp-profile.XXXXXX", path[64];
	scoped_fd int dir_fd = -1;
	struct err e = {0};
	int fd;

	if (!ok(mkdtemp(dir) != NULL, "a directory to test in"))
		return;
	dir_fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	(void)snprintf(path, sizeof(path), "%s/p.json", dir);
	ok(profile_read(path, &profile, NULL, &e) == -ENOENT && strstr(e.text, path),
		"a missing file: %s", e.text + strlen(path));
	ok(profile_read(dir, &profile, NULL, &e) == -EISDIR && strstr(e.text, dir),
		"a directory: %s", e.text + strlen(dir));
	fd = openat(dir_fd, "p.json", O_CREAT | O_RDWR | O_CLOEXEC, 0600);
	ok(profile_read(path, &profile, NULL, &e) == -EINVAL && strstr(e.text, "empty"),
		"an empty file: %s", e.text + strlen(path));
	dprintf(fd, "{\"defaultAction\": \"SCMP_ACT_TRAP\"}");
	if (!ok(!profile_read(path, &profile, NULL, &e) &&
			    profile.default_action == SECCOMP_RET_TRAP,
		    "a file"))
		printf("#   %s\n", e.text);
	ok(!ftruncate(fd, PROFILE_SIZE_MAX + 1) && profile_read(path, &profile, NULL, &e) == -EFBIG,
		"a file above the limit: %s", e.text + strlen(path));
	close(fd);
	unlinkat(dir_fd, "p.json", 0);
	rmdir(dir);
}

static const struct {
	const char *name;
	action_t action;
	uint16_t data_max;
	const char *print; /* with the data 38, where it has any */
} ACTIONS[] = {
	/* The strictest first: seccomp(2). */
	{"SCMP_ACT_KILL_PROCESS", SECCOMP_RET_KILL_PROCESS, 0, "SCMP_ACT_KILL_PROCESS"},
	{"SCMP_ACT_KILL_THREAD", SECCOMP_RET_KILL_THREAD, 0, "SCMP_ACT_KILL_THREAD"},
	{"SCMP_ACT_TRAP", SECCOMP_RET_TRAP, 0, "SCMP_ACT_TRAP"},
	{"SCMP_ACT_ERRNO", SECCOMP_RET_ERRNO, 4095, "SCMP_ACT_ERRNO (ENOSYS)"},
	{"SCMP_ACT_NOTIFY", SECCOMP_RET_USER_NOTIF, 0, "SCMP_ACT_NOTIFY"},
	{"SCMP_ACT_TRACE", SECCOMP_RET_TRACE, 65535, "SCMP_ACT_TRACE (38)"},
	{"SCMP_ACT_LOG", SECCOMP_RET_LOG, 0, "SCMP_ACT_LOG"},
	{"SCMP_ACT_ALLOW", SECCOMP_RET_ALLOW, 0, "SCMP_ACT_ALLOW"},
};

static void test_actions(void)
{
	action_t action = 1;
	char buf[64];

	for (size_t i = 0; i < ARRAY_LEN(ACTIONS); i++) {
		action_t with_data = ACTIONS[i].action | (ACTIONS[i].data_max ? 38 : 0);
		bool stricter = true;

		for (size_t j = 0; j < ARRAY_LEN(ACTIONS); j++)
			stricter &= action_is_stricter(with_data, ACTIONS[j].action) == (i < j);
		ok(!action_by_name(ACTIONS[i].name, &action) && action == ACTIONS[i].action &&
				action_data_max(with_data) == ACTIONS[i].data_max &&
				action_has_data(action) == (ACTIONS[i].data_max > 0) && stricter,
			"%s: value, data, place in the order", ACTIONS[i].name);
		is_text(action_name(with_data), ACTIONS[i].name, "its name");
		is_text(action_print(with_data, buf, sizeof(buf)), ACTIONS[i].print, "for people");
		ok(!action_name(action | (ACTIONS[i].data_max + 1u)) ||
				ACTIONS[i].data_max == 0xffff,
			"no name with more data than it has");
	}
	ok(!action_by_name("SCMP_ACT_KILL", &action) && action == SECCOMP_RET_KILL_THREAD,
		"SCMP_ACT_KILL kills the thread");
	action = 7;
	ok(action_by_name("SCMP_ACT_KILLER", &action) == -ENOENT && action == 7, "unknown name");
	ok(!action_name(0x12340000), "unknown value");
	is_text(action_print(0x12340000, buf, sizeof(buf)), "0x12340000", "its print");
	is_text(action_print(SECCOMP_RET_ERRNO, buf, sizeof(buf)), "SCMP_ACT_ERRNO (0)", "errno 0");
	is_text(action_print(SECCOMP_RET_ERRNO | 4000, buf, sizeof(buf)), "SCMP_ACT_ERRNO (4000)",
		"an errno without a name");
}

int main(void)
{
	test_actions();
	test_read();
	test_emit_refuses();
	test_files();
	test_random_round_trip();
	return tap_done();
}
