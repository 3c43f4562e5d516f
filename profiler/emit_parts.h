/*
 * emit_parts.h: what the emitters (emit.h) share.  Internal to them; each is in a file of its own.
 */
#ifndef SYSCLAMP_EMIT_PARTS_H
#define SYSCLAMP_EMIT_PARTS_H

#include <linux/seccomp.h>
#include <stdint.h>

#include <jansson.h>

#include "allowed.h"
#include "emit.h"
#include "filter.h"
#include "hash.h"
#include "place.h"

#define EMITTER(name)                                                                              \
	int name(const struct profile *profile, const struct emit_context *ctx, char **out_text,   \
		size_t *out_size, struct err *e)

EMITTER(emit_seccompprofile);
EMITTER(emit_seccompprofile_v1beta1);
EMITTER(emit_configmap);
EMITTER(emit_patch);
EMITTER(emit_systemd);
EMITTER(emit_minijail);
EMITTER(emit_bpf);
EMITTER(emit_c);
EMITTER(emit_disasm);

/** An action without its data: SECCOMP_RET_*. */
static inline uint32_t action_kind(action_t action)
{
	return action & SECCOMP_RET_ACTION_FULL;
}

/** Something that the format cannot say and that cannot be done without: -EINVAL. */
int emit_refuse(const struct emit_context *ctx, struct err *e, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/** The same, but with ctx->lossy it is told and 0 returned. */
int emit_lose(const struct emit_context *ctx, struct err *e, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/** emit_lose() with the names of @row behind the text, if there are any. */
int emit_lose_names(
	const struct emit_context *ctx, struct name_row *row, const char *text, struct err *e);

/**
 * Flags and listener of a profile, for formats that leave the loading to others: emit_lose() for
 * what of it changes what programs see.
 */
int emit_lose_loading(const struct profile *profile, const struct emit_context *ctx, struct err *e);

/** The program that `sysclamp run` would load, proven.  @out: filter_done(). */
int emit_compile(const struct profile *profile, const struct emit_context *ctx, struct filter *out,
	struct err *e);

/* The JSON text of a profile and the names that follow from it. */
struct emit_text {
	char *json; /* heap */
	size_t size;
	char stem[EMIT_NAME_MAX + 1 + PLACE_HASH_LEN + 1]; /* "web-0123abcd" */
	char file[EMIT_NAME_MAX + 1 + PLACE_HASH_LEN + sizeof(".json")]; /* stem.json */
};

void emit_text_done(struct emit_text *text);

/** The names are those that profile_install() gives the profile under ctx->name. */
int emit_text_init(const struct profile *profile, const struct emit_context *ctx,
	struct emit_text *out, struct err *e);

/**
 * The comment lines "# From 3 runs, recording 0123...", or "" for a profile that is not known to
 * come from a recording; heap, NULL without memory.
 */
char *emit_origin(const struct emit_context *ctx);

/** Write @value, which is used up (NULL: there was no memory for it), behind comment lines. */
int emit_yaml(const char *comment, json_t *value, char **out_text, size_t *out_size, struct err *e);

#endif
