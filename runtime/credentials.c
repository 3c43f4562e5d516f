#include "credentials.h"

#include <errno.h>
#include <grp.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "cage_maps.h"
#include "caps.h"
#include "scope.h"
#include "user_maps.h"

/* Of capabilities: one each, as capset(2) and capget(2) have them. */
struct sets {
	uint64_t permitted, effective, inheritable;
};

static uint64_t bit_of(unsigned long cap)
{
	return UINT64_C(1) << cap;
}

/* One that the set has, and it has one. */
static const char *name_in(uint64_t set)
{
	const char *name = cap_name((unsigned)__builtin_ctzll(set));

	return name ? name : "a capability that has no name here";
}

/* How errors begin. */
static const char *place(const struct cage *cage)
{
	return cage->caps.where ? cage->caps.where : "capabilities";
}

/* The kernel knows the capabilities from 0 up to its last one; then EINVAL: capabilities(7). */
static int set_bounding(const struct cage *cage, uint64_t bounding, struct err *e)
{
	for (unsigned long cap = 0; cap < 64; cap++) {
		int held = prctl(PR_CAPBSET_READ, cap, 0L, 0L, 0L);

		if (held < 0 && errno == EINVAL && cap > 0)
			break;
		if (held < 0)
			return err_sys(e, errno, "%s: reading the bounding set", place(cage));
		if (!held || bounding & bit_of(cap))
			continue;
		if (!prctl(PR_CAPBSET_DROP, cap, 0L, 0L, 0L))
			continue;
		return err_sys(e, errno,
			"%s: dropping %s from the bounding set, which takes CAP_SETPCAP (run as "
			"root, or with --userns private)",
			place(cage), name_in(bit_of(cap)));
	}
	return 0;
}

static int set_ambient(const struct cage *cage, uint64_t ambient, struct err *e)
{
	if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0L, 0L, 0L))
		return err_sys(e, errno, "%s: clearing the ambient set", place(cage));
	for (unsigned long cap = 0; cap < 64; cap++) {
		if ((ambient & bit_of(cap)) &&
			prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, cap, 0L, 0L))
			return err_sys(e, errno,
				"%s: %s in the ambient set, for which it has to be permitted and "
				"inheritable as well",
				place(cage), name_in(bit_of(cap)));
	}
	return 0;
}

static uint64_t joined(uint32_t low, uint32_t high)
{
	return (uint64_t)high << 32 | low;
}

static int get_caps(struct sets *out, struct err *e)
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3] = {0};

	if (syscall(SYS_capget, &header, data))
		return err_sys(e, errno, "reading the capabilities");
	*out = (struct sets){
		joined(data[0].permitted, data[1].permitted),
		joined(data[0].effective, data[1].effective),
		joined(data[0].inheritable, data[1].inheritable),
	};
	return 0;
}

/* capset(2): what it refuses, EPERM. */
static int explain_caps(const struct cage *cage, const struct sets *sets, int error, struct err *e)
{
	struct sets now = {0};

	if (error != EPERM || get_caps(&now, e))
		return err_sys(e, error, "%s: setting them", place(cage));
	if (sets->permitted & ~now.permitted)
		return err_set(e, EPERM,
			"%s: the caller does not have %s: run as root, or with --userns private",
			place(cage), name_in(sets->permitted & ~now.permitted));
	if (sets->effective & ~sets->permitted)
		return err_set(e, EPERM, "%s: %s is to be effective, but is not permitted",
			place(cage), name_in(sets->effective & ~sets->permitted));
	return err_set(e, EPERM,
		"%s: what is to be inheritable has to be in the bounding set, and permitted to the "
		"caller",
		place(cage));
}

static int set_caps(const struct cage *cage, const struct sets *sets, struct err *e)
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3];

	for (size_t i = 0; i < _LINUX_CAPABILITY_U32S_3; i++)
		data[i] = (struct __user_cap_data_struct){
			.permitted = (uint32_t)(sets->permitted >> 32 * i),
			.effective = (uint32_t)(sets->effective >> 32 * i),
			.inheritable = (uint32_t)(sets->inheritable >> 32 * i),
		};
	return syscall(SYS_capset, &header, data) ? explain_caps(cage, sets, errno, e) : 0;
}

static int compare(const void *left, const void *right)
{
	gid_t a = *(const gid_t *)left, b = *(const gid_t *)right;

	return (a > b) - (a < b);
}

/* Heap: the groups that there are, in order. */
static int get_groups(gid_t **out, size_t *out_n, struct err *e)
{
	int n = getgroups(0, NULL);
	scoped_free gid_t *groups = n < 0 ? NULL : calloc((size_t)n + 1, sizeof(*groups));

	if (n < 0)
		return err_sys(e, errno, "reading the supplementary groups");
	if (!groups)
		return err_nomem(e);
	if (getgroups(n, groups) != n)
		return err_sys(e, errno, "reading the supplementary groups");
	qsort(groups, (size_t)n, sizeof(*groups), compare);
	*out = steal_ptr(groups);
	*out_n = (size_t)n;
	return 0;
}

/* Whether there are these groups already, so that no capability is needed. */
static int has_groups(const struct cage_user *user, bool *out_has, struct err *e)
{
	scoped_free gid_t *wanted = calloc(user->n_groups + 1, sizeof(*wanted)), *now = NULL;
	size_t n = 0;

	if (!wanted)
		return err_nomem(e);
	if (get_groups(&now, &n, e))
		return -e->code;
	for (size_t i = 0; i < user->n_groups; i++)
		wanted[i] = user->groups[i];
	qsort(wanted, user->n_groups, sizeof(*wanted), compare);
	*out_has = n == user->n_groups;
	for (size_t i = 0; *out_has && i < n; i++)
		*out_has = wanted[i] == now[i];
	return 0;
}

