/*
 * A ConfigMap that carries the JSON to whoever puts it on the nodes.
 *
 * It is immutable and its name follows from its content: what runs under it never sees it change,
 * and a new profile is a new object (k8s.io/api, core/v1/types.go: ConfigMap.Immutable).
 */
#include "emit_parts.h"

#include <errno.h>

#include "scope.h"

enum { DATA_MAX = 1024 * 1024 }; /* bytes of all values: core/v1/types.go, MaxSecretSize */

static json_t *metadata(const struct emit_context *ctx, const char *name)
{
	return json_pack("{s:s, s:s*}", "name", name, "namespace", ctx->namespace);
}

EMITTER(emit_configmap)
{
	scoped(emit_text_done) struct emit_text text = {0};
	scoped_free char *origin = emit_origin(ctx);

	if (emit_text_init(profile, ctx, &text, e))
		return -e->code;
	if (text.size > DATA_MAX)
		return err_set(e, EFBIG,
			"%s: %zu bytes of JSON; a ConfigMap holds at most %d (1 MiB); put it in "
			"place "
			"with sysclamp install",
			ctx->input, text.size, DATA_MAX);
	return emit_yaml(origin,
		json_pack("{s:s, s:s, s:o, s:b, s:{s:s}}", "apiVersion", "v1", "kind", "ConfigMap",
			"metadata", metadata(ctx, text.stem), "immutable", 1, "data", text.file,
			text.json),
		out_text, out_size, e);
}
