/*
 * merge.h: what comes out of two profiles, rule by rule, and what is refused and told.
 */
#include "merge.h"

#include <errno.h>
#include <inttypes.h>

#include "heard.h"
#include "random_profile.h"
#include "scope.h"
#include "tap.h"

#define ERRNO	 "'defaultAction': 'SCMP_ACT_ERRNO', 'defaultErrnoRet': 38"
#define X86_64	 ", 'architectures': ['SCMP_ARCH_X86_64']"
#define BOTH	 ", 'architectures': ['SCMP_ARCH_X86_64', 'SCMP_ARCH_X86']"
#define ALLOW(n) "{'names': [" n "], 'action': 'SCMP_ACT_ALLOW'}"
#define ARG0(n, v)                                                                                 \
	"{'names': ['" n "'], 'action': 'SCMP_ACT_ALLOW', 'args': [{'index': 0, 'value': " v       \
	", 'op': 'SCMP_CMP_EQ'}]}"
#define DENY(n) "{'names': ['" n "'], 'action': 'SCMP_ACT_ERRNO', 'errnoRet': 1}"

/* Two profiles, and a line for each rule that comes out, or what the error says. */
static const struct {
	const char *claim;
	enum profile_merge_mode mode;
	const char *a, *b, *wanted;
} ROWS[] = {
	{"a union of names", PROFILE_UNION,
		"{" ERRNO X86_64 ", 'syscalls': [" ALLOW("'write', 'read'") "]}",
		"{" ERRNO X86_64 ", 'syscalls': [" ALLOW("'close', 'read'") "]}",
		"7fff0000 close read write\n"},
	{"an intersection of names", PROFILE_INTERSECT,
		"{" ERRNO X86_64 ", 'syscalls': [" ALLOW("'write', 'read'") "]}",
		"{" ERRNO X86_64 ", 'syscalls': [" ALLOW("'close', 'read'") "]}",
		"7fff0000 read\n"},
	{"nothing in common", PROFILE_INTERSECT,
		"{" ERRNO X86_64 ", 'syscalls': [" ALLOW("'write'") "]}",
		"{" ERRNO X86_64 ", 'syscalls': [" ALLOW("'close'") "]}", ""},
	{"a union of arguments", PROFILE_UNION,
		"{" ERRNO X86_64 ", 'syscalls': [" ARG0("socket", "1") "]}",
		"{" ERRNO X86_64 ", 'syscalls': [" ARG0("socket", "2") "," ARG0("socket", "1") "]}",
		"7fff0000 socket if 0 SCMP_CMP_EQ 1 0\n7fff0000 socket if 0 SCMP_CMP_EQ 2 0\n"},
	{"arguments and none", PROFILE_UNION,
		"{" ERRNO X86_64 ", 'syscalls': [" ARG0("socket", "1") "]}",
		"{" ERRNO X86_64 ", 'syscalls': [" ALLOW("'socket'") "]}", "7fff0000 socket\n"},
	{"an intersection of arguments and none", PROFILE_INTERSECT,
		"{" ERRNO X86_64 ", 'syscalls': [" ARG0("socket", "1") "]}",
		"{" ERRNO X86_64 ", 'syscalls': [" ALLOW("'socket'") "]}",
		"7fff0000 socket if 0 SCMP_CMP_EQ 1 0\n"},
	{"different arguments have nothing in common", PROFILE_INTERSECT,
		"{" ERRNO X86_64 ", 'syscalls': [" ARG0("socket", "1") "]}",
		"{" ERRNO X86_64 ", 'syscalls': [" ARG0("socket", "2") "]}", ""},
	{"two ends of a range, which no rule can have", PROFILE_INTERSECT,
		"{" ERRNO X86_64 ", 'syscalls': [{'names': ['kill'], 'action': 'SCMP_ACT_ALLOW', "
		"'args': [{'index': 1, 'value': 4, 'op': 'SCMP_CMP_GE'}]}]}",
		"{" ERRNO X86_64 ", 'syscalls': [{'names': ['kill'], 'action': 'SCMP_ACT_ALLOW', "
		"'args': [{'index': 1, 'value': 9, 'op': 'SCMP_CMP_LT'}]}]}",
		"7fff0000 kill if 1 SCMP_CMP_EQ 8 0\n"
		"7fff0000 kill if 1 SCMP_CMP_MASKED_EQ 18446744073709551612 4\n"},
	{"a denial that one says stays in an intersection", PROFILE_INTERSECT,
		"{" ERRNO X86_64 ", 'syscalls': [" DENY("mount") "," ALLOW("'read'") "]}",
		"{'defaultAction': 'SCMP_ACT_ALLOW'" X86_64 "}", "7fff0000 read\n50001 mount\n"},
	{"and gives way in a union", PROFILE_UNION,
		"{" ERRNO X86_64 ", 'syscalls': [" DENY("mount") "," ALLOW("'read'") "]}",
		"{" ERRNO X86_64 ", 'syscalls': [" ALLOW("'mount'") "]}", "7fff0000 mount read\n"},
	{"of two errnos the first counts", PROFILE_UNION,
		"{" ERRNO X86_64 ", 'syscalls': [" DENY("mount") "]}",
		"{'defaultAction': 'SCMP_ACT_ERRNO', 'defaultErrnoRet': 13" X86_64 "}",
		"50001 mount\n"},
	{"an architecture that one lists is in the union, where they agree", PROFILE_UNION,
		"{" ERRNO BOTH ", 'syscalls': [" ALLOW("'read', 'write'") "]}",
		"{" ERRNO X86_64 ", 'syscalls': [" ALLOW("'read'") "]}", "7fff0000 read write\n"},
	{"and not in the intersection", PROFILE_INTERSECT,
		"{" ERRNO BOTH ", 'syscalls': [" ALLOW("'read', 'write'") "]}",
		"{" ERRNO X86_64 ", 'syscalls': [" ALLOW("'read'") "]}", "7fff0000 read\n"},
	{"where they do not agree there is no union", PROFILE_UNION,
		"{" ERRNO BOTH ", 'syscalls': [" ALLOW("'write'") "]}",
		"{" ERRNO X86_64 ", 'syscalls': [" ALLOW("'read'") "]}",
		"a.json and b.json: read should be answered in one way under SCMP_ARCH_X86_64 and "
		"in another under SCMP_ARCH_X86"},
	{"nor with another default", PROFILE_UNION,
		"{'defaultAction': 'SCMP_ACT_KILL_PROCESS'" BOTH "}", "{" ERRNO X86_64 "}",
		"a.json and b.json: under SCMP_ARCH_X86 what is not named should get "
		"SCMP_ACT_KILL_PROCESS"},
	{"an ABI of the same token that has another default", PROFILE_UNION,
		"{'defaultAction': 'SCMP_ACT_KILL_PROCESS'" X86_64 "}",
		"{" ERRNO ", 'architectures': ['SCMP_ARCH_X32']}",
		"a.json and b.json: under SCMP_ARCH_X86_64 what is not named should get "
		"SCMP_ACT_KILL_PROCESS"},
	{"arguments that are always so are none, under any architecture", PROFILE_UNION,
		"{" ERRNO BOTH ", 'syscalls': [{'names': ['close'], 'action': 'SCMP_ACT_ALLOW', "
		"'args': [{'index': 0, 'value': 0, 'op': 'SCMP_CMP_GE'}]}]}",
		"{" ERRNO X86_64 ", 'syscalls': [" ALLOW("'close'") "]}", "7fff0000 close\n"},
	{"values that no argument of 32 bits has", PROFILE_INTERSECT,
		"{" ERRNO ", 'architectures': ['SCMP_ARCH_X86'], 'syscalls': [{'names': ['close'], "
		"'action': 'SCMP_ACT_ALLOW', 'args': [{'index': 0, 'value': 5, 'op': "
		"'SCMP_CMP_NE'}]}, {'names': ['close'], 'action': 'SCMP_ACT_LOG', 'args': "
		"[{'index': "
		"0, 'value': 4294967301, 'op': 'SCMP_CMP_EQ'}]}]}",
		"{'defaultAction': 'SCMP_ACT_ALLOW', 'architectures': ['SCMP_ARCH_X86']}",
		"7fff0000 close if 0 SCMP_CMP_NE 5 0\n7ffc0000 close if 0 SCMP_CMP_EQ 4294967301 "
		"0\n"},
	{"architectures that have nothing in common", PROFILE_INTERSECT,
		"{" ERRNO ", 'architectures': ['SCMP_ARCH_X86']}", "{" ERRNO X86_64 "}",
		"a.json and b.json: no architecture is listed in all of them"},
	{"flags that differ", PROFILE_UNION,
		"{" ERRNO X86_64 ", 'flags': ['SECCOMP_FILTER_FLAG_LOG']}", "{" ERRNO X86_64 "}",
		"a.json and b.json differ in flags"},
	{"listeners that differ", PROFILE_UNION, "{" ERRNO X86_64 ", 'listenerPath': '/a'}",
		"{" ERRNO X86_64 "}", "a.json and b.json differ in listenerPath"},
	{"one that cannot be resolved", PROFILE_UNION, "{" ERRNO X86_64 "}",
		"{'defaultAction': 'SCMP_ACT_ALLOW'" X86_64 ", 'syscalls': [" DENY("mounte") "]}",
		"b.json: $.syscalls[0].names[0]: no call known here is named \"mounte\""},
};

