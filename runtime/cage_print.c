#include "cage_print.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "cage_names.h"
#include "caps.h"
#include "landlock.h"
#include "mount_option.h"
#include "scope.h"
#include "user_maps.h"

enum { NAMES_MAX = 1024 };

/*
 * Lines end with a NUL until all are there: what is quoted in them may have a newline, but no NUL.
 */
static void end_line(FILE *out)
{
	fputc('\0', out);
}

/* "  what          ..." */
__attribute__((format(printf, 3, 4))) static void step(
	FILE *out, const char *what, const char *format, ...)
{
	va_list args;

	fprintf(out, "  %-14s", what);
	va_start(args, format);
	vfprintf(out, format, args);
	va_end(args);
	end_line(out);
}

static void print_spaces(FILE *out, const struct cage *cage)
{
	for (int ns = 0; ns < CAGE_NS_COUNT; ns++) {
		const struct cage_namespace *space = &cage->namespaces[ns];
		const char *name = cage_ns_name((enum cage_ns)ns);

		if (space->how == CAGE_NS_NEW)
			step(out, "namespace", "%s, new (%s)", name,
				space->where ? space->where : "asked for");
		if (space->how == CAGE_NS_JOIN)
			step(out, "namespace", "%s, that of %s", name, space->path);
	}
}

static void print_maps(FILE *out, const char *what, const struct cage_maps *maps)
{
	for (size_t i = 0; i < maps->n; i++)
		step(out, what, "%u inside is %u outside, %u in all", maps->maps[i].inside,
			maps->maps[i].outside, maps->maps[i].count);
}

static void print_clock(FILE *out, const char *what, const struct cage_clock *clock)
{
	if (clock->s || clock->ns)
		step(out, what, "%" PRId64 " s %u ns added", clock->s, clock->ns);
}

static void print_identity(FILE *out, const struct cage *cage)
{
	print_spaces(out, cage);
	print_maps(out, "user IDs", &cage->uid_maps);
	print_maps(out, "group IDs", &cage->gid_maps);
	print_clock(out, "monotonic", &cage->monotonic);
	print_clock(out, "boottime", &cage->boottime);
	if (cage->hostname)
		step(out, "hostname", "%s", cage->hostname);
	if (cage->domainname)
		step(out, "domainname", "%s", cage->domainname);
}

static void print_attr(FILE *out, const char *before, uint64_t attr)
{
	char names[NAMES_MAX];

	if (attr)
		fprintf(out, "%s%s", before, mount_attr_print(attr, names, sizeof(names)));
}

static void print_mount(FILE *out, const struct cage_mount *mount)
{
	fprintf(out, "  %-14s%s%s%s at %s", "mount", mount->type ? "" : mount->source,
		mount->type ? mount->type : "",
		!mount->type && mount->recursive ? ", with all below," : "", mount->target);
	print_attr(out, ": ", mount->attr_set);
	print_attr(out, "; cleared: ", mount->attr_clear);
	print_attr(out, "; all below: ", mount->all_set);
	print_attr(out, "; all below, cleared: ", mount->all_clear);
	if (mount->data)
		fprintf(out, "; %s", mount->data);
	if (mount->propagation)
		fprintf(out, "; %s", cage_propagation_name(mount->propagation));
	fprintf(out, "%s%s", mount->optional ? "; if it is there" : "",
		mount->copies_up ? "; with what the directory holds" : "");
	end_line(out);
}

static const char *device_kind(mode_t type)
{
	return type == S_IFCHR ? "c" : type == S_IFBLK ? "b" : "p";
}

static void print_paths(FILE *out, const char *what, const char *const *paths, size_t n)
{
	for (size_t i = 0; i < n; i++)
		step(out, what, "%s", paths[i]);
}

static bool mounts_at_all(const struct cage *cage)
{
	return cage->namespaces[CAGE_NS_MOUNT].how == CAGE_NS_NEW;
}

