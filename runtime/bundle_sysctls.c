/*
 * $.linux.sysctl: only what belongs to a namespace of the cage's own; everything else is the
 * host's.  Which those are: namespaces(7) and its kin; ipc/ipc_sysctl.c, ipc/mq_sysctl.c,
 * kernel/utsname_sysctl.c, kernel/ucount.c.
 */
#include <errno.h>
#include <string.h>

#include "bundle_parts.h"
#include "scope.h"

static const struct {
	const char *name; /* with dots; a final dot: all below */
	enum cage_ns ns;
	const char *ns_name; /* $.linux.namespaces[].type */
} OWNERS[] = {
	{"net.", CAGE_NS_NET, "network"},
	{"fs.mqueue.", CAGE_NS_IPC, "ipc"},
	{"kernel.msgmax", CAGE_NS_IPC, "ipc"},
	{"kernel.msgmnb", CAGE_NS_IPC, "ipc"},
	{"kernel.msgmni", CAGE_NS_IPC, "ipc"},
	{"kernel.sem", CAGE_NS_IPC, "ipc"},
	{"kernel.shmall", CAGE_NS_IPC, "ipc"},
	{"kernel.shmmax", CAGE_NS_IPC, "ipc"},
	{"kernel.shmmni", CAGE_NS_IPC, "ipc"},
	{"kernel.shm_rmid_forced", CAGE_NS_IPC, "ipc"},
	{"kernel.domainname", CAGE_NS_UTS, "uts"},
	{"kernel.hostname", CAGE_NS_UTS, "uts"},
	{"user.", CAGE_NS_USER, "user"},
};

/*
 * The name with dots between its parts: sysctl(8) has it with slashes as well, and then a dot
 * is part of a name (net/ipv4/conf/eth0.1/forwarding).  The first separator decides.
 */
static const char *dotted(struct bundle_reader *r, const char *name)
{
	const char *first = strpbrk(name, "./");
	char *text;

	if (!first || *first == '.')
		return name;
	text = (char *)cage_text(r->cage, "%s", name);
	for (char *c = text; c && *c; c++)
		*c = (char)(*c == '/' ? '.' : *c == '.' ? '/' : *c);
	return text;
}

static bool names(const char *owner, const char *name)
{
	size_t len = strlen(owner);

	return owner[len - 1] == '.' ? !strncmp(owner, name, len) : !strcmp(owner, name);
}

static int check_owner(
	struct bundle_reader *r, const struct json_at *at, const char *name, struct err *e)
{
	for (size_t i = 0; i < ARRAY_LEN(OWNERS); i++) {
		if (!names(OWNERS[i].name, name))
			continue;
		if (r->cage->namespaces[OWNERS[i].ns].how != CAGE_NS_SHARED)
			return 0;
		return json_err(at, e,
			"would be set on the host, too; add a namespace of type \"%s\"",
			OWNERS[i].ns_name);
	}
	return json_err(at, e, "belongs to no namespace: it would be set on the host; remove it");
}

/* No way out of /proc/sys, whatever the separator. */
static bool is_odd_name(const char *name)
{
	return !*name || *name == '/' || *name == '.' || strstr(name, "..") || strstr(name, "//") ||
	       strstr(name, "./") || strstr(name, "/.");
}

static int read_sysctl(
	struct bundle_reader *r, const struct json_at *at, const char *name, struct err *e)
{
	struct cage_sysctl sysctl = {.name = name}, *added;
	const char *plain = dotted(r, name);

	if (!plain)
		return err_nomem(e);
	if (json_text(at, &sysctl.value, e))
		return -e->code;
	if (is_odd_name(name))
		return json_err(at, e, "\"%s\" is no name of a kernel parameter", name);
	if (check_owner(r, at, plain, e) || bundle_set_where(r, at, &sysctl.where, e))
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
