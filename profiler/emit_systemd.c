/*
 * A drop-in for a unit of systemd.
 *
 * Sources: systemd.exec(5), and what the man page leaves open in src/core/load-fragment.c
 * (config_parse_syscall_filter) and src/shared/seccomp-util.c of versions 252 to 255:
 *
 *   - An empty assignment forgets what the unit and other drop-ins said: the list is this one.
 *   - A list of what is allowed has the group @default in it, too; lines behind it that begin with
 *     "~" take calls out again, or, with ":ERRNO" or ":kill", give them an answer of their own.
 *   - Names that it does not know are passed over, with a warning: they stay denied.
 *   - Calls outside its group @known get ENOSYS whatever SystemCallErrorNumber= says.
 *   - SystemCallArchitectures= kills the thread that calls through another ABI, but the machine's
 *     own ABI is always open.
 */
#include "emit_parts.h"

#include <errno.h>
#include <linux/seccomp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "by_name.h"
#include "scope.h"
#include "systemd_groups.h"

#define IMPLIED "@default" /* the group that every list of allowed calls has in it */
enum { LINE_MAX_COLUMNS = 98 };

/* Names of ABIs: src/shared/seccomp-util.c, seccomp_arch_from_string(). */
static const struct {
	const char *oci, *name;
} ARCHITECTURES[] = {
	{"SCMP_ARCH_X86", "x86"},
	{"SCMP_ARCH_X86_64", "x86-64"},
	{"SCMP_ARCH_X32", "x32"},
	{"SCMP_ARCH_ARM", "arm"},
	{"SCMP_ARCH_AARCH64", "arm64"},
	{"SCMP_ARCH_LOONGARCH64", "loongarch64"},
	{"SCMP_ARCH_MIPS", "mips"},
	{"SCMP_ARCH_MIPS64", "mips64"},
	{"SCMP_ARCH_MIPS64N32", "mips64-n32"},
	{"SCMP_ARCH_MIPSEL", "mips-le"},
	{"SCMP_ARCH_MIPSEL64", "mips64-le"},
	{"SCMP_ARCH_MIPSEL64N32", "mips64-le-n32"},
	{"SCMP_ARCH_PARISC", "parisc"},
	{"SCMP_ARCH_PARISC64", "parisc64"},
	{"SCMP_ARCH_PPC", "ppc"},
	{"SCMP_ARCH_PPC64", "ppc64"},
	{"SCMP_ARCH_PPC64LE", "ppc64-le"},
	{"SCMP_ARCH_RISCV64", "riscv64"},
	{"SCMP_ARCH_S390", "s390"},
	{"SCMP_ARCH_S390X", "s390x"},
};

static const char *architecture_name(const char *oci)
{
	for (size_t i = 0; i < ARRAY_LEN(ARCHITECTURES); i++) {
		if (!strcmp(ARCHITECTURES[i].oci, oci))
			return ARCHITECTURES[i].name;
	}
	return NULL;
}

/* What a unit makes of a call. */
enum says { SAYS_DEFAULT, SAYS_ALLOW, SAYS_OTHER };

struct verdict {
	enum says says;
	action_t action; /* SAYS_OTHER: ERRNO or KILL_PROCESS */
};

struct unit {
	const struct by_name *names;
	const struct emit_context *ctx;
	bool allows; /* the default of the profile is to allow: a list of what is denied */
	struct verdict *verdicts; /* one for each of the names */
	struct name_row widened, dropped, logged, threads; /* what is lost */
};

static void unit_done(struct unit *unit)
{
	free(unit->verdicts);
}

static enum says says_of(const struct unit *unit, const char *name)
{
	const struct named_call *call = by_name_find(unit->names, name);

	return call ? unit->verdicts[call - unit->names->calls].says : SAYS_DEFAULT;
}

static int check_default(const struct unit *unit, struct err *e)
{
	action_t action = unit->names->policy.default_action;
	char text[SYSCALL_NAME_MAX];

	switch (action_kind(action)) {
	case SECCOMP_RET_ALLOW:
	case SECCOMP_RET_KILL_PROCESS:
		return 0;
	case SECCOMP_RET_KILL_THREAD:
		return emit_lose(
			unit->ctx, e, "$.defaultAction: systemd kills the process, not the thread");
	case SECCOMP_RET_ERRNO:
		if (action & SECCOMP_RET_DATA)
			return 0;
		return emit_refuse(unit->ctx, e,
			"$.defaultErrnoRet: SystemCallErrorNumber= cannot be 0; say the number "
			"of an error");
	default:
		return emit_refuse(unit->ctx, e,
			"$.defaultAction: a unit cannot say %s for all other calls; let it allow, "
			"kill, or answer with an error",
			action_print(action, text, sizeof(text)));
	}
}

/* What the unit says of @action, with what that loses noted. */
static int judge_action(
	struct unit *unit, const char *name, action_t action, struct verdict *out, struct err *e)
{
	char text[SYSCALL_NAME_MAX];

