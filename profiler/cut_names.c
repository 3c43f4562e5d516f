#include "cut.h"

#include <errno.h>
#include <inttypes.h>
#include <linux/seccomp.h>
#include <stdlib.h>
#include <string.h>

#include "base.h"
#include "scope.h"

/* The ABIs that a kernel of the first runs besides it (Kconfig: COMPAT, X86_X32_ABI). */
static const struct sub_abi {
	const char *native, *sub;
} SUB_ABIS[] = {
	{"x86_64", "i386"},
	{"x86_64", "x32"},
	{"aarch64", "arm"},
	{"s390x", "s390"},
};

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

/*
 * An ABI that is not listed is killed, whatever the default: what only logs must list all, unless a
 * base has decided on that.
 */
static bool abi_is_logged(const struct cut *cut, const struct abi *native, const struct abi *abi)
{
	if (cut->options->default_action != SECCOMP_RET_LOG || cut->options->base || !native)
		return false;
	for (size_t i = 0; i < ARRAY_LEN(SUB_ABIS); i++) {
		if (!strcmp(SUB_ABIS[i].native, native->name) &&
			!strcmp(SUB_ABIS[i].sub, abi->name))
			return true;
	}
	return false;
}

/* The host's ABI, or the one asked for in its place. */
static const struct abi *own_abi(const struct cut *cut)
{
	const struct abi *first = cut->rec->calls[0].abi;
	const struct abi *own = abi_of_machine(
		cut->rec->host_machine ? cut->rec->host_machine : "");

	if (cut->options->arch)
		return cut->options->arch;
	/* "mips" is the machine of both byte orders. */
	return own && own->big_endian == first->big_endian ? own : NULL;
}

int cut_list_abis(struct cut *cut, struct err *e)
{
	const struct abi *own = own_abi(cut), *first = own ? own : cut->rec->calls[0].abi;
	struct profile *profile = &cut->profile;
	size_t len;
	const struct abi *table = abi_table(&len);

	profile->abis = calloc(len, sizeof(*profile->abis));
	if (!profile->abis)
		return err_nomem(e);
	for (size_t i = 0; i < len; i++) {
		const struct abi *abi = &table[i];
		bool recorded = !cut->options->arch && abi_recorded(cut->rec, abi);

		if ((!own || abi != own) && !recorded && !abi_is_logged(cut, own, abi))
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

static int err_no_name(const struct cut *cut, const struct rec_call *call, struct err *e)
{
	return err_set(e, EINVAL,
		"%s: %s number %" PRId32 " was called %" PRIu64
		" times and has no name known here, "
		"so no profile can allow it; use a newer sysclamp or libseccomp, or take its entry "
		"out of the recording to have it denied",
		cut->name, call->abi->name, (int32_t)call->nr, call->count);
}

/* @name stands for @call, or is its own. */
static int add_name(
	struct cut *cut, const struct rec_call *call, const char *name, unsigned by, struct err *e)
{
	if (cut_left_out_of_all(cut, call) == KEPT &&
		allowed_add(&cut->seen, name, BY_RECORDING, e))
		return -e->code;
	return cut_left_out(cut, call) == KEPT ? allowed_add(&cut->allowed, name, by, e) : 0;
}

/* What stands for it on the architecture that was asked for. */
static int add_mapped(struct cut *cut, const struct rec_call *call, const char *name, struct err *e)
{
	size_t len;
	const struct closure_row *table = closure_arch(&len);

	if (name_exists(&cut->profile, name) &&
		add_name(cut, call, name, BY_RECORDING | BY_ARCH, e))
		return -e->code;
	for (size_t i = 0; i < len; i++) {
		if (cut_maps(cut, &table[i], call, name) &&
			add_name(cut, call, table[i].name, BY_ARCH, e))
			return -e->code;
	}
	return 0;
}

static int add_call(struct cut *cut, const struct rec_call *call, struct err *e)
{
	char buf[SYSCALL_NAME_MAX];
	const char *name = syscall_name(call->abi, call->nr, buf);

	if (!name)
		return cut_left_out(cut, call) == KEPT ? err_no_name(cut, call, e) : 0;
	if (cut_is_mapped(cut, call))
		return add_mapped(cut, call, name, e);
	return add_name(cut, call, name, BY_RECORDING, e);
}

static int add_recorded(struct cut *cut, struct err *e)
{
	const struct generate_options *options = cut->options;

	for (size_t i = 0; i < cut->rec->n_calls; i++) {
		if (add_call(cut, &cut->rec->calls[i], e))
			return -e->code;
	}
	if (cut->allowed.n_names == 0 &&
		(options->n_phases > 0 || options->exclude_exec || options->arch))
		return err_set(e, EINVAL,
			"%s: nothing to allow: what was asked for holds no call, or none that was "
			"let through",
			cut->name);
	if (cut->allowed.n_names == 0)
		return err_set(e, EINVAL,
			"%s: every call in it was denied or unknown to the kernel: nothing to "
			"allow; record the workload without a seccomp profile",
			cut->name);
	return 0;
}

static int add_start(struct cut *cut, struct err *e)
{
	size_t len;
	const struct closure_row *table = closure_arch(&len);

	for (size_t i = 0; i < len; i++) {
		if (cut_starts_by(cut, &table[i]) &&
			allowed_add(&cut->allowed, table[i].name, BY_ARCH, e))
			return -e->code;
	}
	return 0;
}

static int add_base(struct cut *cut, struct err *e)
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

bool cut_ports(const struct cut *cut, const struct closure_row *row)
{
	enum libc libc;

	return !libc_by_name(row->group, &libc) && (cut->options->portable & 1u << libc) &&
	       closure_follows(row, &cut->allowed, BY_RECORDING | BY_ARCH);
}

bool cut_implies(const struct cut *cut, const struct closure_row *row)
{
	/* What the phases asked for show needs no word of other phases. */
	if (closure_names_itself(row) && (allowed_by(&cut->allowed, row->name) & BY_RECORDING))
		return false;
	return closure_follows(row, &cut->seen, BY_RECORDING) ||
	       (cut->late && closure_names_late(row));
}

bool cut_implies_late(const struct cut *cut, const struct closure_row *row)
{
	return !closure_follows(row, &cut->seen, BY_RECORDING);
}

/* The rows of a closure that hold, of those that exist. */
static int add_rows(struct cut *cut, const struct closure_row *table, size_t len,
	bool (*holds)(const struct cut *cut, const struct closure_row *row), enum allowed_by by,
	struct err *e)
{
	for (size_t i = 0; i < len; i++) {
		if (name_exists(&cut->profile, table[i].name) && holds(cut, &table[i]) &&
			allowed_add(&cut->allowed, table[i].name, by, e))
			return -e->code;
	}
	return 0;
}

static int add_closures(struct cut *cut, struct err *e)
{
	size_t len;
	const struct closure_row *table = closure_portable(&len);

	if (add_rows(cut, table, len, cut_ports, BY_PORTABLE, e))
		return -e->code;
	if (cut->options->exact)
		return 0;
	table = closure_implied(&len);
	return add_rows(cut, table, len, cut_implies, BY_IMPLIED, e);
}

int cut_add_names(struct cut *cut, struct err *e)
{
	if (add_recorded(cut, e) || add_start(cut, e) || add_base(cut, e) || add_closures(cut, e))
		return -e->code;
	return 0;
}
