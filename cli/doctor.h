/*
 * doctor.h: what sysclamp finds on this host: a list of checks in groups, each with a mend where
 * something lacks.  Examining changes nothing; printing is for cmd_doctor.c.
 */
#ifndef SYSCLAMP_DOCTOR_H
#define SYSCLAMP_DOCTOR_H

#include <stdbool.h>
#include <stddef.h>

#include "err.h"

enum doctor_mark {
	DOCTOR_OK,
	DOCTOR_NO, /* it lacks, and there is a mend */
	DOCTOR_NOTE, /* neither good nor bad, or it cannot be told */
};

struct doctor_check {
	const char *group, *name;
	enum doctor_mark mark;
	char value[ERR_TEXT_MAX]; /* one line */
	char mend[ERR_TEXT_MAX]; /* one line, "" if nothing lacks */
};

enum { DOCTOR_CHECKS_MAX = 48 };

struct doctor_report {
	struct doctor_check checks[DOCTOR_CHECKS_MAX]; /* those of a group stand together */
	size_t n_checks;
	const char *group; /* that is being examined */
	const char *backend; /* that `record` takes by itself, NULL if none works */
	bool filters; /* `run` can load one */
};

/** Examine everything: tens of milliseconds, most of them for eBPF programs being verified. */
void doctor_examine(struct doctor_report *out);

/**
 * For the groups: add a check, with a value in printf's format.  Valid until the report ends; what
 * would exceed DOCTOR_CHECKS_MAX is a mistake of ours.
 */
struct doctor_check *doctor_add(struct doctor_report *report, const char *name,
	enum doctor_mark mark, const char *format, ...) __attribute__((format(printf, 4, 5)));

/** The check lacks: mark it so, and say what mends it. */
void doctor_mend(struct doctor_check *check, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* The groups, in files of their own; each adds its checks. */
void doctor_kernel(struct doctor_report *report);
void doctor_capabilities(struct doctor_report *report);
void doctor_cgroups(struct doctor_report *report);
void doctor_seccomp(struct doctor_report *report);
void doctor_programs(struct doctor_report *report);
void doctor_limits(struct doctor_report *report);

#endif
