#include "doctor.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "scope.h"
#include "tracer.h"

struct doctor_check *doctor_add(struct doctor_report *report, const char *name,
	enum doctor_mark mark, const char *format, ...)
{
	struct doctor_check *check = &report->checks[report->n_checks];
	va_list args;

	assert(report->n_checks < DOCTOR_CHECKS_MAX);
	report->n_checks++;
	*check = (struct doctor_check){.group = report->group, .name = name, .mark = mark};
	va_start(args, format);
	(void)vsnprintf(check->value, sizeof(check->value), format, args);
	va_end(args);
	text_tame(check->value);
	return check;
}

void doctor_mend(struct doctor_check *check, const char *format, ...)
{
	va_list args;

	check->mark = DOCTOR_NO;
	va_start(args, format);
	(void)vsnprintf(check->mend, sizeof(check->mend), format, args);
	va_end(args);
	text_tame(check->mend);
}

/* What a back end says, without the name in front that is on the same line already. */
static const char *reason_of(const struct err *e)
{
	size_t len = strcspn(e->text, ": ");

	return !strncmp(e->text + len, ": ", 2) ? e->text + len + 2 : e->text;
}

static void try_backend(struct doctor_report *report, const struct tracer_backend *backend)
{
	scoped(tracer_close) struct tracer tracer = {0};
	char why[ERR_TEXT_MAX];
	struct err e = {0};

	if (tracer_open(backend->name, TRACER_COMMAND, &tracer, why, &e)) {
		doctor_mend(doctor_add(report, backend->name, DOCTOR_NO, "does not work here"),
			"%s", reason_of(&e));
		return;
	}
	doctor_add(report, backend->name, DOCTOR_OK, "%s%s", backend->summary,
		report->backend ? "" : "; auto takes it");
	if (!report->backend)
		report->backend = backend->name; /* the first that works: tracer_open() */
}

static void doctor_record(struct doctor_report *report)
{
	size_t len;
	const struct tracer_backend *backends = tracer_backends(&len);

	for (size_t i = 0; i < len; i++)
		try_backend(report, &backends[i]);
}

static const struct {
	const char *name;
	void (*examine)(struct doctor_report *report);
} GROUPS[] = {
	{"record", doctor_record},
	{"kernel", doctor_kernel},
	{"capabilities", doctor_capabilities},
	{"cgroups", doctor_cgroups},
	{"seccomp", doctor_seccomp},
	{"programs", doctor_programs},
	{"limits", doctor_limits},
};

void doctor_examine(struct doctor_report *out)
{
	out->n_checks = 0;
	out->backend = NULL;
	out->filters = false;
	for (size_t i = 0; i < ARRAY_LEN(GROUPS); i++) {
		out->group = GROUPS[i].name;
		GROUPS[i].examine(out);
	}
}
