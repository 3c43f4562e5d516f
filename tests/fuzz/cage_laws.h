/*
 * cage_laws.h: what holds of every cage that a reader of files made, and of the plans of it.
 */
#ifndef SYSCLAMP_FUZZ_CAGE_LAWS_H
#define SYSCLAMP_FUZZ_CAGE_LAWS_H

#include <linux/mount.h>

#include "cage_names.h"
#include "cage_print.h"
#include "fuzz.h"
#include "json.h"
#include "scope.h"

/* A line of text: something, without control characters. */
static inline void check_line(const char *text)
{
	must(*text, "no text");
	for (const unsigned char *c = (const unsigned char *)text; *c; c++)
		must(*c >= 0x20 && *c != 0x7f, "a control character in: %s", text);
}

/* The line begins with the file's name and a place in it: "NAME: $", "NAME:LINE:COLUMN". */
static inline void check_place(const char *text, const char *name)
{
	size_t len = strlen(name);

	check_line(text);
	must(!strncmp(text, name, len), "another file: %s", text);
	text += len;
	must(!strncmp(text, ": $", 3) || (text[0] == ':' && text[1] >= '1' && text[1] <= '9'),
		"no place: %s", text);
}

static inline void check_error(int code, const struct err *e)
{
	must(code == -e->code && e->code > 0, "code %d, error %d", code, e->code);
	check_line(e->text);
}

static inline void check_absolute(const char *path)
{
	must(path && *path == '/', "not absolute: %s", path ? path : "none");
}

static inline bool cage_shares(const struct cage *cage, enum cage_ns ns)
{
	return cage->namespaces[ns].how == CAGE_NS_SHARED;
}

/* Nothing of the host's is renamed, set or mounted over. */
static inline void check_apart(const struct cage *cage)
{
	bool mounts = cage->namespaces[CAGE_NS_MOUNT].how == CAGE_NS_NEW;

	must(!cage->hostname || !cage_shares(cage, CAGE_NS_UTS), "the host's name");
	must(!cage->domainname || !cage_shares(cage, CAGE_NS_UTS), "the host's domain");
	must(!cage->set_clocks || cage->namespaces[CAGE_NS_TIME].how == CAGE_NS_NEW, "its clocks");
	must(mounts || !(cage->n_mounts || cage->n_devices || cage->n_masked || cage->n_readonly ||
			       cage->root.path || cage->root.readonly),
		"the host's files");
	for (size_t i = 0; i < cage->n_sysctls; i++) {
		enum cage_ns owner = cage_sysctl_owner(cage->sysctls[i].name);

		must(owner != CAGE_NS_COUNT && !cage_shares(cage, owner), "the host's %s",
			cage->sysctls[i].name);
	}
}

/* cage.h: paths inside are absolute; and those outside were made so. */
static inline void check_paths(const struct cage *cage)
{
	for (size_t i = 0; i < cage->n_mounts; i++) {
		const struct cage_mount *mount = &cage->mounts[i];

		check_absolute(mount->target);
		if (!mount->type)
			check_absolute(mount->source);
		must(!(mount->attr_set & mount->attr_clear & ~(uint64_t)MOUNT_ATTR__ATIME),
			"%s: set and cleared", mount->where);
		check_line(mount->where);
	}
	for (size_t i = 0; i < cage->n_devices; i++)
		check_absolute(cage->devices[i].path);
	for (size_t i = 0; i < cage->n_masked; i++)
		check_absolute(cage->masked[i]);
	for (size_t i = 0; i < cage->n_readonly; i++)
		check_absolute(cage->readonly[i]);
	for (size_t i = 0; i < cage->landlock.n_paths; i++)
		check_absolute(cage->landlock.paths[i].path);
	if (cage->root.path)
		check_absolute(cage->root.path);
	if (cage->cwd)
		check_absolute(cage->cwd);
}

static inline bool cage_maps_have(const struct cage_maps *maps, uint32_t inside)
{
	for (size_t i = 0; i < maps->n; i++) {
		if (inside - maps->maps[i].inside < maps->maps[i].count)
			return true;
	}
	return false;
}