/* A line for each rule: its action in hex, its names, its conditions. */
static char *rules_text(const struct profile *profile)
{
	char *text = NULL;
	size_t size;
	FILE *to = open_memstream(&text, &size);

	for (size_t i = 0; i < profile->n_rules; i++) {
		const struct rule *rule = &profile->rules[i];

		fprintf(to, "%x", rule->action);
		for (size_t j = 0; j < rule->n_names; j++)
			fprintf(to, " %s", rule->names[j]);
		for (size_t j = 0; j < rule->n_conds; j++) {
			const struct condition *cond = &rule->conds[j];

			fprintf(to, " if %u %s %" PRIu64 " %" PRIu64, cond->index,
				condition_op_name((enum condition_op)cond->op), cond->value,
				cond->value_two);
		}
		fputc('\n', to);
	}
	fclose(to);
	return text;
}

static bool read_row(const char *text, const char *name, struct named_profile *out)
{
	scoped_free char *json = json_of(text);
	struct err e = {0};

	out->name = name;
	if (!profile_parse(name, json, strlen(json), &out->profile, NULL, &e))
		return true;
	printf("# %s\n", e.text);
	return false;
}

static void test_rows(void)
{
	for (size_t i = 0; i < ARRAY_LEN(ROWS); i++) {
		struct named_profile both[2] = {{.name = NULL}};
		scoped(profile_done) struct profile merged = {0};
		scoped_free char *got = NULL;
		struct err e = {0};
		bool same;

		if (!read_row(ROWS[i].a, "a.json", &both[0]) ||
			!read_row(ROWS[i].b, "b.json", &both[1]))
			exit(1);
		if (profile_merge(ROWS[i].mode, both, 2, &merged, NULL, &e)) {
			got = strdup(e.text);
			same = *ROWS[i].wanted &&
			       !strncmp(got, ROWS[i].wanted, strlen(ROWS[i].wanted));
		} else {
			got = rules_text(&merged);
			same = !strcmp(got, ROWS[i].wanted);
		}
		if (!ok(same, "%s", ROWS[i].claim))
			printf("#   %s\n", got);
		profile_done(&both[0].profile);
		profile_done(&both[1].profile);
	}
}

