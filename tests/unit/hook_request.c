/* hook_request.c, which is part of the command: what a state, its annotations and the bundle ask
 * for. */
#include "../../cli/hook_request.c"

#include <fcntl.h>
#include <sys/stat.h>

#include "tap.h"

static char place[] = "/tmp/sysclamp-test.XXXXXX";

/* Parse a state; @pid, @more: as they stand in the text. */
static int parse(const char *pid, const char *more, struct hook_request *out, struct err *e)
{
	scoped_free char *text = NULL;

	*e = (struct err){0};
	if (asprintf(&text,
		    "{\"ociVersion\": \"1.0.2\", \"id\": \"web\", \"bundle\": \"%s\"%s%s%s}", place,
		    pid ? ", \"pid\": " : "", pid ? pid : "", more) < 0)
		return err_nomem(e);
	return hook_request_parse(text, strlen(text), out, e);
}

/* One annotation. */
static int parse_annotation(
	const char *key, const char *value, struct hook_request *out, struct err *e)
{
	scoped_free char *more = NULL;

	if (asprintf(&more, ", \"annotations\": {\"a.b\": \"c\", \"%s\": %s}", key, value) < 0)
		return err_nomem(e);
	return parse("7", more, out, e);
}

static void refused(int code, const struct hook_request *request, const struct err *e,
	const char *want, const char *claim)
{
	ok(code == -EINVAL && !request->id && !request->profile, "%s: refused, nothing is left",
		claim);
	is_text(e->text, want, "%s: said why", claim);
}

static void refused_annotation(
	const char *key, const char *value, const char *want, const char *claim)
{
	struct hook_request request = {0};
	struct err e;
	int code = parse_annotation(key, value, &request, &e);

	refused(code, &request, &e, want, claim);
}

static void refused_state(const char *pid, const char *more, const char *want, const char *claim)
{
	struct hook_request request = {0};
	struct err e;
	int code = parse(pid, more, &request, &e);

	refused(code, &request, &e, want, claim);
}

static void test_nothing(void)
{
	static const char *const none[] = {"", ", \"annotations\": {}", ", \"annotations\": null",
		", \"annotations\": {\"io.containers.trace-syscal\": \"of:/x\"}"};

	for (size_t i = 0; i < sizeof(none) / sizeof(none[0]); i++) {
		struct hook_request request = {0};
		struct err e;

		ok(!parse("7", none[i], &request, &e) && !request.recording && !request.profile &&
				!request.base_profile && request.pid == 7,
			"nothing is asked for by \"%s\"", none[i]);
		is_text(request.id, "web", "the container is named");
		hook_request_done(&request);
		ok(!request.id, "and released");
	}
}

static void test_profile(void)
{
	static const struct {
		const char *value, *out, *base;
	} rows[] = {
		{"\"of:/o.json\"", "/o.json", NULL},
		{"\"if:/i.json;of:/o.json\"", "/o.json", "/i.json"},
		{"\"of:/o.json;if:/i.json\"", "/o.json", "/i.json"},
		{"\"of:/o.json;\"", "/o.json", NULL},
		{"\"of:/with space:/o;if:/i=1\"", "/with space:/o", "/i=1"},
		{"\"of:/first;of:/o.json\"", "/o.json", NULL},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct hook_request request = {0};
		struct err e;

		ok(!parse_annotation(HOOK_PROFILE_ANNOTATION, rows[i].value, &request, &e),
			"%s is taken", rows[i].value);
		is_text(request.profile, rows[i].out, "the profile's file");
		ok(rows[i].base ? request.base_profile &&
					  !strcmp(request.base_profile, rows[i].base)
				: !request.base_profile,
			"the file to extend");
		ok(!request.recording, "no recording");
		hook_request_done(&request);
	}
}

static void test_annotations_refused(void)
{
	static const char profile[] = HOOK_PROFILE_ANNOTATION, record[] = HOOK_RECORD_ANNOTATION;

#define AT_PROFILE "state: $.annotations.io.containers.trace-syscall: "
#define AT_RECORD  "state: $.annotations.dev.sysclamp.record: "
#define FORM	   "if:/absolute/in.json;of:/absolute/out.json expected"
	refused_annotation(profile, "\"of:o.json\"", AT_PROFILE "\"o.json\" is no absolute path",
		"a relative path");
	refused_annotation(profile, "\"of:/o;if:../i\"", AT_PROFILE "\"../i\" is no absolute path",
		"one to extend");
	refused_annotation(
		profile, "\"of:\"", AT_PROFILE "\"\" is no absolute path", "an empty path");
	refused_annotation(profile, "\"/o.json\"", AT_PROFILE "\"/o.json\": " FORM, "no key");
	refused_annotation(profile, "\"of:/o;xf:/x\"", AT_PROFILE "\"xf:/x\": " FORM, "a new key");
	refused_annotation(profile, "\";of:/o\"", AT_PROFILE "\"\": " FORM, "an empty part");
	refused_annotation(profile, "\"o\"", AT_PROFILE "\"o\": " FORM, "half a key");
	refused_annotation(profile, "\"if:/i\"",
		AT_PROFILE "no output: of:/absolute/out.json is missing", "no output");
	refused_annotation(profile, "\"\"",
		AT_PROFILE "no output: of:/absolute/out.json is missing", "an empty one");
	refused_annotation(record, "\"r.json\"", AT_RECORD "\"r.json\" is no absolute path",
		"a relative path of a recording");
	refused_annotation(record, "\"\"", AT_RECORD "\"\" is no absolute path", "none");
	refused_annotation(
		record, "7", AT_RECORD "a string expected, this is an integer", "a number");
	refused_annotation(
		profile, "[]", AT_PROFILE "a string expected, this is an array", "an array");
}

