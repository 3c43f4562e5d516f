#include "profiler.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "enforce.h"
#include "hash.h"
#include "place.h"
#include "scope.h"

enum { NAME_BYTES_MAX = 200 };

#define PROFILES_DIR "seccomp" /* below the kubelet's directory */
#define SUFFIX	     ".json"

void install_result_done(struct install_result *result)
{
	free(result->file);
	free(result->localhost_profile);
	*result = (struct install_result){0};
}

/* What is wrong with a name, or NULL. */
static const char *name_fault(const char *name)
{
	/* POSIX's portable file names: they need no quotes in YAML, in a shell, in a URL. */
	static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				      "0123456789._-/";
	size_t len = strlen(name);

	if (len == 0)
		return "is empty; name the workload";
	if (len > NAME_BYTES_MAX)
		return "is longer than 200 bytes";
	if (name[0] == '/')
		return "is absolute; it goes below the kubelet's seccomp directory";
	if (name[strspn(name, letters)])
		return "may hold letters, digits, '.', '_', '-', and '/' between components";
	if (len >= strlen(SUFFIX) && !strcmp(name + len - strlen(SUFFIX), SUFFIX))
		return "must not end in .json, which is added behind the hash";
	return NULL;
}

static const char *component_fault(const char *component, size_t len)
{
	if (len == 0)
		return "has an empty component";
	if ((len == 1 && component[0] == '.') || (len == 2 && !strncmp(component, "..", 2)))
		return "has a component \".\" or \"..\"; it must stay below the kubelet's "
		       "directory";
	if (component[0] == '-')
		return "has a component that begins with '-', which commands take for an option";
	return NULL;
}

static int check_name(const char *name, struct err *e)
{
	const char *fault = name_fault(name);
	const char *end, *at = name;

	while (!fault) {
		end = strchrnul(at, '/');
		fault = component_fault(at, (size_t)(end - at));
		if (!*end)
			break;
		at = end + 1;
	}
	return fault ? err_set(e, EINVAL, "--name \"%s\": %s", name, fault) : 0;
}

static bool is_notify(action_t action)
{
	return (action & SECCOMP_RET_ACTION_FULL) == SECCOMP_RET_USER_NOTIF;
}

/* What an engine takes only from who set it up for that, or not at all. */
static int check_for_engines(
	const char *name, const struct enforced *enforced, const struct notice *to, struct err *e)
{
	const struct profile *profile = &enforced->profile;
	bool notifies = is_notify(profile->default_action);
	struct err why;

	for (size_t i = 0; i < profile->n_rules; i++)
		notifies |= is_notify(profile->rules[i].action);
	if (notifies || profile->listener_path)
		return err_set(e, EPERM,
			"%s: %s needs a listener that runs on the node before the container; "
			"choose another action",
			name, notifies ? "SCMP_ACT_NOTIFY" : "listenerPath");
	if (profile->flags)
		notice_tell(to, "%s: flags: runc before 1.2 refuses a profile with any", name);
	if (enforced_can_hold(name, enforced, to, &why) || enforced_can_start(name, enforced, &why))
		notice_tell(to, "warning: %s", why.text);
	return 0;
}

static int try_load(const char *name, const struct enforced *enforced, struct err *e)
{
	if (filter_try(&enforced->filter, enforced->profile.flags, e))
		return err_prefix(e, "%s: ", name);
	return 0;
}

static int name_result(
	const struct install_request *request, const char *hash, struct install_result *out)
{
	int len;

	len = asprintf(&out->localhost_profile, "%s-%s" SUFFIX, request->name, hash);
	if (len < 0) {
		out->localhost_profile = NULL;
		return -ENOMEM;
	}
	len = asprintf(
		&out->file, "%s/" PROFILES_DIR "/%s", request->kubelet_dir, out->localhost_profile);
	if (len < 0) {
		out->file = NULL;
		return -ENOMEM;
	}
	return 0;
}

static void tell_placed(const struct install_request *request, const struct install_result *result,
	enum placed placed, const struct notice *to)
{
	if (placed == PLACED_BEFORE)
		notice_tell(to, "%s is already installed, with this content", result->file);
	else
		notice_tell(to, "%s %s", request->dry_run ? "would write" : "wrote", result->file);
}

/* Split "a/b/c" into the directories "seccomp/a/b" and the stem "c", and put the file there. */
static int put_file(const struct install_request *request, const char *hash, const char *text,
	size_t size, enum placed *out_placed, struct err *e)
{
	const char *slash = strrchr(request->name, '/');
	char dirs[sizeof(PROFILES_DIR) + 1 + NAME_BYTES_MAX];
	struct place place = {
		.root = request->kubelet_dir,
		.dirs = dirs,
		.stem = slash ? slash + 1 : request->name,
		.hash = hash,
	};

	(void)snprintf(dirs, sizeof(dirs), PROFILES_DIR "%s%.*s", slash ? "/" : "",
		slash ? (int)(slash - request->name) : 0, request->name);
	return place_file(&place, text, size, request->dry_run, out_placed, e);
}

int profile_install(const struct install_request *request, struct install_result *out,
	const struct notice *to, struct err *e)
{
	scoped(enforced_done) struct enforced enforced = {0};
	scoped(install_result_done) struct install_result result = {0};
	scoped_free char *text = NULL;
	const char *name = strcmp(request->profile_path, "-") ? request->profile_path
							      : "standard input";
	char hash[HASH_HEX_LEN + 1];
	enum placed placed;
	size_t size;

	if (check_name(request->name, e) ||
		enforced_read(request->profile_path, &enforced, to, e) ||
		check_for_engines(name, &enforced, to, e) || try_load(name, &enforced, e) ||
		profile_emit(&enforced.profile, &text, &size, e))
		return -e->code;
	hash_bytes(text, size, hash);
	hash[PLACE_HASH_LEN] = '\0';
	if (name_result(request, hash, &result))
		return err_nomem(e);
	if (put_file(request, hash, text, size, &placed, e))
		return -e->code;
	tell_placed(request, &result, placed, to);
	*out = result;
	result = (struct install_result){0};
	return 0;
}