	*out = (struct verdict){.says = SAYS_OTHER, .action = action};
	if (action == unit->names->policy.default_action) {
		out->says = SAYS_DEFAULT;
		return 0;
	}
	switch (action_kind(action)) {
	case SECCOMP_RET_LOG:
		name_row_add(&unit->logged, name);
		/* fall through */
	case SECCOMP_RET_ALLOW:
		out->says = unit->allows ? SAYS_DEFAULT : SAYS_ALLOW;
		return 0;
	case SECCOMP_RET_KILL_THREAD:
		name_row_add(&unit->threads, name);
		out->action = SECCOMP_RET_KILL_PROCESS;
		return 0;
	case SECCOMP_RET_KILL_PROCESS:
	case SECCOMP_RET_ERRNO:
		return 0;
	default:
		return emit_refuse(unit->ctx, e,
			"%s: a unit cannot say %s of a call; let it allow, kill, or answer with an "
			"error",
			name, action_print(action, text, sizeof(text)));
	}
}

/* A list of what is denied loses what an older libseccomp does not know. */
static void tell_unportable(const struct unit *unit)
{
	struct name_row row = {0};

	for (size_t i = 0; i < unit->names->n_calls && unit->allows; i++) {
		const char *name = unit->names->calls[i].name;

		if (unit->verdicts[i].says == SAYS_OTHER && !syscall_name_is_portable(name))
			name_row_add(&row, name);
	}
	if (row.n_names > 0)
		notice_tell(unit->ctx->to,
			"%s: a systemd with libseccomp 2.5 or older does not deny these: %s",
			unit->ctx->input, name_row_text(&row));
}

static void tell_execve(const struct unit *unit)
{
	if (!unit->allows && says_of(unit, "execve") != SAYS_ALLOW)
		notice_tell(unit->ctx->to, "%s: execve is not allowed: the unit will not start",
			unit->ctx->input);
}

/* A check of arguments becomes one of the name: let through if it may be, else the default. */
static void judge_clauses(struct unit *unit, const struct named_call *call, struct verdict *out)
{
	action_t otherwise = unit->names->policy.default_action;

	bool passes = named_call_may_pass(call, otherwise);

	name_row_add(passes ? &unit->widened : &unit->dropped, call->name);
	*out = (struct verdict){.says = passes && !unit->allows ? SAYS_ALLOW : SAYS_DEFAULT};
}

static int judge(struct unit *unit, struct err *e)
{
	const struct by_name *names = unit->names;

	unit->verdicts = calloc(names->n_calls + 1, sizeof(*unit->verdicts));
	if (!unit->verdicts)
		return err_nomem(e);
	for (size_t i = 0; i < names->n_calls; i++) {
		const struct named_call *call = &names->calls[i];

		if (call->n_clauses > 0)
			judge_clauses(unit, call, &unit->verdicts[i]);
		else if (judge_action(unit, call->name, call->action, &unit->verdicts[i], e))
			return -e->code;
	}
	tell_unportable(unit);
	tell_execve(unit);
	if (emit_lose_names(unit->ctx, &unit->widened,
		    "a unit cannot look at arguments: let through with some, these would be with "
		    "all",
		    e) ||
		emit_lose_names(unit->ctx, &unit->dropped,
			"a unit cannot look at arguments: these would get the default action with "
			"all",
			e) ||
		emit_lose_names(unit->ctx, &unit->logged, "allowed without being logged", e))
		return -e->code;
	return emit_lose_names(
		unit->ctx, &unit->threads, "systemd kills the process, not the thread", e);
}

/* What is in @default is there by itself, or taken out by itself. */
static enum wanted wanted(const void *ctx, const char *name)
{
	const struct unit *unit = ctx;
	const struct group_call *implied = systemd_group_call(IMPLIED, name);
	enum says says = says_of(unit, name);

	if (!by_name_find(unit->names, name) ||
		(implied && (implied->everywhere || says != SAYS_ALLOW)))
		return HARMLESS;
	return says == SAYS_ALLOW ? WANTED : FORBIDDEN;
}

/* One setting over as many lines as it takes: several add up. */
struct setting {
	FILE *to;
	const char *begin; /* "SystemCallFilter=~" */
	size_t column;
};

static void put_item(struct setting *setting, const char *name, const char *answer)
{
	size_t len = strlen(name) + strlen(answer);

	if (setting->column > 0 && setting->column + 1 + len > LINE_MAX_COLUMNS) {
		fputc('\n', setting->to);
		setting->column = 0;
	}
	if (setting->column == 0)
		setting->column = (size_t)fprintf(setting->to, "%s", setting->begin);
	else
		setting->column += (size_t)fprintf(setting->to, " ");
	setting->column += (size_t)fprintf(setting->to, "%s%s", name, answer);
}

static void end_setting(struct setting *setting)
{
	if (setting->column > 0)
		fputc('\n', setting->to);
	setting->column = 0;
}

/* ":EPERM", ":kill" */
static const char *answer_text(action_t action, char *buf, size_t size)
{
	uint16_t code = action & SECCOMP_RET_DATA;
	const char *name = strerrorname_np(code);

	if (action_kind(action) == SECCOMP_RET_KILL_PROCESS)
		return ":kill";
	if (name && code)
		(void)snprintf(buf, size, ":%s", name);
	else
		(void)snprintf(buf, size, ":%u", code);
	return buf;
}

