#include "hook.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "file.h"
#include "json.h"
#include "scope.h"

enum { CONFIG_SIZE_MAX = 16 * 1024 * 1024 };

void hook_request_done(struct hook_request *request)
{
	free(request->id);
	free(request->bundle);
	free(request->recording);
	free(request->profile);
	free(request->base_profile);
	*request = (struct hook_request){0};
}

static int copy_path(
	const struct json_at *at, const char *path, size_t len, char **out, struct err *e)
{
	if (len == 0 || *path != '/')
		return json_err(at, e, "\"%.*s\" is no absolute path", (int)len, path);
	free(*out);
	*out = strndup(path, len);
	return *out ? 0 : err_nomem(e);
}

/* "if:/abs/in.json;of:/abs/out.json", in any order. */
static int read_profile_annotation(
	const struct json_at *at, const char *text, struct hook_request *out, struct err *e)
{
	while (*text) {
		size_t len = strcspn(text, ";");
		char **file = !strncmp(text, "if:", 3)	 ? &out->base_profile
			      : !strncmp(text, "of:", 3) ? &out->profile
							 : NULL;

		if (!file || len < 3)
			return json_err(at, e,
				"\"%.*s\": if:/absolute/in.json;of:/absolute/out.json expected",
				(int)len, text);
		if (copy_path(at, text + 3, len - 3, file, e))
			return -e->code;
		text += len + (text[len] == ';');
	}
	if (!out->profile)
		return json_err(at, e, "no output: of:/absolute/out.json is missing");
	return 0;
}

static int read_annotations(const struct json_at *state, struct hook_request *out, struct err *e)
{
	struct json_at annotations, at;
	const char *text;

	if (!json_get(state, "annotations", &annotations))
		return 0;
	if (json_expect_object(&annotations, e))
		return -e->code;
	if (json_get(&annotations, HOOK_PROFILE_ANNOTATION, &at) &&
		(json_text(&at, &text, e) || read_profile_annotation(&at, text, out, e)))
		return -e->code;
	if (json_get(&annotations, HOOK_RECORD_ANNOTATION, &at) &&
		(json_text(&at, &text, e) ||
			copy_path(&at, text, strlen(text), &out->recording, e)))
		return -e->code;
	return 0;
}

static int read_text(const struct json_at *at, const char *key, char **out, struct err *e)
{
	struct json_at value;
	const char *text;

	if (json_need(at, key, &value, e) || json_text(&value, &text, e))
		return -e->code;
	*out = strdup(text);
	return *out ? 0 : err_nomem(e);
}

/* Without no_new_privs a runtime calls more behind the filter: what cannot be read needs most. */
static bool bundle_has_nnp(const char *bundle)
{
	scoped(json_doc_done) struct json_doc doc = {0};
	scoped_free char *path = NULL, *text = NULL;
	struct json_at root, process, nnp;
	struct err e = {0};
	size_t size;
	bool value = false;

	if (asprintf(&path, "%s/config.json", bundle) < 0)
		path = NULL;
	if (!path || file_read(path, CONFIG_SIZE_MAX, &text, &size, &e) ||
		json_parse(path, text, size, &doc, &e))
		return false;
	root = json_root(&doc);
	return json_get(&root, "process", &process) &&
	       json_get(&process, "noNewPrivileges", &nnp) && !json_bool(&nnp, &value, &e) && value;
}

int hook_request_parse(char *text, size_t size, struct hook_request *out, struct err *e)
{
	scoped(hook_request_done) struct hook_request request = {0};
	scoped(json_doc_done) struct json_doc doc = {0};
	struct json_at root, pid;
	uint64_t number;

	if (json_parse("state", text, size, &doc, e))
		return -e->code;
	root = json_root(&doc);
	if (json_expect_object(&root, e) || read_text(&root, "id", &request.id, e) ||
		read_text(&root, "bundle", &request.bundle, e) ||
		json_need(&root, "pid", &pid, e) || json_u64(&pid, INT_MAX, &number, e) ||
		read_annotations(&root, &request, e))
		return -e->code;
	if (number == 0)
		return json_err(&pid, e,
			"the container has no process yet: call this hook as prestart or "
			"createRuntime");
	request.pid = (pid_t)number;
	request.nnp = bundle_has_nnp(request.bundle);
	*out = request;
	request = (struct hook_request){0};
	return 0;
}