/* More argument rules than anything should have: an error, and in no time. */
static void test_too_much(void)
{
	struct profile wide[2] = {{.default_action = SECCOMP_RET_KILL_PROCESS},
		{.default_action = SECCOMP_RET_KILL_PROCESS}};
	scoped(profile_done) struct profile merged = {0};
	struct named_profile both[] = {{"a.json", wide[0]}, {"b.json", wide[1]}};
	struct err e = {0};
	char *name = "ioctl";

	for (size_t side = 0; side < 2; side++) {
		for (uint64_t i = 0; i < 400; i++) {
			struct rule *rule = random_rule_add(
				&both[side].profile, &name, 1, SECCOMP_RET_ALLOW);

			random_condition_add(
				rule, (struct condition){1, OP_EQ, 1000 * side + i, 0});
		}
	}
	ok(profile_merge(PROFILE_UNION, both, 2, &merged, NULL, &e) == -E2BIG &&
			strstr(e.text, "ioctl: its argument rules come to more than 512"),
		"800 argument rules for one call are refused by its name");
	ok(!profile_merge(PROFILE_INTERSECT, both, 2, &merged, NULL, &e) && merged.n_rules == 0,
		"400 and 400 others have nothing in common");
	profile_done(&both[0].profile);
	profile_done(&both[1].profile);
}

static void test_told(void)
{
	struct heard heard = {0};
	const struct notice to = notice_to(&heard);
	struct named_profile both[2] = {{.name = NULL}};
	scoped(profile_done) struct profile merged = {0};
	struct err e;

	read_row("{" ERRNO X86_64 "}", "a.json", &both[0]);
	read_row("{'defaultAction': 'SCMP_ACT_ERRNO', 'defaultErrnoRet': 13" X86_64 "}", "b.json",
		&both[1]);
	ok(!profile_merge(PROFILE_UNION, both, 2, &merged, &to, &e) && heard.lines == 1 &&
			strstr(heard.text, "SCMP_ACT_ERRNO (ENOSYS), as in a.json, and not "
					   "SCMP_ACT_ERRNO (EACCES), as in b.json"),
		"it is told whose errno counts");
	ok(merged.default_action == (SECCOMP_RET_ERRNO | 38), "which is the first one's");
	profile_done(&both[0].profile);
	profile_done(&both[1].profile);
}

int main(void)
{
	test_rows();
	test_told();
	test_too_much();
	return tap_done();
}
