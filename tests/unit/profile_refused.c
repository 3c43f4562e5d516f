/*
 * Profiles that are refused, and how it is said; limits; damaged text.
 */
#include "profile.h"

#include <errno.h>

#include "heard.h"
#include "random_profile.h"
#include "same_profile.h"
#include "scope.h"
#include "tap.h"

static int parse(char *json, struct profile *out, struct heard *heard, struct err *e)
{
	struct notice to = notice_to(heard);

	return profile_parse("web.json", json, strlen(json), out, &to, e);
}

#define DEFAULT "'defaultAction': 'SCMP_ACT_ERRNO'"
#define RULE(rest)                                                                                 \
	"{" DEFAULT ", 'syscalls': [{'names': ['read'], 'action': 'SCMP_ACT_ALLOW'" rest "}]}"
#define ARG(rest) RULE(", 'args': [{" rest "}]")
#define OP	  "'op': 'SCMP_CMP_EQ'"

static const struct {
	const char *json, *says;
} REFUSED[] = {
	/* The text itself. */
	{"", "web.json:"},
	{"   ", "web.json:"},
	{"\xef\xbb\xbf{}", "web.json:1:1: byte-order mark"},
	{"{" DEFAULT "} x", "web.json:1:"},
	{"// no\n{" DEFAULT "}", "web.json:1:"},
	{"defaultAction: SCMP_ACT_ERRNO\n", "web.json:1:"},
	{"{" DEFAULT ",}", "web.json:1:"},
	{"{'defaultAction': 'SCMP_ACT_\xff'}", "web.json:1:"},
	{"{" DEFAULT ", 'comment': '\\u0000'}", "web.json:1:"},
	{"{" DEFAULT ", " DEFAULT "}", "duplicate object key"},
	{"[]", "web.json: $: an object expected"},
	{"null", "web.json:1:"},

	/* The default action. */
	{"{}", "web.json: $: no \"defaultAction\": runc would run the program unconfined"},
	{"{'defaultAction': null}", "no \"defaultAction\""},
	{"{'defaultAction': 5}", "$.defaultAction: a string expected, this is an integer"},
	{"{'defaultAction': ''}", "$.defaultAction: unknown action \"\""},
	{"{'defaultAction': 'SCMP_ACT_ALOW'}",
		"$.defaultAction: unknown action \"SCMP_ACT_ALOW\"; did you mean SCMP_ACT_ALLOW?"},
	{"{'defaultAction': 'scmp_act_errno'}", "did you mean SCMP_ACT_ERRNO?"},
	{"{'defaultAction': 'allow'}", "did you mean SCMP_ACT_ALLOW?"},
	{"{'defaultAction': 'SCMP_ACT_KILL_PROCES'}", "did you mean SCMP_ACT_KILL_PROCESS?"},
	{"{'defaultAction': 'DENY'}", "unknown action \"DENY\""},
	{"{'defaultAction': 'SCMP_ACT_ALLOW', 'defaultErrnoRet': 1}",
		"$.defaultErrnoRet: SCMP_ACT_ALLOW has no errno"},
	{"{" DEFAULT ", 'defaultErrnoRet': 4096}",
		"$.defaultErrnoRet: 4096 is above 4095, the largest that SCMP_ACT_ERRNO can carry"},
	{"{" DEFAULT ", 'defaultErrnoRet': -1}", "$.defaultErrnoRet: -1 is negative"},
	{"{" DEFAULT ", 'defaultErrnoRet': 1e1}", "$.defaultErrnoRet: a plain integer expected"},
	{"{" DEFAULT ", 'defaultErrnoRet': 38.0}", "$.defaultErrnoRet: a plain integer expected"},
	{"{" DEFAULT ", 'defaultErrnoRet': '38'}", "$.defaultErrnoRet: a plain integer expected"},
	{"{" DEFAULT ", 'defaultErrnoRet': true}", "$.defaultErrnoRet: a plain integer expected"},

	/* Keys that engines differ in. */
	{"{" DEFAULT ", 'archMap': [1]}", "web.json: $: \"archMap\" changes the meaning"},
	{"{" DEFAULT ", 'defaultErrno': 'ENOSYS'}", "\"defaultErrno\" changes the meaning"},
	{RULE(", 'includes': {'caps': ['CAP_BPF']}"), "$.syscalls[0]: \"includes\" changes"},
	{RULE(", 'excludes': {'caps': ['CAP_BPF']}"),
		"make it plain first: sysclamp convert --flatten"},
	{RULE(", 'minKernel': '4.8'"), "$.syscalls[0]: \"minKernel\" stands in \"includes\""},
	{RULE(", 'errno': 'EPERM'"), "$.syscalls[0]: \"errno\" changes"},
	{RULE(", 'name': 'write'"), "$.syscalls[0]: \"name\" changes"},
	{"{'DefaultAction': 'SCMP_ACT_ERRNO'}", "write \"defaultAction\""},
	{"{" DEFAULT ", 'Syscalls': []}", "\"Syscalls\" is read by some engines and dropped"},
	{"{" DEFAULT ", '\xc5\xbfy\xc5\xbf"
	 "calls': []}",
		"write \"syscalls\""},
	{"{" DEFAULT ", 'archmap': []}", "write \"archMap\""},
	{RULE(", 'errnoret': 1"), "$.syscalls[0]: \"errnoret\" is read by some"},
	{ARG("'index': 0, 'Value': 1, " OP), "$.syscalls[0].args[0]: \"Value\" is read by some"},

	/* Architectures, flags, listener. */
	{"{" DEFAULT ", 'architectures': {}}", "$.architectures: an array expected"},
	{"{" DEFAULT ", 'architectures': [1]}", "$.architectures[0]: a string expected"},
	{"{" DEFAULT ", 'architectures': ['SCMP_ARCH_X86_46']}",
		"$.architectures[0]: unknown architecture \"SCMP_ARCH_X86_46\"; did you mean "
		"SCMP_ARCH_X86_64?"},
	{"{" DEFAULT ", 'architectures': ['x86_64']}", "did you mean SCMP_ARCH_X86_64?"},
	{"{" DEFAULT ", 'architectures': ['SCMP_ARCH_VAX']}", "known: SCMP_ARCH_ with X86_64 X86"},
	{"{" DEFAULT ", 'architectures': ['SCMP_ARCH_NATIVE']}", "write \"SCMP_ARCH_"},
	{"{" DEFAULT ", 'architectures': ['SCMP_ARCH_LOONGARCH64']}", "unknown architecture"},
	{"{" DEFAULT ", 'flags': 1}", "$.flags: an array expected"},
	{"{" DEFAULT ", 'flags': ['SECCOMP_FILTER_FLAG_LOGS']}",
		"$.flags[0]: unknown flag \"SECCOMP_FILTER_FLAG_LOGS\"; did you mean "
		"SECCOMP_FILTER_FLAG_LOG?"},
	{"{" DEFAULT ", 'flags': ['SECCOMP_FILTER_FLAG_NEW_LISTENER']}", "unknown flag"},
	{"{" DEFAULT ", 'listenerPath': 1}", "$.listenerPath: a string expected"},
	{"{" DEFAULT ", 'listenerMetadata': 'x'}", "without \"listenerPath\""},

	/* Rules. */
	{"{" DEFAULT ", 'syscalls': {}}", "$.syscalls: an array expected, this is an object"},
	{"{" DEFAULT ", 'syscalls': [null]}", "$.syscalls[0]: an object expected, this is null"},
	{"{" DEFAULT ", 'syscalls': [{'action': 'SCMP_ACT_ALLOW'}]}",
		"$.syscalls[0]: \"names\" is missing"},
	{"{" DEFAULT ", 'syscalls': [{'names': [], 'action': 'SCMP_ACT_ALLOW'}]}",
		"$.syscalls[0].names: empty"},
	{"{" DEFAULT ", 'syscalls': [{'names': 'read', 'action': 'SCMP_ACT_ALLOW'}]}",
		"$.syscalls[0].names: an array expected"},
	{"{" DEFAULT ", 'syscalls': [{'names': [''], 'action': 'SCMP_ACT_ALLOW'}]}",
		"$.syscalls[0].names[0]: empty name"},
	{"{" DEFAULT ", 'syscalls': [{'names': [0], 'action': 'SCMP_ACT_ALLOW'}]}",
		"$.syscalls[0].names[0]: a string expected"},
	{"{" DEFAULT ", 'syscalls': [{'names': ['read']}]}", "\"action\" is missing"},
	{"{" DEFAULT ", 'syscalls': [{'names': ['read'], 'action': 'ALLOW'}]}",
		"$.syscalls[0].action: unknown action \"ALLOW\""},
	{RULE(", 'errnoRet': 1"), "$.syscalls[0].errnoRet: SCMP_ACT_ALLOW has no errno"},
	{"{" DEFAULT ", 'syscalls': [{'names': ['read'], 'action': 'SCMP_ACT_TRACE', "
	 "'errnoRet': 65536}]}",
		"65536 is above 65535"},
	{"{" DEFAULT ", 'syscalls': [{'names': ['read'], 'action': 'SCMP_ACT_KILL', "
	 "'errnoRet': 0}]}",
		"SCMP_ACT_KILL has no errno"},

	/* Conditions. */
	{RULE(", 'args': {}"), "$.syscalls[0].args: an array expected"},
	{RULE(", 'args': [[]]"), "$.syscalls[0].args[0]: an object expected"},
	{ARG("'value': 1, " OP), "$.syscalls[0].args[0]: \"index\" is missing"},
	{ARG("'index': 0, " OP), "$.syscalls[0].args[0]: \"value\" is missing"},
	{ARG("'index': 0, 'value': 1"), "$.syscalls[0].args[0]: \"op\" is missing"},
	{ARG("'index': 6, 'value': 1, " OP),
		"$.syscalls[0].args[0].index: 6: arguments are numbered 0 to 5"},
	{ARG("'index': 18446744073709551615, 'value': 1, " OP), "numbered 0 to 5"},
	{ARG("'index': -1, 'value': 1, " OP), "$.syscalls[0].args[0].index: -1 is negative"},
	{ARG("'index': 0, 'value': -1, " OP), "$.syscalls[0].args[0].value: -1 is negative"},
	{ARG("'index': 0, 'value': 18446744073709551616, " OP),
		"web.json:1:129: integer larger than 18446744073709551615"},
	{ARG("'index': 0, 'value': 1e3, " OP), "value: a plain integer expected"},
	{ARG("'index': 0, 'value': 511.0, " OP), "value: a plain integer expected"},
	{ARG("'index': 0, 'value': '511', " OP), "value: a plain integer expected"},
	{ARG("'index': 0, 'value': 0x10, " OP), "web.json:1:"},
	{ARG("'index': 0, 'value': 1, 'valueTwo': '1', " OP), "valueTwo: a plain integer"},
	{ARG("'index': 0, 'value': 1, 'op': 'SCMP_CMP_EQUAL'"),
		"$.syscalls[0].args[0].op: unknown operator \"SCMP_CMP_EQUAL\""},
	{ARG("'index': 0, 'value': 1, 'op': 'SCMP_CMP_MASK_EQ'"),
		"did you mean SCMP_CMP_MASKED_EQ?"},
	{ARG("'index': 0, 'value': 1, 'op': 'eq'"), "did you mean SCMP_CMP_EQ?"},
	{ARG("'index': 0, 'value': 1, 'op': 3"), "op: a string expected"},
};

