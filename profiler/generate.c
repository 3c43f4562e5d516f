#include "profiler.h"

#include <errno.h>
#include <inttypes.h>
#include <linux/seccomp.h>
#include <stdlib.h>
#include <string.h>

#include "allowed.h"
#include "base.h"
#include "scope.h"

/* A profile while it is being cut. */
struct cut {
	const char *name; /* of the recording */
	const struct recording *rec;
	const struct generate_options *options;
	const struct notice *to;
	struct profile profile;
	struct allowed allowed;
};

static void cut_done(struct cut *cut)
{
	profile_done(&cut->profile);
	allowed_done(&cut->allowed);
}

/*
 * Calls that a run may need without having shown them.
 *
 * Those that the vDSO answers while the clock source lets it: under another one, on another host,
 * they enter the kernel (arch/x86/entry/vdso, lib/vdso/gettimeofday.c).  clock_getres is not among
 * them: the vDSO answers it under any clock source, or never.
 *
 * Those that a signal brings, whenever it comes: the kernel has a handler return through
 * sigreturn(2), and resumes a wait that a stop cut short through restart_syscall(2).
 */
static const struct {
	const char *name;
	enum allowed_by by;
} UNSEEN_CALLS[] = {
	{"clock_gettime", BY_VDSO}, {"clock_gettime64", BY_VDSO}, /* the same on 32-bit ABIs */
	{"getcpu", BY_VDSO}, {"gettimeofday", BY_VDSO}, {"time", BY_VDSO},
	{"restart_syscall", BY_SIGNAL}, {"rt_sigreturn", BY_SIGNAL},
	{"sigreturn", BY_SIGNAL}, /* the same on 32-bit ABIs */
};

/* Their operations are done by the kernel without a system call. */
static const char *const URING_CALLS[] = {
	"io_uring_enter",
	"io_uring_register",
	"io_uring_setup",
};

/* glibc tries the first, and the second when the answer is ENOSYS. */
static const struct fallback {
	const char *newer, *older;
} FALLBACKS[] = {
	{"clone3", "clone"},
	{"faccessat2", "faccessat"},
	{"statx", "newfstatat"},
};

/* The ABIs that a kernel of the first runs besides it (Kconfig: COMPAT, X86_X32_ABI). */
static const struct sub_abi {
	const char *native, *sub;
} SUB_ABIS[] = {
	{"x86_64", "i386"},
	{"x86_64", "x32"},
	{"aarch64", "arm"},
	{"s390x", "s390"},
};

struct generate_options generate_defaults(void)
{
	return (struct generate_options){
		.runtime = BASE_ANY,
		.nnp = true,
		.default_action = SECCOMP_RET_ERRNO | ENOSYS,
	};
}

/* What was lost, way by way: "unreadable 3, map_full 1". */
static void list_losses(const struct recording *rec, struct name_row *out_row)
{
	char one[SYSCALL_NAME_MAX];

	for (size_t i = 0; i < LOSS_WAYS; i++) {
		if (rec->loss[i] == 0)
			continue;
		(void)snprintf(one, sizeof(one), "%s %" PRIu64, loss_name(i), rec->loss[i]);
		name_row_add(out_row, one);
	}
}

int generate_accept(const char *name, const struct recording *rec,
	const struct generate_options *options, const struct notice *to, struct err *e)
{
	const char *why = "it never ended: its recorder was killed or still runs";
	struct name_row losses = {0};
	struct err reason;

	if (rec->complete)
		return 0;
	if (rec->workload.ended_ns != 0)
		why = "a recording joined in it never ended";
	list_losses(rec, &losses);
	if (losses.n_names > 0)
		(void)err_set(&reason, EPERM, "%s: incomplete: calls were lost: %s", name,
			name_row_text(&losses));
	else
		(void)err_set(&reason, EPERM, "%s: incomplete: %s", name, why);
	if (!options->allow_incomplete)
		return err_set(e, EPERM,
			"%s; record again, or take it as it is with --allow-incomplete",
			reason.text);
	notice_tell(to, "%s; the profile may deny what the workload needs", reason.text);
	return 0;
}

