/*
 * container.h: ids, and how cgroups are named after them.
 */
#include "container.h"

#include <ctype.h>
#include <string.h>

#include "scope.h"

enum { HEX_ID_LEN = 64 };

/* In front of an id in the name of a cgroup; systemd's units end in ".scope". */
static const char *const PREFIXES[] = {
	"", /* cgroupfs: containerd, docker, CRI-O with its own driver */
	"cri-containerd-", /* containerd, pkg/cri/server/helpers.go */
	"crio-", /* CRI-O, internal/config/cgmgr */
	"libpod-", /* podman, libpod/container_internal_linux.go */
	"docker-", /* moby, daemon/daemon_unix.go */
	"nerdctl-", /* nerdctl, with systemd */
	"cri-dockerd-",
};

bool container_id_is_valid(const char *id)
{
	size_t len = strlen(id);

	if (len == 0 || len >= CONTAINER_ID_MAX || *id == '.')
		return false;
	for (const char *c = id; *c; c++) {
		if (!isalnum((unsigned char)*c) && !strchr("_.+-", *c))
			return false;
	}
	return true;
}

static bool is_hex_id(const char *text)
{
	return strspn(text, "0123456789abcdef") >= HEX_ID_LEN &&
	       (!text[HEX_ID_LEN] || text[HEX_ID_LEN] == '/' ||
		       !strncmp(text + HEX_ID_LEN, ".scope", strlen(".scope")));
}

/* The id that one component of a path is named after, or NULL. */
static const char *component_id(const char *component)
{
	for (size_t i = 0; i < ARRAY_LEN(PREFIXES); i++) {
		size_t len = strlen(PREFIXES[i]);

		if (!strncmp(component, PREFIXES[i], len) && is_hex_id(component + len))
			return component + len;
	}
	return NULL;
}

bool container_id_in_path(const char *path, char out[CONTAINER_ID_MAX])
{
	const char *found = NULL;

	/* The innermost one: a container may have been started in another one. */
	for (const char *at = path; at; at = strchr(at, '/')) {
		const char *id;

		at += *at == '/';
		id = component_id(at);
		found = id ? id : found;
	}
	if (!found)
		return false;
	memcpy(out, found, HEX_ID_LEN);
	out[HEX_ID_LEN] = '\0';
	return true;
}