/* Also: a refusal leaves the output alone, and is one line. */
static void test_refused(void)
{
	for (size_t i = 0; i < ARRAY_LEN(REFUSED); i++) {
		struct profile profile = {.default_action = 0x1234}, before = profile;
		scoped_free char *json = json_of(REFUSED[i].json);
		struct err e = {0};
		bool refused = parse(json, &profile, NULL, &e) == -e.code && e.code;

		if (!ok(refused && strstr(e.text, REFUSED[i].says) && !strchr(e.text, '\n') &&
				    !memcmp(&profile, &before, sizeof(profile)),
			    "refused: %.60s", *REFUSED[i].json == '/' ? "//" : REFUSED[i].says))
			printf("#   got: %s\n#   for: %s\n", e.text, REFUSED[i].json);
	}
}

/* "{...'syscalls': [" @item, @count times, "]}" @tail; heap. */
static char *repeat(const char *head, const char *item, size_t count, const char *tail)
{
	size_t len = strlen(item) + 1;
	char *text = random_alloc(malloc(strlen(head) + count * len + strlen(tail) + 1)), *at;

	at = stpcpy(text, head);
	for (size_t i = 0; i < count; i++) {
		if (i > 0)
			*at++ = ',';
		at = stpcpy(at, item);
	}
	strcpy(at, tail);
	return text;
}