/* uname(2) names the machine as the ABI table does, but for these. */
static const struct abi *abi_of_machine(const char *machine)
{
	if (machine[0] == 'i' && machine[1] && !strcmp(machine + 2, "86"))
		return abi_by_name("i386");
	if (!strncmp(machine, "arm", 3))
		return abi_by_name("arm");
	return abi_by_name(machine);
}

static bool abi_recorded(const struct recording *rec, const struct abi *abi)
{
	for (size_t i = 0; i < rec->n_calls; i++) {
		if (rec->calls[i].abi == abi)
			return true;
	}
	return false;
}

/* An ABI that is not listed is killed, whatever the default: what only logs must list all. */
static bool abi_is_logged(const struct cut *cut, const struct abi *native, const struct abi *abi)
{
	if (cut->options->default_action != SECCOMP_RET_LOG || !native)
		return false;
	for (size_t i = 0; i < ARRAY_LEN(SUB_ABIS); i++) {
		if (!strcmp(SUB_ABIS[i].native, native->name) &&
			!strcmp(SUB_ABIS[i].sub, abi->name))
			return true;
	}
	return false;
}

/* The host's own ABI, and those that were recorded, in the order of the table. */
static int cut_list_abis(struct cut *cut, struct err *e)
{
	const struct abi *native = abi_of_machine(
		cut->rec->host_machine ? cut->rec->host_machine : "");
	const struct abi *first = cut->rec->calls[0].abi;
	struct profile *profile = &cut->profile;
	size_t len;
	const struct abi *table = abi_table(&len);

	/* "mips" is the machine of both byte orders. */
	if (native && native->big_endian != first->big_endian)
		native = NULL;
	profile->abis = calloc(len, sizeof(*profile->abis));
	if (!profile->abis)
		return err_nomem(e);
	for (size_t i = 0; i < len; i++) {
		const struct abi *abi = &table[i];

		if ((!native || abi != native) && !abi_recorded(cut->rec, abi) &&
			!abi_is_logged(cut, native, abi))
			continue;
		if (abi->big_endian != first->big_endian)
			return err_set(e, EINVAL,
				"%s: recorded under both %s and %s, and no engine takes a profile "
				"of both byte orders; generate one profile for each",
				cut->name, first->name, abi->name);
		profile->abis[profile->n_abis++] = abi;
	}
	return 0;
}

static bool name_exists(const struct profile *profile, const char *name)
{
	uint32_t nr;

	for (size_t i = 0; i < profile->n_abis; i++) {
		if (!syscall_number(profile->abis[i], name, &nr))
			return true;
	}
	return false;
}

static bool always_denied(const struct rec_call *call)
{
	return call->denied > 0 && call->denied == call->count;
}

static int cut_add_call(struct cut *cut, const struct rec_call *call, struct err *e)
{
	char buf[SYSCALL_NAME_MAX];
	const char *name = syscall_name(call->abi, call->nr, buf);

	if (always_denied(call))
		return 0;
	if (name)
		return allowed_add(&cut->allowed, name, BY_RECORDING, e);
	if (call->enosys > 0 && call->enosys == call->count)
		return 0;
	return err_set(e, EINVAL,
		"%s: %s number %" PRId32 " was called %" PRIu64
		" times and has no name known here, "
		"so no profile can allow it; use a newer sysclamp or libseccomp, or take its entry "
		"out of the recording to have it denied",
		cut->name, call->abi->name, (int32_t)call->nr, call->count);
}

static int cut_add_recorded(struct cut *cut, struct err *e)
{
	for (size_t i = 0; i < cut->rec->n_calls; i++) {
		if (cut_add_call(cut, &cut->rec->calls[i], e))
			return -e->code;
	}
	if (cut->allowed.n_names == 0)
		return err_set(e, EINVAL,
			"%s: every call in it was denied or unknown to the kernel: nothing to "
			"allow; record the workload without a seccomp profile",
			cut->name);
	return 0;
}

static int cut_add_base(struct cut *cut, struct err *e)
{
	size_t len;
	const struct base_call *table = base_table(&len);

	for (size_t i = 0; i < len; i++) {
		if (!base_call_needed(&table[i], cut->options->runtime, cut->options->nnp) ||
			!name_exists(&cut->profile, table[i].name))
			continue;
		if (allowed_add(&cut->allowed, table[i].name, BY_BASE, e))
			return -e->code;
	}
	return 0;
}

