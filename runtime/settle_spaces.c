/* Which namespaces a cage has. */
#include <errno.h>
#include <string.h>

#include "cage_complete.h"
#include "cage_names.h"
#include "caps.h"
#include "scope.h"

static const char PREFIX[] = "ns:";

/* "private", "host", "ns:PATH"; of the network "none" is podman's word for private. */
static int read_way(
	enum cage_ns ns, const struct cage_said *said, struct cage_namespace *out, struct err *e)
{
	bool none = ns == CAGE_NS_NET && !strcmp(said->text, "none");

	out->where = said->where;
	if (none || !strcmp(said->text, "private")) {
		out->how = CAGE_NS_NEW;
		return 0;
	}
	if (!strcmp(said->text, "host"))
		return 0;
	if (strncmp(said->text, PREFIX, sizeof(PREFIX) - 1) || !said->text[sizeof(PREFIX) - 1])
		return err_set(e, EINVAL, "%s: it is private%s, host or ns:PATH", said->where,
			ns == CAGE_NS_NET ? " (none)" : "");
	out->how = CAGE_NS_JOIN;
	out->path = said->text + sizeof(PREFIX) - 1;
	return 0;
}

/* Kernel parameters are files, too: they are set on the way into the root. */
static bool asks_files(const struct cage_request *request)
{
	const struct cage *cage = &request->cage;

	return cage->root.path || cage->root.propagation || cage->n_mounts || cage->n_masked ||
	       cage->n_readonly || cage->n_sysctls || request->read_only == SWITCH_ON ||
	       request->private_proc == SWITCH_ON || request->private_dev == SWITCH_ON ||
	       request->private_tmp == SWITCH_ON;
}

static bool asks_names(const struct cage_request *request)
{
	return request->cage.hostname || request->cage.domainname;
}

static bool asks_clocks(const struct cage_request *request)
{
	return request->cage.set_clocks;
}

static bool asks_proc(const struct cage_request *request)
{
	return request->private_proc == SWITCH_ON;
}

static bool asks_init(const struct cage_request *request)
{
	return request->init == SWITCH_ON;
}

static bool asks_maps(const struct cage_request *request)
{
	return request->cage.uid_maps.n || request->cage.gid_maps.n;
}

/* To make any other namespace takes CAP_SYS_ADMIN in the user namespace: namespaces(7). */
static bool asks_rights(const struct cage_request *request)
{
	if (cap_is_effective(CAP_SYS_ADMIN))
		return false;
	for (int ns = 0; ns < CAGE_NS_COUNT; ns++) {
		if (request->cage.namespaces[ns].how == CAGE_NS_NEW)
			return true;
	}
	return false;
}

/* In this order: the last one looks at what the others came to. */
static const struct need {
	bool (*asks)(const struct cage_request *request);
	enum cage_ns ns;
	bool joined_too; /* one that is joined does as well */
	const char *what;
} NEEDS[] = {
	{asks_proc, CAGE_NS_PID, true, "a private /proc"},
	{asks_init, CAGE_NS_PID, false, "an init"},
	{asks_files, CAGE_NS_MOUNT, false, "a root, mounts or protected files"},
	{asks_names, CAGE_NS_UTS, false, "a host name"},
	{asks_clocks, CAGE_NS_TIME, false, "a clock"},
	{asks_maps, CAGE_NS_USER, false, "a map of IDs"},
	{asks_rights, CAGE_NS_USER, true, "a namespace without CAP_SYS_ADMIN"},
};

static int meet_need(struct cage_request *request, const struct need *need, struct err *e)
{
	struct cage_namespace *space = &request->cage.namespaces[need->ns];

	if (!need->asks(request) || space->how == CAGE_NS_NEW ||
		(space->how == CAGE_NS_JOIN && need->joined_too))
		return 0;
	if (space->where)
		return err_set(e, EINVAL, "%s: %s takes a %s namespace of its own; leave it out",
			space->where, need->what, cage_ns_name(need->ns));
	space->how = CAGE_NS_NEW;
	space->where = need->what;
	return 0;
}

/* A parameter of a namespace that is the caller's would be set for the host. */
static int check_sysctls(const struct cage *cage, struct err *e)
{
	for (size_t i = 0; i < cage->n_sysctls; i++) {
		const struct cage_sysctl *sysctl = &cage->sysctls[i];
		enum cage_ns owner = cage_sysctl_owner(sysctl->name);

		if (owner == CAGE_NS_COUNT)
			return err_set(e, EINVAL,
				"%s: it belongs to no namespace: it would be set on the host",
				sysctl->where);
		if (cage->namespaces[owner].how == CAGE_NS_SHARED)
			return err_set(e, EINVAL,
				"%s: it would be set on the host, too, without a private %s "
				"namespace",
				sysctl->where, cage_ns_name(owner));
	}
	return 0;
}

int cage_settle_spaces(struct cage_request *request, struct err *e)
{
	struct cage_namespace *spaces = request->cage.namespaces;

	for (int ns = 0; ns < CAGE_NS_COUNT; ns++) {
		const struct cage_said *said = &request->namespaces[ns];

		if (said->text && read_way((enum cage_ns)ns, said, &spaces[ns], e))
			return -e->code;
		if (!said->text && request->unshare_all == SWITCH_ON)
			spaces[ns] = (struct cage_namespace){CAGE_NS_NEW, NULL, "unshare-all"};
	}
	for (size_t i = 0; i < ARRAY_LEN(NEEDS); i++) {
		if (meet_need(request, &NEEDS[i], e))
			return -e->code;
	}
	return check_sysctls(&request->cage, e);
}
