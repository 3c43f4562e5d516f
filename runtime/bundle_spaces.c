/*
 * $.linux.namespaces, uidMappings, gidMappings and timeOffsets.
 */
#include <errno.h>
#include <string.h>

#include "bundle_parts.h"
#include "cage_maps.h"
#include "scope.h"
#include "time_units.h"

static const struct bundle_name NAMESPACES[] = {
	{"user", CAGE_NS_USER},
	{"pid", CAGE_NS_PID},
	{"mount", CAGE_NS_MOUNT},
	{"network", CAGE_NS_NET},
	{"ipc", CAGE_NS_IPC},
	{"uts", CAGE_NS_UTS},
	{"cgroup", CAGE_NS_CGROUP},
	{"time", CAGE_NS_TIME},
};

const char *bundle_space_name(enum cage_ns ns)
{
	size_t i = 0;

	while (NAMESPACES[i].value != (int)ns)
		i++;
	return NAMESPACES[i].name;
}

struct space {
	int ns; /* enum cage_ns */
	const char *path;
};

static int read_type(struct bundle_reader *r, const struct json_at *at, void *to_int, struct err *e)
{
	(void)r;
	return bundle_name(at, NAMESPACES, ARRAY_LEN(NAMESPACES), "namespace", to_int, e);
}

/* Go programs write "" for none. */
static int read_path(
	struct bundle_reader *r, const struct json_at *at, void *to_text, struct err *e)
{
	return bundle_says_nothing(at->value) ? 0 : bundle_absolute(r, at, to_text, e);
}

static const struct bundle_key SPACE_KEYS[] = {
	BUNDLE_READ("type", read_type, struct space, ns),
	BUNDLE_READ("path", read_path, struct space, path),
	BUNDLE_KEYS_END,
};

static int read_space(struct bundle_reader *r, const struct json_at *at, void *item, struct err *e)
{
	struct cage_namespace *namespace;
	struct space space = {0};
	struct json_at child;

	(void)item;
	if (bundle_object(r, at, SPACE_KEYS, &space, e) || json_need(at, "type", &child, e))
		return -e->code;
	namespace = &r->cage->namespaces[space.ns];
	if (namespace->how != CAGE_NS_SHARED)
		return json_err(at, e, "a second one of the same type; remove one");
	namespace->how = space.path ? CAGE_NS_JOIN : CAGE_NS_NEW;
	namespace->path = space.path;
	return bundle_set_where(r, at, &namespace->where, e);
}

int bundle_namespaces(struct bundle_reader *r, const struct json_at *at, void *to, struct err *e)
{
	return bundle_each(r, at, read_space, to, e);
}

static const struct bundle_key MAP_KEYS[] = {
	BUNDLE_READ("containerID", bundle_id, struct cage_map, inside),
	BUNDLE_READ("hostID", bundle_id, struct cage_map, outside),
	BUNDLE_READ("size", bundle_u32, struct cage_map, count),
	BUNDLE_KEYS_END,
};

static int read_map(struct bundle_reader *r, const struct json_at *at, void *item, struct err *e)
{
	struct cage_maps *maps = item;
	struct cage_map map = {0};
	struct json_at child;
	struct err wrong;

	if (bundle_object(r, at, MAP_KEYS, &map, e) || json_need(at, "containerID", &child, e) ||
		json_need(at, "hostID", &child, e) || json_need(at, "size", &child, e))
		return -e->code;
	if (!cage_maps_add(r->cage, maps, &map, &wrong))
		return 0;
	return wrong.code == ENOMEM ? err_nomem(e) : json_err(at, e, "%s", wrong.text);
}

int bundle_uid_maps(struct bundle_reader *r, const struct json_at *at, void *to, struct err *e)
{
	(void)to;
	return bundle_each(r, at, read_map, &r->cage->uid_maps, e);
}

int bundle_gid_maps(struct bundle_reader *r, const struct json_at *at, void *to, struct err *e)
{
	(void)to;
	return bundle_each(r, at, read_map, &r->cage->gid_maps, e);
}

static int read_seconds(
	struct bundle_reader *r, const struct json_at *at, void *to_i64, struct err *e)
{
	(void)r;
	return json_i64(at, to_i64, e);
}

static int read_nanoseconds(
	struct bundle_reader *r, const struct json_at *at, void *to_u32, struct err *e)
{
	uint64_t value;

	(void)r;
	if (json_u64(at, NS_PER_S - 1, &value, e))
		return -e->code;
	*(uint32_t *)to_u32 = (uint32_t)value;
	return 0;
}

static const struct bundle_key CLOCK_KEYS[] = {
	BUNDLE_READ("secs", read_seconds, struct cage_clock, s),
	BUNDLE_READ("nanosecs", read_nanoseconds, struct cage_clock, ns),
	BUNDLE_KEYS_END,
};

static int read_clock(struct bundle_reader *r, const struct json_at *at, void *to, struct err *e)
{
	r->cage->set_clocks = true;
	return bundle_object(r, at, CLOCK_KEYS, to, e);
}

static const struct bundle_key CLOCKS_KEYS[] = {
	BUNDLE_READ("monotonic", read_clock, struct cage, monotonic),
	BUNDLE_READ("boottime", read_clock, struct cage, boottime),
	BUNDLE_KEYS_END,
};

int bundle_clocks(struct bundle_reader *r, const struct json_at *at, void *to, struct err *e)
{
	(void)to;
	return bundle_object(r, at, CLOCKS_KEYS, r->cage, e);
}