static int cut_add_unseen(struct cut *cut, struct err *e)
{
	for (size_t i = 0; i < ARRAY_LEN(UNSEEN_CALLS); i++) {
		if (name_exists(&cut->profile, UNSEEN_CALLS[i].name) &&
			allowed_add(&cut->allowed, UNSEEN_CALLS[i].name, UNSEEN_CALLS[i].by, e))
			return -e->code;
	}
	return 0;
}

/* One rule that allows all names. */
static int cut_write_rule(struct cut *cut, struct err *e)
{
	const struct allowed *allowed = &cut->allowed;
	struct profile *profile = &cut->profile;
	struct rule *rule = calloc(1, sizeof(*rule));

	if (!rule)
		return err_nomem(e);
	profile->rules = rule;
	profile->n_rules = 1;
	rule->action = SECCOMP_RET_ALLOW;
	rule->names = calloc(allowed->n_names, sizeof(*rule->names));
	if (!rule->names)
		return err_nomem(e);
	for (size_t i = 0; i < allowed->n_names; i++) {
		rule->names[i] = strdup(allowed->names[i].name);
		if (!rule->names[i])
			return err_nomem(e);
		rule->n_names++;
	}
	return 0;
}

static void tell_names(const struct cut *cut, struct name_row *row, const char *what)
{
	if (row->n_names > 0)
		notice_tell(cut->to, "%s: %s", what, name_row_text(row));
}

/* What was recorded and is not in the profile. */
static void tell_skipped(const struct cut *cut)
{
	struct name_row denied = {0}, unknown = {0};

	for (size_t i = 0; i < cut->rec->n_calls; i++) {
		const struct rec_call *call = &cut->rec->calls[i];
		char buf[SYSCALL_NAME_MAX], one[2 * SYSCALL_NAME_MAX];
		const char *name = syscall_name(call->abi, call->nr, buf);

		if (name)
			(void)snprintf(one, sizeof(one), "%s", name);
		else
			(void)snprintf(one, sizeof(one), "%s %" PRId32, call->abi->name,
				(int32_t)call->nr);
		if (!name && !always_denied(call))
			name_row_add(&unknown, one);
		else if (!name || !allowed_has(&cut->allowed, name))
			name_row_add(&denied, one);
	}
	tell_names(cut, &denied, "left out, for a filter denied them whenever they were called");
	tell_names(cut, &unknown, "left out, for they have no name and the kernel lacks them");
}

/* The names that are there for @by and for no reason before it. */
static void tell_added_by(const struct cut *cut, enum allowed_by by, const char *what)
{
	struct name_row row = {0};

	for (size_t i = 0; i < cut->allowed.n_names; i++) {
		const struct allowed_name *name = &cut->allowed.names[i];

		if ((name->by & -name->by) == by)
			name_row_add(&row, name->name);
	}
	tell_names(cut, &row, what);
}

static void tell_added(const struct cut *cut)
{
	char base[ERR_TEXT_MAX / 4];

	(void)snprintf(base, sizeof(base), "added what %s %s behind the filter",
		base_runtime_label(cut->options->runtime),
		cut->options->runtime == BASE_ANY ? "call" : "calls");
	tell_added_by(cut, BY_BASE, base);
	tell_added_by(cut, BY_VDSO, "added what the vDSO may have hidden from the recorder");
	tell_added_by(cut, BY_SIGNAL, "added what a signal or a stop may bring at any time");
}

static void tell_unportable(const struct cut *cut)
{
	struct name_row row = {0};

	for (size_t i = 0; i < cut->allowed.n_names; i++) {
		if (!syscall_name_is_portable(cut->allowed.names[i].name))
			name_row_add(&row, cut->allowed.names[i].name);
	}
	tell_names(cut, &row, "an engine with libseccomp 2.5 or older drops these and denies them");
}