static void test_states_refused(void)
{
	struct hook_request request = {0};
	char garbage[] = "\x7f\x45\x4c\x46";
	struct err e = {0};

	refused_state(NULL, "", "state: $: \"pid\" is missing", "no pid");
	refused_state("0", "",
		"state: $.pid: the container has no process yet: call this hook as prestart or "
		"createRuntime",
		"pid 0");
	refused_state("7", ", \"status\": \"running\"",
		"state: $.status: the container is running already: call this hook as prestart or "
		"createRuntime",
		"poststart");
	refused_state("7", ", \"status\": \"stopped\"",
		"state: $.status: the container is stopped already: call this hook as prestart or "
		"createRuntime",
		"poststop");
	ok(parse("-7", "", &request, &e) && parse("4294967303", "", &request, &e) &&
			parse("\"7\"", "", &request, &e) && parse("7.5", "", &request, &e),
		"what is no pid is refused");
	ok(parse("7", ", \"annotations\": []", &request, &e), "annotations are an object");
	ok(hook_request_parse(garbage, sizeof(garbage) - 1, &request, &e), "garbage is refused");
	ok(!parse("7", ", \"status\": \"creating\"", &request, &e), "creating is taken");
	hook_request_done(&request);
	ok(!parse("7", ", \"status\": \"created\"", &request, &e), "created is taken");
	hook_request_done(&request);
}

static bool write_config(const char *text)
{
	scoped_file FILE *file = fopen("config.json", "we");

	return file && fputs(text, file) >= 0;
}

/* What is known of the container's program, with this bundle. */
static void config(
	const char *text, const char *want_argv, const char *want_cwd, int nnp, int confined)
{
	struct hook_request request = {0};
	char line[128] = "";
	struct err e;

	ok(write_config(text) && !parse_annotation(HOOK_RECORD_ANNOTATION, "\"/r\"", &request, &e),
		"%.60s is read", text);
	for (char **word = request.argv; word && *word; word++)
		(void)snprintf(line + strlen(line), sizeof(line) - strlen(line), "<%s>", *word);
	is_text(line, want_argv, "the command line");
	is_text(request.cwd ? request.cwd : "", want_cwd, "the directory");
	ok(request.nnp == nnp && request.confined == confined, "no_new_privs %d, a filter %d", nnp,
		confined);
	hook_request_done(&request);
}

static void test_bundle(void)
{
	struct hook_request request = {0};
	struct err e;

	ok(!parse_annotation(HOOK_RECORD_ANNOTATION, "\"/r\"", &request, &e) && !request.argv &&
			!request.cwd && !request.nnp && !request.confined,
		"a bundle without config.json tells nothing");
	hook_request_done(&request);
	config("{\"process\": {\"args\": [\"/bin/sh\", \"-c\", \"\"], \"cwd\": \"/srv\","
	       " \"noNewPrivileges\": true}, \"linux\": {\"seccomp\": {}}}",
		"</bin/sh><-c><>", "/srv", true, true);
	config("{\"process\": {\"args\": [\"a\"], \"noNewPrivileges\": false}, \"linux\": {}}",
		"<a>", "", false, false);
	config("{\"process\": {\"args\": [], \"cwd\": 7, \"noNewPrivileges\": 1}}", "", "", false,
		false);
	config("{\"process\": {\"args\": [\"a\", 7], \"cwd\": \"/\"}}", "", "/", false, false);
	config("{\"process\": {\"args\": \"a\"}, \"linux\": {\"seccomp\": null}}", "", "", false,
		false);
	config("{\"process\": []}", "", "", false, false);
	config("[]", "", "", false, false);
	config("{", "", "", false, false);
	ok(!unlink("config.json"), "it is removed");
}

int main(void)
{
	if (!mkdtemp(place) || chdir(place)) {
		ok(false, "a directory to work in");
		return tap_done();
	}
	test_nothing();
	test_profile();
	test_annotations_refused();
	test_states_refused();
	test_bundle();
	ok(!rmdir(place), "nothing is left");
	return tap_done();
}
