#include "kubelet.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "scope.h"

#define LINKS  "/var/log/containers"
#define SUFFIX ".log"

/* kubernetes, pkg/kubelet/kuberuntime/legacy.go: ext4MaxFileNameLen, less the suffix. */
enum { STEM_MAX = 251, CUT_ID_MIN = 8 };

/* The parts of a link's name: none holds what separates them, but for the container's "-". */
struct link {
	char text[NAME_MAX + 1];
	const char *pod, *space, *container, *id;
};

enum { WANTED_MAX = 63 + 1 + 253 + 1 + 63 }; /* namespace, pod, container: RFC 1123 */

/* What the user named. */
struct wanted {
	char text[WANTED_MAX + 1];
	const char *space, *pod, *container; /* the last may be NULL */
};

static char *cut(char *text, char separator, bool last)
{
	char *at = last ? strrchr(text, separator) : strchr(text, separator);

	if (!at || at == text || !at[1])
		return NULL;
	*at = '\0';
	return at + 1;
}

static bool link_parse(const char *name, struct link *out)
{
	size_t len = strlen(name), suffix = strlen(SUFFIX);
	char *space, *container, *id;

	if (len <= suffix || len > NAME_MAX || strcmp(name + len - suffix, SUFFIX) != 0)
		return false;
	memcpy(out->text, name, len - suffix);
	out->text[len - suffix] = '\0';
	space = cut(out->text, '_', false);
	container = space ? cut(space, '_', false) : NULL;
	id = container ? cut(container, '-', true) : NULL;
	out->pod = out->text;
	out->space = space;
	out->container = container;
	out->id = id;
	return id && container_id_is_valid(id) && !strchr(container, '_');
}

/* Returns what @each does, if that is not 0; -errno if there are no links. */
static int links_each(const char *root, int (*each)(void *ctx, const struct link *link), void *ctx)
{
	char path[PATH_MAX];
	scoped(scope_closedir) DIR *dir = NULL;
	const struct dirent *entry;
	int code = 0;

	(void)snprintf(path, sizeof(path), "%s" LINKS, root);
	dir = opendir(path);
	if (!dir)
		return -errno;
	while (!code && (entry = readdir(dir))) {
		struct link link;

		if (link_parse(entry->d_name, &link))
			code = each(ctx, &link);
	}
	return code;
}

/* Whether the link is of container @id: of the longest names the end, which is the id, is cut off.
 */
static bool is_of(const struct link *link, const char *id)
{
	size_t id_len = strlen(link->id);

	if (!strcmp(link->id, id))
		return true;
	/* As written, with a separator in front of each part but the first. */
	return strlen(link->pod) + strlen(link->space) + strlen(link->container) + id_len + 3 ==
		       STEM_MAX &&
	       id_len >= CUT_ID_MIN && !strncmp(link->id, id, id_len);
}

struct named {
	const char *id;
	char *out;
};

static int name_it(void *ctx, const struct link *link)
{
	const struct named *named = ctx;

	if (!is_of(link, named->id))
		return 0;
	(void)snprintf(named->out, NAME_MAX + 1, "%s_%s_%s-%s", link->pod, link->space,
		link->container, link->id);
	return 1;
}

int kubelet_name(const char *root, const char *id, char out[NAME_MAX + 1])
{
	struct named named = {id, out};

	return links_each(root, name_it, &named) == 1 ? 0 : -ENOENT;
}

static int wanted_parse(const char *pod, struct wanted *out, struct err *e)
{
	char *name, *container;

	if (strlen(pod) > WANTED_MAX)
		return err_set(e, EINVAL, "\"%.32s...\": no pod has a name of more than %d bytes",
			pod, WANTED_MAX);
	strcpy(out->text, pod);
	name = cut(out->text, '/', false);
	container = name ? strchr(name, '/') : NULL;
	if (container)
		*container++ = '\0';
	if (!name || !*name || (container && (!*container || strchr(container, '/'))))
		return err_set(e, EINVAL,
			"\"%s\": NAMESPACE/NAME or NAMESPACE/NAME/CONTAINER expected", pod);
	out->space = out->text;
	out->pod = name;
	out->container = container;
	return 0;
}

/* A search for the containers of a pod. */
struct search {
	const char *root;
	struct wanted wanted;
	int (*each)(void *ctx, const struct container *container);
	void *ctx;
	struct err *e;
	unsigned found;
	/* What is there instead, for people. */
	char pods[ERR_TEXT_MAX / 2], containers[ERR_TEXT_MAX / 2];
};

/* Each name once. */
static void list_add(char *list, size_t size, const char *name)
{
	size_t used = strlen(list), len = strlen(name);

	for (const char *at = list; (at = strstr(at, name)); at++) {
		if ((at == list || at[-1] == ' ') && (at[len] == '\0' || at[len] == ','))
			return;
	}
	(void)snprintf(list + used, size - used, "%s%s", used ? ", " : "", name);
}

/* Of those that have ended the link may be left. */
static bool runs(const struct search *search, const struct link *link, struct container *out)
{
	struct err gone = {0};

	return !container_find(search->root, link->id, out, &gone);
}

static int search_link(void *ctx, const struct link *link)
{
	struct search *search = ctx;
	struct container container;

	/* Names first: whether a container runs takes a look at all processes. */
	if (strcmp(link->space, search->wanted.space) != 0 ||
		strcmp(link->pod, search->wanted.pod) != 0 || !runs(search, link, &container))
		return 0;
	list_add(search->containers, sizeof(search->containers), link->container);
	if (search->wanted.container && strcmp(search->wanted.container, link->container) != 0)
		return 0;
	search->found++;
	return search->each(search->ctx, &container);
}

static int list_pod(void *ctx, const struct link *link)
{
	struct search *search = ctx;
	struct container container;
	char pod[2 * NAME_MAX];

	if (runs(search, link, &container)) {
		(void)snprintf(pod, sizeof(pod), "%s/%s", link->space, link->pod);
		list_add(search->pods, sizeof(search->pods), pod);
	}
	return 0;
}

static int nothing_found(struct search *search, const char *pod, struct err *e)
{
	if (search->containers[0])
		return err_set(e, ENOENT, "pod %s/%s: no container \"%s\" runs in it, but %s",
			search->wanted.space, search->wanted.pod, search->wanted.container,
			search->containers);
	(void)links_each(search->root, list_pod, search);
	if (search->pods[0])
		return err_set(e, ENOENT, "pod %s: no container of it runs on this node, but of %s",
			pod, search->pods);
	return err_set(e, ENOENT,
		"pod %s: no container of a pod runs on this node, as the links in " LINKS " tell",
		pod);
}

int kubelet_find(const char *root, const char *pod,
	int (*each)(void *ctx, const struct container *container), void *ctx, struct err *e)
{
	struct search search = {
		.root = root, .wanted = {.space = "", .pod = ""}, .each = each, .ctx = ctx, .e = e};
	int code;

	if (wanted_parse(pod, &search.wanted, e))
		return -e->code;
	code = links_each(root, search_link, &search);
	if (code == -ENOENT && !search.found)
		return err_set(e, ENOENT,
			"pod %s: %s" LINKS " is not there: this is no Kubernetes node, or not its "
			"root directory",
			pod, root);
	if (code < 0 && !e->code)
		return err_sys(e, -code, "pod %s: %s" LINKS, pod, root);
	if (code)
		return code;
	return search.found ? 0 : nothing_found(&search, pod, e);
}