static int err_groups_stay(struct err *e)
{
	return err_set(e, EPERM,
		"supplementary groups: a user namespace of your own group alone has none; "
		"map a range of groups (newgidmap), or run as root");
}

static int err_groups_need(struct err *e)
{
	return err_set(e, EPERM,
		"setting or dropping supplementary groups takes CAP_SETGID: run as root, "
		"with --userns private, or with --keep-groups");
}

/* Inside, what cannot be told apart is called by one number: user_namespaces(7). */
static int set_groups(const struct cage *cage, bool groups_stay, struct err *e)
{
	static const gid_t none;
	const struct cage_user *user = &cage->user;
	bool outside = cage->namespaces[CAGE_NS_USER].how == CAGE_NS_SHARED, has = false;

	if (groups_stay && user->n_groups)
		return err_groups_stay(e);
	if (groups_stay)
		return 0;
	if (outside && has_groups(user, &has, e))
		return -e->code;
	/* By itself: that of the C library is for all threads. */
	if (has || !syscall(SYS_setgroups, user->n_groups, user->n_groups ? user->groups : &none))
		return 0;
	return errno == EPERM ? err_groups_need(e)
			      : err_sys(e, errno, "setting the supplementary groups");
}

static int explain_id(const char *what, unsigned id, const char *cap, int error, struct err *e)
{
	if (error == EINVAL)
		return err_set(e, EINVAL, "%s %u: the user namespace has no such number", what, id);
	if (error == EPERM)
		return err_set(e, EPERM,
			"%s %u: becoming it takes %s: run as root, or with --userns private", what,
			id, cap);
	return err_sys(e, error, "becoming %s %u", what, id);
}

static int check_mapped(const struct cage *cage, struct err *e)
{
	const struct cage_user *user = &cage->user;

	for (size_t i = 0; i < user->n_groups; i++) {
		if (!cage_maps_have(&cage->gid_maps, user->groups[i]))
			return explain_id("group", user->groups[i], "CAP_SETGID", EINVAL, e);
	}
	return 0;
}

static int check_outside(const struct cage_user *user, struct err *e)
{
	bool has = false;

	if (cap_is_effective(CAP_SETGID))
		return 0;
	if (has_groups(user, &has, e))
		return -e->code;
	return has ? 0 : err_groups_need(e);
}

int credentials_foresee(const struct cage *cage, struct err *e)
{
	const struct cage_user *user = &cage->user;

	if (!user->set)
		return 0;
	if (user->n_groups && user_maps_foresee_groups(cage) == GROUPS_STAY)
		return err_groups_stay(e);
	switch (cage->namespaces[CAGE_NS_USER].how) {
	case CAGE_NS_SHARED:
		return check_outside(user, e);
	case CAGE_NS_NEW:
		return check_mapped(cage, e);
	default:
		return 0; /* one that is joined may be of any kind */
	}
}

static int set_user(const struct cage *cage, bool groups_stay, struct err *e)
{
	const struct cage_user *user = &cage->user;

	if (prctl(PR_SET_KEEPCAPS, 1L, 0L, 0L, 0L))
		return err_sys(e, errno, "keeping the capabilities across a change of user");
	if (set_groups(cage, groups_stay, e))
		return -e->code;
	if (syscall(SYS_setresgid, user->gid, user->gid, user->gid))
		return explain_id("group", user->gid, "CAP_SETGID", errno, e);
	if (syscall(SYS_setresuid, user->uid, user->uid, user->uid))
		return explain_id("user", user->uid, "CAP_SETUID", errno, e);
	return 0;
}

/* Without a word on capabilities: those of user 0, or none. */
static int set_usual_caps(const struct cage *cage, uint64_t kept, struct err *e)
{
	const struct sets sets = {kept, kept, 0};

	return cage->user.set && cage->user.uid ? set_caps(cage, &sets, e) : 0;
}

/* capabilities(7): P'(permitted) = (P(inheritable) & F(inheritable)) | (F(permitted) & P(bounding))
 */
static int add_gained(const struct cage *cage, struct sets *sets, struct err *e)
{
	struct sets now = {0};

	if ((cage->user.set ? cage->user.uid : geteuid()) != 0)
		return 0;
	if (get_caps(&now, e))
		return -e->code;
	sets->permitted |= now.permitted & (cage->caps.sets[CAGE_CAP_BOUNDING] | sets->inheritable);
	return 0;
}

int credentials_apply(const struct cage *cage, const struct credentials_way *way, struct err *e)
{
	const uint64_t *said = cage->caps.sets;
	const uint64_t kept = way->keep_admin ? bit_of(CAP_SYS_ADMIN) : 0;
	struct sets sets = {
		said[CAGE_CAP_PERMITTED] | kept,
		said[CAGE_CAP_EFFECTIVE] | kept,
		said[CAGE_CAP_INHERITABLE],
	};

	if (cage->caps.set && set_bounding(cage, said[CAGE_CAP_BOUNDING], e))
		return -e->code;
	if (cage->user.set && set_user(cage, way->groups_stay, e))
		return -e->code;
	if (!cage->caps.set)
		return set_usual_caps(cage, kept, e);
	if ((way->gains_nothing && add_gained(cage, &sets, e)) || set_caps(cage, &sets, e))
		return -e->code;
	return set_ambient(cage, said[CAGE_CAP_AMBIENT], e);
}
