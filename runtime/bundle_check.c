/*
 * What can be told of a bundle only when all of it is read.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

#include "bundle_parts.h"
#include "cage_maps.h"

int bundle_err(struct bundle_reader *r, struct err *e, const char *path, const char *format, ...)
{
	char what[ERR_TEXT_MAX];
	va_list args;

	va_start(args, format);
	(void)vsnprintf(what, sizeof(what), format, args);
	va_end(args);
	return err_set(e, EINVAL, "%s: %s: %s", r->out->doc.name, path, what);
}

static bool is_own(const struct bundle_reader *r, enum cage_ns ns)
{
	return r->cage->namespaces[ns].how == CAGE_NS_NEW;
}

/* Of one's own or joined. */
static bool is_apart(const struct bundle_reader *r, enum cage_ns ns)
{
	return r->cage->namespaces[ns].how != CAGE_NS_SHARED;
}

static int check_namespaces(struct bundle_reader *r, struct err *e)
{
	const struct cage *cage = r->cage;

	if (!is_own(r, CAGE_NS_MOUNT))
		return bundle_err(r, e, "$.linux.namespaces",
			"a root of one's own needs a new mount namespace: add {\"type\": "
			"\"mount\"}, without a path");
	if (cage->hostname && !is_apart(r, CAGE_NS_UTS))
		return bundle_err(r, e, "$.hostname",
			"would rename the host; add a namespace of type \"uts\", or remove it");
	if (cage->domainname && !is_apart(r, CAGE_NS_UTS))
		return bundle_err(r, e, "$.domainname",
			"would rename the host's domain; add a namespace of type \"uts\", or "
			"remove it");
	if (cage->set_clocks && !is_own(r, CAGE_NS_TIME))
		return bundle_err(r, e, "$.linux.timeOffsets",
			"needs a new namespace of type \"time\", without a path");
	return 0;
}

/* Nobody but the caller, as the user that the process is to be: what any user may write. */
static int map_caller(struct bundle_reader *r, struct cage_maps *maps, uint32_t inside,
	uint32_t outside, struct err *e)
{
	struct cage_map *map = cage_append(r->cage, &maps->maps, &maps->n, sizeof(*maps->maps));

	if (!map)
		return err_nomem(e);
	*map = (struct cage_map){.inside = inside, .outside = outside, .count = 1};
	return 0;
}

/* `crun spec --rootless` writes a user namespace without mappings. */
static int add_maps(struct bundle_reader *r, struct err *e)
{
	struct cage *cage = r->cage;

	if ((!cage->uid_maps.n && map_caller(r, &cage->uid_maps, cage->user.uid, geteuid(), e)) ||
		(!cage->gid_maps.n && map_caller(r, &cage->gid_maps, cage->user.gid, getegid(), e)))
		return -e->code;
	return 0;
}

static int check_mapped(struct bundle_reader *r, const struct cage_maps *maps, uint32_t id,
	const char *path, const char *key, struct err *e)
{
	if (cage_maps_have(maps, id))
		return 0;
	return bundle_err(r, e, path,
		"%u is not mapped into the user namespace; add it to $.linux.%s", id, key);
}

static int check_user(struct bundle_reader *r, struct err *e)
{
	const struct cage *cage = r->cage;

	if (check_mapped(
		    r, &cage->uid_maps, cage->user.uid, "$.process.user.uid", "uidMappings", e) ||
		check_mapped(
			r, &cage->gid_maps, cage->user.gid, "$.process.user.gid", "gidMappings", e))
		return -e->code;
	for (size_t i = 0; i < cage->user.n_groups; i++) {
		if (check_mapped(r, &cage->gid_maps, cage->user.groups[i],
			    "$.process.user.additionalGids", "gidMappings", e))
			return -e->code;
	}
	return 0;
}

static int check_maps(struct bundle_reader *r, struct err *e)
{
	const struct cage *cage = r->cage;

	if (is_own(r, CAGE_NS_USER))
		return add_maps(r, e) || check_user(r, e) ? -e->code : 0;
	if (cage->uid_maps.n || cage->gid_maps.n)
		return bundle_err(r, e,
			cage->uid_maps.n ? "$.linux.uidMappings" : "$.linux.gidMappings",
			"needs a new namespace of type \"user\", without a path");
	return 0;
}

int bundle_check(struct bundle_reader *r, struct err *e)
{
	return check_namespaces(r, e) || check_maps(r, e) || bundle_hold_devices(r, e) ? -e->code
										       : 0;
}
