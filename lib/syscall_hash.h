/*
 * syscall_hash.h: where a name lies in the table that scripts/syscall_names.c makes.
 */
#ifndef SYSCLAMP_SYSCALL_HASH_H
#define SYSCLAMP_SYSCALL_HASH_H

#include <stdint.h>

/* Several times as many slots as there are names: most of them are found at the first look. */
enum { SYSCALL_SLOTS = 2048, SYSCALL_NO_ROW = UINT16_MAX };

/* FNV-1a, 32 bits: http://www.isthe.com/chongo/tech/comp/fnv/ (public domain). */
static inline uint32_t syscall_hash(const char *name)
{
	uint32_t hash = 0x811c9dc5;

	for (; *name; name++)
		hash = (hash ^ (unsigned char)*name) * 0x01000193;
	return hash ^ hash >> 16;
}

#endif
