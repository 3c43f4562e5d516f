#include "cut.h"

#include <errno.h>
#include <inttypes.h>
#include <linux/seccomp.h>
#include <stdio.h>
#include <string.h>

#include "args.h"
#include "base.h"
#include "completeness.h"
#include "phase.h"
#include "scope.h"

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

static void tell_names(const struct cut *cut, struct name_row *row, const char *what)
{
	if (row->n_names > 0)
		notice_tell(cut->to, "%s: %s", what, name_row_text(row));
}

static const char *const LEFT_OUT[OUT_REASONS] = {
	[OUT_PHASE] = "left out, for they were made in none of the phases asked for",
	[OUT_EXEC] = "left out, for only what entered from outside made them",
	[OUT_DENIED] = "left out, for a filter denied them whenever they were called (to allow "
		       "them, record that work without the filter, too)",
	[OUT_UNKNOWN] = "left out, for they have no name and the kernel lacks them",
	[OUT_NEEDLESS] = "left out, for nothing has to stand for them on that architecture",
	[OUT_UNMAPPED] =
		"left out, for nothing stands for them on that architecture; look what the "
		"program does there",
};

/* "mount", or "x86_64 1000". */
static void add_call_to_row(struct name_row *row, const struct rec_call *call)
{
	char buf[SYSCALL_NAME_MAX], one[2 * SYSCALL_NAME_MAX];
	const char *name = syscall_name(call->abi, call->nr, buf);

	if (name)
		(void)snprintf(one, sizeof(one), "%s", name);
	else
		(void)snprintf(one, sizeof(one), "%s %" PRId32, call->abi->name, (int32_t)call->nr);
	name_row_add(row, one);
}

/* What was recorded and is not in the profile. */
static void tell_left_out(const struct cut *cut)
{
	for (int why = KEPT + 1; why < OUT_REASONS; why++) {
		struct name_row row = {0};

		for (size_t i = 0; i < cut->rec->n_calls; i++) {
			if (cut_is_left_out(cut, &cut->rec->calls[i], (enum left_out)why))
				add_call_to_row(&row, &cut->rec->calls[i]);
		}
		tell_names(cut, &row, LEFT_OUT[why]);
	}
}

/* Whether @by, and no reason before it, put it in. */
static bool is_first_reason(const struct allowed_name *name, enum allowed_by by)
{
	return (name->by & -name->by) == by;
}

static void tell_added_by(const struct cut *cut, enum allowed_by by, const char *what)
{
	struct name_row row = {0};

	for (size_t i = 0; i < cut->allowed.n_names; i++) {
		if (is_first_reason(&cut->allowed.names[i], by))
			name_row_add(&row, cut->allowed.names[i].name);
	}
	tell_names(cut, &row, what);
}

/* A mapping is no recording. */
static void tell_arch(const struct cut *cut)
{
	const struct abi *to = cut->options->arch, *from = NULL;
	char what[ERR_TEXT_MAX / 4];

	for (size_t i = 0; i < cut->rec->n_calls && !from; i++) {
		if (cut_is_mapped(cut, &cut->rec->calls[i]))
			from = cut->rec->calls[i].abi;
	}
	if (!from)
		return;
	(void)snprintf(what, sizeof(what), "added what stands on %s for what was called under %s",
		to->name, from->name);
	tell_added_by(cut, BY_ARCH, what);
	notice_tell(cut->to,
		"for %s by tables, not by a recording: what a program does there alone is missing",
		to->name);
}

/* A filter for later may lack what the start needs. */
static void tell_phases(const struct cut *cut)
{
	const char *start = phase_name(PHASE_START);
	bool has_start = false, wants_start = cut->options->n_phases == 0;

	for (size_t i = 0; i < cut->rec->phases.n_names; i++)
		has_start |= !strcmp(cut->rec->phases.names[i], start);
	for (size_t i = 0; i < cut->options->n_phases; i++)
		wants_start |= !strcmp(cut->options->phases[i], start);
	if (has_start && !wants_start)
		notice_tell(cut->to,
			"without phase %s: this is for a filter that is loaded when the program "
			"runs; one before it must allow what both call, for a later filter only "
			"takes away",
			start);
	recording_tell_phases(cut->rec, cut->to);
	completeness_tell(cut->rec, cut->to);
}

/* "clock: getcpu time", of the table's rows from @from on that have its group and put in theirs;
 * returns where the next group begins. */
static size_t tell_implied_group(const struct cut *cut, size_t from, struct name_row *row)
{
	size_t len, i;
	const struct closure_row *table = closure_implied(&len);
	char text[sizeof(row->text)];
	int used = snprintf(text, sizeof(text), "%s:", table[from].group), empty = used;

	for (i = from; i < len && !strcmp(table[i].group, table[from].group); i++) {
		if (allowed_by(&cut->allowed, table[i].name) == BY_IMPLIED &&
			cut_implies(cut, &table[i]) && (size_t)used < sizeof(text))
			used += snprintf(
				text + used, sizeof(text) - (size_t)used, " %s", table[i].name);
	}
	if (used > empty)
		name_row_add(row, text);
	return i;
}

static void tell_implied(const struct cut *cut)
{
	struct name_row row = {0};
	size_t len;

	(void)closure_implied(&len);
	for (size_t i = 0; i < len;)
		i = tell_implied_group(cut, i, &row);
	tell_names(cut, &row, "added what few runs show and any may need");
}

const char *cut_libcs(const struct cut *cut, char buf[SYSCALL_NAME_MAX])
{
	int used = 0;

	buf[0] = '\0';
	for (int libc = 0; libc < LIBCS; libc++) {
		if (cut->options->portable & 1u << libc)
			used += snprintf(buf + used, SYSCALL_NAME_MAX - (size_t)used, "%s%s",
				used ? " and " : "", libc_name((enum libc)libc));
	}
	return buf;
}

