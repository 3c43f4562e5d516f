#include "emit_parts.h"

#include <errno.h>
#include <linux/seccomp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "prove.h"
#include "scope.h"
#include "yaml.h"

static EMITTER(emit_json)
{
	(void)ctx;
	return profile_emit(profile, out_text, out_size, e);
}

static const struct emitter EMITTERS[] = {
	{"json", ".json", "OCI JSON, as engines and sysclamp run read it", .emit = emit_json},
	{"seccompprofile", ".yaml", "SeccompProfile of the Security Profiles Operator, v1",
		.needs_name = true, .emit = emit_seccompprofile},
	{"seccompprofile-v1beta1", ".yaml", "the same as v1beta1, for operators before 1.0",
		.needs_name = true, .emit = emit_seccompprofile_v1beta1},
	{"configmap", ".yaml", "immutable ConfigMap with the JSON, named by its content",
		.needs_name = true, .emit = emit_configmap},
	{"patch", ".yaml", "patch that has a workload's pods use what install puts in place",
		.needs_name = true, .emit = emit_patch},
	{"systemd", ".conf", "drop-in for a unit of systemd", .emit = emit_systemd},
	{"minijail", ".policy", "policy for minijail0 -S, of one architecture",
		.emit = emit_minijail},
	{"bpf", ".bpf", "struct sock_filter[] of this machine", .is_binary = true,
		.emit = emit_bpf},
	{"c", ".h", "the same as a C header", .emit = emit_c},
	{"disasm", ".txt", "the same for people", .emit = emit_disasm},
};

const struct emitter *emitter_table(size_t *out_len)
{
	*out_len = ARRAY_LEN(EMITTERS);
	return EMITTERS;
}

const struct emitter *emitter_by_name(const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(EMITTERS); i++) {
		if (!strcmp(EMITTERS[i].name, name))
			return &EMITTERS[i];
	}
	return NULL;
}

int emit_profile(const struct emitter *emitter, const struct profile *profile,
	const struct emit_context *ctx, char **out_text, size_t *out_size, struct err *e)
{
	if (emitter->needs_name && !ctx->name)
		return err_set(e, EINVAL, "%s: --format %s needs a name: say --name NAME",
			ctx->input, emitter->name);
	return emitter->emit(profile, ctx, out_text, out_size, e);
}

int emit_refuse(const struct emit_context *ctx, struct err *e, const char *format, ...)
{
	char text[ERR_TEXT_MAX];
	va_list args;

	va_start(args, format);
	(void)vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	return err_set(e, EINVAL, "%s: %s", ctx->input, text);
}

int emit_lose(const struct emit_context *ctx, struct err *e, const char *format, ...)
{
	char text[ERR_TEXT_MAX];
	va_list args;

	va_start(args, format);
	(void)vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	if (!ctx->lossy)
		return err_set(e, EINVAL, "%s: %s; accept that with --lossy", ctx->input, text);
	notice_tell(ctx->to, "%s: %s", ctx->input, text);
	return 0;
}

int emit_lose_names(
	const struct emit_context *ctx, struct name_row *row, const char *text, struct err *e)
{
	if (row->n_names == 0)
		return 0;
	return emit_lose(ctx, e, "%s: %s", text, name_row_text(row));
}

/* TSYNC takes the threads of the loader along, which programs do not see. */
int emit_lose_loading(const struct profile *profile, const struct emit_context *ctx, struct err *e)
{
	struct name_row row = {0};

	for (uint32_t bit = 1; bit; bit <<= 1) {
		if (profile->flags & bit & ~(uint32_t)SECCOMP_FILTER_FLAG_TSYNC)
			name_row_add(&row, profile_flag_name(bit));
	}
	if (profile->listener_path)
		name_row_add(&row, "listenerPath");
	return emit_lose_names(ctx, &row, "this format has no place for", e);
}

int emit_compile(const struct profile *profile, const struct emit_context *ctx, struct filter *out,
	struct err *e)
{
	scoped(policy_done) struct policy policy = {0};
	scoped(filter_done) struct filter filter = {0};

	if (policy_resolve(ctx->input, profile, &policy, NULL, e))
		return -e->code;
	if (filter_compile(&policy, &filter, e) || filter_must_equal(&filter, &policy, e))
		return err_prefix(e, "%s: ", ctx->input);
	*out = filter;
	filter = (struct filter){0};
	return 0;
}

void emit_text_done(struct emit_text *text)
{
	free(text->json);
	text->json = NULL;
}

int emit_text_init(const struct profile *profile, const struct emit_context *ctx,
	struct emit_text *out, struct err *e)
{
	char hash[HASH_HEX_LEN + 1];

	*out = (struct emit_text){0};
	if (profile_emit(profile, &out->json, &out->size, e))
		return -e->code;
	hash_bytes(out->json, out->size, hash);
	(void)snprintf(out->stem, sizeof(out->stem), "%.*s-%.*s", EMIT_NAME_MAX, ctx->name,
		PLACE_HASH_LEN, hash);
	(void)snprintf(out->file, sizeof(out->file), "%s.json", out->stem);
	return 0;
}

char *emit_origin(const struct emit_context *ctx)
{
	const struct recording *rec = ctx->rec;
	char *text;

	if (!rec)
		return strdup("");
	if (asprintf(&text, "# From %zu run%s, recording %s.\n", rec->n_sources,
		    rec->n_sources == 1 ? "" : "s", rec->id) < 0)
		return NULL;
	return text;
}

int emit_yaml(const char *comment, json_t *value, char **out_text, size_t *out_size, struct err *e)
{
	json_auto_t *owned = value;

	if (!comment || !owned)
		return err_nomem(e);
	return yaml_emit(comment, owned, out_text, out_size, e);
}
