/* Who the command is, inside and outside. */
#include <errno.h>
#include <grp.h>
#include <unistd.h>

#include "cage_complete.h"
#include "cage_maps.h"
#include "cage_users.h"
#include "cage_words.h"
#include "caps.h"
#include "scope.h"
#include "user_maps.h"

/* Who was asked for, by number; who is not said is -1. */
struct asked {
	struct cage_user_found user;
	bool has_user, has_group;
	gid_t gid;
};

static bool is_new(const struct cage *cage)
{
	return cage->namespaces[CAGE_NS_USER].how == CAGE_NS_NEW;
}

static int with_where(const struct cage_said *said, struct err *e)
{
	return err_prefix(e, "%s: ", said->where);
}

/* USER[:GROUP] */
static int read_user(struct cage_request *request, struct asked *asked, struct err *e)
{
	const struct cage_said *said = &request->user;
	char *at = said->text;
	const char *user;

	if (!at)
		return 0;
	user = word_cut_plain(&at, ':');
	if (cage_user_find(&request->cage, user, &asked->user, e))
		return with_where(said, e);
	asked->has_user = true;
	asked->has_group = asked->user.has_gid;
	asked->gid = asked->user.gid;
	if (!at)
		return 0;
	asked->has_group = true;
	return cage_group_find(at, &asked->gid, e) ? with_where(said, e) : 0;
}

static int read_group(struct cage_request *request, struct asked *asked, struct err *e)
{
	if (!request->group.text)
		return 0;
	asked->has_group = true;
	return cage_group_find(request->group.text, &asked->gid, e) ? with_where(&request->group, e)
								    : 0;
}

static int map_one(
	struct cage *cage, struct cage_maps *maps, uint32_t inside, uint32_t outside, struct err *e)
{
	return cage_maps_add(cage, maps, &(struct cage_map){inside, outside, 1}, e);
}

static int copy_maps(
	struct cage *cage, const struct cage_maps *from, struct cage_maps *to, struct err *e)
{
	for (size_t i = 0; i < from->n; i++) {
		if (cage_maps_add(cage, to, &from->maps[i], e))
			return -e->code;
	}
	return 0;
}

/* Either maps stand for both; without any, the caller is who was asked for. */
static int settle_maps(struct cage *cage, const struct asked *asked, struct err *e)
{
	if (!is_new(cage))
		return 0;
	if (cage->uid_maps.n && !cage->gid_maps.n)
		return copy_maps(cage, &cage->uid_maps, &cage->gid_maps, e);
	if (cage->gid_maps.n && !cage->uid_maps.n)
		return copy_maps(cage, &cage->gid_maps, &cage->uid_maps, e);
	if (cage->uid_maps.n)
		return 0;
	if (map_one(cage, &cage->uid_maps, asked->has_user ? asked->user.uid : geteuid(), geteuid(),
		    e))
		return -e->code;
	return map_one(
		cage, &cage->gid_maps, asked->has_group ? asked->gid : getegid(), getegid(), e);
}

/* What an ID outside is inside; whether it is anything. */
static bool find_inside(const struct cage_maps *maps, uint32_t outside, uint32_t *out)
{
	for (size_t i = 0; i < maps->n; i++) {
		const struct cage_map *map = &maps->maps[i];

		if (outside >= map->outside && outside - map->outside < map->count) {
			*out = map->inside + (outside - map->outside);
			return true;
		}
	}
	return false;
}

/*
 * Who it is where nobody was asked for: the caller, where that has a number inside; otherwise user
 * 0, as podman has it.
 */
static uint32_t usual(const struct cage *cage, const struct cage_maps *maps, uint32_t caller)
{
	uint32_t inside;

	if (!is_new(cage))
		return cage->namespaces[CAGE_NS_USER].how == CAGE_NS_JOIN ? 0 : caller;
	return find_inside(maps, caller, &inside) ? inside : 0;
}

static int check_mapped(const struct cage *cage, struct err *e)
{
	const struct cage_user *user = &cage->user;

	if (!is_new(cage) || !user->set)
		return 0;
	if (!cage_maps_have(&cage->uid_maps, user->uid))
		return err_set(e, EINVAL, "user %u has no number outside: map it (--uidmap %u:N:1)",
			user->uid, user->uid);
	if (!cage_maps_have(&cage->gid_maps, user->gid))
		return err_set(e, EINVAL,
			"group %u has no number outside: map it (--gidmap %u:N:1)", user->gid,
			user->gid);
	return 0;
}