static const struct {
	const char *claim, *head, *item;
	size_t most;
	const char *tail, *says;
} LIMITS[] = {
	{"rules", "{" DEFAULT ", 'syscalls': [", "{'names':['read'],'action':'SCMP_ACT_ALLOW'}",
		PROFILE_RULES_MAX, "]}", "$.syscalls: 4097 elements, at most 4096 are accepted"},
	{"names of a rule", "{" DEFAULT ", 'syscalls': [{'action': 'SCMP_ACT_ALLOW', 'names': [",
		"'read'", PROFILE_NAMES_MAX, "]}]}",
		"$.syscalls[0].names: 4097 elements, at most 4096 are accepted"},
	{"conditions of a rule",
		"{" DEFAULT ", 'syscalls': [{'action': 'SCMP_ACT_ALLOW', 'names': ['read'], "
		"'args': [",
		"{'index': 0, 'value': 1, 'op': 'SCMP_CMP_EQ'}", PROFILE_CONDS_MAX, "]}]}",
		"$.syscalls[0].args: 65 elements, at most 64 are accepted"},
};

static void test_limits(void)
{
	scoped(profile_done) struct profile profile = {0};
	scoped_free char *large = random_alloc(calloc(1, PROFILE_SIZE_MAX + 1));
	struct err e = {0};

	for (size_t i = 0; i < ARRAY_LEN(LIMITS); i++) {
		scoped(profile_done) struct profile most = {0};
		scoped_free char *text = repeat(
			LIMITS[i].head, LIMITS[i].item, LIMITS[i].most, LIMITS[i].tail);
		scoped_free char *more = repeat(
			LIMITS[i].head, LIMITS[i].item, LIMITS[i].most + 1, LIMITS[i].tail);
		scoped_free char *json = json_of(text), *json_more = json_of(more);

		if (!ok(!parse(json, &most, NULL, &e), "as many %s as are accepted",
			    LIMITS[i].claim))
			printf("#   %s\n", e.text);
		if (!ok(parse(json_more, &profile, NULL, &e) && strstr(e.text, LIMITS[i].says),
			    "one of the %s too many", LIMITS[i].claim))
			printf("#   %s\n", e.text);
	}
	memset(large, ' ', PROFILE_SIZE_MAX + 1);
	ok(profile_parse("web.json", large, PROFILE_SIZE_MAX + 1, &profile, NULL, &e) == -EFBIG &&
			strstr(e.text, "web.json: larger than the limit of 4096 KiB"),
		"a text above the limit is refused by its size");
}

