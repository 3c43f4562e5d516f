/*
 * A strategic merge patch for the pod template of a workload (Deployment, DaemonSet, StatefulSet,
 * Job: spec.template.spec).
 *
 * Fields: k8s.io/api, core/v1/types.go: SecurityContext.SeccompProfile and AllowPrivilegeEscalation
 * of the container, which lists of containers are merged by the name of (patchMergeKey: name).  A
 * container that the workload does not have would come without an image, which the API refuses.
 */
#include "emit_parts.h"

#include <stdio.h>

#include "scope.h"

/* What to type; the file is called as the format's are. */
static char *usage(const struct emit_context *ctx)
{
	char *text;

	if (asprintf(&text,
		    "# Once sysclamp install --name %s has run on the nodes:\n"
		    "# kubectl patch deployment %s%s%s --patch-file FILE\n",
		    ctx->name, ctx->name, ctx->namespace ? " -n " : "",
		    ctx->namespace ? ctx->namespace : "") < 0)
		return NULL;
	return text;
}

static json_t *container(const struct emit_context *ctx, const char *name, const char *file)
{
	json_t *security = json_object();

	/* First, since the profile was made for containers that have it. */
	if (!ctx->new_privs)
		(void)json_object_set_new(security, "allowPrivilegeEscalation", json_false());
	(void)json_object_set_new(security, "seccompProfile",
		json_pack("{s:s, s:s}", "type", "Localhost", "localhostProfile", file));
	return json_pack("{s:s, s:o}", "name", name, "securityContext", security);
}

EMITTER(emit_patch)
{
	scoped(emit_text_done) struct emit_text text = {0};
	scoped_free char *comment = usage(ctx);
	const char *name = ctx->container ? ctx->container : ctx->name;

	if (emit_label_check(ctx->container ? "--container" : "the container's name", name, e) ||
		emit_text_init(profile, ctx, &text, e))
		return -e->code;
	return emit_yaml(comment,
		json_pack("{s:{s:{s:{s:[o]}}}}", "spec", "template", "spec", "containers",
			container(ctx, name, text.file)),
		out_text, out_size, e);
}
