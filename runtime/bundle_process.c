#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <sys/resource.h>

#include "bundle_parts.h"
#include "cage_names.h"

enum {
	UMASK_MAX = 0777,
	OOM_ADJ_MAX = 1000, /* proc(5), oom_score_adj */
};

/* $.process.consoleSize */

static int read_u16(struct bundle_reader *r, const struct json_at *at, void *to_u16, struct err *e)
{
	uint64_t value;

	(void)r;
	if (json_u64(at, UINT16_MAX, &value, e))
		return -e->code;
	*(uint16_t *)to_u16 = (uint16_t)value;
	return 0;
}

static const struct bundle_key CONSOLE_KEYS[] = {
	BUNDLE_READ("height", read_u16, struct cage, rows),
	BUNDLE_READ("width", read_u16, struct cage, columns),
	BUNDLE_KEYS_END,
};

/* Of a process without a terminal it is to be ignored (config.md, "Process"). */
static int read_console(struct bundle_reader *r, const struct json_at *at, void *to, struct err *e)
{
	(void)to;
	return r->cage->terminal ? bundle_object(r, at, CONSOLE_KEYS, r->cage, e) : 0;
}

/* $.process.user */

static int read_group(struct bundle_reader *r, const struct json_at *at, void *to, struct err *e)
{
	struct cage_user *user = to;
	gid_t *gid = cage_append(r->cage, &user->groups, &user->n_groups, sizeof(*user->groups));

	return gid ? bundle_id(r, at, gid, e) : err_nomem(e);
}

static int read_groups(struct bundle_reader *r, const struct json_at *at, void *to, struct err *e)
{
	struct cage_user *user = to;

	user->set_groups = true;
	return bundle_each(r, at, read_group, user, e);
}

static int read_umask(struct bundle_reader *r, const struct json_at *at, void *to, struct err *e)
{
	uint64_t value;

	(void)to;
	if (json_u64(at, UMASK_MAX, &value, e))
		return -e->code;
	r->cage->set_umask = true;
	r->cage->umask = (mode_t)value;
	return 0;
}

static const struct bundle_key USER_KEYS[] = {
	BUNDLE_READ("uid", bundle_id, struct cage_user, uid),
	BUNDLE_READ("gid", bundle_id, struct cage_user, gid),
	BUNDLE_READ_WHOLE("additionalGids", read_groups),
	BUNDLE_READ_WHOLE("umask", read_umask),
	BUNDLE_REFUSED("username", "names a user of Windows; write \"uid\" and \"gid\""),
	BUNDLE_KEYS_END,
};

static int read_user(struct bundle_reader *r, const struct json_at *at, void *to, struct err *e)
{
	(void)to;
	return bundle_object(r, at, USER_KEYS, &r->cage->user, e);
}

/* $.process.rlimits */

static int read_resource(
	struct bundle_reader *r, const struct json_at *at, void *to_int, struct err *e)
{
	struct bundle_name names[RLIM_NLIMITS];

	(void)r;
	for (int i = 0; i < RLIM_NLIMITS; i++)
		names[i] = (struct bundle_name){cage_limit_name(i), i};
	return bundle_name(at, names, RLIM_NLIMITS, "limit", to_int, e);
}

static int read_rlim(
	struct bundle_reader *r, const struct json_at *at, void *to_rlim, struct err *e)
{
	uint64_t value;

	(void)r;
	if (json_u64(at, UINT64_MAX, &value, e))
		return -e->code;
	*(rlim_t *)to_rlim = value; /* RLIM_INFINITY is the largest */
	return 0;
}

static const struct bundle_key LIMIT_KEYS[] = {
	BUNDLE_READ("type", read_resource, struct cage_limit, resource),
	BUNDLE_READ("soft", read_rlim, struct cage_limit, soft),
	BUNDLE_READ("hard", read_rlim, struct cage_limit, hard),
	BUNDLE_KEYS_END,
};

static bool has_limit(const struct cage *cage, int resource)
{
	for (size_t i = 0; i < cage->n_limits; i++) {
		if (cage->limits[i].resource == resource)
			return true;
	}
	return false;
}

static int read_limit(struct bundle_reader *r, const struct json_at *at, void *item, struct err *e)
{
	struct cage_limit limit = {0}, *added;
	struct json_at child;

	(void)item;
	if (bundle_object(r, at, LIMIT_KEYS, &limit, e) || json_need(at, "type", &child, e) ||
		json_need(at, "hard", &child, e) || json_need(at, "soft", &child, e) ||
		bundle_set_where(r, at, &limit.where, e))
		return -e->code;
	if (limit.soft > limit.hard)
		return json_err(&child, e, "above the hard limit");
	if (has_limit(r->cage, limit.resource))
		return json_err(at, e, "a second limit of the same type; remove one");
	added = CAGE_ADD(r->cage, limits);
	if (!added)
		return err_nomem(e);
	*added = limit;
	return 0;
}

