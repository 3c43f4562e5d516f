/* The group about seccomp: the kernel's, this process's, libseccomp's. */
#include <errno.h>
#include <linux/seccomp.h>
#include <seccomp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "doctor.h"
#include "enforce.h"
#include "features.h"
#include "filter.h"
#include "host.h"
#include "proc.h"
#include "profile.h"
#include "scope.h"

static bool is_held(void)
{
	int mode = prctl(PR_GET_SECCOMP, 0L, 0L, 0L, 0L);

	/* EINVAL: a kernel without seccomp; any other error is a filter's. */
	return mode == SECCOMP_MODE_FILTER || (mode < 0 && errno != EINVAL);
}

#define BOOT_SECCOMP "boot a kernel with CONFIG_SECCOMP_FILTER=y"
#define ALLOW_SECCOMP                                                                              \
	"a filter denies it: start the container with --security-opt seccomp=unconfined, or a "    \
	"profile that allows seccomp(2)"

/* The whole way of `run`: read, compile, prove, load. */
static int try_filter(struct err *e)
{
	static const char NAME[] = "a filter";
	char text[] = "{\"defaultAction\": \"SCMP_ACT_ALLOW\", \"syscalls\": [{\"names\": "
		      "[\"uname\"], \"action\": \"SCMP_ACT_ERRNO\"}]}";
	scoped(profile_done) struct profile profile = {0};
	scoped(enforced_done) struct enforced enforced = {0};

	if (profile_parse(NAME, text, strlen(text), &profile, NULL, e) ||
		enforced_from_profile(NAME, &profile, &enforced, NULL, e) ||
		enforced_can_load(NAME, &enforced, e))
		return -e->code;
	return filter_try(&enforced.filter, 0, e);
}

static void add_trial(struct doctor_report *report)
{
	static const char NAME[] = "filters";
	struct err e = {0};

	report->filters = !try_filter(&e);
	if (report->filters)
		doctor_add(report, NAME, DOCTOR_OK, "one was compiled, proven and loaded");
	else
		doctor_mend(doctor_add(report, NAME, DOCTOR_NO, "%s", e.text), "%s",
			is_held() ? ALLOW_SECCOMP : BOOT_SECCOMP);
}

__attribute__((format(printf, 2, 3))) static void append(
	char text[ERR_TEXT_MAX], const char *format, ...)
{
	size_t used = strlen(text);
	va_list args;

	va_start(args, format);
	(void)vsnprintf(text + used, ERR_TEXT_MAX - used, format, args);
	va_end(args);
}

static void add_features(struct doctor_report *report, const char *name,
	const struct feature *features, size_t len, const char *prefix, int (*has)(uint32_t value))
{
	char there[ERR_TEXT_MAX] = "", missing[ERR_TEXT_MAX] = "";
	struct doctor_check *check;
	int answer = 0;

	for (size_t i = 0; i < len; i++) {
		const char *word = features[i].name + strlen(prefix);

		answer = has(features[i].value);
		if (answer < 0)
			break;
		if (answer)
			append(there, "%s%s", *there ? " " : "", word);
		else
			append(missing, "%s%s (Linux %s)", *missing ? ", " : "", word,
				features[i].since);
	}
	if (answer < 0) {
		check = doctor_add(
			report, name, DOCTOR_NO, "cannot be asked: %s", strerrordesc_np(-answer));
		doctor_mend(
			check, "%s", is_held() ? ALLOW_SECCOMP : BOOT_SECCOMP ", 4.14 or newer");
		return;
	}
	check = doctor_add(report, name, DOCTOR_OK, "%s", *there ? there : "none");
	if (*missing)
		doctor_mend(check, "boot a newer kernel: %s", missing);
}

static bool has_word(const char *line, const char *word)
{
	size_t len = strlen(word);

	for (const char *at = line; (at = strstr(at, word)); at += len) {
		if ((at == line || at[-1] == ' ') && (at[len] == '\0' || at[len] == ' '))
			return true;
	}
	return false;
}

static void add_logged(struct doctor_report *report)
{
	static const char NAME[] = "logged";
	struct doctor_check *check;
	char line[256];

	if (!host_line("/proc/sys/kernel/seccomp/actions_logged", line, sizeof(line))) {
		doctor_add(report, NAME, DOCTOR_NOTE, "unknown: no kernel.seccomp.actions_logged");
		return;
	}
	check = doctor_add(report, NAME, DOCTOR_OK, "%s", *line ? line : "none");
	if (!has_word(line, "log"))
		doctor_mend(check,
			"SCMP_ACT_LOG leaves no trace: sysctl "
			"kernel.seccomp.actions_logged='%s%slog'",
			line, *line ? " " : "");
}

static void add_held(struct doctor_report *report)
{
	static const char NAME[] = "this process";
	unsigned filters = proc_filters(getpid());
	struct doctor_check *check;

	if (!is_held()) {
		doctor_add(report, NAME, DOCTOR_OK, "no filter holds it");
		return;
	}
	check = filters ? doctor_add(report, NAME, DOCTOR_NO, "held by %u filter%s", filters,
				  filters > 1 ? "s" : "")
			: doctor_add(report, NAME, DOCTOR_NO, "held by filters");
	doctor_mend(check,
		"verify --pid needs a process that no filter holds: run it on the host, or "
		"with --security-opt seccomp=unconfined");
}

static void add_no_new_privs(struct doctor_report *report)
{
	int set = prctl(PR_GET_NO_NEW_PRIVS, 0L, 0L, 0L, 0L);

	doctor_add(report, "no_new_privs", DOCTOR_NOTE, "%s",
		set < 0	  ? "unknown"
		: set > 0 ? "set: set-user-ID programs started here gain nothing"
			  : "not set");
}

static void add_jit(struct doctor_report *report)
{
	struct doctor_check *check;
	char enabled[16], harden[16];

	if (!host_line("/proc/sys/net/core/bpf_jit_enable", enabled, sizeof(enabled))) {
		/* Shown in the first network namespace only: net/core/sysctl_net_core.c */
		doctor_add(report, "JIT", DOCTOR_NOTE, "unknown: no net.core.bpf_jit_enable here");
		return;
	}
	if (!host_line("/proc/sys/net/core/bpf_jit_harden", harden, sizeof(harden)))
		(void)snprintf(harden, sizeof(harden), "unknown");
	check = doctor_add(report, "JIT", DOCTOR_OK, "enabled %s, hardening %s", enabled, harden);
	if (!strcmp(enabled, "0"))
		doctor_mend(check, "filters are interpreted: sysctl net.core.bpf_jit_enable=1");
}

static void add_libseccomp(struct doctor_report *report)
{
	const struct scmp_version *version = seccomp_version();

	doctor_add(report, "libseccomp", DOCTOR_OK, "%u.%u.%u, API level %u", version->major,
		version->minor, version->micro, seccomp_api_get());
}

void doctor_seccomp(struct doctor_report *report)
{
	size_t n_actions, n_flags;
	const struct feature *actions = features_actions(&n_actions);
	const struct feature *flags = features_flags(&n_flags);

	add_trial(report);
	add_features(report, "actions", actions, n_actions, "SCMP_ACT_", host_has_action);
	add_features(report, "flags", flags, n_flags, "SECCOMP_FILTER_FLAG_", host_has_filter_flag);
	add_logged(report);
	add_held(report);
	add_no_new_privs(report);
	add_jit(report);
	add_libseccomp(report);
}
