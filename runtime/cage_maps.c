#include "cage_maps.h"

#include <errno.h>

enum { MAPS_MAX = 340 }; /* user_namespaces(7) */

static bool overlap(uint32_t a, uint32_t n_a, uint32_t b, uint32_t n_b)
{
	return a < (uint64_t)b + n_b && b < (uint64_t)a + n_a;
}

static int check(const struct cage_map *map, const struct cage_maps *maps, struct err *e)
{
	if (!map->count)
		return err_set(e, EINVAL, "maps no id");
	if ((uint64_t)map->inside + map->count > UINT32_MAX ||
		(uint64_t)map->outside + map->count > UINT32_MAX)
		return err_set(e, EINVAL, "goes beyond id 4294967294, the last one there is");
	if (maps->n == MAPS_MAX)
		return err_set(
			e, EINVAL, "more than %d mappings; the kernel takes no more", MAPS_MAX);
	for (size_t i = 0; i < maps->n; i++) {
		const struct cage_map *other = &maps->maps[i];

		if (overlap(map->inside, map->count, other->inside, other->count) ||
			overlap(map->outside, map->count, other->outside, other->count))
			return err_set(e, EINVAL, "maps ids that another one maps, too");
	}
	return 0;
}

int cage_maps_add(
	struct cage *cage, struct cage_maps *maps, const struct cage_map *map, struct err *e)
{
	struct cage_map *added;

	if (check(map, maps, e))
		return -e->code;
	added = cage_append(cage, &maps->maps, &maps->n, sizeof(*maps->maps));
	if (!added)
		return err_nomem(e);
	*added = *map;
	return 0;
}

bool cage_maps_have(const struct cage_maps *maps, uint32_t inside)
{
	for (size_t i = 0; i < maps->n; i++) {
		const struct cage_map *map = &maps->maps[i];

		if (inside >= map->inside && inside - map->inside < map->count)
			return true;
	}
	return false;
}