static void test_notices_are_bounded(void)
{
	scoped(profile_done) struct profile profile = {0};
	scoped_free char *text = repeat("{" DEFAULT ", 'syscalls': [",
		"{'names':['read'],'action':'SCMP_ACT_ALLOW','x':1}", 4000, "]}");
	scoped_free char *json = json_of(text);
	struct heard heard = {0};
	struct err e;

	ok(!parse(json, &profile, &heard, &e) && heard.lines <= 32 &&
			strstr(heard.text, "not mentioned any more"),
		"4000 unknown keys are no 4000 notices");
}

/* Something of everything. */
static const char WHOLE[] =
	"{'defaultAction': 'SCMP_ACT_ERRNO', 'defaultErrnoRet': 38, 'comment': 'x',\n"
	"'architectures': ['SCMP_ARCH_X32', 'SCMP_ARCH_AARCH64'], 'listenerPath': '/run/\\u00e9',\n"
	"'flags': ['SECCOMP_FILTER_FLAG_LOG'], 'listenerMetadata': 'm',\n"
	"'syscalls': [{'names': ['a', 'b'], 'action': 'SCMP_ACT_KILL', 'args': [\n"
	"{'index': 5, 'op': 'SCMP_CMP_MASKED_EQ', 'value': 18446744073709551615, 'valueTwo': 9},\n"
	"{'index': 0, 'op': 'SCMP_CMP_GE', 'value': 9007199254740993, 'valueTwo': 0}]},\n"
	"{'action': 'SCMP_ACT_TRACE', 'errnoRet': 7, 'names': ['c']}]}";

/* Whether @text, if it can be read at all, is written and read again as the same. */
static bool read_is_stable(const char *text, size_t size)
{
	scoped(profile_done) struct profile profile = {0}, again = {0};
	scoped_free char *written = NULL;

	/* A block of its own size, for the address sanitizer to watch. */
	scoped_free char *part = random_alloc(malloc(size + 1));
	struct err e;

	memcpy(part, text, size);
	if (profile_parse("p", part, size, &profile, NULL, &e))
		return true;
	return !profile_emit(&profile, &written, &size, &e) &&
	       !profile_parse("p", written, size, &again, NULL, &e) &&
	       same_profile(&profile, &again);
}

/* Cut short anywhere, a profile is refused; with bytes changed, it is read as something or refused.
 */
static void test_damaged(void)
{
	enum { ROUNDS = 20000 };
	scoped_free char *text = json_of(WHOLE);
	size_t size = strlen(text), wrong = 0;
	struct rng rng = {7};

	for (size_t cut = 0; cut < size; cut++) {
		scoped(profile_done) struct profile profile = {0};
		scoped_free char *part = random_alloc(malloc(cut + 1));
		struct err e;

		memcpy(part, text, cut);
		wrong += !profile_parse("p", part, cut, &profile, NULL, &e);
	}
	ok(wrong == 0, "cut at any of %zu bytes, it is refused", size);
	for (int round = 0; round < ROUNDS; round++) {
		scoped_free char *damaged = random_alloc(strdup(text));

		for (uint64_t left = 1 + rng_below(&rng, 3); left > 0; left--)
			damaged[rng_below(&rng, size)] = (char)(1 + rng_below(&rng, 255));
		wrong += !read_is_stable(damaged, size);
	}
	ok(wrong == 0, "with bytes changed at random, what is still read can be written");
}

int main(void)
{
	test_refused();
	test_limits();
	test_notices_are_bounded();
	test_damaged();
	return tap_done();
}
