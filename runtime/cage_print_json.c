/* The plan as JSON: docs/plan.schema.json. */
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "cage_names.h"
#include "cage_print.h"
#include "caps.h"
#include "json.h"
#include "landlock.h"
#include "mount_option.h"
#include "scope.h"
#include "user_maps.h"

enum { NAMES_MAX = 1024, VERSION = 1 };

/* A member that is there only if there is something to say. */
static void member_text(struct json_writer *w, const char *key, const char *text)
{
	if (text && *text)
		json_member_text(w, key, text);
}

static void put_texts(struct json_writer *w, const char *key, const char *const *texts, size_t n)
{
	json_key(w, key);
	json_open_inline(w, '[');
	for (size_t i = 0; i < n; i++)
		json_put_string(w, texts[i]);
	json_close(w, ']');
}

static size_t vector_len(char *const *vector)
{
	size_t n = 0;

	while (vector[n])
		n++;
	return n;
}

static void put_spaces(struct json_writer *w, const struct cage *cage)
{
	json_key(w, "namespaces");
	json_open(w, '[');
	for (int ns = 0; ns < CAGE_NS_COUNT; ns++) {
		const struct cage_namespace *space = &cage->namespaces[ns];

		if (space->how == CAGE_NS_SHARED)
			continue;
		json_open_inline(w, '{');
		json_member_text(w, "type", cage_ns_name((enum cage_ns)ns));
		json_member_text(w, "how", space->how == CAGE_NS_NEW ? "new" : "join");
		member_text(w, "path", space->path);
		member_text(w, "because", space->where);
		json_close(w, '}');
	}
	json_close(w, ']');
}

static void put_maps(struct json_writer *w, const char *key, const struct cage_maps *maps)
{
	json_key(w, key);
	json_open(w, '[');
	for (size_t i = 0; i < maps->n; i++) {
		json_open_inline(w, '{');
		json_member_u64(w, "inside", maps->maps[i].inside);
		json_member_u64(w, "outside", maps->maps[i].outside);
		json_member_u64(w, "count", maps->maps[i].count);
		json_close(w, '}');
	}
	json_close(w, ']');
}

static void put_clock(struct json_writer *w, const char *key, const struct cage_clock *clock)
{
	json_key(w, key);
	json_open_inline(w, '{');
	json_member_i64(w, "s", clock->s);
	json_member_u64(w, "ns", clock->ns);
	json_close(w, '}');
}

static void put_identity(struct json_writer *w, const struct cage *cage)
{
	put_spaces(w, cage);
	put_maps(w, "uid_maps", &cage->uid_maps);
	put_maps(w, "gid_maps", &cage->gid_maps);
	if (cage->set_clocks) {
		put_clock(w, "monotonic", &cage->monotonic);
		put_clock(w, "boottime", &cage->boottime);
	}
	member_text(w, "hostname", cage->hostname);
	member_text(w, "domainname", cage->domainname);
}

static void put_attr(struct json_writer *w, const char *key, uint64_t attr)
{
	char names[NAMES_MAX];

	member_text(w, key, mount_attr_print(attr, names, sizeof(names)));
}

static void put_mount(struct json_writer *w, const struct cage_mount *mount)
{
	json_open_inline(w, '{');
	json_member_text(w, "type", mount->type ? mount->type : "bind");
	member_text(w, "source", mount->source);
	json_member_text(w, "target", mount->target);
	if (mount->recursive)
		json_member_bool(w, "recursive", true);
	put_attr(w, "set", mount->attr_set);
	put_attr(w, "clear", mount->attr_clear);
	put_attr(w, "set_below", mount->all_set);
	put_attr(w, "clear_below", mount->all_clear);
	member_text(w, "data", mount->data);
	member_text(w, "propagation", cage_propagation_name(mount->propagation));
	if (mount->optional)
		json_member_bool(w, "optional", true);
	if (mount->copies_up)
		json_member_bool(w, "copies_up", true);
	json_close(w, '}');
}

static void put_devices(struct json_writer *w, const struct cage *cage)
{
	json_key(w, "devices");
	json_open(w, '[');
	for (size_t i = 0; i < cage->n_devices; i++) {
		const struct cage_device *device = &cage->devices[i];

		json_open_inline(w, '{');
		json_member_text(w, "path", device->path);
		json_member_text(w, "type",
			device->type == S_IFCHR	  ? "c"
			: device->type == S_IFBLK ? "b"
						  : "p");
		json_member_u64(w, "major", device->major);
		json_member_u64(w, "minor", device->minor);
		json_member_u64(w, "mode", device->mode);
		json_member_u64(w, "uid", device->uid);
		json_member_u64(w, "gid", device->gid);
		json_close(w, '}');
	}
	json_close(w, ']');
}

