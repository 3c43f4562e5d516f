/*
 * $.hooks and $.annotations.
 */
#include <errno.h>
#include <string.h>

#include "bundle_parts.h"
#include "scope.h"

static int read_timeout(
	struct bundle_reader *r, const struct json_at *at, void *to_unsigned, struct err *e)
{
	enum { TIMEOUT_MAX = 1000 * 1000 }; /* seconds: eleven days; in milliseconds it is an int */
	uint64_t value;

	(void)r;
	if (json_u64(at, TIMEOUT_MAX, &value, e))
		return -e->code;
	if (!value)
		return json_err(at, e, "0 s would end every hook at once; remove it for no limit");
	*(unsigned *)to_unsigned = (unsigned)value;
	return 0;
}

static const struct bundle_key HOOK_KEYS[] = {
	BUNDLE_READ("path", bundle_absolute, struct cage_hook, path),
	BUNDLE_READ("args", bundle_texts, struct cage_hook, argv),
	BUNDLE_READ("env", bundle_env, struct cage_hook, env),
	BUNDLE_READ("timeout", read_timeout, struct cage_hook, timeout_s),
	BUNDLE_KEYS_END,
};

/* A vector of one text, or of none. */
static char **vector_of(struct bundle_reader *r, const char *text)
{
	char **vector = arena_take(&r->cage->arena, 2 * sizeof(*vector));

	if (vector) {
		vector[0] = (char *)text;
		vector[1] = NULL;
	}
	return vector;
}

/* Without "args", execv(3)'s argv is the path; without "env", the environment is empty. */
static int finish_hook(struct bundle_reader *r, struct cage_hook *hook, struct err *e)
{
	if (!hook->argv || !hook->argv[0])
		hook->argv = vector_of(r, hook->path);
	if (!hook->env)
		hook->env = vector_of(r, NULL);
	return hook->argv && hook->env ? 0 : err_nomem(e);
}

static int read_hook(struct bundle_reader *r, const struct json_at *at, void *item, struct err *e)
{
	struct cage_hooks *hooks = item;
	struct cage_hook hook = {0}, *added;
	struct json_at child;

	if (bundle_object(r, at, HOOK_KEYS, &hook, e) || json_need(at, "path", &child, e) ||
		bundle_set_where(r, at, &hook.where, e) || finish_hook(r, &hook, e))
		return -e->code;
	added = cage_append(r->cage, &hooks->hooks, &hooks->n, sizeof(*hooks->hooks));
	if (!added)
		return err_nomem(e);
	*added = hook;
	return 0;
}

static int read_time(struct bundle_reader *r, const struct json_at *at, void *to, struct err *e)
{
	return bundle_each(r, at, read_hook, to, e);
}

static const struct bundle_key TIME_KEYS[] = {
	BUNDLE_READ("prestart", read_time, struct cage, hooks[CAGE_HOOK_PRESTART]),
	BUNDLE_READ("createRuntime", read_time, struct cage, hooks[CAGE_HOOK_CREATE_RUNTIME]),
	BUNDLE_READ("createContainer", read_time, struct cage, hooks[CAGE_HOOK_CREATE_CONTAINER]),
	BUNDLE_READ("startContainer", read_time, struct cage, hooks[CAGE_HOOK_START_CONTAINER]),
	BUNDLE_READ("poststart", read_time, struct cage, hooks[CAGE_HOOK_POSTSTART]),
	BUNDLE_READ("poststop", read_time, struct cage, hooks[CAGE_HOOK_POSTSTOP]),
	BUNDLE_KEYS_END,
};

int bundle_hooks(struct bundle_reader *r, const struct json_at *at, void *to, struct err *e)
{
	(void)to;
	return bundle_object(r, at, TIME_KEYS, r->cage, e);
}

static int write_annotation(struct json_writer *w, const struct json_at *at, struct err *e)
{
	const char *value;

	if (json_text(at, &value, e))
		return -e->code;
	if (!*at->key)
		return json_err(at, e, "an annotation without a name; remove it");
	json_member_text(w, at->key, value);
	return 0;
}

static int write_annotations(struct json_writer *w, const struct json_at *at, struct err *e)
{
	const char *name;
	json_t *value;

	json_open_inline(w, '{');
	json_object_foreach(at->value, name, value)
	{
		struct json_at child = {.doc = at->doc, .up = at, .key = name, .value = value};

		if (write_annotation(w, &child, e))
			return -e->code;
	}
	json_close(w, '}');
	return 0;
}

int bundle_annotations(struct bundle_reader *r, const struct json_at *at, void *to, struct err *e)
{
	scoped(json_writer_done) struct json_writer w;
	scoped_free char *text = NULL;
	size_t size;

	(void)to;
	if (json_writer_init(&w, e) || json_expect_object(at, e) || write_annotations(&w, at, e) ||
		json_writer_end(&w, &text, &size, e))
		return -e->code;
	text[strcspn(text, "\n")] = '\0';
	r->cage->state.annotations = cage_text(r->cage, "%s", text);
	return r->cage->state.annotations ? 0 : err_nomem(e);
}