static void tell_added(const struct cut *cut)
{
	char base[ERR_TEXT_MAX / 4], portable[ERR_TEXT_MAX / 4], libcs[SYSCALL_NAME_MAX];

	(void)snprintf(base, sizeof(base), "added what %s %s behind the filter",
		base_runtime_label(cut->options->runtime),
		cut->options->runtime == BASE_ANY ? "call" : "calls");
	tell_added_by(cut, BY_BASE, base);
	(void)snprintf(portable, sizeof(portable), "added what %s may call for the same",
		cut_libcs(cut, libcs));
	tell_added_by(cut, BY_PORTABLE, portable);
	tell_implied(cut);
}

/* "cmd of ioctl, protocol of socket": arguments that are open for the same reason. */
static void tell_open(const struct cut *cut, enum pin_why why)
{
	struct name_row row = {0};
	char what[ERR_TEXT_MAX / 4], one[2 * SYSCALL_NAME_MAX];

	for (size_t i = 0; i < cut->allowed.n_names; i++) {
		const struct allowed_name *name = &cut->allowed.names[i];

		for (size_t j = 0; j < name->gaps.n_open; j++) {
			if (name->gaps.open[j].why != why)
				continue;
			(void)snprintf(one, sizeof(one), "%s of %s",
				arg_name(name->name, name->gaps.open[j].index), name->name);
			name_row_add(&row, one);
		}
	}
	(void)snprintf(what, sizeof(what), "arguments left open, for %s", pin_why_text(why));
	tell_names(cut, &row, what);
}

static void tell_pins(const struct cut *cut)
{
	struct name_row pinned = {0}, denied = {0}, evaded = {0};
	char one[3 * SYSCALL_NAME_MAX];

	for (size_t i = 0; i < cut->allowed.n_names; i++) {
		const struct allowed_name *name = &cut->allowed.names[i];
		const char *bypass = pin_bypass(name->name);

		if (name->n_pins == 0)
			continue;
		name_row_add(&pinned, name->name);
		if (name->gaps.denied_in_part)
			name_row_add(&denied, name->name);
		if (!bypass || !allowed_has(&cut->allowed, bypass))
			continue;
		(void)snprintf(one, sizeof(one), "%s for %s", bypass, name->name);
		name_row_add(&evaded, one);
	}
	tell_names(cut, &pinned, "allowed with the arguments that were seen");
	for (enum pin_why why = 0; why < OPEN_WHYS; why++)
		tell_open(cut, why);
	tell_names(cut, &denied,
		"a filter denied some of these, with which arguments is not known, so all that "
		"were "
		"seen are allowed");
	tell_names(cut, &evaded, "other calls do the same with any arguments");
}

static void tell_unportable(const struct cut *cut)
{
	struct name_row row = {0};

	for (size_t i = 0; i < cut->allowed.n_names; i++) {
		if (cut->allowed.names[i].by != BY_PROFILE &&
			!syscall_name_is_portable(cut->allowed.names[i].name))
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

/* ", 4 for musl" behind the @used bytes of @text; returns how many there are then. */
static size_t add_count(const struct cut *cut, enum allowed_by by, const char *before,
	const char *what, char text[ERR_TEXT_MAX], size_t used)
{
	size_t count = allowed_count(&cut->allowed, by);

	if (count == 0)
		return used;
	return used + (size_t)snprintf(
			      text + used, ERR_TEXT_MAX - used, ", %zu %s%s", count, before, what);
}

/* What the base lacks. */
static void tell_base_profile(const struct cut *cut)
{
	struct name_row row = {0};
	char what[ERR_TEXT_MAX / 4];

	if (!cut->options->base)
		return;
	for (size_t i = 0; i < cut->allowed.n_names; i++) {
		if (!(cut->allowed.names[i].by & BY_PROFILE))
			name_row_add(&row, cut->allowed.names[i].name);
	}
	(void)snprintf(what, sizeof(what), "added to what %.80s allows", cut->options->base->name);
	tell_names(cut, &row, what);
	if (row.n_names == 0)
		notice_tell(cut->to, "%s allows all of it already", cut->options->base->name);
}

static void tell_summary(const struct cut *cut)
{
	char text[ERR_TEXT_MAX], libcs[SYSCALL_NAME_MAX];
	size_t used = (size_t)snprintf(text, sizeof(text), "%zu calls allowed: %zu recorded",
		cut->allowed.n_names, allowed_count(&cut->allowed, BY_RECORDING));

	used = add_count(cut, BY_ARCH, "for ", cut->options->arch ? cut->options->arch->name : "",
		text, used);
	used = add_count(
		cut, BY_BASE, "added for ", base_runtime_label(cut->options->runtime), text, used);
	used = add_count(cut, BY_PORTABLE, "for ", cut_libcs(cut, libcs), text, used);
	used = add_count(cut, BY_IMPLIED, "implied", "", text, used);
	(void)add_count(cut, BY_PROFILE, "of the base", "", text, used);
	notice_tell(cut->to, "%s", text);
}

void cut_tell(const struct cut *cut)
{
	tell_left_out(cut);
	tell_arch(cut);
	tell_added(cut);
	tell_pins(cut);
	tell_base_profile(cut);
	tell_unportable(cut);
	tell_uring(cut);
	tell_fallbacks(cut);
	tell_phases(cut);
	if (!allowed_has(&cut->allowed, "execve"))
		notice_tell(cut->to, "execve is not allowed: no program can be started under it");
	tell_summary(cut);
}