static void put_sysctls(struct json_writer *w, const struct cage *cage)
{
	json_key(w, "sysctls");
	json_open(w, '[');
	for (size_t i = 0; i < cage->n_sysctls; i++) {
		json_open_inline(w, '{');
		json_member_text(w, "name", cage->sysctls[i].name);
		json_member_text(w, "value", cage->sysctls[i].value);
		json_close(w, '}');
	}
	json_close(w, ']');
}

static void put_root(struct json_writer *w, const struct cage *cage)
{
	const struct cage_root *root = &cage->root;

	if (cage->namespaces[CAGE_NS_MOUNT].how == CAGE_NS_NEW)
		member_text(w, "propagation",
			root->propagation ? cage_propagation_name(root->propagation) : "rslave");
	json_key(w, "mounts");
	json_open(w, '[');
	for (size_t i = 0; i < cage->n_mounts; i++)
		put_mount(w, &cage->mounts[i]);
	json_close(w, ']');
	json_member_bool(w, "default_devices", root->default_devices);
	put_devices(w, cage);
	member_text(w, "root", root->path);
	json_member_bool(w, "root_readonly", root->readonly);
	json_member_bool(w, "root_readonly_below", root->readonly_below);
	json_member_bool(w, "root_nodev", root->nodev);
	put_texts(w, "masked", cage->masked, cage->n_masked);
	put_texts(w, "readonly", cage->readonly, cage->n_readonly);
	put_sysctls(w, cage);
}

static void put_hooks(struct json_writer *w, const struct cage *cage)
{
	json_key(w, "hooks");
	json_open(w, '[');
	for (int when = 0; when < CAGE_HOOK_TIMES; when++) {
		for (size_t i = 0; i < cage->hooks[when].n; i++) {
			json_open_inline(w, '{');
			json_member_text(w, "when", cage_hook_time_name((enum cage_hook_time)when));
			json_member_text(w, "path", cage->hooks[when].hooks[i].path);
			json_close(w, '}');
		}
	}
	json_close(w, ']');
}

/* No limit is null. */
static void put_rlim(struct json_writer *w, const char *key, rlim_t value)
{
	json_key(w, key);
	if (value == RLIM_INFINITY)
		json_put_null(w);
	else
		json_put_u64(w, value);
}

static void put_limits(struct json_writer *w, const struct cage *cage)
{
	json_key(w, "limits");
	json_open(w, '[');
	for (size_t i = 0; i < cage->n_limits; i++) {
		json_open_inline(w, '{');
		json_member_text(w, "name", cage_limit_name(cage->limits[i].resource));
		put_rlim(w, "soft", cage->limits[i].soft);
		put_rlim(w, "hard", cage->limits[i].hard);
		json_close(w, '}');
	}
	json_close(w, ']');
	if (cage->set_umask)
		json_member_u64(w, "umask", cage->umask);
	if (cage->set_oom_score_adj) {
		json_member_i64(w, "oom_score_adj", cage->oom_score_adj);
	}
}

static void put_process(struct json_writer *w, const struct cage *cage)
{
	put_limits(w, cage);
	json_member_bool(w, "terminal", cage->terminal);
	json_member_bool(w, "new_session", cage->new_session);
	member_text(w, "cwd", cage->cwd ? cage->cwd : cage->root.path ? "/" : NULL);
	json_key(w, "descriptors");
	json_open_inline(w, '[');
	for (int fd = 0; fd <= 2; fd++)
		json_put_i64(w, fd);
	for (size_t i = 0; i < cage->n_passed; i++)
		json_put_i64(w, cage->passed[i]);
	json_close(w, ']');
}

static void put_rights(struct json_writer *w, enum landlock_kind kind, uint64_t rights)
{
	json_key(w, "rights");
	json_open_inline(w, '[');
	for (unsigned bit = 0; landlock_name(kind, bit); bit++) {
		if (rights & UINT64_C(1) << bit)
			json_put_string(w, landlock_name(kind, bit));
	}
	json_close(w, ']');
}

static void put_path_rules(struct json_writer *w, const struct cage_landlock *rules)
{
	json_key(w, "paths");
	json_open(w, '[');
	for (size_t i = 0; i < rules->n_paths; i++) {
		json_open_inline(w, '{');
		json_member_text(w, "path", rules->paths[i].path);
		put_rights(w, LANDLOCK_PATHS, rules->paths[i].access);
		json_close(w, '}');
	}
	json_close(w, ']');
}

