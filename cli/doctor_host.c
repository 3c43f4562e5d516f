/* The groups about the kernel, privileges and limits. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "caps.h"
#include "doctor.h"
#include "ebpf_needs.h"
#include "filter.h"
#include "flatten.h"
#include "host.h"
#include "landlock.h"
#include "scope.h"
#include "syscalls.h"

static void add_release(struct doctor_report *report)
{
	bool supported = !strcmp(abi_native()->name, "x86_64");
	struct doctor_check *check;
	struct utsname uts = {0};

	(void)uname(&uts);
	check = doctor_add(report, "release", DOCTOR_OK, "%s on %s%s", uts.release, uts.machine,
		supported ? "" : ", which cannot be recorded on");
	if (!supported)
		doctor_mend(check, "record on x86-64; profiles can be read, compiled and proven "
				   "here");
}

static void add_proc(struct doctor_report *report)
{
	if (access("/proc/self/status", R_OK))
		doctor_mend(doctor_add(report, "/proc", DOCTOR_NO, "not mounted"),
			"mount -t proc proc /proc: recordings tell programs and denied calls by "
			"it");
}

static void add_btf(struct doctor_report *report)
{
	struct doctor_check *check;

	if (!access(EBPF_BTF_FILE, R_OK)) {
		doctor_add(report, "BTF", DOCTOR_OK, "%s", EBPF_BTF_FILE);
		return;
	}
	check = doctor_add(report, "BTF", DOCTOR_NO, "no %s", EBPF_BTF_FILE);
	if (access("/sys/kernel", X_OK))
		doctor_mend(check, "mount -t sysfs sysfs /sys");
	else
		doctor_mend(check, "boot a kernel with CONFIG_DEBUG_INFO_BTF=y");
}

#define FIRST_NAMESPACE "leave the user namespace: run on the host, or in a container not rootless"

static void add_user_namespace(struct doctor_report *report)
{
	static const char NAME[] = "user namespace";
	struct doctor_check *check;

	switch (host_in_user_namespace()) {
	case HOST_NO:
		doctor_add(report, NAME, DOCTOR_OK, "the first one: capabilities count");
		break;
	case HOST_YES:
		check = doctor_add(report, NAME, DOCTOR_NO,
			"not the first one: capabilities do not count for eBPF and verify --pid");
		doctor_mend(check, "%s", FIRST_NAMESPACE);
		break;
	case HOST_UNKNOWN:
		doctor_add(report, NAME, DOCTOR_NOTE, "unknown without /proc");
	}
}

/*
 * Where they exist.  Neither kernel.unprivileged_bpf_disabled nor kernel.perf_event_paranoid is of
 * any matter: our programs need CAP_BPF and CAP_PERFMON anyway, and no others are asked for.
 */
static void add_yama(struct doctor_report *report)
{
	struct doctor_check *check;
	char scope[16];

	if (!host_line("/proc/sys/kernel/yama/ptrace_scope", scope, sizeof(scope)))
		return;
	check = doctor_add(report, "Yama", DOCTOR_OK, "ptrace_scope %s", scope);
	/* 0 and 1 let a parent trace its children: Documentation/admin-guide/LSM/Yama.rst */
	if (!strcmp(scope, "2") && !cap_is_effective(CAP_SYS_PTRACE))
		doctor_mend(check, "sysctl kernel.yama.ptrace_scope=1, or run as root");
	else if (!strcmp(scope, "3"))
		doctor_mend(check, "nobody may use ptrace until the next boot: record with ebpf");
}

static void add_lockdown(struct doctor_report *report)
{
	struct doctor_check *check;
	char mode[64];

	if (!host_line("/sys/kernel/security/lockdown", mode, sizeof(mode)))
		return;
	check = doctor_add(report, "lockdown", DOCTOR_OK, "%s", mode);
	/* LOCKDOWN_BPF_READ_KERNEL, include/linux/security.h */
	if (strstr(mode, "[confidentiality]"))
		doctor_mend(check, "boot with lockdown=integrity, or record with ptrace");
}

static void add_landlock(struct doctor_report *report)
{
	static const char NAME[] = "Landlock";
	int abi = landlock_abi();

	if (abi)
		doctor_add(report, NAME, DOCTOR_OK, "ABI %d", abi);
	else
		doctor_mend(doctor_add(report, NAME, DOCTOR_NO, "run --landlock cannot be had"),
			"boot Linux 5.13 or newer with landlock among its security modules "
			"(lsm=landlock,...)");
}

void doctor_kernel(struct doctor_report *report)
{
	add_release(report);
	add_proc(report);
	add_btf(report);
	add_user_namespace(report);
	add_yama(report);
	add_lockdown(report);
	add_landlock(report);
}

static const struct cap_use {
	unsigned cap;
	const char *name, *option; /* of setpriv(1) */
	const char *use;
	const char *nested_use; /* in a user namespace; NULL: it does not count there */
} CAP_USES[] = {
	{CAP_BPF, "CAP_BPF", "bpf", "record with ebpf", NULL},
	{CAP_PERFMON, "CAP_PERFMON", "perfmon", "record with ebpf", NULL},
	{CAP_SYS_ADMIN, "CAP_SYS_ADMIN", "sys_admin", "verify --pid, run --new-privs",
		"run --new-privs"},
	{CAP_SYS_PTRACE, "CAP_SYS_PTRACE", "sys_ptrace", "verify --pid of others' processes",
		"processes of this user namespace"},
};

