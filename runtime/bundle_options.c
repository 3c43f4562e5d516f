/* The options of a mount. */
#include "bundle_parts.h"
#include "mount_option.h"

/* What no table knows is for the file system. */
static int add_data(
	struct bundle_reader *r, struct cage_mount *mount, const char *text, struct err *e)
{
	mount->data = mount->data ? cage_text(r->cage, "%s,%s", mount->data, text) : text;
	return mount->data ? 0 : err_nomem(e);
}

static int read_option(struct bundle_reader *r, const struct json_at *at, void *item, struct err *e)
{
	struct mount_told *told = item;
	const char *text = NULL, *why = NULL;

	if (bundle_text(r, at, &text, e))
		return -e->code;
	switch (mount_option_apply(told, text, &why)) {
	case MOUNT_OPTION_OURS:
		return 0;
	case MOUNT_OPTION_DATA:
		return add_data(r, told->mount, text, e);
	default:
		return json_err(at, e, "\"%s\": %s", text, why);
	}
}

int bundle_mount_options(struct bundle_reader *r, const struct json_at *at,
	struct cage_mount *mount, bool *bound, struct err *e)
{
	struct mount_told told = {.mount = mount, .bound = *bound};

	if (bundle_each(r, at, read_option, &told, e))
		return -e->code;
	*bound = told.bound;
	return 0;
}
