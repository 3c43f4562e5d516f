#include "bundle.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "bundle_parts.h"
#include "file.h"
#include "scope.h"

/* The version of the state that hooks get: that of the specification which it follows. */
#define STATE_VERSION "1.0.2"

enum { NAME_MAX_UTS = 64 }; /* sethostname(2) */

/* Every 1.x: "retains forward and backward compatibility within major versions" (config.md). */
static int read_version(struct bundle_reader *r, const struct json_at *at, void *to, struct err *e)
{
	const char *text = NULL;

	(void)r, (void)to;
	if (json_text(at, &text, e))
		return -e->code;
	if (strncmp(text, "1.", 2) != 0 || text[2] < '0' || text[2] > '9')
		return json_err(
			at, e, "version \"%s\": sysclamp reads bundles of version 1.x", text);
	return 0;
}

/* A directory; relative to the bundle. */
static int read_root_path(
	struct bundle_reader *r, const struct json_at *at, void *to, struct err *e)
{
	struct cage_root *root = &r->cage->root;
	const char *text = NULL;
	struct stat st;

	(void)to;
	if (bundle_text(r, at, &text, e))
		return -e->code;
	root->path = *text == '/' ? text : cage_text(r->cage, "%s/%s", r->dir, text);
	if (!root->path)
		return err_nomem(e);
	if (stat(root->path, &st))
		return err_sys(e, errno, "%s: $.root.path: %s", at->doc->name, root->path);
	if (!S_ISDIR(st.st_mode))
		return err_set(e, ENOTDIR, "%s: $.root.path: %s is no directory", at->doc->name,
			root->path);
	return bundle_set_where(r, at, &root->where, e);
}

static const struct bundle_key ROOT_KEYS[] = {
	BUNDLE_READ_WHOLE("path", read_root_path),
	BUNDLE_READ("readonly", bundle_bool, struct cage_root, readonly),
	BUNDLE_KEYS_END,
};

static int read_root(struct bundle_reader *r, const struct json_at *at, void *to, struct err *e)
{
	struct json_at child;

	(void)to;
	return bundle_object(r, at, ROOT_KEYS, &r->cage->root, e) ||
			       json_need(at, "path", &child, e)
		       ? -e->code
		       : 0;
}

/* Go programs write "" for none. */
static int read_name(
	struct bundle_reader *r, const struct json_at *at, void *to_text, struct err *e)
{
	const char *text = NULL;

	(void)r;
	if (json_text(at, &text, e))
		return -e->code;
	if (strlen(text) > NAME_MAX_UTS)
		return json_err(at, e, "%zu bytes, Linux takes %d", strlen(text), NAME_MAX_UTS);
	if (*text)
		*(const char **)to_text = text;
	return 0;
}

#define OTHER_SYSTEM "is for another system than Linux; remove it"

static const struct bundle_key CONFIG_KEYS[] = {
	BUNDLE_READ_WHOLE("ociVersion", read_version),
	BUNDLE_READ_WHOLE("root", read_root),
	BUNDLE_READ_WHOLE("process", bundle_process),
	BUNDLE_READ("hostname", read_name, struct cage, hostname),
	BUNDLE_READ("domainname", read_name, struct cage, domainname),
	BUNDLE_READ_WHOLE("mounts", bundle_mounts),
	BUNDLE_READ_WHOLE("linux", bundle_linux),
	BUNDLE_READ_WHOLE("hooks", bundle_hooks),
	BUNDLE_READ_WHOLE("annotations", bundle_annotations),
	BUNDLE_REFUSED("vm", "sysclamp starts no virtual machine; remove it"),
	BUNDLE_REFUSED("windows", OTHER_SYSTEM),
	BUNDLE_REFUSED("solaris", OTHER_SYSTEM),
	BUNDLE_REFUSED("zos", OTHER_SYSTEM),
	BUNDLE_REFUSED("freebsd", OTHER_SYSTEM),
	BUNDLE_KEYS_END,
};

