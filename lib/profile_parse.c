#include "profile.h"

#include <errno.h>
#include <inttypes.h>
#include <linux/seccomp.h>
#include <stdlib.h>
#include <string.h>

#include "file.h"
#include "json.h"
#include "nearest.h"
#include "profile_parts.h"
#include "recording.h"
#include "scope.h"

enum { HINT_MAX = 128 };

static int refuse_action(const struct json_at *at, const char *text, struct err *e)
{
	struct nearest nearest = nearest_to(text);
	const char *candidate;
	char hint[HINT_MAX];

	for (size_t i = 0; (candidate = action_name_at(i)); i++)
		nearest_offer(&nearest, candidate);
	return json_err(
		at, e, "unknown action \"%s\"%s", text, nearest_hint(&nearest, hint, sizeof(hint)));
}

int profile_action_read(const struct json_at *at, const char *key, const char *data_key,
	action_t *out_action, struct err *e)
{
	struct json_at child;
	const char *text;
	action_t action;
	uint64_t data = EPERM; /* config-linux.md, errnoRet; runc and crun: for TRACE as well */

	if (json_need(at, key, &child, e) || json_text(&child, &text, e))
		return -e->code;
	if (action_by_name(text, &action))
		return refuse_action(&child, text, e);
	if (json_get(at, data_key, &child)) {
		if (!action_has_data(action))
			return json_err(&child, e,
				"%s has no errno: runc ignores it, crun refuses the profile; "
				"remove it",
				text);
		if (json_u64(&child, UINT64_MAX, &data, e))
			return -e->code;
		if (data > action_data_max(action))
			return json_err(&child, e,
				"%" PRIu64 " is above %u, the largest that %s can carry", data,
				action_data_max(action), text);
	}
	*out_action = action_has_data(action) ? action | (action_t)data : action;
	return 0;
}

int profile_default_action_read(const struct json_at *root, action_t *out_action, struct err *e)
{
	struct json_at child;

	if (!json_get(root, "defaultAction", &child))
		return json_err(root, e,
			"no \"defaultAction\": runc would run the program unconfined; write one, "
			"such as \"SCMP_ACT_ERRNO\"");
	return profile_action_read(root, "defaultAction", "defaultErrnoRet", out_action, e);
}

static int refuse_abi(const struct json_at *at, const char *text, struct err *e)
{
	struct nearest nearest = nearest_to(text);
	char hint[HINT_MAX], known[ERR_TEXT_MAX] = "; known: SCMP_ARCH_ with";
	size_t used = strlen(known), n_rows;
	const struct abi *rows = abi_table(&n_rows);

	if (!strcasecmp(text, "SCMP_ARCH_NATIVE"))
		return json_err(at, e, "%s is refused by engines; write \"%s\" for this machine",
			text, abi_native()->oci);
	for (size_t i = 0; i < n_rows; i++) {
		nearest_offer(&nearest, rows[i].oci);
		used += (size_t)snprintf(known + used, sizeof(known) - used, " %s",
			rows[i].oci + strlen("SCMP_ARCH_"));
	}
	return json_err(at, e, "unknown architecture \"%s\"%s", text,
		nearest.name ? nearest_hint(&nearest, hint, sizeof(hint)) : known);
}

static bool profile_has_abi(const struct profile *profile, const struct abi *abi)
{
	for (size_t i = 0; i < profile->n_abis; i++) {
		if (profile->abis[i] == abi)
			return true;
	}
	return false;
}

