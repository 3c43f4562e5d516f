#include "hook.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "file.h"
#include "json.h"
#include "scope.h"

#define STAGES "call this hook as prestart or createRuntime"

enum { CONFIG_SIZE_MAX = 16 * 1024 * 1024, ARGS_MAX = 1024 * 1024 };

void hook_request_done(struct hook_request *request)
{
	free(request->id);
	free(request->bundle);
	free(request->recording);
	free(request->profile);
	free(request->base_profile);
	free(request->argv);
	free(request->cwd);
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

/* An array of strings as a command line: one block; NULL if it is none, or without memory. */
static char **copy_words(const struct json_at *words)
{
	size_t n = json_len(words), size = (n + 1) * sizeof(char *);
	struct err e = {0};
	const char *text;
	char **argv, *room;

	for (size_t i = 0; i < n; i++) {
		struct json_at word = json_item(words, i);

		if (json_text(&word, &text, &e))
			return NULL;
		size += strlen(text) + 1;
	}
	argv = n > 0 ? calloc(1, size) : NULL;
	room = argv ? (char *)&argv[n + 1] : NULL;
	for (size_t i = 0; argv && i < n; i++) {
		argv[i] = room;
		room = stpcpy(room, json_string_value(json_item(words, i).value)) + 1;
	}
	return argv;
}

static void read_process(const struct json_at *process, struct hook_request *out)
{
	struct json_at at;
	struct err e = {0};
	const char *text;

	/* Without no_new_privs a runtime calls more behind the filter: the unknown needs most. */
	if (json_get(process, "noNewPrivileges", &at) && json_bool(&at, &out->nnp, &e))
		out->nnp = false;
	if (json_get(process, "args", &at) && !json_expect_array(&at, ARGS_MAX, &e))
		out->argv = copy_words(&at);
	if (json_get(process, "cwd", &at) && !json_text(&at, &text, &e))
		out->cwd = strdup(text);
}

/* Nothing that the bundle tells is needed. */
static void read_bundle(struct hook_request *out)
{
	scoped(json_doc_done) struct json_doc doc = {0};
	scoped_free char *path = NULL, *text = NULL;
	struct json_at root, process, platform, filter;
	struct err e = {0};
	size_t size;

	if (asprintf(&path, "%s/config.json", out->bundle) < 0)
		path = NULL;
	if (!path || file_read(path, CONFIG_SIZE_MAX, &text, &size, &e) ||
		json_parse(path, text, size, &doc, &e))
		return;
	root = json_root(&doc);
	if (json_get(&root, "process", &process))
		read_process(&process, out);
	out->confined = json_get(&root, "linux", &platform) &&
			json_get(&platform, "seccomp", &filter);
}

/* Of a program that runs already the beginning would be missing. */
static int read_pid(const struct json_at *state, pid_t *out, struct err *e)
{
	struct json_at at;
	const char *status = "";
	uint64_t number;

	if (json_need(state, "pid", &at, e) || json_u64(&at, INT_MAX, &number, e))
		return -e->code;
	if (number == 0)
		return json_err(&at, e, "the container has no process yet: " STAGES);
	*out = (pid_t)number;
	if (json_get(state, "status", &at) && json_text(&at, &status, e))
		return -e->code;
	if (!strcmp(status, "running") || !strcmp(status, "stopped"))
		return json_err(&at, e, "the container is %s already: " STAGES, status);
	return 0;
}

int hook_request_parse(char *text, size_t size, struct hook_request *out, struct err *e)
{
	scoped(hook_request_done) struct hook_request request = {0};
	scoped(json_doc_done) struct json_doc doc = {0};
	struct json_at root;

	if (json_parse("state", text, size, &doc, e))
		return -e->code;
	root = json_root(&doc);
	if (json_expect_object(&root, e) || read_text(&root, "id", &request.id, e) ||
		read_text(&root, "bundle", &request.bundle, e) ||
		read_pid(&root, &request.pid, e) || read_annotations(&root, &request, e))
		return -e->code;
	if (request.recording || request.profile)
		read_bundle(&request);
	*out = request;
	request = (struct hook_request){0};
	return 0;
}
