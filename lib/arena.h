/*
 * arena.h: memory that is given back all at once.
 */
#ifndef SYSCLAMP_ARENA_H
#define SYSCLAMP_ARENA_H

#include <stddef.h>

struct arena_block;

/* Zeroed: empty. */
struct arena {
	struct arena_block *newest; /* heap: a list of blocks */
	char *at; /* what is left of the newest: @left bytes */
	size_t left;
	size_t usual; /* how large the newest one is, unless it was made for something larger */
};

/** @size bytes, aligned for any type, until arena_done(); NULL without memory. */
void *arena_take(struct arena *arena, size_t size);

/** Give everything back; takes a zeroed one too. */
void arena_done(struct arena *arena);

#endif