static void mend_capability(struct doctor_check *check, const struct cap_use *row)
{
	if (host_in_user_namespace() == HOST_YES)
		doctor_mend(check, "%s", FIRST_NAMESPACE);
	else if (cap_is_reachable(row->cap))
		doctor_mend(check,
			"run as root, or let root start it: setpriv --reuid USER --inh-caps +%s "
			"--ambient-caps +%s",
			row->option, row->option);
	else
		doctor_mend(check,
			"taken from all that starts here: run the container with "
			"--cap-add %s",
			row->name);
}

static void add_capability(struct doctor_report *report, const struct cap_use *row)
{
	bool nested = host_in_user_namespace() == HOST_YES;
	bool admin_for_it = (row->cap == CAP_BPF || row->cap == CAP_PERFMON) &&
			    cap_is_effective(CAP_SYS_ADMIN);
	const char *use = nested ? row->nested_use : row->use;
	bool has = cap_is_effective(row->cap) || admin_for_it;

	if (has && use)
		doctor_add(report, row->name, DOCTOR_OK, "%s%s", use,
			cap_is_effective(row->cap) ? "" : ", by CAP_SYS_ADMIN");
	else
		mend_capability(doctor_add(report, row->name, DOCTOR_NO, "%s: %s",
					has ? "does not count here" : "missing", row->use),
			row);
}

void doctor_capabilities(struct doctor_report *report)
{
	for (size_t i = 0; i < ARRAY_LEN(CAP_USES); i++)
		add_capability(report, &CAP_USES[i]);
}

static const char *cgroup_layout(const struct host_cgroups *cgroups)
{
	if (cgroups->v2)
		return cgroups->hierarchies ? "hybrid: v1 and v2" : "v2";
	return cgroups->hierarchies ? "v1 only" : "none mounted";
}

void doctor_cgroups(struct doctor_report *report)
{
	struct host_cgroups cgroups;
	struct doctor_check *check;

	if (host_cgroups(&cgroups)) {
		doctor_add(report, "version", DOCTOR_NOTE, "unknown without /proc");
		return;
	}
	check = doctor_add(report, "version", DOCTOR_OK, "%s%s%s", cgroup_layout(&cgroups),
		cgroups.v2 ? " at " : "", cgroups.v2_path);
	if (!cgroups.v2)
		doctor_mend(check, "mount -t cgroup2 none /sys/fs/cgroup/unified, or boot with "
				   "systemd.unified_cgroup_hierarchy=1");
	else if (!cgroups.v2_readable)
		doctor_mend(check, "let this user read %s", cgroups.v2_path);
}

static void add_entry(struct doctor_report *report, const char *name, enum host_answer answer)
{
	static const char *const ANSWERS[] = {
		[HOST_NO] = "do not run: this kernel has no such calls, or a filter denies them",
		[HOST_YES] = "run",
		[HOST_UNKNOWN] = "unknown: no process could be started",
	};

	doctor_add(
		report, name, answer == HOST_YES ? DOCTOR_OK : DOCTOR_NOTE, "%s", ANSWERS[answer]);
}

/* Nothing of sysclamp needs them: where they do not run, they need not be recorded or held. */
void doctor_programs(struct doctor_report *report)
{
	add_entry(report, "i386", host_runs_i386());
	add_entry(report, "x32", host_runs_x32());
}

/* From 5.11 on the memory of maps counts for the cgroup, not for RLIMIT_MEMLOCK. */
static void add_locked_memory(struct doctor_report *report)
{
	struct kernel_version kernel;
	struct doctor_check *check;
	struct utsname uts = {0};
	struct rlimit limit;
	struct err e;

	(void)uname(&uts);
	if (flatten_kernel_parse(uts.release, &kernel, &e) || kernel.version > 5 ||
		(kernel.version == 5 && kernel.major >= 11) || getrlimit(RLIMIT_MEMLOCK, &limit))
		return;
	if (limit.rlim_cur == RLIM_INFINITY || cap_is_effective(CAP_SYS_RESOURCE)) {
		doctor_add(report, "locked memory", DOCTOR_OK, "unlimited");
		return;
	}
	check = doctor_add(report, "locked memory", DOCTOR_NO, "%" PRIu64 " KiB for eBPF maps",
		(uint64_t)limit.rlim_cur / 1024);
	doctor_mend(check, "ulimit -l unlimited, or give CAP_SYS_RESOURCE");
}

void doctor_limits(struct doctor_report *report)
{
	char pids[32];

	/* MAX_INSNS_PER_PATH, kernel/seccomp.c */
	doctor_add(report, "filter size", DOCTOR_NOTE,
		"%d instructions; all that hold a process: 32768, and 4 for each",
		FILTER_INSNS_MAX);
	if (!host_line("/proc/sys/kernel/pid_max", pids, sizeof(pids)))
		(void)snprintf(pids, sizeof(pids), "unknown without /proc");
	doctor_add(report, "pid_max", DOCTOR_NOTE, "%s", pids);
	doctor_add(report, "CPUs", DOCTOR_NOTE, "%ld possible", sysconf(_SC_NPROCESSORS_CONF));
	add_locked_memory(report);
}
