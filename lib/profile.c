#include "profile.h"

#include <errno.h>
#include <linux/seccomp.h>
#include <stdlib.h>
#include <string.h>

#include "profile_parts.h"
#include "scope.h"

struct flag_row {
	const char *name;
	uint32_t flag;
};

static const struct flag_row FLAGS[] = {
	{"SECCOMP_FILTER_FLAG_TSYNC", SECCOMP_FILTER_FLAG_TSYNC},
	{"SECCOMP_FILTER_FLAG_LOG", SECCOMP_FILTER_FLAG_LOG},
	{"SECCOMP_FILTER_FLAG_SPEC_ALLOW", SECCOMP_FILTER_FLAG_SPEC_ALLOW},
	{"SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV", SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV},
};

const char *profile_flag_name(uint32_t flag)
{
	for (size_t i = 0; i < ARRAY_LEN(FLAGS); i++) {
		if (FLAGS[i].flag == flag)
			return FLAGS[i].name;
	}
	return NULL;
}

void rule_done(struct rule *rule)
{
	for (size_t i = 0; i < rule->n_names; i++)
		free(rule->names[i]);
	free(rule->names);
	free(rule->conds);
}

bool rule_names(const struct rule *rule, const char *name)
{
	for (size_t i = 0; i < rule->n_names; i++) {
		if (!strcmp(rule->names[i], name))
			return true;
	}
	return false;
}

void profile_done(struct profile *profile)
{
	if (!profile)
		return;
	for (size_t i = 0; i < profile->n_rules; i++)
		rule_done(&profile->rules[i]);
	free(profile->rules);
	free(profile->abis);
	free(profile->listener_path);
	free(profile->listener_metadata);
	*profile = (struct profile){0};
}

/* An action that profile_check() has let through. */
static void emit_action(
	struct json_writer *w, const char *key, const char *data_key, action_t action)
{
	json_member_text(w, key, action_name(action));
	if (!action_has_data(action))
		return;
	json_member_u64(w, data_key, action & SECCOMP_RET_DATA);
}

static void emit_condition(struct json_writer *w, const struct condition *cond)
{
	json_open_inline(w, '{');
	json_member_u64(w, "index", cond->index);
	json_member_u64(w, "value", cond->value);
	if (cond->op == OP_MASKED_EQ)
		json_member_u64(w, "valueTwo", cond->value_two);
	json_member_text(w, "op", condition_op_name((enum condition_op)cond->op));
	json_close(w, '}');
}

static void emit_rule(struct json_writer *w, const struct rule *rule)
{
	json_open(w, '{');
	json_key(w, "names");
	json_open(w, '[');
	for (size_t i = 0; i < rule->n_names; i++)
		json_put_string(w, rule->names[i]);
	json_close(w, ']');
	emit_action(w, "action", "errnoRet", rule->action);
	if (rule->n_conds > 0) {
		json_key(w, "args");
		json_open(w, '[');
		for (size_t i = 0; i < rule->n_conds; i++)
			emit_condition(w, &rule->conds[i]);
		json_close(w, ']');
	}
	json_close(w, '}');
}

static void emit_abis(struct json_writer *w, const struct profile *profile)
{
	json_key(w, "architectures");
	json_open(w, '[');
	for (size_t i = 0; i < profile->n_abis; i++)
		json_put_string(w, profile->abis[i]->oci);
	json_close(w, ']');
}

static void emit_flags(struct json_writer *w, uint32_t flags)
{
	json_key(w, "flags");
	json_open(w, '[');
	for (uint32_t bit = 1; bit; bit <<= 1) {
		if (flags & bit)
			json_put_string(w, profile_flag_name(bit));
	}
	json_close(w, ']');
}

static void emit_profile(struct json_writer *w, const struct profile *profile)
{
	json_open(w, '{');
	emit_action(w, "defaultAction", "defaultErrnoRet", profile->default_action);
	if (profile->n_abis > 0)
		emit_abis(w, profile);
	if (profile->flags)
		emit_flags(w, profile->flags);
	json_member_text(w, "listenerPath", profile->listener_path);
	json_member_text(w, "listenerMetadata", profile->listener_metadata);
	json_key(w, "syscalls");
	json_open(w, '[');
	for (size_t i = 0; i < profile->n_rules; i++)
		emit_rule(w, &profile->rules[i]);
	json_close(w, ']');
	json_close(w, '}');
}

static int rule_check(const struct rule *rule, size_t index, struct err *e)
{
	if (!action_name(rule->action))
		return err_set(
			e, EINVAL, "rule %zu: no profile can say 0x%08x", index, rule->action);
	if (rule->n_names == 0)
		return err_set(e, EINVAL, "rule %zu: no names", index);
	for (size_t i = 0; i < rule->n_conds; i++) {
		const struct condition *cond = &rule->conds[i];

		if (cond->index >= SYSCALL_ARGS || cond->op >= OP_COUNT ||
			(cond->op != OP_MASKED_EQ && cond->value_two))
			return err_set(e, EINVAL, "rule %zu: condition %zu is malformed", index, i);
	}
	return 0;
}

/* What only a mistake of ours can have put there, refused before it becomes somebody's file. */
static int profile_check(const struct profile *profile, struct err *e)
{
	if (!action_name(profile->default_action))
		return err_set(e, EINVAL, "default action: no profile can say 0x%08x",
			profile->default_action);
	for (uint32_t bit = 1; bit; bit <<= 1) {
		if (profile->flags & bit && !profile_flag_name(bit))
			return err_set(e, EINVAL, "flags: no profile can say 0x%x", bit);
	}
	for (size_t i = 0; i < profile->n_rules; i++) {
		if (rule_check(&profile->rules[i], i, e))
			return -e->code;
	}
	return 0;
}

int profile_emit(const struct profile *profile, char **out_text, size_t *out_size, struct err *e)
{
	struct json_writer w;

	if (profile_check(profile, e) || json_writer_init(&w, e))
		return -e->code;
	emit_profile(&w, profile);
	return json_writer_end(&w, out_text, out_size, e);
}
