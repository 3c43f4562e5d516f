/*
 * podman_profile.h: podman's default profile as Debian installs it, for no capabilities at all on
 * x86-64 with a current kernel: the keys that only Docker and podman know (includes, excludes,
 * archMap) are resolved as containers/common does (pkg/seccomp/seccomp_linux.go, setupSeccomp()).
 */
#ifndef SYSCLAMP_PODMAN_PROFILE_H
#define SYSCLAMP_PODMAN_PROFILE_H

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "profile.h"
#include "scope.h"

#define PODMAN_PROFILE "/usr/share/containers/seccomp.json"

static inline bool podman_has(const json_t *strings, const char *text)
{
	for (size_t i = 0; i < json_array_size(strings); i++) {
		if (!strcmp(json_string_value(json_array_get(strings, i)), text))
			return true;
	}
	return false;
}

static inline bool podman_rule_counts(const json_t *rule)
{
	const json_t *includes = json_object_get(rule, "includes");
	const json_t *excludes = json_object_get(rule, "excludes");
	const json_t *arches = json_object_get(includes, "arches");

	if (json_array_size(json_object_get(includes, "caps")) > 0)
		return false;
	if (json_array_size(arches) > 0 && !podman_has(arches, "amd64"))
		return false;
	return !podman_has(json_object_get(excludes, "arches"), "amd64");
}

/* An action with its errno; EPERM where a rule names none, as in runc. */
static inline action_t podman_action(const json_t *object, const char *key, const char *errno_key)
{
	enum { DEFAULT_ERRNO = 1 };
	const json_t *code = json_object_get(object, errno_key);
	action_t action = 0;

	if (action_by_name(json_string_value(json_object_get(object, key)), &action))
		abort();
	if (action_has_data(action))
		action |= code ? (uint16_t)json_integer_value(code) : DEFAULT_ERRNO;
	return action;
}

static inline void podman_conditions_fill(struct rule *rule, const json_t *args)
{
	static const char *const ops[OP_COUNT] = {
		[OP_NE] = "SCMP_CMP_NE",
		[OP_LT] = "SCMP_CMP_LT",
		[OP_LE] = "SCMP_CMP_LE",
		[OP_EQ] = "SCMP_CMP_EQ",
		[OP_GE] = "SCMP_CMP_GE",
		[OP_GT] = "SCMP_CMP_GT",
		[OP_MASKED_EQ] = "SCMP_CMP_MASKED_EQ",
	};

	rule->conds = calloc(json_array_size(args) + 1, sizeof(*rule->conds));
	for (size_t i = 0; i < json_array_size(args); i++) {
		const json_t *arg = json_array_get(args, i);
		struct condition *cond = &rule->conds[rule->n_conds++];

		cond->index = (uint8_t)json_integer_value(json_object_get(arg, "index"));
		cond->value = (uint64_t)json_integer_value(json_object_get(arg, "value"));
		cond->value_two = (uint64_t)json_integer_value(json_object_get(arg, "valueTwo"));
		while (strcmp(ops[cond->op], json_string_value(json_object_get(arg, "op"))))
			cond->op++;
	}
}

static inline void podman_rule_fill(struct rule *rule, const json_t *object)
{
	const json_t *names = json_object_get(object, "names");

	rule->action = podman_action(object, "action", "errnoRet");
	rule->names = calloc(json_array_size(names), sizeof(*rule->names));
	for (size_t i = 0; i < json_array_size(names); i++)
		rule->names[rule->n_names++] = strdup(json_string_value(json_array_get(names, i)));
	podman_conditions_fill(rule, json_object_get(object, "args"));
}

/**
 * Read it; false when it is not installed.
 *
 * @subarchitectures: list i386 and x32 as well, as the file does.
 * @out: to be released with profile_done().
 */
static inline bool podman_profile_read(bool subarchitectures, struct profile *out)
{
	static const char *const names[] = {"x86_64", "i386", "x32"};
	json_t *file = json_load_file(PODMAN_PROFILE, 0, NULL);
	const json_t *rules = json_object_get(file, "syscalls");

	if (!file)
		return false;
	*out = (struct profile){
		.default_action = podman_action(file, "defaultAction", "defaultErrnoRet"),
		.abis = calloc(ARRAY_LEN(names), sizeof(const struct abi *)),
		.rules = calloc(json_array_size(rules), sizeof(*out->rules)),
	};
	for (size_t i = 0; i < (subarchitectures ? ARRAY_LEN(names) : 1); i++)
		out->abis[out->n_abis++] = abi_by_name(names[i]);
	for (size_t i = 0; i < json_array_size(rules); i++) {
		if (podman_rule_counts(json_array_get(rules, i)))
			podman_rule_fill(&out->rules[out->n_rules++], json_array_get(rules, i));
	}
	json_decref(file);
	return true;
}

#endif
