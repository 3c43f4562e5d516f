#include "flatten.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <linux/seccomp.h>
#include <stdlib.h>
#include <string.h>

#include "caps.h"
#include "file.h"
#include "num.h"
#include "profile_parts.h"
#include "scope.h"
#include "syscalls.h"

enum {
	SCOPE_LIST_MAX = 256, /* capabilities or architectures that a rule may depend on */
	ARCH_MAP_MAX = 256,
};

/* What one of includes and excludes asks, and how much of it holds for the target. */
struct scope {
	size_t arches, arches_held;
	size_t caps, caps_held;
	bool asks_kernel, kernel_reached;
};

static const struct flatten_target *target_of(const struct profile_reader *r)
{
	return r->ctx;
}

/* Go compares letter by letter: another case is another name, and matches nothing. */
static void tell_odd_cap(struct profile_reader *r, const struct json_at *at, const char *cap)
{
	if (!cap_by_name(cap))
		json_notice_few(at, r->to, &r->told,
			"no capability is called \"%s\": no container has it", cap);
}

static void tell_odd_arch(struct profile_reader *r, const struct json_at *at, const char *arch)
{
	const struct abi *abi;
	struct err ignored;

	if (!flatten_abi_parse(arch, &abi, &ignored) && strcmp(flatten_arch_name(abi), arch) != 0)
		json_notice_few(at, r->to, &r->told,
			"never matches: engines call \"%s\" \"%s\" here", arch,
			flatten_arch_name(abi));
}

static int read_arches(
	struct profile_reader *r, const struct json_at *at, struct scope *scope, struct err *e)
{
	struct json_at list;

	if (!json_get(at, "arches", &list))
		return 0;
	if (json_expect_array(&list, SCOPE_LIST_MAX, e))
		return -e->code;
	scope->arches = json_len(&list);
	for (size_t i = 0; i < scope->arches; i++) {
		struct json_at item = json_item(&list, i);
		const char *arch;

		if (json_text(&item, &arch, e))
			return -e->code;
		scope->arches_held += !strcmp(arch, flatten_arch_name(target_of(r)->abi));
		tell_odd_arch(r, &item, arch);
	}
	return 0;
}

static int read_caps(
	struct profile_reader *r, const struct json_at *at, struct scope *scope, struct err *e)
{
	struct json_at list;

	if (!json_get(at, "caps", &list))
		return 0;
	if (json_expect_array(&list, SCOPE_LIST_MAX, e))
		return -e->code;
	scope->caps = json_len(&list);
	if (scope->caps > 0 && !target_of(r)->caps_known)
		return json_err(&list, e,
			"depends on the container's capabilities: say which it has, "
			"--caps none, default, podman, all or a list of names");
	for (size_t i = 0; i < scope->caps; i++) {
		struct json_at item = json_item(&list, i);
		const char *cap;

		if (json_text(&item, &cap, e))
			return -e->code;
		scope->caps_held += !!(target_of(r)->caps & cap_by_name(cap));
		tell_odd_cap(r, &item, cap);
	}
	return 0;
}

/* Docker takes exactly two numbers up to 255 that are not both 0; "" is 0.0 all the same. */
static int min_kernel_parse(
	const struct json_at *at, const char *text, struct kernel_version *out, struct err *e)
{
	struct kernel_version kernel = {0};
	struct err ignored;

	if (*text && (flatten_kernel_parse(text, &kernel, &ignored) ||
			     text[strspn(text, "0123456789.")] ||
			     strchr(text, '.') != strrchr(text, '.') ||
			     (!kernel.version && !kernel.major)))
		return json_err(at, e,
			"\"%s\" is no kernel version that docker reads; write two numbers, such "
			"as \"4.8\"",
			text);
	*out = kernel;
	return 0;
}

static int read_min_kernel(
	struct profile_reader *r, const struct json_at *at, struct scope *scope, struct err *e)
{
	const struct kernel_version *has = &target_of(r)->kernel;
	struct kernel_version min = {0};
	struct json_at child;
	const char *text;

	if (!json_get(at, "minKernel", &child))
		return 0;
	if (json_text(&child, &text, e) || min_kernel_parse(&child, text, &min, e))
		return -e->code;
	if (!target_of(r)->kernel_known)
		return json_err(&child, e,
			"depends on the kernel: say which the container runs on, such as --kernel "
			"6.1");
	scope->asks_kernel = true;
	scope->kernel_reached = has->version > min.version ||
				(has->version == min.version && has->major >= min.major);
	return 0;
}