static int add_group(struct cage *cage, gid_t gid, struct err *e)
{
	gid_t *added = cage_append(cage, &cage->user.groups, &cage->user.n_groups, sizeof(gid_t));

	if (!added)
		return err_nomem(e);
	*added = gid;
	return 0;
}

/* A group of the caller's, by its number inside. */
static int keep_group(struct cage *cage, gid_t gid, struct err *e)
{
	uint32_t inside = gid;

	if (is_new(cage) && !find_inside(&cage->gid_maps, gid, &inside))
		return err_set(e, EINVAL,
			"keep-groups: the caller's group %u has no number inside: map it (--gidmap "
			"%u:%u:1)",
			gid, gid, gid);
	return add_group(cage, inside, e);
}

static int keep_groups(struct cage *cage, struct err *e)
{
	int n = getgroups(0, NULL);
	scoped_free gid_t *groups = n > 0 ? calloc((size_t)n, sizeof(gid_t)) : NULL;

	if (user_maps_foresee_groups(cage) == GROUPS_STAY)
		return 0;
	if (n > 0 && (!groups || getgroups(n, groups) != n))
		return err_nomem(e);
	for (int i = 0; i < n; i++) {
		if (keep_group(cage, groups[i], e))
			return -e->code;
	}
	return 0;
}

static int settle_groups(struct cage_request *request, const struct asked *asked, struct err *e)
{
	struct cage *cage = &request->cage;
	struct cage_user *user = &cage->user;
	gid_t gid;

	if (request->init_groups == SWITCH_ON) {
		if (!asked->user.name)
			return err_set(e, EINVAL,
				"init-groups: it takes a user of /etc/passwd (--user NAME)");
		if (cage_groups_of(cage, asked->user.name, &user->groups, &user->n_groups, e) ||
			add_group(cage, user->gid, e))
			return -e->code;
	}
	if (request->keep_groups == SWITCH_ON && keep_groups(cage, e))
		return -e->code;
	for (size_t i = 0; i < request->n_groups; i++) {
		if (cage_group_find(request->groups[i].text, &gid, e))
			return with_where(&request->groups[i], e);
		if (add_group(cage, gid, e))
			return -e->code;
	}
	user->set_groups = user->n_groups > 0;
	return 0;
}

/* An ordinary user is nobody else, but for a number in a user namespace. */
static int check_may(const struct cage *cage, struct err *e)
{
	const struct cage_user *user = &cage->user;

	if (!user->set || cage->namespaces[CAGE_NS_USER].how != CAGE_NS_SHARED)
		return 0;
	if (user->uid != geteuid() && !cap_is_effective(CAP_SETUID))
		return err_set(e, EPERM,
			"user %u: it takes CAP_SETUID; with --userns private it is your number "
			"inside",
			user->uid);
	if (user->gid != getegid() && !cap_is_effective(CAP_SETGID))
		return err_set(e, EPERM, "group %u: it takes CAP_SETGID", user->gid);
	return 0;
}

/* Whether the process has to become somebody: who was asked for, or who the maps have. */
static bool becomes(const struct cage_request *request)
{
	return request->user.text || request->group.text || request->n_groups ||
	       request->init_groups == SWITCH_ON || request->keep_groups == SWITCH_ON ||
	       is_new(&request->cage);
}

int cage_settle_ids(struct cage_request *request, struct err *e)
{
	struct cage *cage = &request->cage;
	struct asked asked = {0};

	if (read_user(request, &asked, e) || read_group(request, &asked, e))
		return -e->code;
	if (asked.has_user && !asked.has_group)
		return err_set(e, EINVAL,
			"%s: /etc/passwd has no such number: name its group, too (USER:GROUP)",
			request->user.where);
	if (settle_maps(cage, &asked, e))
		return -e->code;
	cage->user.set = becomes(request);
	cage->user.uid = asked.has_user ? asked.user.uid : usual(cage, &cage->uid_maps, geteuid());
	cage->user.gid = asked.has_group ? asked.gid : usual(cage, &cage->gid_maps, getegid());
	if (settle_groups(request, &asked, e) || check_mapped(cage, e))
		return -e->code;
	return check_may(cage, e);
}
