/*
 * Which capabilities the command has: those of a user of that number, and what is added and
 * dropped.
 *
 * User 0 has what the caller has, or everything in a user namespace of its own; in a sandbox, where
 * processes, files or users are the command's own, what containers have by default.  Others have
 * none but what is added, which they have as ambient ones, so that execve(2) leaves them:
 * capabilities(7).
 */
#include <errno.h>
#include <sys/prctl.h>

#include "cage_complete.h"
#include "caps.h"

/*
 * Those of podman 4 (containers-common, containers.conf(5), default_capabilities).  Without
 * CAP_SYS_PTRACE and CAP_SYS_ADMIN among them neither our own process inside can be looked into
 * (ptrace(2)) nor a terminal be given input (TIOCSTI), which both are beyond namespaces.
 */
static const uint64_t OF_SANDBOX = UINT64_C(1) << CAP_CHOWN | UINT64_C(1) << CAP_DAC_OVERRIDE |
				   UINT64_C(1) << CAP_FOWNER | UINT64_C(1) << CAP_FSETID |
				   UINT64_C(1) << CAP_KILL | UINT64_C(1) << CAP_NET_BIND_SERVICE |
				   UINT64_C(1) << CAP_SETFCAP | UINT64_C(1) << CAP_SETGID |
				   UINT64_C(1) << CAP_SETPCAP | UINT64_C(1) << CAP_SETUID |
				   UINT64_C(1) << CAP_SYS_CHROOT;

static bool is_sandbox(const struct cage *cage)
{
	return cage->namespaces[CAGE_NS_USER].how != CAGE_NS_SHARED ||
	       cage->namespaces[CAGE_NS_PID].how != CAGE_NS_SHARED ||
	       cage->namespaces[CAGE_NS_MOUNT].how != CAGE_NS_SHARED;
}

/* All that the kernel knows. */
static uint64_t all_caps(void)
{
	uint64_t caps = 0;

	for (unsigned long cap = 0; cap < 64 && prctl(PR_CAPBSET_READ, cap, 0L, 0L, 0L) >= 0; cap++)
		caps |= UINT64_C(1) << cap;
	return caps;
}

static uint64_t caps_where(bool (*has)(unsigned cap))
{
	uint64_t caps = 0;

	for (unsigned cap = 0; cap < 64; cap++)
		caps |= has(cap) ? UINT64_C(1) << cap : 0;
	return caps;
}

/* @base and what is added, without what is dropped; one word for all gives way to single names. */
static uint64_t change(const struct cage_request *request, uint64_t base, uint64_t all)
{
	if (request->cap_drop_all)
		base = 0;
	if (request->cap_add_all)
		base = all;
	return (base | request->cap_add) & ~request->cap_drop;
}

static int check_words(const struct cage_request *request, struct err *e)
{
	uint64_t both = request->cap_add & request->cap_drop;
	unsigned cap = both ? (unsigned)__builtin_ctzll(both) : 0;

	if (request->cap_add_all && request->cap_drop_all)
		return err_set(
			e, EINVAL, "%s: all are both added and dropped", request->cage.caps.where);
	if (both)
		return err_set(e, EINVAL, "%s: %s is both added and dropped",
			request->cage.caps.where, cap_name(cap));
	return 0;
}

static int check_has(
	const struct cage_request *request, uint64_t wanted, uint64_t has, struct err *e)
{
	uint64_t lacking = wanted & ~has;

	if (!lacking)
		return 0;
	return err_set(e, EPERM, "%s: the caller does not have %s", request->cage.caps.where,
		cap_name((unsigned)__builtin_ctzll(lacking)));
}

int cage_settle_caps(struct cage_request *request, struct err *e)
{
	struct cage_caps *caps = &request->cage.caps;
	bool own = request->cage.namespaces[CAGE_NS_USER].how != CAGE_NS_SHARED;
	bool sandbox = is_sandbox(&request->cage);
	uint64_t all = all_caps();
	uint64_t has = own ? all : caps_where(cap_is_effective);
	uint64_t reachable = own ? all : caps_where(cap_is_reachable);
	uint64_t usual = sandbox ? OF_SANDBOX : ~UINT64_C(0);
	bool is_root = request->cage.user.uid == 0;
	uint64_t held = change(request, is_root ? has & usual : 0, has);

	if (!caps->where && !sandbox)
		return 0;
	if (check_words(request, e) || check_has(request, held, has, e))
		return -e->code;
	caps->set = true;
	caps->sets[CAGE_CAP_BOUNDING] = is_root ? held
						: change(request, reachable & usual, reachable);
	caps->sets[CAGE_CAP_PERMITTED] = caps->sets[CAGE_CAP_EFFECTIVE] = held;
	if (!is_root)
		caps->sets[CAGE_CAP_INHERITABLE] = caps->sets[CAGE_CAP_AMBIENT] = held;
	return 0;
}
