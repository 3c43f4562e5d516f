/*
 * The table of verdicts, tests/sim/verdicts.tsv: what profiles answer to single calls, by every
 * evaluator there is.
 */
#include <errno.h>
#include <linux/seccomp.h>
#include <stdio.h>

#include "file.h"
#include "filter.h"
#include "policy.h"
#include "profile.h"
#include "scope.h"
#include "syscalls.h"
#include "tap.h"

#define SIM "tests/sim/"

enum { COLUMNS = 7, TABLE_SIZE_MAX = 1 << 20 };
enum column { RULE, PROFILE, ABI, CALL, ARGS, ANSWER, CLAIM };

/* One profile, read once for the rows in a sequence that use it. */
struct subject {
	char name[64];
	struct policy policy;
	struct filter filter;
};

struct evaluator {
	const char *name;
	action_t (*answer)(const struct subject *subject, const struct seccomp_data *call);
};

static action_t answer_policy(const struct subject *subject, const struct seccomp_data *call)
{
	return policy_verdict(&subject->policy, call, NULL);
}

static action_t answer_filter(const struct subject *subject, const struct seccomp_data *call)
{
	return filter_run(&subject->filter, call);
}

static const struct evaluator EVALUATORS[] = {
	{"the rules", answer_policy},
	{"the compiled filter", answer_filter},
};

static void subject_done(struct subject *subject)
{
	policy_done(&subject->policy);
	filter_done(&subject->filter);
	*subject = (struct subject){0};
}

static bool subject_load(struct subject *subject, const char *name, struct err *e)
{
	scoped(profile_done) struct profile profile = {0};
	char path[128];

	if (!strcmp(subject->name, name))
		return true;
	subject_done(subject);
	(void)snprintf(path, sizeof(path), SIM "%s.json", name);
	if (profile_read(path, &profile, NULL, e) ||
		policy_resolve(path, &profile, &subject->policy, NULL, e) ||
		filter_compile(&subject->policy, &subject->filter, e))
		return false;
	(void)snprintf(subject->name, sizeof(subject->name), "%s", name);
	return true;
}

/* A number in C's notation; "-1" is the largest. */
static bool parse_number(const char *text, uint64_t *out_value)
{
	char *end;

	errno = 0;
	*out_value = strtoull(text, &end, 0);
	return end != text && *end == '\0' && !errno;
}

/* "ERRNO(38)" */
static bool parse_answer(const char *text, action_t *out_action)
{
	char name[64] = "SCMP_ACT_";
	uint64_t data = 0;
	char number[16];
	size_t len = strcspn(text, "(");

	(void)snprintf(name + strlen(name), sizeof(name) - strlen(name), "%.*s", (int)len, text);
	if (action_by_name(name, out_action))
		return false;
	if (text[len] == '\0')
		return !action_has_data(*out_action);
	(void)snprintf(
		number, sizeof(number), "%.*s", (int)strcspn(text + len + 1, ")"), text + len + 1);
	if (!parse_number(number, &data) || data > action_data_max(*out_action))
		return false;
	*out_action |= (action_t)data;
	return true;
}

static bool parse_args(char *text, struct seccomp_data *call)
{
	char *rest = text, *arg;
	uint64_t value;

	for (size_t i = 0; *text && (arg = strsep(&rest, ",")); i++) {
		if (i >= SYSCALL_ARGS || !parse_number(arg, &value))
			return false;
		call->args[i] = value;
	}
	return true;
}

static bool parse_call(char *const *columns, struct seccomp_data *call)
{
	bool native = !strcmp(columns[ABI], "native");
	const struct abi *abi = native ? abi_native() : abi_by_name(columns[ABI]);
	uint64_t number;
	uint32_t nr;

	*call = (struct seccomp_data){.instruction_pointer = 0x123456789abcdef0};
	if (abi)
		call->arch = abi->audit_arch;
	else if (!parse_number(columns[ABI], &number))
		return false;
	else
		call->arch = (uint32_t)number;
	if (abi && !syscall_number(abi, columns[CALL], &nr))
		call->nr = (int)nr;
	else if (!parse_number(columns[CALL], &number))
		return false;
	else
		call->nr = (int)number;
	return parse_args(columns[ARGS], call);
}

static void run_row(struct subject *subject, char *const *columns, const char *line)
{
	struct seccomp_data call;
	struct err e = {0};
	action_t want;
	char buf[64];

	if (!subject_load(subject, columns[PROFILE], &e) || !parse_call(columns, &call) ||
		!parse_answer(columns[ANSWER], &want)) {
		ok(false, "%s: cannot be run: %s", line, e.text);
		return;
	}
	for (size_t i = 0; i < ARRAY_LEN(EVALUATORS); i++) {
		action_t got = EVALUATORS[i].answer(subject, &call);

		if (!ok(got == want, "%s, by %s", line, EVALUATORS[i].name))
			printf("#   got: %s\n", action_print(got, buf, sizeof(buf)));
	}
}

/* Split a line at its tabs; returns whether it has all columns. */
static bool split(char *line, char **columns)
{
	size_t n = 0;
	char *rest = line, *column;

	while ((column = strsep(&rest, "\t"))) {
		if (n < COLUMNS)
			columns[n] = column;
		n++;
	}
	return n == COLUMNS;
}

int main(void)
{
	scoped(subject_done) struct subject subject = {0};
	scoped_free char *table = NULL;
	char *rest, *line;
	struct err e = {0};
	size_t size;

	if (!ok(!file_read(SIM "verdicts.tsv", TABLE_SIZE_MAX, &table, &size, &e),
		    "the table of verdicts"))
		printf("#   %s\n", e.text);
	rest = table;
	while (rest && (line = strsep(&rest, "\n"))) {
		char *columns[COLUMNS], shown[160];

		if (*line == '#' || *line == '\0')
			continue;
		(void)snprintf(shown, sizeof(shown), "%s", line);
		for (char *c = shown; *c; c++) {
			if (*c == '\t')
				*c = ' ';
		}
		if (split(line, columns))
			run_row(&subject, columns, shown);
		else
			ok(false, "%s: not seven columns", shown);
	}
	return tap_done();
}
