#include "verify.h"

#include <errno.h>
#include <linux/filter.h>
#include <stdio.h>
#include <string.h>

#include "scope.h"
#include "verify_parts.h"

static const struct known KNOWN[KNOWN_COUNT] = {
	{"difference", "unlisted ABIs",
		"libseccomp kills the thread, not the process, for ABIs and x32 numbers that are "
		"not listed"},
	{"difference", "negative numbers",
		"libseccomp gives them the default, the answer for unlisted ABIs, or that for a "
		"call it has no number for; no call has such a number"},
	{"difference", "native ABI",
		"libseccomp holds calls of the machine's own ABI to the rules though it is not "
		"listed"},
	{"difference", "multiplexed calls",
		"libseccomp applies rules for socket and IPC calls to socketcall and ipc too, "
		"without conditions on argument 0"},
	{"difference", "unknown names",
		"runc skips names that this machine's libseccomp lacks; the default, which is "
		"stricter, holds for these calls"},
	{"addition", "runc ENOSYS stub",
		"runc answers ENOSYS to numbers above the largest that the profile speaks of"},
};

const struct known *known_at(unsigned index)
{
	return &KNOWN[index];
}

void filters_done(struct filters *filters)
{
	for (size_t i = 0; i < filters->n; i++)
		filter_done(&filters->filters[i]);
	free(filters->filters);
}

/* One way of holding the programs against the profile, and what came of it. */
struct attempt {
	unsigned known; /* KNOWN_*: what it takes */
	struct proof proof;
};

static bool token_is_listed(const struct policy *policy, uint32_t token)
{
	for (size_t i = 0; i < policy->n_abis; i++) {
		if (policy->abis[i].abi->audit_arch == token)
			return true;
	}
	return false;
}

/* The rule that decides a call about which @about is the policy's. */
static size_t rule_of(const struct policy *policy, const struct seccomp_data *call,
	const struct call_policy *about)
{
	const struct abi *abi = abi_of_call(call->arch, (uint32_t)call->nr);
	const struct clause *clause = &policy_abi(policy, abi)->clauses[about->first_clause];

	if (about->n_clauses == 0)
		return about->rule;
	while (!clause_holds(clause, call))
		clause++;
	return clause->rule;
}

/* What the rules say about a call, and where in the file they do. */
static action_t look_up(const struct policy *policy, const struct seccomp_data *call, char *place)
{
	const struct abi *abi = abi_of_call(call->arch, (uint32_t)call->nr);
	const struct call_policy *about;
	action_t action = policy_verdict(policy, call, &about);
	bool listed = call->nr < 0 ? token_is_listed(policy, call->arch)
				   : abi && policy_abi(policy, abi);

	if (about)
		(void)snprintf(
			place, VERIFY_PLACE_MAX, "$.syscalls[%zu]", rule_of(policy, call, about));
	else
		(void)snprintf(place, VERIFY_PLACE_MAX, "%s",
			listed ? "$.defaultAction" : "$.architectures");
	return action;
}

/* The programs without the stubs of runc that this policy allows for; borrowed, but for the array.
 */
static int strip_stubs(const struct filters *filters, const struct policy *policy,
	struct filter **out_filters, bool *out_stripped, struct err *e)
{
	struct filter *rest = calloc(filters->n, sizeof(*rest));

	if (!rest)
		return err_nomem(e);
	*out_stripped = false;
	for (size_t i = 0; i < filters->n; i++) {
		const struct filter *filter = &filters->filters[i];
		size_t len;

		rest[i] = *filter;
		if (!runc_stub_find(filter, &len) || !runc_stub_keeps_off(filter, len, policy))
			continue;
		rest[i].insns += len;
		rest[i].len -= len;
		*out_stripped = true;
	}
	*out_filters = rest;
	return 0;
}

/* Once more without the stubs, if there are any. */
static int try_stripped(const struct filters *filters, const struct policy *policy,
	struct attempt *at, struct err *e)
{
	scoped_free struct filter *rest = NULL;
	bool stripped = false;

