/*
 * $.linux.sysctl: only what belongs to a namespace of the cage's own; everything else is the
 * host's.
 */

#include "bundle_parts.h"
#include "cage_names.h"

static int check_owner(
	struct bundle_reader *r, const struct json_at *at, const char *name, struct err *e)
{
	enum cage_ns owner = cage_sysctl_owner(name);

	if (owner == CAGE_NS_COUNT)
		return json_err(
			at, e, "belongs to no namespace: it would be set on the host; remove it");
	if (r->cage->namespaces[owner].how != CAGE_NS_SHARED)
		return 0;
	return json_err(at, e, "would be set on the host, too; add a namespace of type \"%s\"",
		bundle_space_name(owner));
}

static int read_sysctl(
	struct bundle_reader *r, const struct json_at *at, const char *name, struct err *e)
{
	struct cage_sysctl sysctl = {.name = name}, *added;

	if (json_text(at, &sysctl.value, e))
		return -e->code;
	if (!cage_sysctl_is_name(name))
		return json_err(at, e, "\"%s\" is no name of a kernel parameter", name);
	if (check_owner(r, at, name, e) || bundle_set_where(r, at, &sysctl.where, e))
		return -e->code;
	added = CAGE_ADD(r->cage, sysctls);
	if (!added)
		return err_nomem(e);
	*added = sysctl;
	return 0;
}

int bundle_sysctls(struct bundle_reader *r, const struct json_at *at, void *to, struct err *e)
{
	const char *name;
	json_t *value;

	(void)to;
	if (json_expect_object(at, e))
		return -e->code;
	json_object_foreach(at->value, name, value)
	{
		struct json_at child = {.doc = at->doc, .up = at, .key = name, .value = value};

		if (read_sysctl(r, &child, name, e))
			return -e->code;
	}
	return 0;
}