static int put_allowed(FILE *to, const struct unit *unit, struct err *e)
{
	struct setting setting = {.to = to, .begin = "SystemCallFilter="};
	scoped(group_cover_done) struct group_cover cover = {0};
	scoped_free const char **calls = calloc(unit->names->n_calls + 1, sizeof(*calls));
	size_t n_calls = 0, len;
	const struct group_call *table = systemd_groups(&len);

	if (!calls)
		return err_nomem(e);
	for (size_t i = 0; i < unit->names->n_calls; i++) {
		if (wanted(unit, unit->names->calls[i].name) == WANTED)
			calls[n_calls++] = unit->names->calls[i].name;
	}
	if (group_cover(table, len, calls, n_calls, wanted, unit, &cover, e))
		return -e->code;
	/* Something must be allowed by name, or it would be no list of what is. */
	if (n_calls == 0)
		put_item(&setting, IMPLIED, "");
	for (size_t i = 0; i < cover.n_groups; i++)
		put_item(&setting, cover.groups[i], "");
	for (size_t i = 0; i < n_calls; i++) {
		if (cover.by_name[i])
			put_item(&setting, calls[i], "");
	}
	end_setting(&setting);
	return 0;
}

/* What is in @default and not allowed; then what gets an answer of its own. */
static void put_denied(FILE *to, const struct unit *unit)
{
	struct setting setting = {.to = to, .begin = "SystemCallFilter=~"};
	const struct by_name *names = unit->names;
	char buf[SYSCALL_NAME_MAX];

	for (size_t i = 0; i < names->n_calls && !unit->allows; i++) {
		if (unit->verdicts[i].says == SAYS_DEFAULT &&
			systemd_group_call(IMPLIED, names->calls[i].name))
			put_item(&setting, names->calls[i].name, "");
	}
	end_setting(&setting);
	for (size_t i = 0; i < names->n_calls; i++) {
		if (unit->verdicts[i].says == SAYS_OTHER)
			put_item(&setting, names->calls[i].name,
				answer_text(unit->verdicts[i].action, buf, sizeof(buf)));
	}
	end_setting(&setting);
}

static void put_architectures(FILE *to, const struct unit *unit)
{
	struct setting setting = {.to = to, .begin = "SystemCallArchitectures="};
	const struct policy *policy = &unit->names->policy;

	fputs("SystemCallArchitectures=\n", to);
	for (size_t i = 0; i < policy->n_abis; i++)
		put_item(&setting, architecture_name(policy->abis[i].abi->oci), "");
	end_setting(&setting);
}

static int check_architectures(const struct unit *unit, struct err *e)
{
	const struct policy *policy = &unit->names->policy;

	for (size_t i = 0; i < policy->n_abis; i++) {
		if (!architecture_name(policy->abis[i].abi->oci))
			return emit_refuse(unit->ctx, e,
				"$.architectures: systemd has no name for %s; leave it out",
				policy->abis[i].abi->oci);
	}
	return 0;
}

static void put_head(FILE *to, const struct emit_context *ctx)
{
	const char *name = ctx->name ? ctx->name : "NAME";
	scoped_free char *origin = emit_origin(ctx);

	fprintf(to, "# /etc/systemd/system/%s.service.d/sysclamp.conf\n%s", name,
		origin ? origin : "");
	fprintf(to,
		"# Its groups mean the same under systemd %s;\n"
		"# under another version see what systemd-analyze syscall-filter prints.\n"
		"[Service]\n",
		systemd_versions());
}

static int put_unit(FILE *to, const struct unit *unit, struct err *e)
{
	action_t action = unit->names->policy.default_action;
	char buf[SYSCALL_NAME_MAX];

	put_head(to, unit->ctx);
	fputs("SystemCallFilter=\n", to);
	if (!unit->allows && put_allowed(to, unit, e))
		return -e->code;
	put_denied(to, unit);
	if (!unit->allows)
		fprintf(to, "SystemCallErrorNumber=%s\n",
			action_kind(action) == SECCOMP_RET_ERRNO
				? answer_text(action, buf, sizeof(buf)) + 1
				: "kill");
	put_architectures(to, unit);
	return 0;
}

EMITTER(emit_systemd)
{
	scoped(by_name_done) struct by_name names = {0};
	scoped(unit_done) struct unit unit = {.names = &names, .ctx = ctx};
	scoped_free char *text = NULL;
	FILE *to;
	int code;

	if (by_name_init(ctx->input, profile, &names, e))
		return -e->code;
	unit.allows = action_kind(profile->default_action) == SECCOMP_RET_ALLOW;
	if (check_default(&unit, e) || check_architectures(&unit, e) ||
		emit_lose_loading(profile, ctx, e) || judge(&unit, e))
		return -e->code;
	to = open_memstream(&text, out_size);
	if (!to)
		return err_nomem(e);
	code = put_unit(to, &unit, e);
	if (fclose(to) && !code)
		code = err_nomem(e);
	if (!code)
		*out_text = steal_ptr(text);
	return code;
}