static int read_limits(struct bundle_reader *r, const struct json_at *at, void *to, struct err *e)
{
	return bundle_each(r, at, read_limit, to, e);
}

/* What else $.process has. */

static int read_oom(struct bundle_reader *r, const struct json_at *at, void *to, struct err *e)
{
	int64_t value;

	(void)to;
	if (json_i64(at, &value, e))
		return -e->code;
	if (value < -OOM_ADJ_MAX || value > OOM_ADJ_MAX)
		return json_err(at, e, "%" PRId64 " is not between -%d and %d", value, OOM_ADJ_MAX,
			OOM_ADJ_MAX);
	r->cage->set_oom_score_adj = true;
	r->cage->oom_score_adj = (int)value;
	return 0;
}

static int read_args(struct bundle_reader *r, const struct json_at *at, void *to, struct err *e)
{
	(void)to;
	if (bundle_texts(r, at, &r->out->argv, e))
		return -e->code;
	if (!r->out->argv[0] || !*r->out->argv[0])
		return json_err(at, e, "names no program; write one as the first element");
	return 0;
}

static int read_env(struct bundle_reader *r, const struct json_at *at, void *to, struct err *e)
{
	(void)to;
	return bundle_env(r, at, &r->out->env, e);
}

static int read_cwd(struct bundle_reader *r, const struct json_at *at, void *to, struct err *e)
{
	(void)to;
	return bundle_absolute(r, at, &r->cage->cwd, e) ||
			       bundle_set_where(r, at, &r->cage->cwd_where, e)
		       ? -e->code
		       : 0;
}

static int read_no_new_privs(
	struct bundle_reader *r, const struct json_at *at, void *to, struct err *e)
{
	(void)to;
	return bundle_bool(r, at, &r->out->no_new_privs, e);
}

/* "unconfined" asks for nothing that the caller does not have. */
static int refuse_apparmor(
	struct bundle_reader *r, const struct json_at *at, void *to, struct err *e)
{
	const char *name;

	(void)r, (void)to;
	if (json_text(at, &name, e))
		return -e->code;
	if (!*name || !strcmp(name, "unconfined"))
		return 0;
	return json_err(at, e,
		"sysclamp loads no AppArmor profile; remove it, or start sysclamp itself under it "
		"(aa-exec -p %s)",
		name);
}

/* In this order: the console's size is of a terminal only. */
static const struct bundle_key PROCESS_KEYS[] = {
	BUNDLE_READ("terminal", bundle_bool, struct cage, terminal),
	BUNDLE_READ_WHOLE("consoleSize", read_console),
	BUNDLE_READ_WHOLE("user", read_user),
	BUNDLE_READ_WHOLE("args", read_args),
	BUNDLE_READ_WHOLE("env", read_env),
	BUNDLE_READ_WHOLE("cwd", read_cwd),
	BUNDLE_READ_WHOLE("capabilities", bundle_capabilities),
	BUNDLE_READ_WHOLE("rlimits", read_limits),
	BUNDLE_READ_WHOLE("noNewPrivileges", read_no_new_privs),
	BUNDLE_READ_WHOLE("oomScoreAdj", read_oom),
	BUNDLE_READ_WHOLE("apparmorProfile", refuse_apparmor),
	BUNDLE_REFUSED("selinuxLabel",
		"sysclamp sets no SELinux label; remove it, or start sysclamp itself under it "
		"(runcon)"),
	BUNDLE_REFUSED("scheduler",
		"sysclamp sets no scheduling policy; remove it, or start sysclamp itself under it "
		"(chrt, nice)"),
	BUNDLE_REFUSED("ioPriority",
		"sysclamp sets no I/O priority; remove it, or start sysclamp itself with it "
		"(ionice)"),
	/* "not applicable to the container's init process" (config.md) */
	BUNDLE_IGNORED("execCPUAffinity", "ignored: it is about processes that join later"),
	BUNDLE_REFUSED("commandLine", "is for Windows; write \"args\""),
	BUNDLE_KEYS_END,
};

int bundle_process(struct bundle_reader *r, const struct json_at *at, void *to, struct err *e)
{
	struct json_at child;

	(void)to;
	r->cage->user.set = true;
	if (bundle_object(r, at, PROCESS_KEYS, r->cage, e) || json_need(at, "args", &child, e) ||
		json_need(at, "cwd", &child, e))
		return -e->code;
	return 0;
}