static void tell_uring(const struct cut *cut)
{
	for (size_t i = 0; i < ARRAY_LEN(URING_CALLS); i++) {
		if (!allowed_has(&cut->allowed, URING_CALLS[i]))
			continue;
		notice_tell(cut->to,
			"%s was called: neither recorder nor filter sees what is done through "
			"io_uring, so the profile does not limit it",
			URING_CALLS[i]);
		return;
	}
}

/* Whether a denied call fails, and in a way that glibc does not take for "try the older one". */
static bool hides_enosys(action_t action)
{
	uint32_t kind = action & SECCOMP_RET_ACTION_FULL;

	if (kind == SECCOMP_RET_ERRNO)
		return action != (SECCOMP_RET_ERRNO | ENOSYS);
	return kind == SECCOMP_RET_KILL_PROCESS || kind == SECCOMP_RET_KILL_THREAD ||
	       kind == SECCOMP_RET_TRAP;
}

static void tell_fallbacks(const struct cut *cut)
{
	struct name_row row = {0};
	char one[2 * SYSCALL_NAME_MAX];
	char action[SYSCALL_NAME_MAX];

	if (!hides_enosys(cut->options->default_action))
		return;
	for (size_t i = 0; i < ARRAY_LEN(FALLBACKS); i++) {
		const struct fallback *pair = &FALLBACKS[i];

		if (!allowed_has(&cut->allowed, pair->older) ||
			allowed_has(&cut->allowed, pair->newer))
			continue;
		(void)snprintf(one, sizeof(one), "%s to %s", pair->newer, pair->older);
		name_row_add(&row, one);
	}
	if (row.n_names == 0)
		return;
	notice_tell(cut->to,
		"not allowed, and glibc falls back only on ENOSYS, not on %s: %s; another glibc "
		"may fail to start threads or to find files",
		action_print(cut->options->default_action, action, sizeof(action)),
		name_row_text(&row));
}

static void tell_summary(const struct cut *cut)
{
	const struct allowed *allowed = &cut->allowed;
	size_t base = allowed_count(allowed, BY_BASE), clocks = allowed_count(allowed, BY_VDSO);
	size_t signals = allowed_count(allowed, BY_SIGNAL);
	char of_base[SYSCALL_NAME_MAX] = "", of_clocks[SYSCALL_NAME_MAX] = "";
	char of_signals[SYSCALL_NAME_MAX] = "";

	if (base > 0)
		(void)snprintf(of_base, sizeof(of_base), ", %zu added for %s", base,
			base_runtime_label(cut->options->runtime));
	if (clocks > 0)
		(void)snprintf(of_clocks, sizeof(of_clocks), ", %zu clock call%s", clocks,
			clocks == 1 ? "" : "s");
	if (signals > 0)
		(void)snprintf(of_signals, sizeof(of_signals), ", %zu for signals", signals);
	notice_tell(cut->to, "%zu calls allowed: %zu recorded%s%s%s", allowed->n_names,
		allowed_count(allowed, BY_RECORDING), of_base, of_clocks, of_signals);
}

static void tell_all(const struct cut *cut)
{
	tell_skipped(cut);
	tell_added(cut);
	tell_unportable(cut);
	tell_uring(cut);
	tell_fallbacks(cut);
	recording_tell_phases(cut->rec, cut->to);
	if (!allowed_has(&cut->allowed, "execve"))
		notice_tell(cut->to, "execve is not allowed: no program can be started under it");
	tell_summary(cut);
}

int profile_generate(const char *name, const struct recording *rec,
	const struct generate_options *options, struct profile *out, const struct notice *to,
	struct err *e)
{
	scoped(cut_done) struct cut cut = {.name = name, .rec = rec, .options = options, .to = to};

	if (generate_accept(name, rec, options, NULL, e))
		return -e->code;
	if (rec->n_calls == 0)
		return err_set(e, EINVAL,
			"%s: holds no calls: nothing to cut a profile from; record the workload "
			"again",
			name);
	cut.profile.default_action = options->default_action;
	if (cut_list_abis(&cut, e) || cut_add_recorded(&cut, e) || cut_add_base(&cut, e) ||
		cut_add_unseen(&cut, e) || cut_write_rule(&cut, e))
		return -e->code;
	tell_all(&cut);
	*out = cut.profile;
	cut.profile = (struct profile){0};
	return 0;
}
