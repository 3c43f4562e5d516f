#include "profile_keys.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

enum key_kind {
	KEY_KNOWN,
	KEY_SILENT, /* no engine gives it a meaning */
	KEY_DOCKER, /* read by docker, podman and CRI-O, dropped by containerd, runc and crun */
	KEY_MISPLACED, /* of Docker's dialect, but no engine reads it in this object */
};

struct key {
	const char *name;
	enum key_kind kind;
};

static const struct key ROOT_KEYS[] = {
	{"defaultAction", KEY_KNOWN},
	{"defaultErrnoRet", KEY_KNOWN},
	{"architectures", KEY_KNOWN},
	{"flags", KEY_KNOWN},
	{"listenerPath", KEY_KNOWN},
	{"listenerMetadata", KEY_KNOWN},
	{"syscalls", KEY_KNOWN},
	{"comment", KEY_SILENT},
	{"archMap", KEY_DOCKER},
	{"defaultErrno", KEY_DOCKER},
	{NULL, KEY_KNOWN},
};

static const struct key RULE_KEYS[] = {
	{"names", KEY_KNOWN},
	{"action", KEY_KNOWN},
	{"errnoRet", KEY_KNOWN},
	{"args", KEY_KNOWN},
	{"comment", KEY_SILENT},
	{"name", KEY_DOCKER},
	{"includes", KEY_DOCKER},
	{"excludes", KEY_DOCKER},
	{"minKernel", KEY_MISPLACED},
	{"errno", KEY_DOCKER},
	{NULL, KEY_KNOWN},
};

static const struct key CONDITION_KEYS[] = {
	{"index", KEY_KNOWN},
	{"value", KEY_KNOWN},
	{"valueTwo", KEY_KNOWN},
	{"op", KEY_KNOWN},
	{"comment", KEY_SILENT},
	{NULL, KEY_KNOWN},
};

static const struct key SCOPE_KEYS[] = {
	{"caps", KEY_KNOWN},
	{"arches", KEY_KNOWN},
	{"minKernel", KEY_KNOWN},
	{NULL, KEY_KNOWN},
};

static const struct key ARCH_MAP_KEYS[] = {
	{"architecture", KEY_KNOWN},
	{"subArchitectures", KEY_KNOWN},
	{NULL, KEY_KNOWN},
};

static const struct key *const KEYS[] = {
	[PROFILE_KEYS_ROOT] = ROOT_KEYS,
	[PROFILE_KEYS_RULE] = RULE_KEYS,
	[PROFILE_KEYS_CONDITION] = CONDITION_KEYS,
	[PROFILE_KEYS_SCOPE] = SCOPE_KEYS,
	[PROFILE_KEYS_ARCH_MAP] = ARCH_MAP_KEYS,
};

/* {}, [], "" and null say nothing in any reader: podman's own default writes them. */
static bool value_says_nothing(const json_t *value)
{
	return json_is_null(value) || (json_is_object(value) && json_object_size(value) == 0) ||
	       (json_is_array(value) && json_array_size(value) == 0) ||
	       (json_is_string(value) && json_string_length(value) == 0);
}

/* A key of the table, which engines may differ in. */
static int check_known_key(struct profile_reader *r, const struct json_at *at,
	const struct key *row, const json_t *value, struct err *e)
{
	if (row->kind == KEY_KNOWN || row->kind == KEY_SILENT || value_says_nothing(value))
		return 0;
	if (row->kind == KEY_MISPLACED)
		return json_err(at, e,
			"\"%s\" stands in \"includes\" or \"excludes\"; no engine reads it here",
			row->name);
	if (r->docker)
		return 0;
	return json_err(at, e,
		"\"%s\" changes the meaning for docker, podman and CRI-O, and is dropped by "
		"containerd, runc and crun; make it plain first: sysclamp convert --flatten",
		row->name);
}

static int check_key(struct profile_reader *r, const struct json_at *at, const struct key *keys,
	const char *key, const json_t *value, struct err *e)
{
	for (const struct key *row = keys; row->name; row++) {
		if (!strcmp(row->name, key))
			return check_known_key(r, at, row, value, e);
	}
	for (const struct key *row = keys; row->name; row++) {
		if (row->kind != KEY_SILENT && json_keys_fold(row->name, key))
			return json_err(at, e,
				"\"%s\" is read by some engines and dropped by others; write "
				"\"%s\"",
				key, row->name);
	}
	json_notice_few(at, r->to, &r->told, "unknown key \"%s\" ignored", key);
	return 0;
}

int profile_check_keys(struct profile_reader *r, const struct json_at *at,
	enum profile_object object, struct err *e)
{
	const char *key;
	json_t *value;

	if (json_expect_object(at, e))
		return -e->code;
	json_object_foreach(at->value, key, value)
	{
		if (check_key(r, at, KEYS[object], key, value, e))
			return -e->code;
	}
	return 0;
}
