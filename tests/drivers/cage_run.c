/*
 * cage_run WORD... -- CMD...: fill a struct cage and run a command in it, as `sysclamp run` does
 * with options; for tests of the engine alone.  Words are NAME=VALUE or NAME:
 *
 *	ns=KIND ns=KIND:PATH	a new namespace; one to be joined (user pid mnt net ipc uts cgroup
 *time) uids=IN:OUT:COUNT gids=	a map, also several user=UID:GID groups=N	also several groups
 *	caps=BPIEA		five sets in hexadecimal, with commas between
 *	limit=RESOURCE:SOFT:HARD umask=OCTAL oom=N cwd=PATH host=NAME domain=NAME boottime=SECONDS
 *	root=PATH proc		a root; a new /proc
 *	pass=FD session with_parent init terminal landlock new_privs
 *	hook=TIME:PATH		a number of enum cage_hook_time
 *	at=exec at=main profile=FILE path=FILE
 *
 * Exit status and the line on standard error are as those of run.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "enforce.h"
#include "sandbox.h"
#include "scope.h"
#include "time_units.h"

enum { WITHIN_S = 60 };

struct request {
	struct cage cage;
	struct sandbox box;
	struct enforced profile;
};

static _Noreturn void misuse(const char *word)
{
	fprintf(stderr, "cage_run: %s: not understood\n", word);
	exit(2);
}

static _Noreturn void fail(const struct err *e)
{
	fprintf(stderr, "sysclamp run: %s\n", e->text);
	exit(EXIT_OWN_FAILURE);
}

static void *added(void *item)
{
	struct err e;

	if (!item) {
		(void)err_nomem(&e);
		fail(&e);
	}
	return item;
}

static unsigned long number(char **at, int base)
{
	char *end;
	unsigned long value = strtoul(*at, &end, base);

	if (end == *at)
		misuse(*at);
	*at = *end ? end + 1 : end;
	return value;
}

static void set_ns(struct request *r, char *value)
{
	static const char *const NAMES[CAGE_NS_COUNT] = {
		"user", "pid", "mnt", "net", "ipc", "uts", "cgroup", "time"};
	char *path = strchr(value, ':');

	if (path)
		*path++ = '\0';
	for (int i = 0; i < CAGE_NS_COUNT; i++) {
		if (!strcmp(NAMES[i], value)) {
			r->cage.namespaces[i] = (struct cage_namespace){
				path ? CAGE_NS_JOIN : CAGE_NS_NEW, path, value};
			return;
		}
	}
	misuse(value);
}

static void add_map(struct request *r, struct cage_maps *maps, char *value)
{
	struct cage_map *map = added(
		cage_append(&r->cage, &maps->maps, &maps->n, sizeof(*maps->maps)));

	map->inside = (uint32_t)number(&value, 10);
	map->outside = (uint32_t)number(&value, 10);
	map->count = (uint32_t)number(&value, 10);
}

static void set_uids(struct request *r, char *value)
{
	add_map(r, &r->cage.uid_maps, value);
}

static void set_gids(struct request *r, char *value)
{
	add_map(r, &r->cage.gid_maps, value);
}

static void set_user(struct request *r, char *value)
{
	r->cage.user.set = true;
	r->cage.user.uid = (uid_t)number(&value, 10);
	r->cage.user.gid = (gid_t)number(&value, 10);
}

static void set_groups(struct request *r, char *value)
{
	gid_t *group = added(cage_append(
		&r->cage, &r->cage.user.groups, &r->cage.user.n_groups, sizeof(*group)));

	r->cage.user.set_groups = true;
	*group = (gid_t)number(&value, 10);
}

static void set_caps(struct request *r, char *value)
{
	r->cage.caps.set = true;
	r->cage.caps.where = "caps";
	for (int i = 0; i < CAGE_CAP_SETS; i++)
		r->cage.caps.sets[i] = number(&value, 16);
}

static void set_limit(struct request *r, char *value)
{
	struct cage_limit *limit = added(CAGE_ADD(&r->cage, limits));

	limit->where = "limit";
	limit->resource = (int)number(&value, 10);
	limit->soft = number(&value, 10);
	limit->hard = number(&value, 10);
}

static void set_umask(struct request *r, char *value)
{
	r->cage.set_umask = true;
	r->cage.umask = (mode_t)number(&value, 8);
}

static void set_oom(struct request *r, char *value)
{
	r->cage.set_oom_score_adj = true;
	r->cage.oom_score_adj = atoi(value);
}

static void set_cwd(struct request *r, char *value)
{
	r->cage.cwd = value;
	r->cage.cwd_where = "cwd";
}

static void set_host(struct request *r, char *value)
{
	r->cage.hostname = value;
}

static void set_domain(struct request *r, char *value)
{
	r->cage.domainname = value;
}

static void set_boottime(struct request *r, char *value)
{
	r->cage.set_clocks = true;
	r->cage.boottime.s = atol(value);
}

static void set_root(struct request *r, char *value)
{
	r->cage.root.path = value;
	r->cage.root.where = "root";
}

static void set_proc(struct request *r, char *value)
{
	struct cage_mount *mount = added(CAGE_ADD(&r->cage, mounts));

	(void)value;
	*mount = (struct cage_mount){
		.where = "proc", .source = "proc", .target = "/proc", .type = "proc"};
}

static void set_pass(struct request *r, char *value)
{
	int *fd = added(cage_append(&r->cage, &r->cage.passed, &r->cage.n_passed, sizeof(*fd)));

	*fd = (int)number(&value, 10);
}

static void set_landlock(struct request *r, char *value)
{
	(void)value;
	r->cage.landlock.restrict_paths = true;
}

static void set_hook(struct request *r, char *value)
{
	struct cage_hooks *hooks = &r->cage.hooks[number(&value, 10) % CAGE_HOOK_TIMES];
	struct cage_hook *hook = added(
		cage_append(&r->cage, &hooks->hooks, &hooks->n, sizeof(*hooks->hooks)));
	char **argv = added(arena_take(&r->cage.arena, 2 * sizeof(*argv)));

	argv[0] = value;
	argv[1] = NULL;
	*hook = (struct cage_hook){.where = value, .path = value, .argv = argv, .env = argv + 1};
}

static void set_at(struct request *r, char *value)
{
	r->box.at = strcmp(value, "exec") ? SANDBOX_AT_MAIN : SANDBOX_AT_EXEC;
}

static void set_profile(struct request *r, char *value)
{
	struct err e;

	if (enforced_read(value, &r->profile, NULL, &e))
		fail(&e);
	r->box.filter.filter = &r->profile.filter;
}

static void set_path(struct request *r, char *value)
{
	r->box.path = value;
}

static const struct {
	const char *name;
	void (*take)(struct request *r, char *value);
} WORDS[] = {
	{"ns", set_ns},
	{"uids", set_uids},
	{"gids", set_gids},
	{"user", set_user},
	{"groups", set_groups},
	{"caps", set_caps},
	{"limit", set_limit},
	{"umask", set_umask},
	{"oom", set_oom},
	{"cwd", set_cwd},
	{"host", set_host},
	{"domain", set_domain},
	{"boottime", set_boottime},
	{"root", set_root},
	{"proc", set_proc},
	{"pass", set_pass},
	{"landlock", set_landlock},
	{"hook", set_hook},
	{"at", set_at},
	{"profile", set_profile},
	{"path", set_path},
};

static bool take_switch(struct request *r, const char *word)
{
	const struct {
		const char *name;
		bool *is_on;
	} switches[] = {
		{"session", &r->cage.new_session},
		{"with_parent", &r->cage.with_parent},
		{"init", &r->cage.init},
		{"terminal", &r->cage.terminal},
		{"new_privs", &r->box.new_privs},
	};

	for (size_t i = 0; i < ARRAY_LEN(switches); i++) {
		if (!strcmp(word, switches[i].name))
			return *switches[i].is_on = true;
	}
	return false;
}

static void take(struct request *r, char *word)
{
	char *value = strchr(word, '=');

	if (take_switch(r, word))
		return;
	if (value)
		*value++ = '\0';
	for (size_t i = 0; i < ARRAY_LEN(WORDS); i++) {
		if (!strcmp(word, WORDS[i].name)) {
			WORDS[i].take(r, value ? value : word);
			return;
		}
	}
	misuse(word);
}

static void tell(void *ctx, const char *text)
{
	(void)ctx;
	fprintf(stderr, "sysclamp run: %s\n", text);
}

int main(int argc, char **argv)
{
	static struct request r = {.cage.used = true};
	const struct notice notice = {tell, NULL};
	struct launch_end end;
	struct err e;
	int i = 1, code;

	if (argc > 1 && !strcmp(argv[1], "run"))
		i++; /* it can be put where sysclamp is expected */
	for (; i < argc && strcmp(argv[i], "--"); i++)
		take(&r, argv[i]);
	if (argc - i < 2)
		misuse("no command");
	r.box.argv = argv + i + 1;
	r.box.env = environ;
	r.box.cage = &r.cage;
	r.box.notice = &notice;
	r.box.within_ns = WITHIN_S * NS_PER_S;
	code = sandbox_run(&r.box, &end, &e);
	if (code)
		fprintf(stderr, "sysclamp run: %s\n", e.text);
	enforced_done(&r.profile);
	cage_done(&r.cage);
	return code && !end.exec_errno ? EXIT_OWN_FAILURE : launch_exit_code(&end);
}
