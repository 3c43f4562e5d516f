/*
 * The SeccompProfile of the Security Profiles Operator.
 *
 * Source: kubernetes-sigs/security-profiles-operator at a2e4c4b, api/seccompprofile/v1 (and
 * v1beta1, with the same spec), and deploy/base-crds/crds/seccompprofile.yaml.  Its spec is the OCI
 * object but for what it lacks:
 *
 *   defaultErrnoRet    does not exist: a default ERRNO is EPERM.  Another errno is written as a
 *                      rule for every call that is left to the default.
 *   errnoRet: 0        is dropped by the operator (omitempty), and then means EPERM.
 *   args               are int64, and at most 6 in a rule.
 *   architectures      LOONGARCH64, M68K, SH and SHEB are not among those it takes.
 *   listenerPath       lies in a directory of the operator.
 *
 * Rules are written anew from what the profile means, since they would be read in another way where
 * the default is another one: a rule that says the default is none.
 */
#include "emit_parts.h"

#include <errno.h>
#include <linux/seccomp.h>
#include <stdlib.h>
#include <string.h>

#include "by_name.h"
#include "cr_rules.h"
#include "scope.h"

#define GROUP		 "security-profiles-operator.x-k8s.io/"
#define COVERAGE	 "spo.x-k8s.io/syscall-coverage"
#define COVERAGE_VERSION "v1" /* internal/pkg/manager/recordingmerger/coverage.go */
#define LISTENER_PATH	 "/var/run/security-profiles-operator/"
#define LISTENER_LETTERS                                                                           \
	"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-." /* of its pattern */

/* ABIs that the enum of architectures lacks. */
static const char *const LACKING_ABIS[] = {
	"SCMP_ARCH_LOONGARCH64",
	"SCMP_ARCH_M68K",
	"SCMP_ARCH_SH",
	"SCMP_ARCH_SHEB",
};

static int check_abis(const struct profile *profile, const struct emit_context *ctx, struct err *e)
{
	for (size_t i = 0; i < profile->n_abis; i++) {
		for (size_t j = 0; j < ARRAY_LEN(LACKING_ABIS); j++) {
			if (!strcmp(profile->abis[i]->oci, LACKING_ABIS[j]))
				return emit_refuse(ctx, e,
					"$.architectures: a SeccompProfile cannot list %s; leave "
					"it out",
					LACKING_ABIS[j]);
		}
	}
	return 0;
}

static int check_listener(
	const struct profile *profile, const struct emit_context *ctx, struct err *e)
{
	const char *path = profile->listener_path, *file;

	if (!path)
		return 0;
	file = path + strlen(LISTENER_PATH);
	if (strncmp(path, LISTENER_PATH, strlen(LISTENER_PATH)) || !*file ||
		file[strspn(file, LISTENER_LETTERS)])
		return emit_refuse(ctx, e,
			"$.listenerPath: a SeccompProfile takes only files in " LISTENER_PATH
			"; put it there");
	return 0;
}

/* The spec, but for the rules, as a profile of which @out owns nothing but the rules. */
static int spec_init(const struct profile *profile, const struct emit_context *ctx,
	struct profile *out, struct err *e)
{
	scoped(by_name_done) struct by_name names = {0};

	*out = *profile;
	out->rules = NULL;
	out->n_rules = 0;
	if (check_abis(profile, ctx, e) || check_listener(profile, ctx, e) ||
		by_name_init(ctx->input, profile, &names, e) ||
		cr_rules(&names, ctx, &out->default_action, &out->rules, &out->n_rules, e))
		return -e->code;
	return 0;
}

/* Through the one writer of profiles: what differs is what is left out here. */
static int spec_json(const struct profile *spec, json_t **out_json, struct err *e)
{
	scoped_free char *text = NULL;
	size_t size;

	if (profile_emit(spec, &text, &size, e))
		return -e->code;
	*out_json = json_loadb(text, size, 0, NULL);
	if (!*out_json)
		return err_nomem(e);
	(void)json_object_del(*out_json, "defaultErrnoRet");
	return 0;
}

/*
 * A name and the runs in which a call of that name was made; none for one that was denied in all of
 * them (of a join it is not known in which it was).
 */
struct seen {
	char name[SYSCALL_NAME_MAX];
	struct bits runs;
};

struct seen_list {
	struct seen *items; /* heap; room for every call of the recording */
	size_t n;
};