static bool is_bound_dev(const struct cage_mount *mount)
{
	return !mount->type && (!strcmp(mount->target, "/dev") || !strcmp(mount->target, "/dev/"));
}

/* As runc: who binds a /dev of their own has its devices. */
static bool gets_default_devices(const struct cage *cage)
{
	for (size_t i = 0; i < cage->n_mounts; i++) {
		if (is_bound_dev(&cage->mounts[i]))
			return false;
	}
	return true;
}

/* What holds for every bundle. */
static int set_rest(struct bundle_reader *r, struct err *e)
{
	static char *no_env[] = {NULL};
	struct cage *cage = r->cage;

	cage->used = true;
	cage->root.default_devices = gets_default_devices(cage);
	cage->caps.set = true;
	if (!cage->caps.where)
		cage->caps.where = cage_text(cage, "%s: $.process.capabilities", r->out->doc.name);
	cage->new_session = true;
	cage->with_parent = true;
	cage->sets_home = true;
	cage->fresh_signals = true;
	cage->state.oci_version = STATE_VERSION;
	cage->state.bundle = r->dir;
	cage->state.id = cage_text(cage, "sysclamp-%d", (int)getpid());
	if (!r->out->env)
		r->out->env = no_env;
	return cage->caps.where && cage->state.id ? 0 : err_nomem(e);
}

static int read_config(struct bundle_reader *r, struct err *e)
{
	struct json_at root = json_root(&r->out->doc), child;

	if (json_expect_object(&root, e) || json_need(&root, "ociVersion", &child, e) ||
		bundle_object(r, &root, CONFIG_KEYS, r->cage, e) ||
		json_need(&root, "root", &child, e) || json_need(&root, "process", &child, e))
		return -e->code;
	return set_rest(r, e) || bundle_check(r, e) ? -e->code : 0;
}

/* Whose paths these are, and what the file is called in errors. */
static int find_file(struct bundle_reader *r, const char *dir, const char **out_path, struct err *e)
{
	scoped_free char *real = realpath(dir, NULL);

	if (!real)
		return err_sys(e, errno, "%s", dir);
	r->dir = cage_text(r->cage, "%s", real);
	*out_path = cage_text(r->cage, "%s/config.json", dir);
	return r->dir && *out_path ? 0 : err_nomem(e);
}

static int parse(struct bundle_reader *r, const char *path, char *text, size_t size, struct err *e)
{
	return json_parse(path, text, size, &r->out->doc, e) || read_config(r, e) ? -e->code : 0;
}

static int read_file(struct bundle_reader *r, const char *path, struct err *e)
{
	scoped_free char *text = NULL;
	size_t size;

	return file_read(path, BUNDLE_SIZE_MAX, &text, &size, e) || parse(r, path, text, size, e)
		       ? -e->code
		       : 0;
}

/* @text: of the file; NULL: it is read. */
static int read_bundle(const char *dir, char *text, size_t size, struct bundle *out,
	const struct notice *to, struct err *e)
{
	struct bundle bundle = {0};
	struct bundle_reader r = {.out = &bundle, .cage = &bundle.cage, .to = to};
	const char *path = NULL;

	if (find_file(&r, dir, &path, e) ||
		(text ? parse(&r, path, text, size, e) : read_file(&r, path, e))) {
		bundle_done(&bundle);
		return -e->code;
	}
	*out = bundle;
	return 0;
}

int bundle_parse(const char *dir, char *text, size_t size, struct bundle *out,
	const struct notice *to, struct err *e)
{
	return read_bundle(dir, text, size, out, to, e);
}

int bundle_read(const char *dir, struct bundle *out, const struct notice *to, struct err *e)
{
	return read_bundle(dir, NULL, 0, out, to, e);
}

void bundle_done(struct bundle *bundle)
{
	if (!bundle)
		return;
	profile_done(&bundle->profile);
	json_doc_done(&bundle->doc);
	cage_done(&bundle->cage);
	*bundle = (struct bundle){0};
}
