#include "cage_check.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>

#include "cage_names.h"
#include "caps.h"
#include "credentials.h"
#include "landlock.h"
#include "scope.h"

enum { OWN_PATH_SIZE = 64 };

static bool is(const struct cage *cage, enum cage_ns kind, enum cage_ns_how how)
{
	return cage->namespaces[kind].how == how;
}

static bool names_host(const struct cage *cage)
{
	return (cage->hostname || cage->domainname) && is(cage, CAGE_NS_UTS, CAGE_NS_SHARED);
}

static bool sets_clocks(const struct cage *cage)
{
	return cage->set_clocks && !is(cage, CAGE_NS_TIME, CAGE_NS_NEW);
}

static bool has_files(const struct cage *cage)
{
	const struct cage_root *root = &cage->root;

	return root->path || root->readonly || root->propagation || root->default_devices ||
	       root->nodev || cage->n_mounts || cage->n_devices || cage->n_masked ||
	       cage->n_readonly;
}

static bool changes_mounts(const struct cage *cage)
{
	return has_files(cage) && is(cage, CAGE_NS_MOUNT, CAGE_NS_SHARED);
}

static bool cannot_be_init(const struct cage *cage)
{
	return cage->init && !is(cage, CAGE_NS_PID, CAGE_NS_NEW);
}

static bool maps_nothing(const struct cage *cage)
{
	return (cage->uid_maps.n || cage->gid_maps.n) && !is(cage, CAGE_NS_USER, CAGE_NS_NEW);
}

static bool lacks_maps(const struct cage *cage)
{
	return !(cage->uid_maps.n && cage->gid_maps.n) && is(cage, CAGE_NS_USER, CAGE_NS_NEW);
}

/* By a sysctl without any namespace, the host's would be set. */
static bool sets_host(const struct cage *cage)
{
	for (int kind = 0; kind < CAGE_NS_COUNT; kind++) {
		if (!is(cage, kind, CAGE_NS_SHARED))
			return false;
	}
	return cage->n_sysctls;
}

static const struct {
	bool (*is_broken)(const struct cage *cage);
	const char *text;
} RULES[] = {
	{names_host, "a host or domain name takes a UTS namespace that is not the caller's"},
	{sets_clocks, "clocks take a time namespace of their own"},
	{changes_mounts,
		"a root, mounts, devices and protected paths take a mount namespace that is not "
		"the caller's"},
	{cannot_be_init, "an init takes a PID namespace of its own"},
	{maps_nothing, "maps of IDs take a user namespace of their own"},
	{lacks_maps, "a user namespace of its own takes a map of users and one of groups"},
	{sets_host, "kernel parameters take a namespace that is not the caller's"},
};

static int check_rules(const struct cage *cage, struct err *e)
{
	for (size_t i = 0; i < ARRAY_LEN(RULES); i++) {
		if (RULES[i].is_broken(cage))
			return err_set(e, EINVAL, "%s", RULES[i].text);
	}
	return 0;
}

/* What only capabilities in the caller's user namespace permit. */
static int check_may(const struct cage *cage, struct err *e)
{
	if (!is(cage, CAGE_NS_USER, CAGE_NS_SHARED) || cap_is_effective(CAP_SYS_ADMIN))
		return 0;
	for (int kind = 0; kind < CAGE_NS_COUNT; kind++) {
		if (is(cage, kind, CAGE_NS_NEW))
			return err_set(e, EPERM,
				"new namespaces take CAP_SYS_ADMIN: run as root, or with a user "
				"namespace of their own (--userns private)");
	}
	return 0;
}

static int check_passed(const struct cage *cage, struct err *e)
{
	for (size_t i = 0; i < cage->n_passed; i++) {
		if (fcntl(cage->passed[i], F_GETFD) < 0)
			return err_sys(e, errno, "descriptor %d, to be passed", cage->passed[i]);
	}
	return 0;
}

/* Also where it cannot be told. */
static bool may_be_own(const struct cage_namespace *ns, enum cage_ns kind)
{
	char path[OWN_PATH_SIZE];
	struct stat own, joined;

	(void)snprintf(path, sizeof(path), "/proc/self/ns/%s", cage_ns_name(kind));
	return stat(path, &own) || stat(ns->path, &joined) ||
	       (own.st_dev == joined.st_dev && own.st_ino == joined.st_ino);
}

/* A namespace that is joined may be the caller's after all. */
static int check_parameters(const struct cage *cage, struct err *e)
{
	for (size_t i = 0; i < cage->n_sysctls; i++) {
		const struct cage_sysctl *sysctl = &cage->sysctls[i];
		enum cage_ns owner = cage_sysctl_owner(sysctl->name);

		if (owner == CAGE_NS_COUNT || !is(cage, owner, CAGE_NS_JOIN) ||
			!may_be_own(&cage->namespaces[owner], owner))
			continue;
		return err_set(e, EPERM,
			"%s: the %s namespace that is joined is the caller's own: it would be set "
			"for the host",
			sysctl->where, cage_ns_name(owner));
	}
	return 0;
}

int cage_check(const struct sandbox *box, struct err *e)
{
	const struct cage *cage = box->cage;

	if (check_rules(cage, e) || check_may(cage, e) || check_passed(cage, e) ||
		check_parameters(cage, e) || credentials_foresee(cage, e))
		return -e->code;
	return landlock_check(&cage->landlock, NULL, e);
}