static void seen_done(struct seen_list *list)
{
	for (size_t i = 0; i < list->n; i++)
		bits_done(&list->items[i].runs);
	free(list->items);
}

/* Calls of one name under several ABIs count as one. */
static struct seen *seen_of(struct seen_list *list, const char *name)
{
	for (size_t i = 0; i < list->n; i++) {
		if (!strcmp(list->items[i].name, name))
			return &list->items[i];
	}
	strcpy(list->items[list->n].name, name);
	return &list->items[list->n++];
}

static int seen_add(struct seen_list *list, const struct rec_call *call)
{
	char buf[SYSCALL_NAME_MAX];
	const char *name = syscall_name(call->abi, call->nr, buf);
	struct seen *seen;

	if (!name || call->denied == call->count)
		return 0;
	seen = seen_of(list, name);
	for (size_t i = bits_next(&call->sources, 0); i != SIZE_MAX;
		i = bits_next(&call->sources, i + 1)) {
		if (bits_add(&seen->runs, i))
			return -ENOMEM;
	}
	return 0;
}

static bool spec_allows(const struct profile *spec, const char *name)
{
	for (size_t i = 0; i < spec->n_rules; i++) {
		const struct rule *rule = &spec->rules[i];

		if (action_lets_through(rule->action) && rule_names(rule, name))
			return true;
	}
	return false;
}

static int seen_compare(const void *a, const void *b)
{
	return strcmp(((const struct seen *)a)->name, ((const struct seen *)b)->name);
}

/*
 * What the operator notes when it merges recordings: of how many each allowed call was seen in how
 * many.  Heap, NULL without memory.
 */
static char *coverage(const struct profile *spec, const struct recording *rec)
{
	scoped(seen_done) struct seen_list list = {
		.items = calloc(rec->n_calls + 1, sizeof(*list.items))};
	json_auto_t *calls = json_object();
	json_auto_t *all = NULL;

	if (!list.items)
		return NULL;
	for (size_t i = 0; i < rec->n_calls; i++) {
		if (seen_add(&list, &rec->calls[i]))
			return NULL;
	}
	if (list.n > 0)
		qsort(list.items, list.n, sizeof(*list.items), seen_compare);
	for (size_t i = 0; i < list.n; i++) {
		size_t runs = bits_count(&list.items[i].runs);

		if (spec_allows(spec, list.items[i].name) &&
			json_object_set_new(
				calls, list.items[i].name, json_integer((json_int_t)runs)))
			return NULL;
	}
	all = json_pack("{s:s, s:I, s:O}", "version", COVERAGE_VERSION, "total",
		(json_int_t)rec->n_sources, "syscalls", calls);
	return all ? json_dumps(all, JSON_COMPACT) : NULL;
}

static int metadata(const struct profile *spec, const struct emit_context *ctx, json_t **out_json,
	struct err *e)
{
	scoped_free char *covered = NULL;

	*out_json = json_pack("{s:s}", "name", ctx->name);
	if (!ctx->rec)
		return *out_json ? 0 : err_nomem(e);
	covered = coverage(spec, ctx->rec);
	if (!covered || json_object_set_new(
				*out_json, "annotations", json_pack("{s:s}", COVERAGE, covered))) {
		json_decref(*out_json);
		return err_nomem(e);
	}
	return 0;
}

static void rules_done(struct profile *spec)
{
	profile_done(&(struct profile){.rules = spec->rules, .n_rules = spec->n_rules});
}

static int emit_version(const char *version, const struct profile *profile,
	const struct emit_context *ctx, char **out_text, size_t *out_size, struct err *e)
{
	scoped(rules_done) struct profile spec = {0};
	scoped_free char *origin = emit_origin(ctx);
	json_auto_t *body = NULL;
	json_t *meta;

	if (spec_init(profile, ctx, &spec, e) || spec_json(&spec, &body, e) ||
		metadata(&spec, ctx, &meta, e))
		return -e->code;
	return emit_yaml(origin,
		json_pack("{s:s, s:s, s:o, s:O}", "apiVersion", version, "kind", "SeccompProfile",
			"metadata", meta, "spec", body),
		out_text, out_size, e);
}

EMITTER(emit_seccompprofile)
{
	return emit_version(GROUP "v1", profile, ctx, out_text, out_size, e);
}

EMITTER(emit_seccompprofile_v1beta1)
{
	return emit_version(GROUP "v1beta1", profile, ctx, out_text, out_size, e);
}
