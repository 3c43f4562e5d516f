#include <errno.h>
#include <string.h>

#include "bundle_parts.h"

/* "relative paths ... MUST be interpreted as relative to "/"" (config.md, "Mounts") */
static int read_destination(
	struct bundle_reader *r, const struct json_at *at, void *to_text, struct err *e)
{
	const char *text = NULL;

	if (bundle_text(r, at, &text, e))
		return -e->code;
	if (*text != '/')
		text = cage_text(r->cage, "/%s", text);
	if (!text)
		return err_nomem(e);
	if (text[strspn(text, "/.")] == '\0')
		return json_err(at, e, "the root itself: name it in $.root.path");
	*(const char **)to_text = text;
	return 0;
}

/* In this order: whether it is a bind mount is said by the options. */
static const struct bundle_key MOUNT_KEYS[] = {
	BUNDLE_READ("destination", read_destination, struct cage_mount, target),
	BUNDLE_READ("source", bundle_text, struct cage_mount, source),
	BUNDLE_READ("type", bundle_text, struct cage_mount, type),
	BUNDLE_LATER("options"),
	BUNDLE_REFUSED("uidMappings", "sysclamp maps no owners of mounts; remove it"),
	BUNDLE_REFUSED("gidMappings", "sysclamp maps no owners of mounts; remove it"),
	BUNDLE_KEYS_END,
};

/* A bind mount's source is of the bundle's directory; its type is a dummy. */
static int finish_bind(
	struct bundle_reader *r, const struct json_at *at, struct cage_mount *mount, struct err *e)
{
	if (mount->data)
		return json_err(at, e,
			"\"%s\" is no option of a bind mount: it would have no effect; remove it",
			mount->data);
	if (mount->copies_up)
		return json_err(
			at, e, "\"tmpcopyup\" is for a tmpfs, not for a bind mount; remove it");
	if (!mount->source)
		return json_err(at, e, "a bind mount without a \"source\"");
	if (*mount->source != '/')
		mount->source = cage_text(r->cage, "%s/%s", r->dir, mount->source);
	mount->type = NULL;
	return mount->source ? 0 : err_nomem(e);
}

static int finish_new(const struct json_at *at, struct cage_mount *mount, struct err *e)
{
	if (!mount->type || !strcmp(mount->type, "none"))
		return json_err(at, e,
			"neither a file system's \"type\" nor the option \"bind\" or \"rbind\"");
	if (mount->copies_up && strcmp(mount->type, "tmpfs") != 0)
		return json_err(at, e, "\"tmpcopyup\" is for a tmpfs, not for %s", mount->type);
	return 0;
}

static int read_mount(struct bundle_reader *r, const struct json_at *at, void *item, struct err *e)
{
	struct cage_mount mount = {0}, *added;
	struct json_at child;
	bool bound;

	(void)item;
	if (bundle_object(r, at, MOUNT_KEYS, &mount, e) ||
		json_need(at, "destination", &child, e) || bundle_set_where(r, at, &mount.where, e))
		return -e->code;
	bound = mount.type && !strcmp(mount.type, "bind");
	if (json_get(at, "options", &child) && bundle_mount_options(r, &child, &mount, &bound, e))
		return -e->code;
	if (bound ? finish_bind(r, at, &mount, e) : finish_new(at, &mount, e))
		return -e->code;
	added = CAGE_ADD(r->cage, mounts);
	if (!added)
		return err_nomem(e);
	*added = mount;
	return 0;
}

int bundle_mounts(struct bundle_reader *r, const struct json_at *at, void *to, struct err *e)
{
	return bundle_each(r, at, read_mount, to, e);
}