int profile_abi_add(struct profile *profile, const struct abi *abi)
{
	const struct abi **grown;

	if (profile_has_abi(profile, abi))
		return 0;
	grown = reallocarray(profile->abis, profile->n_abis + 1, sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	profile->abis = grown;
	profile->abis[profile->n_abis++] = abi;
	return 0;
}

int profile_abi_read(const struct json_at *at, const struct abi **out_abi, struct err *e)
{
	const struct abi *abi;
	const char *text;

	if (json_text(at, &text, e))
		return -e->code;
	abi = abi_by_oci(text);
	if (!abi)
		return refuse_abi(at, text, e);
	*out_abi = abi;
	return 0;
}

int profile_abis_read(
	const struct json_at *at, const char *key, struct profile *profile, struct err *e)
{
	enum { ABIS_MAX = 256 };
	struct json_at list;

	if (!json_get(at, key, &list))
		return 0;
	if (json_expect_array(&list, ABIS_MAX, e))
		return -e->code;
	for (size_t i = 0; i < json_len(&list); i++) {
		struct json_at item = json_item(&list, i);
		const struct abi *abi = NULL;

		if (profile_abi_read(&item, &abi, e))
			return -e->code;
		if (profile_abi_add(profile, abi))
			return err_nomem(e);
	}
	return 0;
}

static int read_flag(const struct json_at *at, uint32_t *flags, struct err *e)
{
	struct nearest nearest;
	char hint[HINT_MAX];
	const char *text;

	if (json_text(at, &text, e))
		return -e->code;
	nearest = nearest_to(text);
	for (uint32_t bit = 1; bit; bit <<= 1) {
		const char *name = profile_flag_name(bit);

		if (name && !strcmp(name, text)) {
			*flags |= bit;
			return 0;
		}
		if (name)
			nearest_offer(&nearest, name);
	}
	return json_err(
		at, e, "unknown flag \"%s\"%s", text, nearest_hint(&nearest, hint, sizeof(hint)));
}

static int read_flags(const struct json_at *root, struct profile *profile, struct err *e)
{
	enum { FLAGS_MAX = 32 };
	struct json_at list;

	if (!json_get(root, "flags", &list))
		return 0;
	if (json_expect_array(&list, FLAGS_MAX, e))
		return -e->code;
	for (size_t i = 0; i < json_len(&list); i++) {
		struct json_at item = json_item(&list, i);

		if (read_flag(&item, &profile->flags, e))
			return -e->code;
	}
	return 0;
}

/* A text that may be missing; an empty one is as good as none. */
static int read_optional_text(
	const struct json_at *at, const char *key, char **out_text, struct err *e)
{
	struct json_at child;
	const char *text;

	if (!json_get(at, key, &child))
		return 0;
	if (json_text(&child, &text, e))
		return -e->code;
	if (!*text)
		return 0;
	*out_text = strdup(text);
	return *out_text ? 0 : err_nomem(e);
}

static int read_listener(const struct json_at *root, struct profile *profile, struct err *e)
{
	if (read_optional_text(root, "listenerPath", &profile->listener_path, e) ||
		read_optional_text(root, "listenerMetadata", &profile->listener_metadata, e))
		return -e->code;
	if (profile->listener_metadata && !profile->listener_path)
		return json_err(root, e,
			"\"listenerMetadata\" without \"listenerPath\": nobody would get it; "
			"remove it or name the listener");
	return 0;
}

/* @rule: has room for it. */
static int name_add(const struct json_at *at, struct rule *rule, const char *name, struct err *e)
{
	size_t len = strlen(name);

	if (len == 0)
		return json_err(at, e, "empty name: runc refuses it, crun ignores it");
	if (len >= SYSCALL_NAME_MAX)
		return json_err(at, e, "%zu characters; no system call's name has more than %d",
			len, SYSCALL_NAME_MAX - 1);
	rule->names[rule->n_names] = strdup(name);
	if (!rule->names[rule->n_names])
		return err_nomem(e);
	rule->n_names++;
	return 0;
}

static int names_reserve(struct rule *rule, size_t more, struct err *e)
{
	char **grown = reallocarray(rule->names, rule->n_names + more, sizeof(*grown));

	if (!grown)
		return err_nomem(e);
	rule->names = grown;
	return 0;
}

int rule_name_add(const struct json_at *at, struct rule *rule, const char *name, struct err *e)
{
	return names_reserve(rule, 1, e) || name_add(at, rule, name, e) ? -e->code : 0;
}

int rule_names_read(const struct json_at *at, struct rule *rule, struct err *e)
{
	struct json_at list;

	if (json_need(at, "names", &list, e) || json_expect_array(&list, PROFILE_NAMES_MAX, e))
		return -e->code;
	if (json_len(&list) == 0)
		return json_err(&list, e, "empty: the rule is about no call; remove it");
	if (names_reserve(rule, json_len(&list), e))
		return -e->code;
	for (size_t i = 0; i < json_len(&list); i++) {
		struct json_at item = json_item(&list, i);
		const char *text;

		if (json_text(&item, &text, e) || name_add(&item, rule, text, e))
			return -e->code;
	}
	return 0;
}

static int read_op(const struct json_at *at, uint8_t *out_op, struct err *e)
{
	struct json_at child;
	struct nearest nearest;
	enum condition_op op;
	char hint[HINT_MAX];
	const char *text;

	if (json_need(at, "op", &child, e) || json_text(&child, &text, e))
		return -e->code;
	if (!condition_op_by_name(text, &op)) {
		*out_op = (uint8_t)op;
		return 0;
	}
	nearest = nearest_to(text);
	for (size_t i = 0; i < OP_COUNT; i++)
		nearest_offer(&nearest, condition_op_name((enum condition_op)i));
	return json_err(&child, e, "unknown operator \"%s\"%s", text,
		nearest_hint(&nearest, hint, sizeof(hint)));
}

static int read_condition(
	struct profile_reader *r, const struct json_at *at, struct condition *out, struct err *e)
{
	struct json_at child;
	uint64_t index;

	if (profile_check_keys(r, at, PROFILE_KEYS_CONDITION, e))
		return -e->code;
	if (json_need(at, "index", &child, e) || json_u64(&child, UINT64_MAX, &index, e))
		return -e->code;
	if (index >= SYSCALL_ARGS)
		return json_err(&child, e, "%" PRIu64 ": arguments are numbered 0 to 5", index);
	out->index = (uint8_t)index;
	if (read_op(at, &out->op, e) || json_need(at, "value", &child, e) ||
		json_u64(&child, UINT64_MAX, &out->value, e))
		return -e->code;
	if (json_get(at, "valueTwo", &child) && json_u64(&child, UINT64_MAX, &out->value_two, e))
		return -e->code;
	if (out->op != OP_MASKED_EQ && out->value_two) {
		json_notice_few(&child, r->to, &r->told,
			"ignored: only SCMP_CMP_MASKED_EQ has a second value");
		out->value_two = 0;
	}
	return 0;
}

int rule_conditions_read(
	struct profile_reader *r, const struct json_at *at, struct rule *rule, struct err *e)
{
	struct json_at list;

	if (!json_get(at, "args", &list))
		return 0;
	if (json_expect_array(&list, PROFILE_CONDS_MAX, e))
		return -e->code;
	rule->conds = calloc(json_len(&list) + 1, sizeof(*rule->conds));
	if (!rule->conds)
		return err_nomem(e);
	for (size_t i = 0; i < json_len(&list); i++) {
		struct json_at item = json_item(&list, i);

		if (read_condition(r, &item, &rule->conds[i], e))
			return -e->code;
		rule->n_conds++;
	}
	return 0;
}

static int read_plain_rule(struct profile_reader *r, const struct json_at *at, struct rule *rule,
	bool *out_applies, struct err *e)
{
	if (profile_check_keys(r, at, PROFILE_KEYS_RULE, e) || rule_names_read(at, rule, e) ||
		profile_action_read(at, "action", "errnoRet", &rule->action, e) ||
		rule_conditions_read(r, at, rule, e))
		return -e->code;
	*out_applies = true;
	return 0;
}

static int read_plain_head(struct profile_reader *r, const struct json_at *root,
	struct profile *profile, struct err *e)
{
	(void)r;
	if (profile_default_action_read(root, &profile->default_action, e) ||
		profile_abis_read(root, "architectures", profile, e))
		return -e->code;
	return 0;
}

static int read_rules(const struct profile_dialect *dialect, struct profile_reader *r,
	const struct json_at *root, struct profile *profile, struct err *e)
{
	struct json_at list;

	if (!json_get(root, "syscalls", &list))
		return 0;
	if (json_expect_array(&list, PROFILE_RULES_MAX, e))
		return -e->code;
	profile->rules = calloc(json_len(&list) + 1, sizeof(*profile->rules));
	if (!profile->rules)
		return err_nomem(e);
	for (size_t i = 0; i < json_len(&list); i++) {
		struct json_at item = json_item(&list, i);
		struct rule *rule = &profile->rules[profile->n_rules];
		bool applies = true;

		/* Counted first: profile_done() releases a half-read rule. */
		profile->n_rules++;
		if (dialect->read_rule(r, &item, rule, &applies, e))
			return -e->code;
		if (applies)
			continue;
		rule_done(rule);
		*rule = (struct rule){0};
		profile->n_rules--;
	}
	return 0;
}

/* The two kinds of files are easily mixed up on a command line. */
static int refuse_recording(const struct json_at *root, struct err *e)
{
	struct json_at kind;
	const char *text;
	struct err ignored;

	if (json_get(root, "kind", &kind) && !json_text(&kind, &text, &ignored) &&
		!strcmp(text, RECORDING_KIND))
		return json_err(root, e,
			"this is a recording, not a profile; sysclamp generate makes one from it");
	return 0;
}

static int read_profile(const struct json_at *root, const struct profile_dialect *dialect,
	struct profile_reader *r, struct profile *out, struct err *e)
{
	scoped(profile_done) struct profile profile = {0};

	if (refuse_recording(root, e) || profile_check_keys(r, root, PROFILE_KEYS_ROOT, e) ||
		dialect->read_head(r, root, &profile, e) || read_flags(root, &profile, e) ||
		read_listener(root, &profile, e) || read_rules(dialect, r, root, &profile, e))
		return -e->code;
	*out = profile;
	profile = (struct profile){0};
	return 0;
}

int profile_parse_dialect(const char *name, char *text, size_t size,
	const struct profile_dialect *dialect, struct profile_reader *r, struct profile *out,
	struct err *e)
{
	scoped(json_doc_done) struct json_doc doc = {0};
	struct json_at root;

	if (size > PROFILE_SIZE_MAX)
		return err_set(e, EFBIG, "%s: larger than the limit of %d KiB for a profile", name,
			PROFILE_SIZE_MAX / 1024);
	if (json_parse(name, text, size, &doc, e))
		return -e->code;
	root = json_root(&doc);
	return read_profile(&root, dialect, r, out, e);
}

static const struct profile_dialect PLAIN = {read_plain_head, read_plain_rule};

int profile_parse(const char *name, char *text, size_t size, struct profile *out,
	const struct notice *to, struct err *e)
{
	struct profile_reader r = {.to = to};

	return profile_parse_dialect(name, text, size, &PLAIN, &r, out, e);
}

int profile_parse_at(
	const struct json_at *at, struct profile *out, const struct notice *to, struct err *e)
{
	struct profile_reader r = {.to = to};

	return read_profile(at, &PLAIN, &r, out, e);
}

int profile_read(const char *path, struct profile *out, const struct notice *to, struct err *e)
{
	const char *name = strcmp(path, "-") ? path : "standard input";
	scoped_free char *text = NULL;
	size_t size;

	if (file_read(path, PROFILE_SIZE_MAX, &text, &size, e))
		return -e->code;
	return profile_parse(name, text, size, out, to, e);
}