static void print_root(FILE *out, const struct cage *cage)
{
	const struct cage_root *root = &cage->root;
	const char *propagation = root->propagation ? cage_propagation_name(root->propagation)
						    : "rslave";

	if (mounts_at_all(cage))
		step(out, "all mounts", "%s", propagation);
	for (size_t i = 0; i < cage->n_mounts; i++)
		print_mount(out, &cage->mounts[i]);
	if (root->default_devices)
		step(out, "devices",
			"/dev: null zero full random urandom tty, fd stdin stdout "
			"stderr ptmx");
	for (size_t i = 0; i < cage->n_devices; i++)
		step(out, "device", "%s: %s %u:%u, mode %04o, %u:%u", cage->devices[i].path,
			device_kind(cage->devices[i].type), cage->devices[i].major,
			cage->devices[i].minor, cage->devices[i].mode, cage->devices[i].uid,
			cage->devices[i].gid);
	if (mounts_at_all(cage))
		step(out, "root", "%s%s", root->path ? root->path : "a copy of the caller's",
			root->nodev ? ", no devices" : "");
	print_paths(out, "masked", cage->masked, cage->n_masked);
	print_paths(out, "read-only", cage->readonly, cage->n_readonly);
	if (root->readonly)
		step(out, "read-only", "the root, %swhat is mounted in it outside",
			root->readonly_below ? "and " : "not ");
	for (size_t i = 0; i < cage->n_sysctls; i++)
		step(out, "sysctl", "%s = %s", cage->sysctls[i].name, cage->sysctls[i].value);
}

static void print_hooks(FILE *out, const struct cage *cage)
{
	for (int when = 0; when < CAGE_HOOK_TIMES; when++) {
		for (size_t i = 0; i < cage->hooks[when].n; i++)
			step(out, "hook", "%s: %s", cage_hook_time_name((enum cage_hook_time)when),
				cage->hooks[when].hooks[i].path);
	}
}

static void print_limit_value(FILE *out, rlim_t value)
{
	if (value == RLIM_INFINITY)
		fputs("unlimited", out);
	else
		fprintf(out, "%ju", (uintmax_t)value);
}

static void print_limits(FILE *out, const struct cage *cage)
{
	for (size_t i = 0; i < cage->n_limits; i++) {
		fprintf(out, "  %-14s%s ", "limit",
			cage_limit_name(cage->limits[i].resource) + strlen("RLIMIT_"));
		print_limit_value(out, cage->limits[i].soft);
		fputs(", at most ", out);
		print_limit_value(out, cage->limits[i].hard);
		end_line(out);
	}
	if (cage->set_umask)
		step(out, "umask", "%03o", cage->umask);
	if (cage->set_oom_score_adj)
		step(out, "OOM score", "%d", cage->oom_score_adj);
}

static void print_process(FILE *out, const struct cage *cage)
{
	print_limits(out, cage);
	if (cage->terminal)
		step(out, "terminal", "one of its own");
	else if (cage->new_session)
		step(out, "session", "a new one: no way to the caller's terminal");
	if (cage->cwd || cage->root.path)
		step(out, "directory", "%s", cage->cwd ? cage->cwd : "/");
	fprintf(out, "  %-14s0 1 2", "descriptors");
	for (size_t i = 0; i < cage->n_passed; i++)
		fprintf(out, " %d", cage->passed[i]);
	fputs("; all others are closed", out);
	end_line(out);
}

static void print_landlock(FILE *out, const struct cage_landlock *rules)
{
	char names[NAMES_MAX];

	if (rules->restrict_paths)
		step(out, "Landlock", "paths: nothing but");
	for (size_t i = 0; i < rules->n_paths; i++)
		step(out, "", "%s: %s", rules->paths[i].path,
			landlock_print(
				LANDLOCK_PATHS, rules->paths[i].access, names, sizeof(names)));
	if (rules->restrict_ports)
		step(out, "Landlock", "TCP ports: none but");
	for (size_t i = 0; i < rules->n_ports; i++)
		step(out, "", "%u: %s", rules->ports[i].port,
			landlock_print(
				LANDLOCK_PORTS, rules->ports[i].access, names, sizeof(names)));
	if (rules->scoped)
		step(out, "Landlock", "not out of it: %s",
			landlock_print(LANDLOCK_SCOPES, rules->scoped, names, sizeof(names)));
}

