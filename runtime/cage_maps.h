/*
 * cage_maps.h: the maps of a user namespace: user_namespaces(7).
 */
#ifndef SYSCLAMP_CAGE_MAPS_H
#define SYSCLAMP_CAGE_MAPS_H

#include "cage.h"
#include "err.h"

/**
 * Append a map to @maps of the cage.
 *
 * Errors, without a place: -EINVAL for what the kernel refuses without a word: no ids, ids beyond
 * the last one, such as another map has, too many maps; -ENOMEM.
 */
int cage_maps_add(
	struct cage *cage, struct cage_maps *maps, const struct cage_map *map, struct err *e);

#endif