static void put_port_rules(struct json_writer *w, const struct cage_landlock *rules)
{
	json_key(w, "tcp");
	json_open(w, '[');
	for (size_t i = 0; i < rules->n_ports; i++) {
		json_open_inline(w, '{');
		json_member_u64(w, "port", rules->ports[i].port);
		put_rights(w, LANDLOCK_PORTS, rules->ports[i].access);
		json_close(w, '}');
	}
	json_close(w, ']');
}

static void put_landlock(struct json_writer *w, const struct cage_landlock *rules)
{
	json_key(w, "landlock");
	json_open(w, '{');
	if (rules->restrict_paths)
		put_path_rules(w, rules);
	if (rules->restrict_ports)
		put_port_rules(w, rules);
	json_key(w, "scoped");
	json_open_inline(w, '{');
	put_rights(w, LANDLOCK_SCOPES, rules->scoped);
	json_close(w, '}');
	json_member_bool(w, "strict", rules->strict);
	json_close(w, '}');
}

static void put_caps(struct json_writer *w, uint64_t caps)
{
	json_open_inline(w, '[');
	for (unsigned cap = 0; cap < 64; cap++) {
		if (!(caps & UINT64_C(1) << cap))
			continue;
		if (cap_name(cap))
			json_put_string(w, cap_name(cap));
		else
			json_put_u64(w, cap);
	}
	json_close(w, ']');
}

static void put_user(struct json_writer *w, const struct cage *cage)
{
	const struct cage_user *user = &cage->user;
	enum user_maps_fate fate = user_maps_foresee_groups(cage);

	json_key(w, "user");
	json_open_inline(w, '{');
	json_member_u64(w, "uid", user->uid);
	json_member_u64(w, "gid", user->gid);
	json_key(w, "groups");
	json_open_inline(w, '[');
	for (size_t i = 0; i < user->n_groups; i++)
		json_put_u64(w, user->groups[i]);
	json_close(w, ']');
	json_key(w, "groups_stay");
	if (fate == GROUPS_UNKNOWN)
		json_put_null(w);
	else
		json_put_bool(w, fate == GROUPS_STAY);
	json_close(w, '}');
}

static void put_credentials(struct json_writer *w, const struct cage *cage)
{
	if (cage->user.set)
		put_user(w, cage);
	if (cage->caps.set) {
		json_key(w, "capabilities");
		json_open(w, '{');
		for (int set = 0; set < CAGE_CAP_SETS; set++) {
			json_key(w, cage_cap_set_name((enum cage_cap_set)set));
			put_caps(w, cage->caps.sets[set]);
		}
		json_close(w, '}');
	}
	json_member_bool(w, "with_parent", cage->with_parent);
	json_member_bool(w, "init", cage->init);
}

static void put_cage(struct json_writer *w, const struct cage *cage)
{
	json_key(w, "cage");
	json_open(w, '{');
	put_identity(w, cage);
	put_root(w, cage);
	put_hooks(w, cage);
	put_process(w, cage);
	if (landlock_is_set(&cage->landlock))
		put_landlock(w, &cage->landlock);
	put_credentials(w, cage);
	json_close(w, '}');
}

static void put_held(struct json_writer *w, const struct cage_plan *plan)
{
	const struct sandbox *box = plan->box;

	json_member_bool(w, "no_new_privs", !box->new_privs);
	put_texts(w, "profiles", plan->profiles, plan->n_profiles);
	member_text(w, "program", plan->program);
	json_member_text(w, "mode", box->mode == SANDBOX_STRICT ? "strict" : "filter");
	json_member_text(w, "at", sandbox_moment_name(box));
	if (box->filter.filter)
		json_member_u64(w, "instructions", box->filter.filter->len);
	if (box->then) {
		member_text(w, "then", plan->then);
		json_member_u64(w, "then_instructions", box->then->filter->len);
	}
	json_member_bool(w, "supervised", box->supervisor != NULL);
}

int cage_print_json(const struct cage_plan *plan, char **out_text, size_t *out_size, struct err *e)
{
	const struct sandbox *box = plan->box;
	struct json_writer w;

	if (json_writer_init(&w, e))
		return -e->code;
	json_open(&w, '{');
	json_member_text(&w, "kind", "sysclamp.plan");
	json_member_u64(&w, "version", VERSION);
	if (box->cage)
		put_cage(&w, box->cage);
	put_held(&w, plan);
	put_texts(&w, "environment", (const char *const *)box->env, vector_len(box->env));
	put_texts(&w, "command", (const char *const *)box->argv, vector_len(box->argv));
	json_close(&w, '}');
	return json_writer_end(&w, out_text, out_size, e);
}
