#include "credentials.h"

#include <errno.h>
#include <linux/capability.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

static uint64_t bit_of(unsigned long cap)
{
	return UINT64_C(1) << cap;
}

/* The kernel knows the capabilities from 0 up to its last one; then EINVAL: capabilities(7). */
static int set_bounding(uint64_t bounding, struct err *e)
{
	for (unsigned long cap = 0; cap < 64; cap++) {
		int held = prctl(PR_CAPBSET_READ, cap, 0L, 0L, 0L);

		if (held < 0 && errno == EINVAL)
			break;
		if (held < 0)
			return err_sys(e, errno, "reading the bounding set");
		if (held && !(bounding & bit_of(cap)) && prctl(PR_CAPBSET_DROP, cap, 0L, 0L, 0L))
			return err_sys(e, errno,
				"dropping capability %lu from the bounding set, which takes "
				"CAP_SETPCAP (a user namespace gives it)",
				cap);
	}
	return 0;
}

static int set_ambient(uint64_t ambient, struct err *e)
{
	if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0L, 0L, 0L))
		return err_sys(e, errno, "clearing the ambient capabilities");
	for (unsigned long cap = 0; cap < 64; cap++) {
		if ((ambient & bit_of(cap)) &&
			prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, cap, 0L, 0L))
			return err_sys(e, errno, "making capability %lu ambient", cap);
	}
	return 0;
}

static int set_caps(uint64_t permitted, uint64_t effective, uint64_t inheritable, struct err *e)
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3];

	for (size_t i = 0; i < _LINUX_CAPABILITY_U32S_3; i++)
		data[i] = (struct __user_cap_data_struct){
			.permitted = (uint32_t)(permitted >> 32 * i),
			.effective = (uint32_t)(effective >> 32 * i),
			.inheritable = (uint32_t)(inheritable >> 32 * i),
		};
	if (syscall(SYS_capset, &header, data))
		return err_sys(e, errno, "setting the capabilities to %llx: some are not to be had",
			(unsigned long long)permitted);
	return 0;
}

/*
 * Where the user namespace denies it (user_namespaces(7), /proc/PID/setgroups), the groups stay as
 * they are, which is what a caller who asked for none in particular has to live with.
 */
static int set_groups(const struct cage_user *user, struct err *e)
{
	static const gid_t none;
	const gid_t *groups = user->n_groups ? user->groups : &none;

	/* By themselves: those of the C library are for all threads. */
	if (!syscall(SYS_setgroups, user->n_groups, groups) ||
		(errno == EPERM && !user->set_groups))
		return 0;
	return err_sys(e, errno, "setting the supplementary groups");
}

static int set_user(const struct cage_user *user, struct err *e)
{
	if (prctl(PR_SET_KEEPCAPS, 1L, 0L, 0L, 0L))
		return err_sys(e, errno, "keeping the capabilities across a change of user");
	if (set_groups(user, e))
		return -e->code;
	if (syscall(SYS_setresgid, user->gid, user->gid, user->gid))
		return err_sys(e, errno,
			"becoming group %u, which takes CAP_SETGID, and that the "
			"user namespace has it",
			user->gid);
	if (syscall(SYS_setresuid, user->uid, user->uid, user->uid))
		return err_sys(e, errno,
			"becoming user %u, which takes CAP_SETUID, and that the "
			"user namespace has it",
			user->uid);
	return 0;
}

/* Without a word on capabilities: those of user 0, or none. */
static int set_usual_caps(const struct cage *cage, bool keep_admin, struct err *e)
{
	uint64_t kept = keep_admin ? bit_of(CAP_SYS_ADMIN) : 0;

	return cage->user.set && cage->user.uid ? set_caps(kept, kept, 0, e) : 0;
}

int credentials_apply(const struct cage *cage, bool keep_admin, struct err *e)
{
	const uint64_t *sets = cage->caps.sets;
	uint64_t kept = keep_admin ? bit_of(CAP_SYS_ADMIN) : 0;

	if (cage->caps.set && set_bounding(sets[CAGE_CAP_BOUNDING], e))
		return -e->code;
	if (cage->user.set && set_user(&cage->user, e))
		return -e->code;
	if (!cage->caps.set)
		return set_usual_caps(cage, keep_admin, e);
	if (set_caps(sets[CAGE_CAP_PERMITTED] | kept, sets[CAGE_CAP_EFFECTIVE] | kept,
		    sets[CAGE_CAP_INHERITABLE], e))
		return -e->code;
	return set_ambient(sets[CAGE_CAP_AMBIENT], e);
}