static void print_caps(FILE *out, const struct cage_caps *caps)
{
	for (int set = 0; caps->set && set < CAGE_CAP_SETS; set++) {
		fprintf(out, "  %-14s%s:", "capabilities",
			cage_cap_set_name((enum cage_cap_set)set));
		if (!caps->sets[set])
			fputs(" none", out);
		for (unsigned cap = 0; cap < 64; cap++) {
			if (!(caps->sets[set] & UINT64_C(1) << cap))
				continue;
			if (cap_name(cap))
				fprintf(out, " %s", cap_name(cap) + strlen("CAP_"));
			else
				fprintf(out, " %u", cap);
		}
		end_line(out);
	}
}

/* What is said where none are asked for. */
static const char *const NO_GROUPS[] = {
	[GROUPS_GO] = " none",
	[GROUPS_STAY] = " the caller's, since setgroups(2) is denied",
	[GROUPS_UNKNOWN] = " none, or the caller's if setgroups(2) is denied there",
};

static void print_user(FILE *out, const struct cage *cage)
{
	const struct cage_user *user = &cage->user;

	fprintf(out, "  %-14s%u:%u, groups:", "user", user->uid, user->gid);
	for (size_t i = 0; i < user->n_groups; i++)
		fprintf(out, " %u", user->groups[i]);
	if (!user->n_groups)
		fputs(NO_GROUPS[user_maps_foresee_groups(cage)], out);
	end_line(out);
}

static void print_credentials(FILE *out, const struct cage *cage)
{
	if (cage->user.set)
		print_user(out, cage);
	print_caps(out, &cage->caps);
	if (cage->with_parent)
		step(out, "ends", "when sysclamp does, whatever ends that");
	if (cage->init)
		step(out, "process 1", "sysclamp's: reaps, passes signals on");
}

static void print_cage(FILE *out, const struct cage *cage)
{
	print_identity(out, cage);
	print_root(out, cage);
	print_hooks(out, cage);
	print_process(out, cage);
	print_landlock(out, &cage->landlock);
	print_credentials(out, cage);
}

static void print_filter(FILE *out, const char *what, const struct sandbox_filter *filter)
{
	if (filter->filter)
		step(out, what, "%zu instructions, proven", filter->filter->len);
}

static void print_held(FILE *out, const struct cage_plan *plan)
{
	const struct sandbox *box = plan->box;

	step(out, "no_new_privs", "%s", box->new_privs ? "not set" : "set");
	for (size_t i = 0; i < plan->n_profiles; i++)
		step(out, "profile", "%s", plan->profiles[i]);
	if (plan->program)
		step(out, "program", "%s", plan->program);
	if (box->mode == SANDBOX_STRICT)
		step(out, "strict mode", "from %s on", sandbox_moment_name(box));
	else if (box->filter.filter)
		step(out, "filter", "%zu instructions, from %s on%s", box->filter.filter->len,
			plan->then ? "launch" : sandbox_moment_name(box),
			box->supervisor ? ", answered by a supervisor" : "");
	else
		step(out, "filter", "none");
	if (box->then) {
		step(out, "then", "%s", plan->then);
		print_filter(out, sandbox_moment_name(box), box->then);
	}
}

static void print_command(FILE *out, const struct sandbox *box)
{
	size_t n = 0;

	fprintf(out, "  %-14s", "environment");
	for (char *const *var = box->env; *var; var++, n++)
		fprintf(out, "%s%.*s", n ? " " : "", (int)strcspn(*var, "="), *var);
	fputs(n ? "" : "none", out);
	end_line(out);
	fprintf(out, "  %-14s", "execute");
	for (char *const *word = box->argv; *word; word++)
		fprintf(out, "%s%s", word == box->argv ? "" : " ", *word);
	end_line(out);
}

/* Nothing that was quoted is a command to the terminal, or looks like a line of ours. */
static void end_lines(char *text, size_t size)
{
	for (char *line = text; line < text + size;) {
		char *end = line + strlen(line);

		text_tame(line);
		*end = '\n';
		line = end + 1;
	}
}

int cage_print(const struct cage_plan *plan, char **out_text, size_t *out_size, struct err *e)
{
	scoped_free char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);
	bool failed;

	if (!out)
		return err_nomem(e);
	fputs("In this order:", out);
	end_line(out);
	if (plan->box->cage)
		print_cage(out, plan->box->cage);
	print_held(out, plan);
	print_command(out, plan->box);
	failed = ferror(out);
	if (fclose(out) || failed)
		return err_nomem(e);
	end_lines(text, size);
	*out_text = steal_ptr(text);
	*out_size = size;
	return 0;
}