static int read_scope(struct profile_reader *r, const struct json_at *rule, const char *key,
	struct scope *scope, struct err *e)
{
	struct json_at at;

	if (!json_get(rule, key, &at))
		return 0;
	if (profile_check_keys(r, &at, PROFILE_KEYS_SCOPE, e) || read_arches(r, &at, scope, e) ||
		read_caps(r, &at, scope, e) || read_min_kernel(r, &at, scope, e))
		return -e->code;
	return 0;
}

/* But for the kernel, which only docker asks about. */
static bool scopes_apply(const struct scope *in, const struct scope *out)
{
	return (!in->arches || in->arches_held) && in->caps_held == in->caps && !out->arches_held &&
	       !out->caps_held;
}

static bool kernel_applies(const struct scope *in, const struct scope *out)
{
	return (!in->asks_kernel || in->kernel_reached) &&
	       (!out->asks_kernel || !out->kernel_reached);
}

static int read_scopes(
	struct profile_reader *r, const struct json_at *at, bool *out_applies, struct err *e)
{
	struct scope in = {0}, out = {0};

	if (read_scope(r, at, "includes", &in, e) || read_scope(r, at, "excludes", &out, e))
		return -e->code;
	*out_applies = scopes_apply(&in, &out) && kernel_applies(&in, &out);
	if (scopes_apply(&in, &out) && !kernel_applies(&in, &out))
		json_notice_few(at, r->to, &r->told,
			"left out for this kernel, as by docker; podman and CRI-O do not read "
			"minKernel and apply it");
	return 0;
}

/* Their numbers are those of the machine (errno(3)); all but MIPS share them. */
static int errno_parse(const struct profile_reader *r, const struct json_at *at, const char *text,
	uint16_t *out_errno, struct err *e)
{
	enum { SAME_EVERYWHERE = 34 }; /* uapi/asm-generic/errno-base.h: EPERM to ERANGE */
	uint64_t number;
	uint16_t code = 0;

	if (!num_parse(text, UINT16_MAX, &number)) {
		*out_errno = (uint16_t)number;
		return 0;
	}
	for (const char *c = text; *c; c++) {
		if (islower((unsigned char)*c))
			return json_err(at, e,
				"\"%s\" is no error that podman reads; write it in "
				"upper case, such as \"EPERM\"",
				text);
	}
	if (isdigit((unsigned char)*text) || num_parse_errno(text, &code))
		return json_err(
			at, e, "\"%s\" is no error; write its name, such as \"EPERM\"", text);
	if (code > SAME_EVERYWHERE && !strncmp(target_of(r)->abi->name, "mips", 4))
		return json_err(at, e,
			"%s has another number on %s, which is not known here; "
			"write that number",
			text, target_of(r)->abi->name);
	*out_errno = code;
	return 0;
}

/* @key: the error by name, which replaces the number in @action. */
static int read_errno(struct profile_reader *r, const struct json_at *at, const char *key,
	action_t *action, struct err *e)
{
	struct json_at child;
	const char *text;
	uint16_t code = 0;

	if (!json_get(at, key, &child))
		return 0;
	if (json_text(&child, &text, e))
		return -e->code;
	if (!*text)
		return 0;
	if (!action_has_data(*action))
		return json_err(&child, e, "%s has no errno; remove it", action_name(*action));
	if (errno_parse(r, &child, text, &code, e))
		return -e->code;
	if (code > action_data_max(*action))
		return json_err(&child, e, "%u is above %u, the largest that %s can carry", code,
			action_data_max(*action), action_name(*action));
	if (code != (*action & SECCOMP_RET_DATA))
		json_notice_few(&child, r->to, &r->told,
			"%s, as by podman and CRI-O; docker does not read it and answers %u", text,
			*action & SECCOMP_RET_DATA);
	*action = (*action & ~SECCOMP_RET_DATA) | code;
	return 0;
}

