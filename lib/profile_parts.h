/*
 * profile_parts.h: what the readers of profiles share: that of plain OCI files (profile_parse.c)
 * and that of Docker's dialect (profiler/flatten.c).  Others include profile.h.
 */
#ifndef SYSCLAMP_PROFILE_PARTS_H
#define SYSCLAMP_PROFILE_PARTS_H

#include "json.h"
#include "profile.h"
#include "profile_keys.h"

/* What a dialect reads in its own way. */
struct profile_dialect {
	/* The default action and the architectures. */
	int (*read_head)(struct profile_reader *r, const struct json_at *root,
		struct profile *profile, struct err *e);
	/* A rule, its keys included; @out_applies: false for one that says nothing here. */
	int (*read_rule)(struct profile_reader *r, const struct json_at *at, struct rule *rule,
		bool *out_applies, struct err *e);
};

/* profile_parse() in a dialect; @r: by the caller, with everything but `told` set. */
int profile_parse_dialect(const char *name, char *text, size_t size,
	const struct profile_dialect *dialect, struct profile_reader *r, struct profile *out,
	struct err *e);

/*
 * The member @key, and the errno or message of it under @data_key (EPERM if there is none;
 * config-linux.md, errnoRet).
 */
int profile_action_read(const struct json_at *at, const char *key, const char *data_key,
	action_t *out_action, struct err *e);
int profile_default_action_read(const struct json_at *root, action_t *out_action, struct err *e);

/* "SCMP_ARCH_X86_64" */
int profile_abi_read(const struct json_at *at, const struct abi **out_abi, struct err *e);

/* Add @abi unless it is there already.  0 or -ENOMEM. */
int profile_abi_add(struct profile *profile, const struct abi *abi);

/* Add those of the list @key, if there is one. */
int profile_abis_read(
	const struct json_at *at, const char *key, struct profile *profile, struct err *e);

/* Append a name; what is wrong with it is said about @at. */
int rule_name_add(const struct json_at *at, struct rule *rule, const char *name, struct err *e);

/* The list "names", which must not be empty. */
int rule_names_read(const struct json_at *at, struct rule *rule, struct err *e);

/* The list "args", if there is one. */
int rule_conditions_read(
	struct profile_reader *r, const struct json_at *at, struct rule *rule, struct err *e);

void rule_done(struct rule *rule);

#endif