static inline void check_user(const struct cage *cage)
{
	const struct cage_user *user = &cage->user;

	must(!user->set || (user->uid != UINT32_MAX && user->gid != UINT32_MAX), "user -1");
	if (cage->namespaces[CAGE_NS_USER].how != CAGE_NS_NEW)
		return;
	must(cage_maps_have(&cage->uid_maps, user->uid), "user %u has no number", user->uid);
	must(cage_maps_have(&cage->gid_maps, user->gid), "group %u has no number", user->gid);
}

/* capset(2), PR_CAP_AMBIENT and setrlimit(2) would refuse others. */
static inline void check_rights(const struct cage *cage)
{
	const uint64_t *sets = cage->caps.sets;

	must(!(sets[CAGE_CAP_EFFECTIVE] & ~sets[CAGE_CAP_PERMITTED]), "effective ones");
	must(!(sets[CAGE_CAP_AMBIENT] & ~sets[CAGE_CAP_PERMITTED] & ~sets[CAGE_CAP_INHERITABLE]),
		"ambient ones");
	for (size_t i = 0; i < cage->n_limits; i++)
		must(cage->limits[i].soft <= cage->limits[i].hard, "%s", cage->limits[i].where);
}

static inline void check_hooks(const struct cage *cage)
{
	for (int when = 0; when < CAGE_HOOK_TIMES; when++) {
		for (size_t i = 0; i < cage->hooks[when].n; i++) {
			const struct cage_hook *hook = &cage->hooks[when].hooks[i];

			check_absolute(hook->path);
			must(hook->argv && hook->argv[0] && hook->env, "%s: not whole",
				hook->where);
		}
	}
}

static inline void check_cage(const struct cage *cage)
{
	check_apart(cage);
	check_paths(cage);
	check_user(cage);
	check_rights(cage);
	check_hooks(cage);
}

/* The array @key of the plan is @texts. */
static inline void check_texts(const struct json_at *plan, const char *key, char *const *texts)
{
	struct json_at list, item;
	const char *text;
	struct err e;
	size_t n = 0;

	must(json_get(plan, key, &list) && json_is_array(list.value), "%s: not there", key);
	for (; texts[n]; n++) {
		must(n < json_len(&list), "%s: %zu of them", key, json_len(&list));
		item = json_item(&list, n);
		must(!json_text(&item, &text, &e) && !strcmp(text, texts[n]), "%s[%zu]", key, n);
	}
	must(n == json_len(&list), "%s: too many", key);
}

static inline void check_json_plan(const struct cage_plan *plan)
{
	scoped(json_doc_done) struct json_doc doc = {0};
	scoped_free char *text = NULL;
	struct json_at root, cage;
	size_t size;
	struct err e;

	must(!cage_print_json(plan, &text, &size, &e), "not printed: %s", e.text);
	must(!json_parse("plan", text, size, &doc, &e), "not read: %s", e.text);
	root = json_root(&doc);
	must(json_get(&root, "cage", &cage) == !!plan->box->cage, "its cage");
	check_texts(&root, "command", plan->box->argv);
	check_texts(&root, "environment", plan->box->env);
}

/* Nothing that is quoted begins a line of its own. */
static inline void check_text_plan(const struct cage_plan *plan)
{
	scoped_free char *text = NULL;
	size_t size, lines = 0;
	struct err e;

	must(!cage_print(plan, &text, &size, &e), "not printed: %s", e.text);
	must(size == strlen(text) && text[size - 1] == '\n', "not lines");
	for (char *line = text, *end; line < text + size; line = end + 1, lines++) {
		end = strchr(line, '\n');
		*end = '\0';
		check_line(line);
		must(lines == 0 || !strncmp(line, "  ", 2), "no step: %s", line);
	}
}

/* @cage: NULL: none. */
static inline void check_plan(
	const struct cage *cage, char *const *argv, char *const *env, bool new_privs)
{
	const struct sandbox box = {.argv = argv, .env = env, .cage = cage, .new_privs = new_privs};
	const struct cage_plan plan = {.box = &box};

	if (cage)
		check_cage(cage);
	check_json_plan(&plan);
	check_text_plan(&plan);
}

#endif