static int read_names(const struct json_at *at, struct rule *rule, struct err *e)
{
	struct json_at name, names;
	const char *text;

	if (!json_get(at, "name", &name))
		return rule_names_read(at, rule, e);
	if (json_text(&name, &text, e))
		return -e->code;
	if (!*text)
		return rule_names_read(at, rule, e);
	if (json_get(at, "names", &names) && json_len(&names) > 0)
		return json_err(
			at, e, "\"name\" and \"names\": docker and podman take one of them");
	return rule_name_add(&name, rule, text, e);
}

static int read_rule(struct profile_reader *r, const struct json_at *at, struct rule *rule,
	bool *out_applies, struct err *e)
{
	if (profile_check_keys(r, at, PROFILE_KEYS_RULE, e) || read_names(at, rule, e) ||
		profile_action_read(at, "action", "errnoRet", &rule->action, e) ||
		read_errno(r, at, "errno", &rule->action, e) ||
		rule_conditions_read(r, at, rule, e))
		return -e->code;
	return read_scopes(r, at, out_applies, e);
}

/* An element of archMap that is for the target. */
static int take_architecture(
	struct profile_reader *r, const struct json_at *at, struct profile *profile, struct err *e)
{
	const struct abi *abi = target_of(r)->abi;

	if (profile_abi_add(profile, abi))
		return err_nomem(e);
	if (profile_abis_read(at, "subArchitectures", profile, e))
		return -e->code;
	if (profile->n_abis > 1 && !flatten_podman_maps(abi))
		json_notice_few(at, r->to, &r->told,
			"as by docker; podman and CRI-O know no archMap for %s and take it alone",
			abi->name);
	return 0;
}

/* The first element for the target counts; others may be for machines unknown here. */
static int read_arch_map(struct profile_reader *r, const struct json_at *list,
	struct profile *profile, struct err *e)
{
	if (json_expect_array(list, ARCH_MAP_MAX, e))
		return -e->code;
	for (size_t i = 0; i < json_len(list); i++) {
		struct json_at item = json_item(list, i), arch;
		const char *text;

		if (profile_check_keys(r, &item, PROFILE_KEYS_ARCH_MAP, e) ||
			json_need(&item, "architecture", &arch, e) || json_text(&arch, &text, e))
			return -e->code;
		if (profile->n_abis == 0 && !strcmp(text, target_of(r)->abi->oci) &&
			take_architecture(r, &item, profile, e))
			return -e->code;
	}
	if (json_len(list) > 0 && profile->n_abis == 0)
		json_notice_few(list, r->to, &r->told, "nothing for %s: it is listed alone",
			target_of(r)->abi->name);
	return 0;
}

static int read_architectures(struct profile_reader *r, const struct json_at *root,
	struct profile *profile, struct err *e)
{
	struct json_at map = {0};
	bool has_map = json_get(root, "archMap", &map);

	if (profile_abis_read(root, "architectures", profile, e))
		return -e->code;
	if (has_map && json_len(&map) > 0 && profile->n_abis > 0)
		return json_err(root, e,
			"\"architectures\" and \"archMap\": docker and podman take one of them");
	if (has_map && read_arch_map(r, &map, profile, e))
		return -e->code;
	if (profile->n_abis == 0 && profile_abi_add(profile, target_of(r)->abi))
		return err_nomem(e);
	return 0;
}

static int read_head(struct profile_reader *r, const struct json_at *root, struct profile *profile,
	struct err *e)
{
	if (profile_default_action_read(root, &profile->default_action, e) ||
		read_errno(r, root, "defaultErrno", &profile->default_action, e))
		return -e->code;
	return read_architectures(r, root, profile, e);
}

int profile_flatten(const char *name, char *text, size_t size, const struct flatten_target *target,
	struct profile *out, const struct notice *to, struct err *e)
{
	static const struct profile_dialect docker = {read_head, read_rule};
	struct profile_reader r = {.to = to, .docker = true, .ctx = target};

	return profile_parse_dialect(name, text, size, &docker, &r, out, e);
}

int profile_flatten_read(const char *path, const struct flatten_target *target, struct profile *out,
	const struct notice *to, struct err *e)
{
	const char *name = strcmp(path, "-") ? path : "standard input";
	scoped_free char *text = NULL;
	size_t size;

	if (file_read(path, PROFILE_SIZE_MAX, &text, &size, e))
		return -e->code;
	return profile_flatten(name, text, size, target, out, to, e);
}
