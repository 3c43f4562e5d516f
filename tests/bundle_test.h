/*
 * bundle_test.h: bundles that differ from a small one by a patch, for the tests of bundle*.c.
 */
#ifndef SYSCLAMP_BUNDLE_TEST_H
#define SYSCLAMP_BUNDLE_TEST_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <jansson.h>

#include "bundle.h"
#include "heard.h"
#include "scope.h"

static char bundle_dir[] = "/tmp/sysclamp-bundle-XXXXXX";

/* The least that is accepted; ' stands for ". */
static const char BUNDLE_BASE[] =
	"{'ociVersion': '1.0.2', 'process': {'args': ['sh'], 'cwd': '/'}, "
	"'root': {'path': 'rootfs'}, 'linux': {'namespaces': [{'type': 'mount'}]}}";

static inline void bundle_path(const char *name, char path[128])
{
	(void)snprintf(path, 128, "%s/%s", bundle_dir, name);
}

/* The directory, with an empty root; false: it cannot be made. */
static inline bool bundle_begin(void)
{
	char path[128];

	if (!mkdtemp(bundle_dir))
		return false;
	bundle_path("rootfs", path);
	return !mkdir(path, 0755);
}

/* False if anything is left in it. */
static inline bool bundle_end(void)
{
	char path[128];

	bundle_path("config.json", path);
	(void)unlink(path);
	bundle_path("rootfs", path);
	return !rmdir(path) && !rmdir(bundle_dir);
}

static inline json_t *bundle_json(const char *text)
{
	scoped_free char *json = json_of(text);
	json_error_t error;
	json_t *value = json_loads(json, 0, &error);

	if (!value) {
		(void)fprintf(stderr, "%s: %s\n", json, error.text);
		abort();
	}
	return value;
}

static inline void bundle_write(const char *text)
{
	char path[128];
	FILE *file;

	bundle_path("config.json", path);
	file = fopen(path, "w");
	if (!file || fputs(text, file) < 0 || fclose(file))
		abort();
}

/* Read @base changed by @patch: members of its objects replace those of the same way. */
static inline int bundle_of(
	const char *base, const char *patch, struct bundle *out, struct heard *heard, struct err *e)
{
	json_t *config = bundle_json(base), *change = bundle_json(patch);
	struct notice to = notice_to(heard);
	scoped_free char *text = NULL;

	if (json_object_update_recursive(config, change))
		abort();
	text = json_dumps(config, 0);
	json_decref(config);
	json_decref(change);
	bundle_write(text);
	return bundle_read(bundle_dir, out, &to, e);
}

/* The same of BUNDLE_BASE, which is expected to be accepted; else the error is shown. */
static inline bool bundle_is_read(const char *patch, struct bundle *out)
{
	struct err e = {0};

	if (!bundle_of(BUNDLE_BASE, patch, out, NULL, &e))
		return true;
	printf("# %s\n", e.text);
	(void)memset(out, 0, sizeof(*out));
	return false;
}

/* An error or notice without the file's name: "$.mounts[0]: ...". */
static inline const char *bundle_place(const char *text)
{
	const char *name = strstr(text, "/config.json: ");

	return name ? name + strlen("/config.json: ") : text;
}

#endif
