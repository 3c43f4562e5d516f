/*
 * cage_maps.h: the maps of a user namespace: user_namespaces(7).
 */
#ifndef SYSCLAMP_CAGE_MAPS_H
#define SYSCLAMP_CAGE_MAPS_H

#include <stdbool.h>
#include <stdint.h>

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

/** Whether the ID has one outside that it stands for. */
bool cage_maps_have(const struct cage_maps *maps, uint32_t inside);

#endif