	if (strip_stubs(filters, policy, &rest, &stripped, e))
		return -e->code;
	if (!stripped)
		return 0;
	at->known |= KNOWN_RUNC_ENOSYS_STUB;
	return filters_prove(rest, filters->n, policy, &at->proof, e);
}

static int try_reading(const struct filters *filters, const struct reading *reading,
	struct attempt *out, struct err *e)
{
	struct attempt at = {.known = reading->known};

	if (filters_prove(filters->filters, filters->n, &reading->policy, &at.proof, e))
		return -e->code;
	if (at.proof.verdict != PROOF_EQUAL && try_stripped(filters, &reading->policy, &at, e))
		return -e->code;
	*out = at;
	return 0;
}

/* As libseccomp reads the profile, if there is such a reading; else @out is left alone. */
static int try_theirs(const struct verify_subject *subject, const struct filters *filters,
	struct attempt *out, struct err *e)
{
	scoped(reading_done) struct reading theirs = {0};
	struct err why;

	if (!reading_of_libseccomp(subject, &theirs, &why))
		return try_reading(filters, &theirs, out, e);
	if (why.code == ENOMEM)
		return err_nomem(e);
	return 0;
}

/*
 * Report a call, if the programs answer it otherwise than the profile as written says, so that it
 * is no matter of how it is read.
 */
static bool report_call(const struct filters *filters, const struct policy *written,
	const struct seccomp_data *call, struct verify_report *out)
{
	char place[VERIFY_PLACE_MAX];
	struct proof proof = {
		.verdict = PROOF_DIFFERENT,
		.call = *call,
		.got = filters_run(filters->filters, filters->n, call),
		.wanted = look_up(written, call, place),
	};

	if (action_effective(proof.got) == action_effective(proof.wanted))
		return false;
	out->answer = VERIFY_DIFFERENT;
	out->proof = proof;
	memcpy(out->place, place, sizeof(place));
	return true;
}

static void report_equal(const struct attempt *at, struct verify_report *out)
{
	out->answer = VERIFY_EQUAL;
	out->known = at->known;
}

/* The call that libseccomp's reading cannot explain either is the one of interest. */
static void report_difference(const struct filters *filters, const struct policy *written,
	const struct proof *plain, const struct proof *lenient, struct verify_report *out)
{
	out->answer = VERIFY_UNDECIDED;
	if (lenient->verdict != PROOF_DIFFERENT ||
		report_call(filters, written, &lenient->call, out))
		return;
	if (plain->verdict == PROOF_DIFFERENT)
		(void)report_call(filters, written, &plain->call, out);
}

static void count(const struct filters *filters, struct verify_report *out)
{
	out->n_filters = filters->n;
	out->n_insns = 0;
	for (size_t i = 0; i < filters->n; i++)
		out->n_insns += filters->filters[i].len;
}

int verify_filters(const struct verify_subject *subject, const struct reading *written,
	const struct filters *filters, struct verify_report *out, struct err *e)
{
	struct attempt plain = {0}, lenient;

	count(filters, out);
	if (try_reading(filters, written, &plain, e))
		return -e->code;
	lenient = plain;
	if (plain.proof.verdict != PROOF_EQUAL && try_theirs(subject, filters, &lenient, e))
		return -e->code;
	if (lenient.proof.verdict == PROOF_EQUAL)
		report_equal(&lenient, out);
	else
		report_difference(filters, &written->policy, &plain.proof, &lenient.proof, out);
	return 0;
}

int verify_program(const struct verify_subject *subject, const char *path,
	struct verify_report *out, struct err *e)
{
	scoped(reading_done) struct reading written = {0};
	scoped(filter_done) struct filter filter = {0};
	struct filters one = {&filter, 1};
	struct verify_report report = {0};

	if (reading_as_written(subject, &written, e) || filter_read(path, &filter, e) ||
		verify_filters(subject, &written, &one, &report, e))
		return -e->code;
	(void)snprintf(report.subject, sizeof(report.subject), "%s", path);
	*out = report;
	return 0;
}
